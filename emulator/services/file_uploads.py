"""Uploads: bytes that a client sends, streamed to their machine and put in place whole [files §6]."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import BinaryIO

from emulator.domain import paths
from emulator.domain.errors import Forbidden, Invalid, NotFound
from emulator.domain.file import LogicalFile, StagingStatus
from emulator.domain.file_event import FileEvent
from emulator.domain.identity import Caller
from emulator.domain.ports import Incoming
from emulator.domain.system import System
from emulator.services.file_failures import told
from emulator.services.file_permissions import FilePermissionService
from emulator.services.file_places import Place, Places, Route
from emulator.services.file_records import FileRecords
from emulator.store import Store

MAX_NAME_BYTES = 255
MAX_PATH_BYTES = 4096
PublicLink = Callable[[System, str], str]
"""The URL under which clients reach a virtual path of a system: the dialect's knowledge."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where an upload is sent to: a directory, or a file that is, or is to be, in one."""

    place: Place
    is_directory: bool

    @property
    def directory(self) -> Place:
        return self.place if self.is_directory else self.place.parent


class Upload:
    """One upload under way: write to ``stream``, then ``finish``; what is not finished leaves nothing behind."""

    def __init__(self, uploads: FileUploads, caller: Caller, target: Target, incoming: Incoming) -> None:
        self._uploads = uploads
        self._caller = caller
        self._target = target
        self._incoming = incoming

    @property
    def stream(self) -> BinaryIO:
        return self._incoming.stream

    def write(self, data: bytes) -> None:
        """Raises Unavailable when the machine has no room left."""
        with told(f"Failed to write to {self._target.directory.path}"):
            self.stream.write(data)

    def finish(self, name: str, client: str, link: PublicLink, offset: int | None = None) -> LogicalFile:
        """Put the file in place under its base ``name``; at ``offset`` of the old file if one is given.

        ``client`` is the address that it came from. The answer says STAGING_QUEUED, as the service's does,
        though all is done. Raises Invalid, Forbidden, NotFound; nothing is changed then.
        """
        place = self._uploads.place_for(self._caller, self._target, name)
        with told(
            f"Failed to write {place.path}",
            missing=f"Destination path {self._target.place.path} does not exist.",
            refused=f"User does not have access to modify {place.path}",
        ):
            if offset is None:
                self._incoming.put(place.host_path)
            else:
                self._incoming.overlay(place.host_path, offset)
        source = f"http://{client}/{place.name}"
        return self._uploads.arrived(self._caller, place, source, link)


class FileUploads:
    def __init__(
        self,
        *,
        store: Store,
        places: Places,
        permissions: FilePermissionService,
        records: FileRecords,
    ) -> None:
        self._store = store
        self._places = places
        self._permissions = permissions
        self._records = records

    @contextmanager
    def receive(self, caller: Caller, system_id: str | None, agave_path: str) -> Iterator[Upload]:
        """Get ready for an upload to a path, checking all that can be checked before its bytes come.

        Raises NotFound when neither the path nor its parent is a directory, Forbidden without WRITE.
        """
        place = self._places.locate(caller, system_id, agave_path, Route.MEDIA)
        target = _target(place)
        self._check_write(caller, place)
        with told(f"Failed to write to {target.directory.path}"):
            incoming = place.files.incoming(target.directory.host_path)
            file = incoming.__enter__()
        try:
            yield Upload(self, caller, target, file)
        finally:
            incoming.__exit__(None, None, None)

    def place_for(self, caller: Caller, target: Target, name: str) -> Place:
        """Where a file of a name goes that was sent to the target [files §6]. Raises Invalid, NotFound, Forbidden."""
        place = target.directory.at(_below(target.directory, name))
        there = place.info()
        if not target.is_directory and place.path != target.place.path:
            if target.place.info() is None:
                raise NotFound(f"Destination path {target.place.path} does not exist.")
            raise Invalid(f"Destination path {target.place.path} is not a directory")
        if there is not None and there.is_dir:
            raise Invalid(f"A directory already exists at {place.path}")
        if there is not None:
            self._check_write(caller, place)
        return place

    def arrived(self, caller: Caller, place: Place, source: str, link: PublicLink) -> LogicalFile:
        """Write down that a file has come."""
        completed = (
            f"Your scheduled transfer of {source} completed staging. You can access the raw file on "
            f"{place.system.name} at {place.host_path} or via the API at {link(place.system, place.path)}."
        )
        with self._store.write() as tx:
            record = self._records.written(tx, caller, place, is_dir=False, source=source)
            self._records.note(tx, record, FileEvent.STAGING_QUEUED, caller.username)
            self._records.note(tx, record, FileEvent.UPLOAD, caller.username)
            self._records.note(tx, record, FileEvent.STAGING_COMPLETED, caller.username, completed)
            self._records.note_change_of(tx, place.parent, caller.username)
        return replace(record, status=StagingStatus.STAGING_QUEUED)

    def _check_write(self, caller: Caller, place: Place) -> None:
        with self._store.read() as tx:
            if not self._permissions.effective(tx, caller, place.system, place.path).write:
                raise Forbidden(f"User does not have access to modify {place.path}")


def _target(place: Place) -> Target:
    """Raises NotFound unless the path is a directory or lies in one."""
    there = place.info()
    if there is not None and there.is_dir:
        return Target(place, is_directory=True)
    above = place.parent.info()
    if above is None or not above.is_dir:
        raise NotFound(f"Destination path {place.path} does not exist.")
    return Target(place, is_directory=False)


def _below(directory: Place, name: str) -> str:
    """The virtual path of a file's base name in a directory. Raises Invalid for names that are none."""
    base = re.split(r"[/\\]", name)[-1]
    if not base:
        raise Invalid("No file uploaded")
    path = directory.path if base in (".", "..") else paths.below(directory.path, base)
    if paths.parent(path) != directory.path or path == directory.path or _too_long(path):
        raise Invalid(f"Invalid name {paths.shown(base)}")
    return path


def _too_long(path: str) -> bool:
    return len(paths.basename(path).encode()) > MAX_NAME_BYTES or len(path.encode()) > MAX_PATH_BYTES
