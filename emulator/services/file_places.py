"""Where the files of a request lie: the checks of the system, the path, the machine [files §2, §3]."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from emulator.domain import paths
from emulator.domain.credentials import storage_account
from emulator.domain.errors import Forbidden, Invalid, NotFound, PreconditionFailed
from emulator.domain.file import FileInfo
from emulator.domain.file_rights import home_of
from emulator.domain.identity import Caller
from emulator.domain.ports import HostFiles, Hosts
from emulator.domain.system import System, SystemStatus, SystemType
from emulator.engine.passage import Watched
from emulator.services.systems import SystemService
from emulator.store import Store, Transaction

_NO_DEFAULT = "No default storage system found. Please register a system and set it as your default."
_ADMINISTRATORS_ONLY = (
    "User does not have access to view the requested resource. File access is restricted to administrators "
    "on public execution systems."
)


class Route(Enum):
    """Which checks of the system a request gets, and in which words [files §3]."""

    LOOK = "listings, history, pems"
    SHARE = "changes of pems"
    MEDIA = "media"
    PLAIN = "for other services: whether it can be seen, no more"
    AWAITED = "for jobs: the same, but it may be switched off, since they wait for it"


@dataclass(frozen=True, slots=True)
class Place:
    """A path on a system: ``path`` is virtual, ``host_path`` what ``files`` (closed at rootDir) takes.

    ``asked`` is the agave path as the client wrote it.
    """

    system: System
    path: str
    host_path: str
    files: HostFiles
    asked: str = ""

    def at(self, path: str) -> Place:
        """Another virtual path on the same system."""
        return replace(self, path=path, host_path=paths.host_path(self.system.storage, path))

    def read_by(self, passage: Watched) -> Place:
        """The same file for somebody who reads it, as it comes through."""
        return replace(self, files=passage.reading(self.files, self.host_path))

    @property
    def parent(self) -> Place:
        return self.at(paths.parent(self.path))

    @property
    def name(self) -> str:
        return paths.basename(self.path)

    def info(self) -> FileInfo | None:
        """What lies there now; None for nothing."""
        try:
            return self.files.stat(self.host_path)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def agave(self, agave_path: str) -> Place:
        """What an agave path means on the same system. Raises OutsideRoot, Invalid."""
        return replace(self.at(paths.virtual_path(self.system.storage, agave_path)), asked=agave_path)


class Places:
    """Finds places, and makes the directories that every request may take for granted [systems §12]."""

    def __init__(self, *, store: Store, systems: SystemService, hosts: Hosts) -> None:
        self._store = store
        self._systems = systems
        self._hosts = hosts

    def locate(
        self, caller: Caller, system_id: str | None, agave_path: str, route: Route = Route.PLAIN
    ) -> Place:
        """The place of an agave path on a system, the caller's default storage system for None.

        Raises NotFound, Invalid, Forbidden and PreconditionFailed as [files §3] says, OutsideRoot for paths.
        """
        with self._store.read() as tx:
            system = self._system(tx, caller, system_id, route)
        storage = system.storage
        path = paths.virtual_path(storage, agave_path)
        machine = self._hosts.host(caller.world, storage.host, storage_account(system, caller.username))
        place = Place(
            system=system,
            path=path,
            host_path=paths.host_path(storage, path),
            files=machine.files.within(paths.root_path(storage)),
            asked=agave_path,
        )
        _make_homes(place, caller)
        return place

    def _system(self, tx: Transaction, caller: Caller, system_id: str | None, route: Route) -> System:
        if system_id is None:
            system = self._systems.default(tx, caller, SystemType.STORAGE)
            if system is None:
                raise NotFound(_NO_DEFAULT if route is Route.MEDIA else f"{_NO_DEFAULT} ")
        else:
            find = self._systems.known if route is Route.AWAITED else self._systems.visible
            system = find(tx, caller, system_id)
            if system is None and route is Route.MEDIA:
                raise NotFound(f"No system found for user with id {system_id}")
            if system is None:
                raise NotFound(f"No resource found for user with system id '{system_id}'")
        if route is Route.MEDIA and system.status is not SystemStatus.UP:
            raise Invalid(f"System {system.id} is {system.status.value}")
        closed = route is Route.SHARE or (route is Route.LOOK and not caller.admin)
        if closed and system.public and system.type is SystemType.EXECUTION:
            raise Forbidden(_ADMINISTRATORS_ONLY)
        return system


def _make_homes(place: Place, caller: Caller) -> None:
    system = place.system
    wanted = paths.home_path(system.storage)
    if system.public and system.type is SystemType.STORAGE:
        wanted = home_of(system, caller.username) or wanted
    home = place.at(wanted)
    try:
        if not home.files.exists(home.host_path):
            home.files.mkdir(home.host_path)
    except OSError as error:
        raise PreconditionFailed(
            f"Unable to establish a connection to the remote server. {error.strerror}: {wanted}"
        ) from error
