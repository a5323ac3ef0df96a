"""Where content goes that is sent to a path: into that directory, or to that very file [files §6]."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from emulator.domain import paths
from emulator.domain.errors import Forbidden, Invalid, NotFound
from emulator.domain.identity import Caller
from emulator.domain.system import System
from emulator.services.file_permissions import FilePermissionService
from emulator.services.file_places import Place
from emulator.store import Store

MAX_NAME_BYTES = 255
MAX_PATH_BYTES = 4096
PublicLink = Callable[[System, str], str]
"""The URL under which clients reach a virtual path of a system: the dialect's knowledge."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where something is sent to: a directory, or a file that is, or is to be, in one."""

    place: Place
    is_directory: bool

    @property
    def directory(self) -> Place:
        return self.place if self.is_directory else self.place.parent

    def file(self, name: str) -> Place:
        """Where a file of a base name goes. Raises Invalid, NotFound; the place may be taken."""
        place = self.directory.at(_below(self.directory, name))
        if not self.is_directory and place.path != self.place.path:
            if self.place.info() is None:
                raise NotFound(f"Destination path {self.place.path} does not exist.")
            raise Invalid(f"Destination path {self.place.path} is not a directory")
        return place


def target_of(place: Place) -> Target:
    """Raises NotFound unless the path is a directory or lies in one."""
    there = place.info()
    if there is not None and there.is_dir:
        return Target(place, is_directory=True)
    above = place.parent.info()
    if above is None or not above.is_dir:
        raise NotFound(f"Destination path {place.path} does not exist.")
    return Target(place, is_directory=False)


def check_write(
    store: Store,
    permissions: FilePermissionService,
    caller: Caller,
    place: Place,
    refusal: str | None = None,
    service_status: int | None = None,
) -> None:
    """Raises Forbidden with ``refusal``, or in the words of uploads."""
    with store.read() as tx:
        if not permissions.effective(tx, caller, place.system, place.path).write:
            text = refusal or f"User does not have access to modify {place.path}"
            raise Forbidden(text, service_status=service_status)


def too_long(path: str) -> bool:
    return len(paths.basename(path).encode()) > MAX_NAME_BYTES or len(path.encode()) > MAX_PATH_BYTES


def _below(directory: Place, name: str) -> str:
    """The virtual path of a file's base name in a directory. Raises Invalid for names that are none."""
    base = re.split(r"[/\\]", name)[-1]
    if not base:
        raise Invalid("No file uploaded")
    path = directory.path if base in (".", "..") else paths.below(directory.path, base)
    if paths.parent(path) != directory.path or path == directory.path or too_long(path):
        raise Invalid(f"Invalid name {paths.shown(base)}", service_status=500)
    return path
