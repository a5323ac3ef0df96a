"""A tree of files in two files of its own: quick to make, to read in part, and to remove.

::

    packed.json   what lies where: directories before what they hold, names in order
    packed.bin    the bytes of the files, one behind the other in the same order

A disk makes and forgets two files where it would have made and forgotten thousands. Kept are files, directories and
links with their modes and times; sockets, pipes and devices are left out, and links lead wherever they led.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Container, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

INDEX, BYTES = "packed.json", "packed.bin"
DIRECTORY, FILE, LINK = "d", "f", "l"
_PIECE = 1024 * 1024
_OLD = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Item:
    """``path`` is relative to the tree; ``modified`` are nanoseconds; of files, where their bytes are."""

    path: str
    kind: str
    mode: int
    modified: int
    offset: int = 0
    size: int = 0
    target: str = ""


@dataclass(frozen=True, slots=True)
class Pack:
    """A tree as it was packed. ``folder`` holds it."""

    folder: Path
    items: list[Item]

    @classmethod
    def read(cls, folder: Path) -> Pack:
        """Raises OSError, ValueError."""
        found = json.loads((folder / INDEX).read_bytes())
        return cls(folder, [Item(*each) for each in found])

    @classmethod
    def write(cls, home: Path, folder: Path) -> Pack:
        """Pack what lies in a directory, but what is hidden there: uploads on their way.

        Somebody may be at work there: what has vanished is left out. Raises OSError.
        """
        with (folder / BYTES).open("xb") as out:
            items = list(_packed(str(home), "", out)) if home.is_dir() else []
        index = json.dumps(
            [[getattr(item, name) for name in Item.__slots__] for item in items], separators=(",", ":")
        )
        (folder / INDEX).write_text(index, encoding="ascii")
        return cls(folder, items)

    def lay_out(self, target: Path, without: Container[str] = ()) -> None:
        """Make a new directory of it, without some paths and what is below them; to be settled. Raises OSError."""
        target.mkdir(parents=True)
        with (self.folder / BYTES).open("rb") as source:
            for item in self._items(without):
                _make(item, f"{target}/{item.path}", source.fileno())

    def topmost(self, paths: Container[str]) -> list[str]:
        """Those of some paths that are in none of the others."""
        found: list[str] = []
        for item in self.items:
            if item.path in paths and not (found and item.path.startswith(f"{found[-1]}/")):
                found.append(item.path)
        return found

    def settle(self, target: Path, without: Container[str] = ()) -> None:
        """Directories become what they were, once all is in them; but what was left out. Raises OSError."""
        for item in reversed([item for item in self._items(without) if item.kind == DIRECTORY]):
            path = target / item.path
            path.chmod(item.mode)
            os.utime(path, ns=(item.modified, item.modified))

    def _items(self, without: Container[str]) -> Iterator[Item]:
        skipped = "\0"
        for item in self.items:
            if item.path.startswith(skipped):
                continue
            if item.path in without:
                skipped = f"{item.path}/"
            else:
                yield item


def _packed(home: str, below: str, out: BinaryIO) -> Iterator[Item]:
    with suppress(FileNotFoundError), os.scandir(f"{home}/{below}") as found:
        for entry in sorted(found, key=lambda each: each.name):
            path = f"{below}/{entry.name}" if below else entry.name
            if not below and entry.name.startswith("."):
                continue
            try:
                about = entry.stat(follow_symlinks=False)
                mode, modified = stat.S_IMODE(about.st_mode), about.st_mtime_ns
                if entry.is_symlink():
                    yield Item(path, LINK, mode, modified, target=str(Path(entry.path).readlink()))
                elif entry.is_dir(follow_symlinks=False):
                    yield Item(path, DIRECTORY, mode, modified)
                    yield from _packed(home, path, out)
                elif entry.is_file(follow_symlinks=False):
                    yield Item(path, FILE, mode & 0o777, modified, out.tell(), _append(entry.path, out))
            except FileNotFoundError:
                continue


def _append(path: str, out: BinaryIO) -> int:
    """How many bytes there were."""
    size = 0
    source = os.open(path, _OLD)
    try:
        while piece := os.read(source, _PIECE):
            size += out.write(piece)
    finally:
        os.close(source)
    return size


def _make(item: Item, path: str, source: int) -> None:
    if item.kind == DIRECTORY:
        Path(path).mkdir(0o700)
    elif item.kind == LINK:
        Path(path).symlink_to(item.target)
    else:
        new = os.open(path, _NEW, 0o600)
        try:
            _copy(source, item.offset, item.size, new)
            os.fchmod(new, item.mode)
            os.utime(new, ns=(item.modified, item.modified))
        finally:
            os.close(new)


def _copy(source: int, offset: int, size: int, new: int) -> None:
    while size:
        piece = os.pread(source, min(size, _PIECE), offset)
        if not piece:
            raise OSError(f"{BYTES} ends before its files do")
        written = os.write(new, piece)
        offset, size = offset + written, size - written
