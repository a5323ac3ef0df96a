"""Rows of the append-only event log."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from emulator.domain.event import Event
from emulator.domain.search import Condition
from emulator.store.rows import where
from emulator.store.tables import events

_FIELDS = tuple(name for name in Event.__slots__ if name != "seq")
SEARCHABLE = {name: events.c[name] for name in ("seq", "status", "created", "created_by", "description")}


class EventRows:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def append(self, event: Event) -> Event:
        """Store it; the answer carries its sequence number."""
        values = {name: getattr(event, name) for name in _FIELDS}
        key = self._connection.execute(insert(events).values(**values)).inserted_primary_key
        assert key is not None
        return replace(event, seq=key[0])

    def update_progress(self, seq: int, progress: dict[str, Any]) -> None:
        """The one thing that changes in the log: how far a transfer has come."""
        self._connection.execute(update(events).where(events.c.seq == seq).values(progress=progress))

    def of(
        self,
        world: str,
        subject: str,
        conditions: Iterable[Condition] = (),
        limit: int | None = None,
        offset: int = 0,
    ) -> list[Event]:
        """The history of a resource, oldest first."""
        query = (
            select(events)
            .where(events.c.world == world, events.c.subject == subject, where(SEARCHABLE, conditions))
            .order_by(events.c.seq)
            .limit(limit)
            .offset(offset)
        )
        return [_event(row) for row in self._connection.execute(query)]


def _event(row: Row[Any]) -> Event:
    return Event(**row._mapping)
