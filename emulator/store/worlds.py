"""A world as a whole: every row of it, whatever the table. Kept as it is, put back, or gone.

What belongs to a world is found by the tables themselves: those with its column, and those whose rows hang on
such a row by a foreign key. A new table belongs without a word here: it is emptied with its world.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, delete, func, insert, select

from emulator.domain.states import ACTIVE
from emulator.store.files import batched
from emulator.store.tables import (
    Instant,
    apps,
    attempts,
    clients,
    files,
    jobs,
    listeners,
    metadata,
    metadata_records,
    postits,
    subscriptions,
    systems,
    worlds,
)

# What a world begins with and goes back to. The rest (tokens, messages on their way, scenarios, what was
# recorded for tests) is of the moment.
KEPT = (
    "users",
    "clients",
    "systems",
    "system_roles",
    "internal_credentials",
    "user_defaults",
    "apps",
    "app_words",
    "app_grants",
    "files",
    "file_grants",
    "jobs",
    "job_grants",
    "events",
    "subscriptions",
    "notification_attempts",
    "postits",
    "metadata_records",
    "metadata_grants",
    "metadata_readers",
    "metadata_entries",
    "simulations",
)
_STAYS = (worlds, listeners)
_NAMED_BY_NUMBER = ("metadata_records",)
"""Kept tables whose rows others name by the number that the database gave."""
_GLOBAL_KEYS = (
    clients.c.key,
    systems.c.uuid,
    apps.c.uuid,
    files.c.uuid,
    jobs.c.id,
    subscriptions.c.id,
    attempts.c.id,
    postits.c.id,
    metadata_records.c.uuid,
)
_BATCH = 500

Rows = Mapping[str, list[dict[str, Any]]]
"""Rows by table, their values as JSON has them; times are milliseconds."""


class WorldRows:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def kept(self, world: str) -> Rows:
        """What a reset has to put back, as it is now."""
        return {name: self._read(_table(name), world) for name in KEPT}

    def put_back(self, world: str, rows: Rows) -> None:
        """Exactly these rows, and no others; rows that the database numbers get new numbers, in their order."""
        self.clear(world)
        numbers: dict[tuple[str, int], int] = {}
        for name in KEPT:
            table = _table(name)
            moments = [column.name for column in table.columns if isinstance(column.type, Instant)]
            parents = {
                key.parent.name: key.column.table.name
                for key in table.foreign_keys
                if _numbered(key.column.table)
            }
            for some in _batches(rows.get(name, [])):
                values = [_typed(row, moments) for row in some]
                for row in values:
                    for column, parent in parents.items():
                        row[column] = numbers[parent, row[column]]
                if not _numbered(table):
                    self._connection.execute(insert(table), values)
                    continue
                old = [row.pop("seq") for row in values]
                if name not in _NAMED_BY_NUMBER:
                    self._connection.execute(insert(table), values)
                    continue
                new = self._connection.scalars(
                    insert(table).returning(table.c.seq, sort_by_parameter_order=True), values
                )
                numbers |= {(name, number): given for number, given in zip(old, new, strict=True)}

    def clear(self, world: str) -> None:
        """Everything of the world goes, except that it is there, and its listeners."""
        for table in reversed(metadata.sorted_tables):
            if table not in _STAYS and "world" in table.columns:
                self._connection.execute(delete(table).where(table.c.world == world))

    def remove(self, world: str) -> None:
        """The world itself goes too, with its listeners."""
        self.clear(world)
        self._connection.execute(delete(listeners).where(listeners.c.world == world))
        self._connection.execute(delete(worlds).where(worlds.c.name == world))

    def any_elsewhere(self, world: str, ids: Iterable[str]) -> bool:
        """Whether one of these is a key of another world: keys are keys of the whole store."""
        for some in batched(ids):
            for column in _GLOBAL_KEYS:
                query = select(column).where(column.in_(some), column.table.c.world != world).limit(1)
                if self._connection.scalar(query) is not None:
                    return True
        return False

    def active_jobs(self, world: str) -> list[str]:
        """Ids of its jobs that have not ended."""
        query = select(jobs.c.id).where(jobs.c.world == world, jobs.c.status.in_([s.value for s in ACTIVE]))
        return list(self._connection.scalars(query))

    def counts(self, world: str, tables: Iterable[str]) -> dict[str, int]:
        """How many rows of each of these tables are the world's."""
        return {
            name: self._connection.scalar(
                select(func.count()).select_from(_table(name)).where(_table(name).c.world == world)
            )
            or 0
            for name in tables
        }

    def _read(self, table: Table, world: str) -> list[dict[str, Any]]:
        query = select(table).where(belongs(table, world)).order_by(*table.primary_key.columns)
        return [_plain(row._mapping) for row in self._connection.execute(query)]


def belongs(table: Table, world: str) -> ColumnElement[bool]:
    """The rows of a table that are a world's: by its column, or by what they hang on."""
    if "world" in table.columns:
        ours: ColumnElement[bool] = table.c.world == world
        return ours
    (key,) = table.foreign_keys
    parent = key.column.table
    return key.parent.in_(select(key.column).where(parent.c.world == world))


def _batches(rows: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    for start in range(0, len(rows), _BATCH):
        yield rows[start : start + _BATCH]


def _numbered(table: Table) -> bool:
    """Whether the database gives its rows their keys."""
    key = list(table.primary_key.columns)
    return len(key) == 1 and key[0].name == "seq"


def _table(name: str) -> Table:
    return metadata.tables[name]


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {
        name: round(value.timestamp() * 1000) if isinstance(value, datetime) else value
        for name, value in row.items()
    }


def _typed(row: Mapping[str, Any], moments: Iterable[str]) -> dict[str, Any]:
    typed = dict(row)
    for name in moments:
        if typed.get(name) is not None:
            seconds, millis = divmod(typed[name], 1000)
            typed[name] = datetime.fromtimestamp(seconds, UTC).replace(microsecond=millis * 1000)
    return typed
