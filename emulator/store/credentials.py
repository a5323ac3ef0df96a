"""Credentials of systems: kept apart from their records, so that nothing that shows a system can show a secret."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from emulator.domain.credentials import Credential
from emulator.domain.document import from_document, to_document
from emulator.domain.system import AuthShape, System
from emulator.store.tables import internal_credentials, systems


class CredentialRows:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def own(self, system: System) -> dict[str, Any]:
        """The system's own, secrets and all: ``{"storage": {…}, "login": {…}}``, what there is of them."""
        found = self._connection.scalar(select(systems.c.credentials).where(systems.c.uuid == system.uuid))
        return found or {}

    def own_of(self, system_uuid: str, part: str) -> dict[str, Any]:
        """A system's own for one part; empty where it has none, or is erased."""
        found = self._connection.scalar(select(systems.c.credentials).where(systems.c.uuid == system_uuid))
        return (found or {}).get(part) or {}

    def own_since(self, system: System) -> dict[str, datetime]:
        """When the system's own were set, by part; parts that came with the system are left out."""
        query = select(systems.c.credentials_since).where(systems.c.uuid == system.uuid)
        found = self._connection.scalar(query) or {}
        return {part: datetime.fromisoformat(text) for part, text in found.items()}

    def note_own(self, system: System, parts: Iterable[str], when: datetime) -> None:
        """They were set at that time."""
        since = {part: moment.isoformat() for part, moment in self.own_since(system).items()}
        since |= dict.fromkeys(parts, when.isoformat())
        self._connection.execute(
            update(systems).where(systems.c.uuid == system.uuid).values(credentials_since=since)
        )

    def internal(self, system: System) -> list[Credential]:
        """Those of internal users, by name; without their secrets."""
        table = internal_credentials
        rows = self._connection.execute(
            select(table.c.username, table.c.part, table.c.shape, table.c.created)
            .where(table.c.system_uuid == system.uuid)
            .order_by(table.c.username, table.c.part.desc())
        )
        return [
            Credential(
                part=row.part,
                username=row.username,
                shape=from_document(AuthShape, row.shape),
                created=row.created,
            )
            for row in rows
        ]

    def put_internal(self, system: System, credential: Credential, secret: dict[str, Any]) -> None:
        assert credential.username is not None
        self.drop_internal(system, credential.username, credential.part)
        self._connection.execute(
            insert(internal_credentials).values(
                system_uuid=system.uuid,
                username=credential.username,
                part=credential.part,
                shape=to_document(credential.shape),
                secret=secret,
                created=credential.created,
            )
        )

    def drop_internal(self, system: System, username: str | None = None, part: str | None = None) -> None:
        """One part's, one user's, or all of the system."""
        query = delete(internal_credentials).where(internal_credentials.c.system_uuid == system.uuid)
        if username is not None:
            query = query.where(internal_credentials.c.username == username)
        if part is not None:
            query = query.where(internal_credentials.c.part == part)
        self._connection.execute(query)
