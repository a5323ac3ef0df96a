"""Schemas that metadata items can be held to [postits §B.5]."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from emulator.domain.identity import Caller
from emulator.domain.metadata import MetadataRecord, RecordKind
from emulator.domain.uuids import CODES
from emulator.services.metadata_access import Listing, MetadataAccess
from emulator.services.metadata_validation import check_schema

_SCHEMA = RecordKind.SCHEMA


class MetadataSchemaService:
    def __init__(self, *, access: MetadataAccess) -> None:
        self._access = access

    def show(self, caller: Caller, uuid: str) -> MetadataRecord:
        """Raises NotFound, Forbidden."""
        return self._access.show(caller, _SCHEMA, uuid)

    def listing(self, caller: Caller, listing: Listing) -> list[MetadataRecord]:
        """Own and shared schemas that meet the query; all of them for an admin. Raises Invalid."""
        return self._access.find(caller, _SCHEMA, listing)

    def create(self, caller: Caller, schema: dict[str, Any]) -> MetadataRecord:
        """A new schema of the caller's. Raises Invalid for what is no JSON Schema."""
        check_schema(schema)
        now = self._access.now(caller.world)
        record = MetadataRecord(
            world=caller.world,
            kind=_SCHEMA,
            uuid=self._access.ids.of(caller.world).legacy(CODES["SCHEMA"]),
            owner=caller.username,
            content=schema,
            created=now,
            last_updated=now,
        )
        with self._access.store.write() as tx:
            self._access.add(tx, caller, record)
        return record

    def update(self, caller: Caller, uuid: str, schema: dict[str, Any]) -> MetadataRecord:
        """Another schema under the same uuid; items that name it are held to it when they next change."""
        with self._access.store.read() as tx:
            self._access.writable(tx, caller, _SCHEMA, uuid)
        check_schema(schema)
        with self._access.store.write() as tx:
            old = self._access.writable(tx, caller, _SCHEMA, uuid)
            return self._access.save(tx, caller, replace(old, content=schema))

    def remove(self, caller: Caller, uuid: str) -> None:
        """Items that name it stay, held to nothing. Raises NotFound, Forbidden."""
        self._access.remove(caller, _SCHEMA, uuid)
