"""Files: finding them, listing, reading, and what has happened to them [files §2-§5, §9].

``uploads``, ``imports`` and ``actions`` hold what changes them, ``index`` and ``published`` further ways to look.
"""

from __future__ import annotations

from emulator.domain.errors import Forbidden, NotFound, NotProvided
from emulator.domain.event import Event
from emulator.domain.file import LogicalFile
from emulator.domain.file_event import FileEvent
from emulator.domain.identity import PUBLIC_USER, Caller
from emulator.domain.ports import Clocks, Fetcher, Hosts, Ids
from emulator.engine.file_stagings import StagingQueue
from emulator.engine.journal import Journal
from emulator.engine.striking import Strikes
from emulator.services.file_actions import FileActions
from emulator.services.file_failures import MISSING, NO_VIEW, told
from emulator.services.file_imports import FileImports
from emulator.services.file_index import FileIndex
from emulator.services.file_pages import Listing, page_of
from emulator.services.file_passages import FilePassages
from emulator.services.file_permissions import FilePermissionService
from emulator.services.file_places import Place, Places, Route
from emulator.services.file_records import FileRecords
from emulator.services.file_sources import FileSources
from emulator.services.file_staging import FileStaging
from emulator.services.file_uploads import FileUploads
from emulator.services.published_files import PublishedFiles
from emulator.services.systems import SystemService
from emulator.settings import Settings
from emulator.store import Store


class FileService:
    def __init__(
        self,
        *,
        store: Store,
        clocks: Clocks,
        ids: Ids,
        journal: Journal,
        systems: SystemService,
        permissions: FilePermissionService,
        hosts: Hosts,
        fetcher: Fetcher,
        staging_queue: StagingQueue,
        strikes: Strikes,
        settings: Settings,
    ) -> None:
        self._store = store
        self._permissions = permissions
        self._places = places = Places(store=store, systems=systems, hosts=hosts)
        self.passages = passages = FilePassages(strikes)
        self._records = records = FileRecords(clocks=clocks, ids=ids, journal=journal)
        self.staging = FileStaging(
            store=store,
            clocks=clocks,
            ids=ids,
            places=places,
            permissions=permissions,
            records=records,
            sources=FileSources(store=store, places=places, permissions=permissions, hosts=hosts),
            queue=staging_queue,
            fetcher=fetcher,
            import_allow=settings.import_allow,
            passages=passages,
            checksums=settings.checksums,
        )
        self.uploads = FileUploads(
            store=store,
            places=places,
            permissions=permissions,
            records=records,
            staging=self.staging,
            passages=passages,
            delay_ms=settings.staging_delay_ms,
        )
        self.imports = FileImports(
            store=store, places=places, permissions=permissions, records=records, staging=self.staging
        )
        self.actions = FileActions(
            store=store, places=places, permissions=permissions, records=records, passages=passages
        )
        self.index = FileIndex(
            store=store, clocks=clocks, places=places, permissions=permissions, records=records
        )
        self.published = PublishedFiles(
            store=store, hosts=hosts, permissions=permissions, records=records, passages=passages
        )

    def locate(
        self, caller: Caller, system_id: str | None, agave_path: str, route: Route = Route.PLAIN
    ) -> Place:
        """See Places.locate. Says nothing about whether the file exists or the caller may touch it."""
        return self._places.locate(caller, system_id, agave_path, route)

    def exists(self, place: Place) -> bool:
        return place.files.exists(place.host_path)

    def listing(
        self, caller: Caller, system_id: str | None, agave_path: str, limit: int, offset: int
    ) -> Listing:
        """A page of: the path itself, then the children of a directory by name, in any case [files §4].

        Only the page is looked at closely: folders of any size list quickly. Raises NotFound, Forbidden.
        """
        place = self.locate(caller, system_id, agave_path, Route.LOOK)
        with told(f"Failed to retrieve information for {place.path}"):
            info = place.files.stat(place.host_path)
            record = self._looked_at(caller, place, info.is_dir)
            entries = page_of(place, caller, info, limit, offset)
        return Listing(place=place, record=record, entries=entries)

    def open(self, caller: Caller, system_id: str | None, agave_path: str, note: bool = True) -> Place:
        """A file that the caller may read. ``note``: its content is wanted, which writes the DOWNLOAD event.

        Raises NotFound, Forbidden, NotProvided for directories [files §5].
        """
        place = self.locate(caller, system_id, agave_path, Route.MEDIA)
        with told(f"Failed to retrieve information for {place.path}"):
            is_dir = place.files.stat(place.host_path).is_dir
        with self._store.read() as tx:
            if not self._permissions.effective(tx, caller, place.system, place.path).read:
                raise Forbidden(NO_VIEW)
        if is_dir:
            raise NotProvided("Directory downloads not supported")
        if note:
            with self._store.write() as tx:
                # the service names nobody here, even where it knows [files §5]
                self._records.note(tx, self._records.seen(tx, place, is_dir), FileEvent.DOWNLOAD, PUBLIC_USER)
            return place.read_by(self.passages.fetched(caller, place.system))
        return place

    def history(
        self, caller: Caller, system_id: str | None, agave_path: str, limit: int, offset: int
    ) -> list[Event]:
        """Events, oldest first. Raises NotFound for what was never touched, Forbidden [files §9]."""
        place = self.locate(caller, system_id, agave_path, Route.LOOK)
        there = self.exists(place)
        with self._store.read() as tx:
            record = self._records.known(tx, place)
            if record is None and not there:
                raise NotFound(MISSING)
            if not self._permissions.effective(tx, caller, place.system, place.path).read:
                raise Forbidden("User does not have permission to view this job history")
            events = tx.events.of(caller.world, record.uuid, limit=limit, offset=offset) if record else []
            if record is None or not (events or tx.events.of(caller.world, record.uuid, limit=1)):
                asked = agave_path or "user home"
                raise NotFound(f"No history found on system {place.system.id} for {asked}")
        return events

    def _looked_at(self, caller: Caller, place: Place, is_dir: bool) -> LogicalFile:
        """The record of a path that the caller may read, made if there is none. Raises Forbidden."""
        with self._store.read() as tx:
            if not self._permissions.effective(tx, caller, place.system, place.path).read:
                raise Forbidden(NO_VIEW)
            record = self._records.known(tx, place)
        if record is not None:
            return record
        with self._store.write() as tx:
            return self._records.seen(tx, place, is_dir)
