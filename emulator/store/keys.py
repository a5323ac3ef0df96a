"""What URLs name a resource by, from its uuid, for many resources at once [postits §C]."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Select, literal, select, union_all

from emulator.domain.uuids import type_of
from emulator.store.tables import apps, files, systems

# types whose URLs hold something else than the uuid
_BY_ID = {"SYSTEM": systems, "APP": apps}


class KeyRows:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of(self, world: str, uuids: Iterable[str]) -> dict[str, str]:
        """``resource_path``'s key by uuid, for systems, apps and files that there are."""
        by_type: dict[str, list[str]] = {}
        for uuid in set(uuids):
            by_type.setdefault(type_of(uuid) or "", []).append(uuid)
        queries: list[Select[Any]] = [
            select(table.c.uuid, table.c.id.label("key"), literal("").label("path")).where(
                table.c.world == world, table.c.uuid.in_(by_type[kind])
            )
            for kind, table in _BY_ID.items()
            if kind in by_type
        ]
        if "FILE" in by_type:
            queries.append(
                select(files.c.uuid, files.c.system_id.label("key"), files.c.path).where(
                    files.c.world == world, files.c.uuid.in_(by_type["FILE"])
                )
            )
        if not queries:
            return {}
        rows = self._connection.execute(union_all(*queries))
        return {row.uuid: f"{row.key}/{row.path}" if row.path else row.key for row in rows}
