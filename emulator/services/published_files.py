"""Published files: what was granted to ``public``, for anybody, without a token [files §12]."""

from __future__ import annotations

from emulator.domain import paths
from emulator.domain.credentials import storage_account
from emulator.domain.errors import Forbidden, Invalid, NotFound, NotProvided, Unavailable
from emulator.domain.fault import Occasion
from emulator.domain.file_event import FileEvent
from emulator.domain.identity import PUBLIC_USER
from emulator.domain.ports import Hosts
from emulator.domain.system import System, SystemStatus
from emulator.engine.passage import POINT
from emulator.services.file_failures import MISSING, NO_VIEW, told
from emulator.services.file_passages import FilePassages
from emulator.services.file_permissions import FilePermissionService
from emulator.services.file_places import Place
from emulator.services.file_records import FileRecords
from emulator.store import Store

_INDEX_FILES = ("index.html", "index.htm")
_DOWN = "The system containing the published data is currently"


class PublishedFiles:
    def __init__(
        self,
        *,
        store: Store,
        hosts: Hosts,
        permissions: FilePermissionService,
        records: FileRecords,
        passages: FilePassages,
    ) -> None:
        self._store = store
        self._hosts = hosts
        self._permissions = permissions
        self._records = records
        self._passages = passages

    def open(self, world: str, system_id: str, path: str, note: bool = True) -> Place:
        """A file to be read; of a directory its index page. ``path`` is relative to the system's home.

        ``note``: its content is wanted, which writes the DOWNLOAD event. Raises Invalid for an unknown system,
        Unavailable for one that is down, NotFound, Forbidden, and NotProvided for directories without an index page.
        """
        with self._store.read() as tx:
            system = tx.systems.get(world, system_id)
        if system is None:
            raise Invalid(f"No system found for the published data matching {system_id}")
        if not system.available:
            raise Unavailable(f"{_DOWN} unavailable.")
        if system.status is not SystemStatus.UP:
            raise Unavailable(f"{_DOWN} {system.status.lower()}")
        place = self._place(system, path)
        found = _readable(place)
        with self._store.read() as tx:
            if not self._permissions.is_published(tx, system, place.path):
                raise Forbidden(NO_VIEW)
        if found is None:
            raise NotProvided("Directory downloads not supported")
        if note:
            with self._store.write() as tx:
                record = self._records.seen(tx, found, is_dir=False)
                self._records.note(tx, record, FileEvent.DOWNLOAD, PUBLIC_USER)
            about = Occasion(world=world, point=POINT, user=PUBLIC_USER)
            return found.read_by(self._passages.fetched(about, system))
        return found

    def _place(self, system: System, path: str) -> Place:
        segments = [segment for segment in path.split("/") if segment]
        virtual = paths.virtual_path(system.storage, "/".join(segments))
        files = self._hosts.host(
            system.world, system.storage.host, storage_account(system, system.owner)
        ).files
        return Place(
            system=system,
            path=virtual,
            host_path=paths.host_path(system.storage, virtual),
            files=files.within(paths.root_path(system.storage)),
            asked=path,
        )


def _readable(place: Place) -> Place | None:
    """The file itself, or the directory's index page; None for a directory without one. Raises NotFound."""
    with told(f"Failed to retrieve information for {place.path}", missing=MISSING):
        if not place.files.stat(place.host_path).is_dir:
            return place
    pages = (place.at(paths.join(place.path, name)) for name in _INDEX_FILES)
    for page in pages:
        info = page.info()
        if info is not None and not info.is_dir:
            return page
    return None


def no_such_data() -> NotFound:
    """For a URL that names no system at all."""
    return NotFound("No system found with the given id.")
