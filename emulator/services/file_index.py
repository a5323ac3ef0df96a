"""Indexing: a listing that gives everything in it an identity [files §11]."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from emulator.domain import paths
from emulator.domain.errors import Forbidden
from emulator.domain.file import LogicalFile, StagingStatus
from emulator.domain.file_event import FileEvent
from emulator.domain.identity import Caller
from emulator.domain.ports import Clocks
from emulator.services.file_failures import NO_VIEW, told
from emulator.services.file_pages import Entry, Listing, page_of
from emulator.services.file_permissions import FilePermissionService
from emulator.services.file_places import Place, Places, Route
from emulator.services.file_records import FileRecords
from emulator.store import Store

_AT_ONCE = 500
"""Records that are made in one transaction: others want to write too."""
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Indexed:
    """A page whose every entry has a record, by path."""

    listing: Listing
    records: Mapping[str, LogicalFile]


class FileIndex:
    def __init__(
        self,
        *,
        store: Store,
        clocks: Clocks,
        places: Places,
        permissions: FilePermissionService,
        records: FileRecords,
    ) -> None:
        self._store = store
        self._clocks = clocks
        self._places = places
        self._permissions = permissions
        self._records = records

    def index(
        self, caller: Caller, system_id: str | None, agave_path: str, limit: int, offset: int
    ) -> Indexed:
        """A page as of a listing; children show what the caller may do with them. Raises NotFound, Forbidden."""
        begun = self._clocks.of(caller.world).now()
        place = self._places.locate(caller, system_id, agave_path, Route.LOOK)
        with told(f"Failed to perform index on {place.path}"):
            info = place.files.stat(place.host_path)
            with self._store.read() as tx:
                if not self._permissions.effective(tx, caller, place.system, place.path).read:
                    raise Forbidden(NO_VIEW)
            entries = page_of(place, caller, info, limit, offset)
        with self._store.write() as tx:
            record = self._records.seen(tx, place, info.is_dir)
        records = {record.path: record} | self._recorded(place, entries)
        with self._store.write() as tx:
            # who waits for staging takes every COMPLETE for its end
            if record.status not in (StagingStatus.STAGING_QUEUED, StagingStatus.STAGING):
                took = (self._clocks.of(caller.world).now() - begun) // _MILLISECOND
                text = f"Indexing completed in {took}ms"
                self._records.note(tx, record, FileEvent.INDEX_COMPLETE, caller.username, text)
            children = [known for path, known in records.items() if path != place.path]
            rights = self._permissions.effective_inside(tx, caller, place, children)
        entries = [replace(entry, permission=rights.get(entry.path, entry.permission)) for entry in entries]
        return Indexed(Listing(place=place, record=record, entries=entries), records)

    def _recorded(self, place: Place, entries: list[Entry]) -> dict[str, LogicalFile]:
        """The records of a page's children, made where there are none."""
        system = place.system
        # what is no UTF-8 can be shown, but neither stored nor asked for
        children = [e for e in entries if e.path != place.path and e.path == paths.shown(e.path)]
        with self._store.read() as tx:
            known = tx.files.at(system.world, system.id, [entry.path for entry in children])
        new = [entry for entry in children if entry.path not in known]
        for first in range(0, len(new), _AT_ONCE):
            some = new[first : first + _AT_ONCE]
            with self._store.write() as tx:
                known |= self._records.seen_together(
                    tx, {entry.path: (place.at(entry.path), entry.info.is_dir) for entry in some}
                )
        return known
