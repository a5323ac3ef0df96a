"""Pages of directories: what a listing and an index show [files §4, §11]."""

from __future__ import annotations

from dataclasses import dataclass

from emulator.domain import paths
from emulator.domain.file import ALL_PERMISSIONS, FileInfo, LogicalFile, Permission, permission_from_bits
from emulator.domain.identity import Caller
from emulator.services.file_places import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of a listing. ``name`` is ``.`` for the listed directory itself.

    ``permission`` is what the file's mode gives its owner on the machine, not what was granted [files §4].
    """

    name: str
    path: str
    info: FileInfo
    permission: Permission


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A page. ``record`` is what is known of the listed path."""

    place: Place
    record: LogicalFile
    entries: list[Entry]


def page_of(place: Place, caller: Caller, info: FileInfo, limit: int, offset: int) -> list[Entry]:
    """The place itself, then the children of a directory by name, in any case.

    Only those of the page are looked at. All names must be read and sorted for it, at about a microsecond each.
    """
    entries = [_itself(place, caller, info)] if offset == 0 and limit > 0 else []
    if info.is_dir:
        entries += _children(place, caller, max(offset - 1, 0), limit - len(entries))
    return entries


def _itself(place: Place, caller: Caller, info: FileInfo) -> Entry:
    return Entry(
        name="." if info.is_dir else place.name,
        path=place.path,
        info=info,
        permission=_shown(place, caller, info),
    )


def _children(place: Place, caller: Caller, first: int, count: int) -> list[Entry]:
    if count <= 0:
        return []
    # twice, as sorting keeps the order of what is equal: three times as quick as by pairs
    names = sorted(sorted(place.files.names(place.host_path)), key=str.lower)
    found: list[FileInfo] = []
    # a child may go meanwhile; clients take a page that is not full for the last one
    while len(found) < count and first < len(names):
        wanted = names[first : first + count - len(found)]
        found += place.files.listing(place.host_path, wanted)
        first += len(wanted)
    return [
        Entry(
            name=info.name,
            path=paths.join(place.path, info.name),
            info=info,
            permission=_shown(place, caller, info),
        )
        for info in found
    ]


def _shown(place: Place, caller: Caller, info: FileInfo) -> Permission:
    """The mode's owner bits; ALL in what an absolute path names as the caller's own [files §4]."""
    if place.system.public and place.asked.startswith("/") and place.path.split("/")[1] == caller.username:
        return ALL_PERMISSIONS
    return permission_from_bits(info.mode >> 6 & 7)
