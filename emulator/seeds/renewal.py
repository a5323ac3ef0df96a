"""Files of a world as they were laid out, with as little work as there were changes.

What nobody has touched is moved from the old directory to the new one, whole directories at once; the rest is
made anew. What was touched is told by the time of a change to an inode, which nobody can set.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from emulator.seeds.packs import DIRECTORY, Pack

Stamps = Mapping[str, tuple[int, int]]
"""Inode and time of its last change (nanoseconds), by path below a world's directory."""
MOST_STAMPS = 20_000
"""Worlds of more files are laid out anew as a whole: stamps are kept in memory."""


def stamps_of(home: Path) -> Stamps:
    """How all that lies below a directory is now, while nobody is there; empty where that is too much.

    What changed just now is left out: it might change once more within the same tick of the machine's clock.
    Raises OSError.
    """
    os.utime(home)
    last = home.stat().st_ctime_ns
    found: dict[str, tuple[int, int]] = {}
    waiting = [""]
    while waiting:
        below = waiting.pop()
        with os.scandir(home / below) as entries:
            for entry in entries:
                path, stamp = _under(below, entry.name), _stamp(entry)
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(path)
                if stamp[1] < last:
                    found[path] = stamp
        if len(found) > MOST_STAMPS:
            return {}
    return found


class Renewal:
    """One directory that becomes what was packed, out of another one that was that once.

    It is made in two steps, so that between them somebody may decide that the new directory is the one.
    """

    def __init__(self, pack: Pack, old: Path, new: Path, stamps: Stamps) -> None:
        """``stamps`` are those of ``old``, taken when nobody had been there. ``new`` must not exist."""
        self._pack, self._old, self._new, self._stamps = pack, old, new, stamps
        self._directories = {item.path for item in pack.items if item.kind == DIRECTORY}
        self._untouched: set[str] = set()

    def prepare(self) -> None:
        """Make the new directory, without what is to be moved; the old one stays as it is. Raises OSError."""
        self._compare("")
        self._pack.lay_out(self._new, self._untouched)

    def finish(self) -> None:
        """Move what is still missing. Raises OSError."""
        for path in self._pack.topmost(self._untouched):
            (self._old / path).rename(self._new / path)
        self._pack.settle(self._new, self._untouched)

    def _compare(self, below: str) -> bool:
        """Whether all that lies in a directory is untouched; its own stamp is the caller's to compare."""
        whole = True
        with os.scandir(self._old / below) as entries:
            for entry in entries:
                path = _under(below, entry.name)
                same = self._stamps.get(path) == _stamp(entry)
                # what is new as a whole need not be looked at
                if path in self._directories and entry.is_dir(follow_symlinks=False):
                    same = self._compare(path) and same
                if same:
                    self._untouched.add(path)
                whole = whole and same
        return whole


def _under(below: str, name: str) -> str:
    return f"{below}/{name}" if below else name


def _stamp(entry: os.DirEntry[str]) -> tuple[int, int]:
    about = entry.stat(follow_symlinks=False)
    return about.st_ino, about.st_ctime_ns
