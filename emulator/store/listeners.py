"""Rows of listeners that were asked for at run time, and are opened again by the next start."""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, select

from emulator.domain.listener import Listener
from emulator.store.tables import listeners


class ListenerRows:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self) -> list[Listener]:
        """By name."""
        rows = self._connection.execute(select(listeners).order_by(listeners.c.name))
        return [
            Listener(
                name=row.name,
                port=row.port,
                world=row.world,
                user=row.username,
                tls=row.tls,
                anonymous=row.anonymous,
            )
            for row in rows
        ]

    def add(self, listener: Listener) -> None:
        self._connection.execute(
            insert(listeners).values(
                name=listener.name,
                world=listener.world,
                port=listener.port,
                username=listener.user,
                tls=listener.tls,
                anonymous=listener.anonymous,
            )
        )

    def remove(self, name: str) -> None:
        self._connection.execute(delete(listeners).where(listeners.c.name == name))
