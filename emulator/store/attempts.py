"""Rows of delivery attempts that are kept [notifications §8]."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select

from emulator.domain.notification import Attempt
from emulator.store.tables import attempts

_FIELDS = tuple(Attempt.__slots__)


class AttemptRows:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, attempt: Attempt, most: int) -> None:
        """Keep it, and of its notification no more than the ``most`` newest."""
        values = {name: getattr(attempt, name) for name in _FIELDS}
        self._connection.execute(insert(attempts).values(**values))
        newest = (
            select(attempts.c.seq)
            .where(attempts.c.notification_id == attempt.notification_id)
            .order_by(attempts.c.seq.desc())
        )
        oldest_kept = self._connection.scalar(newest.limit(1).offset(most - 1))
        if oldest_kept is not None:
            self._connection.execute(
                delete(attempts).where(
                    attempts.c.notification_id == attempt.notification_id, attempts.c.seq < oldest_kept
                )
            )

    def of(self, notification_id: str, limit: int | None = None, offset: int = 0) -> list[Attempt]:
        """Those of a notification, newest first."""
        query = (
            select(attempts)
            .where(attempts.c.notification_id == notification_id)
            .order_by(attempts.c.seq.desc())
            .limit(limit)
            .offset(offset)
        )
        return [_attempt(row) for row in self._connection.execute(query)]

    def get(self, world: str, attempt_id: str) -> Attempt | None:
        row = self._connection.execute(
            select(attempts).where(attempts.c.world == world, attempts.c.id == attempt_id)
        ).first()
        return None if row is None else _attempt(row)

    def remove(self, attempt: Attempt) -> None:
        self._connection.execute(delete(attempts).where(attempts.c.id == attempt.id))

    def clear(self, notification_id: str) -> None:
        """Remove all attempts of a notification."""
        self._connection.execute(delete(attempts).where(attempts.c.notification_id == notification_id))


def _attempt(row: Row[Any]) -> Attempt:
    return Attempt(**{name: getattr(row, name) for name in _FIELDS})
