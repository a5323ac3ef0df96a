"""What every use case of metadata leans on: who may do what, finding records, writing events [postits §B]."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any

from emulator.domain.errors import Forbidden, Invalid, NotFound
from emulator.domain.identity import PUBLIC_USER, WORLD_USER, Caller
from emulator.domain.metadata import MetadataGrant, MetadataRecord, RecordKind, queried_document
from emulator.domain.metadata_index import lookups
from emulator.domain.metadata_match import matches
from emulator.domain.metadata_query import EVERYTHING, Query, parse_query
from emulator.domain.moments import parse_moment
from emulator.domain.ports import Clocks, Ids
from emulator.engine.journal import Journal
from emulator.services.resources import Finder, Resource
from emulator.store import Store, Transaction
from emulator.store.metadata_search import EVERYBODY, Wanted

LONGEST_SEARCH = timedelta(seconds=30)
_TOO_LONG = (
    f"The query takes longer than {LONGEST_SEARCH.seconds} seconds. Please narrow it by a value that each item "
    "must have."
)


@dataclass(frozen=True, slots=True)
class Wording:
    """The service's words for what cannot be found, seen or changed; ``{}`` stands for the uuid."""

    missing: str
    missing_for_update: str
    unreadable: str
    unwritable: str


_WORDING: Mapping[RecordKind, Wording] = {
    RecordKind.ITEM: Wording(
        missing="No metadata item found for user with id {}",
        missing_for_update="No metadata item found for user with id {}",
        unreadable="Cannot validate - User does not have permission to read this metadata entry.",
        unwritable="User does not have permission to update metadata",
    ),
    RecordKind.SCHEMA: Wording(
        missing="No metadata schema item found for user with id {}",
        missing_for_update="No metadata schema found for user with id {}",
        unreadable="User does not have permission to read metadata for uuid",
        unwritable="User does not have permission to update metadata schema",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What a listing is to show. ``query`` is a query document; ``privileged``: an admin sees everything."""

    query: Any = None
    order_by: str = "last_updated"
    descending: bool = True
    limit: int | None = 100
    offset: int = 0
    privileged: bool = True


class MetadataAccess:
    def __init__(self, *, store: Store, clocks: Clocks, ids: Ids, journal: Journal) -> None:
        self.store = store
        self.ids = ids
        self.clocks = clocks
        self._journal = journal

    def now(self, world: str) -> datetime:
        """To the millisecond, as times are kept and shown: an answer does not differ from the next one."""
        now = self.clocks.of(world).now()
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def rights(self, tx: Transaction, caller: Caller, record: MetadataRecord) -> MetadataGrant:
        """Owner and tenant admins all; else what the caller, or everybody, was given."""
        name = caller.username
        if caller.admin or record.owner == name:
            return MetadataGrant(username=name, read=True, write=True)
        given = tx.metadata.grants_of(record, _readers(caller))
        return MetadataGrant(
            username=name,
            read=record.owner in _readers(caller) or any(grant.read for grant in given),
            write=any(grant.write for grant in given),
        )

    def readable(
        self, tx: Transaction, caller: Caller, kind: RecordKind, uuid: str, refusal: str | None = None
    ) -> MetadataRecord:
        """Raises NotFound, Forbidden (with ``refusal`` or the words for reading)."""
        record = self._existing(tx, caller, kind, uuid, _WORDING[kind].missing)
        if not self.rights(tx, caller, record).read:
            raise Forbidden(refusal or _WORDING[kind].unreadable)
        return record

    def writable(
        self, tx: Transaction, caller: Caller, kind: RecordKind, uuid: str, refusal: str | None = None
    ) -> MetadataRecord:
        """Raises NotFound, Forbidden (with ``refusal`` or the words for changing)."""
        record = self._existing(tx, caller, kind, uuid, _WORDING[kind].missing_for_update)
        if not self.rights(tx, caller, record).write:
            raise Forbidden(refusal or _WORDING[kind].unwritable)
        return record

    def show(self, caller: Caller, kind: RecordKind, uuid: str) -> MetadataRecord:
        """Raises NotFound, Forbidden."""
        with self.store.read() as tx:
            return self.readable(tx, caller, kind, uuid)

    def find(self, caller: Caller, kind: RecordKind, listing: Listing) -> list[MetadataRecord]:
        """One page. Raises Invalid for a query that is wrong, or takes too long."""
        tick = self._limit()
        query = (
            EVERYTHING
            if listing.query is None
            else parse_query(listing.query, partial(self._moment, caller.world), tick)
        )
        readers = (EVERYBODY,) if caller.admin and listing.privileged else _readers(caller)
        wanted = Wanted(
            world=caller.world,
            kind=kind,
            readers=readers,
            order_by=listing.order_by,
            descending=listing.descending,
            lookups=lookups(query),
        )
        end = None if listing.limit is None else listing.offset + listing.limit
        with self.store.read() as tx:
            seqs = tx.metadata.candidates(wanted)
            if query == EVERYTHING:  # nothing to compare: what is not shown need not be read
                return list(tx.metadata.records(islice(seqs, listing.offset, end), readers))
            meets = self._test(query, caller, tick)
            found = (record for record in tx.metadata.records(seqs, readers) if meets(record))
            return list(islice(found, listing.offset, end))

    def remove(self, caller: Caller, kind: RecordKind, uuid: str) -> None:
        """Raises NotFound, Forbidden."""
        with self.store.write() as tx:
            record = self.writable(tx, caller, kind, uuid)
            self.note(tx, caller, record, "DELETED", f"This {kind} was deleted")
            tx.metadata.remove(record)

    def save(self, tx: Transaction, caller: Caller, record: MetadataRecord) -> MetadataRecord:
        """Store a changed record as of now, with its event."""
        changed = replace(record, last_updated=self.now(record.world))
        tx.metadata.save(changed)
        self.note(tx, caller, changed, "UPDATED", f"This {record.kind} was updated")
        return changed

    def add(self, tx: Transaction, caller: Caller, record: MetadataRecord) -> None:
        """Store a new record with its event."""
        tx.metadata.add(record)
        self.note(tx, caller, record, "CREATED", f"This {record.kind} was created")

    def note(
        self, tx: Transaction, caller: Caller, record: MetadataRecord, event: str, description: str
    ) -> None:
        """Write an event down; what happens to an item is also told to what it is about [postits §B.6]."""
        echoed = event in ("CREATED", "UPDATED", "DELETED") and record.kind is RecordKind.ITEM
        also = {uuid: f"METADATA_{event}" for uuid in record.association_ids} if echoed else {}
        self._journal.record(
            tx,
            world=record.world,
            subject=record.uuid,
            kind=record.kind.value,
            status=event,
            description=description,
            created_by=caller.username,
            resource=record,
            also=also,
        )

    def resource(self, kind: RecordKind) -> Finder:
        """A finder for :class:`emulator.services.resources.Resources`."""

        def find(tx: Transaction, caller: Caller, uuid: str) -> Resource | None:
            record = tx.metadata.get(caller.world, kind, uuid)
            if record is None:
                return None
            readable = self.rights(tx, caller, record).read
            return Resource(kind=kind.value.upper(), uuid=uuid, key=uuid, record=record, readable=readable)

        return find

    def _existing(
        self, tx: Transaction, caller: Caller, kind: RecordKind, uuid: str, missing: str
    ) -> MetadataRecord:
        record = tx.metadata.get(caller.world, kind, uuid)
        if record is None:
            raise NotFound(missing.format(uuid))
        return record

    def _moment(self, world: str, text: str) -> datetime | None:
        return parse_moment(text, self.clocks.of(world).now())

    def _limit(self) -> Callable[[], None]:
        """To be called again and again during a search; raises Invalid once it has taken too long."""
        clock = self.clocks.machine
        end = clock.now() + LONGEST_SEARCH

        def tick() -> None:
            if clock.now() > end:
                raise Invalid(_TOO_LONG)

        return tick

    def _test(
        self, query: Query, caller: Caller, tick: Callable[[], None]
    ) -> Callable[[MetadataRecord], bool]:
        def meets(record: MetadataRecord) -> bool:
            tick()
            return matches(query, queried_document(record, caller.tenant_id))

        return meets


def _readers(caller: Caller) -> tuple[str, ...]:
    return tuple(dict.fromkeys((caller.username, PUBLIC_USER, WORLD_USER)))
