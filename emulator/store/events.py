"""Rows of the append-only event log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Text, cast, func, insert, null, select, update

from emulator.domain.event import Event
from emulator.domain.search import Condition, Page
from emulator.store.rows import paged, where
from emulator.store.tables import events

_APPEND = insert(events)
_FIELDS = tuple(name for name in Event.__slots__ if name != "seq")
SEARCHABLE: Mapping[str, ColumnElement[Any]] = {
    name: events.c[name] for name in ("seq", "uuid", "status", "created", "created_by", "description")
} | {
    # a search term of the service; addresses are not kept, so nothing ever matches
    "ip_address": cast(null(), Text)
}


class EventRows:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def append(self, event: Event) -> Event:
        """Store it; the answer carries its sequence number."""
        values = {name: getattr(event, name) for name in _FIELDS}
        key = self._connection.execute(_APPEND, values).inserted_primary_key
        assert key is not None
        return replace(event, seq=key[0])

    def update_progress(self, seq: int, progress: dict[str, Any]) -> None:
        """The one thing that changes in the log: how far a transfer has come."""
        self._connection.execute(update(events).where(events.c.seq == seq).values(progress=progress))

    def by_uuid(self, world: str, uuid: str) -> Event | None:
        row = self._connection.execute(
            select(events).where(events.c.uuid == uuid, events.c.world == world)
        ).first()
        return None if row is None else _event(row)

    def of(
        self,
        world: str,
        subject: str,
        conditions: Iterable[Condition] = (),
        limit: int | None = None,
        offset: int = 0,
    ) -> list[Event]:
        """The history of a resource, oldest first."""
        page = Page(limit=limit, offset=offset, order_by="seq", descending=False)
        return self.page(world, subject, conditions, page)

    def page(self, world: str, subject: str, conditions: Iterable[Condition], page: Page) -> list[Event]:
        """A part of the history of a resource, in any order."""
        query = select(events).where(
            events.c.world == world, events.c.subject == subject, where(SEARCHABLE, conditions)
        )
        query = paged(query, SEARCHABLE, page, events.c.seq)
        return [_event(row) for row in self._connection.execute(query)]

    def since(self, world: str, after: int, limit: int, **fields: str) -> list[Event]:
        """What happened in a world after an event, oldest first; ``fields`` are what columns must say."""
        query = select(events).where(events.c.world == world, events.c.seq > after)
        for name, value in fields.items():
            query = query.where(events.c[name] == value)
        return [_event(row) for row in self._connection.execute(query.order_by(events.c.seq).limit(limit))]

    def last(self, world: str) -> int:
        """The number of a world's newest event; 0 where there is none."""
        newest = select(events.c.seq).where(events.c.world == world).order_by(events.c.seq.desc()).limit(1)
        return self._connection.execute(newest).scalar() or 0

    def subjects(self, world: str, kind: str, after: int, limit: int) -> list[str]:
        """To what of one kind something happened after an event, first come first."""
        first = func.min(events.c.seq)
        query = (
            select(events.c.subject)
            .where(events.c.world == world, events.c.kind == kind, events.c.seq > after)
            .group_by(events.c.subject)
            .order_by(first)
            .limit(limit)
        )
        return list(self._connection.scalars(query))


def _event(row: Row[Any]) -> Event:
    return Event(**row._mapping)
