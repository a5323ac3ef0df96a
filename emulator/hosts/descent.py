"""Going down a directory tree by handles, so that nothing outside its root is ever reached.

Each step opens one name relative to the directory before it and refuses to follow links; links are read
and resolved here, against the root. A job that renames directories or swaps in links meanwhile can make
a step fail, but cannot lead it out: no path is ever handed to the system as a whole.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MAX_LINKS = 40
MAX_NAME_BYTES = 255
MAX_PATH_BYTES = 4096
SAFELY = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""For every handle: never through a link, and never waiting for the other end of a pipe."""
DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | SAFELY
# A handle good enough to go on from; Linux gives one also for directories that may be entered but not read.
_STEP = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | SAFELY
_IS_LINK = (errno.ENOTDIR, errno.ELOOP, errno.EMLINK)
HERE = "."


class Tree:
    """A directory of this machine as a file system of its own, entered no higher than ``floor``.

    Paths are absolute within the tree, and must lie below the floor.
    """

    def __init__(self, top: Path, floor: str = "/") -> None:
        """``top`` is a real path, without links; it is made when it is missing."""
        self.top = top
        self._floor = segments(floor)

    @property
    def floor_path(self) -> Path:
        """Where the floor lies on this machine."""
        return self.top.joinpath(*self._floor)

    def at(self, floor: str) -> Tree:
        """The same tree, entered no higher than the directory ``floor``."""
        return Tree(self.top, floor)

    def inside(self, path: str) -> list[str]:
        """The segments of a path below the floor.

        Raises FileNotFoundError for a path outside, for names that no directory can hold, and for paths
        longer than machines take.
        """
        if len(path.encode("utf-8", "surrogatepass")) > MAX_PATH_BYTES:
            raise missing(path)
        names = segments(path)
        if ".." in names or names[: len(self._floor)] != self._floor or not all(map(_possible, names)):
            raise missing(path)
        return names[len(self._floor) :]

    @contextmanager
    def open_parent(self, path: str, *, follow: bool = True, make: bool = False) -> Iterator[tuple[int, str]]:
        """The open directory that holds what ``path`` names, and its name there.

        The name itself may be missing; it is no link, unless ``follow`` is false. For the floor the name
        is ``.``. ``make`` makes the directories on the way that are missing.
        """
        names = self.inside(path)
        descent = _Descent(self.top, make)
        try:
            descent.enter(self._floor)
            yield descent.to(names, follow)
        finally:
            descent.close()


class _Descent:
    """One way down. ``handles`` are the open directories from the top to here."""

    def __init__(self, top: Path, make: bool) -> None:
        self._top = top
        self._make = make
        self._links = 0
        self._floor = segments(str(top))
        self._floor_handles = 1
        try:
            self.handles = [os.open(top, DIRECTORY)]
        except FileNotFoundError:
            top.mkdir(parents=True, exist_ok=True)
            self.handles = [os.open(top, DIRECTORY)]

    def close(self) -> None:
        while self.handles:
            os.close(self.handles.pop())

    def enter(self, names: list[str]) -> None:
        """Go down into a directory, which is the floor from now on."""
        pending = names[::-1]
        while pending:
            self._step(pending)
        self._floor += names
        self._floor_handles = len(self.handles)

    def to(self, names: list[str], follow: bool) -> tuple[int, str]:
        """Go down to the directory that holds the last of ``names``."""
        pending = names[::-1]
        while pending:
            if len(pending) == 1 and pending[0] != "..":
                target = self._link(pending[0]) if follow else None
                if target is None:
                    return self.handles[-1], pending[0]
                self._turn(pending, target)
            else:
                self._step(pending)
        return self.handles[-1], HERE

    def _step(self, pending: list[str]) -> None:
        """Enter the next of the names that are still to go, or put a link's own names in its place."""
        name = pending[-1]
        if name == "..":
            if len(self.handles) <= self._floor_handles:
                raise missing(name)
            os.close(self.handles.pop())
            pending.pop()
            return
        try:
            handle = self._open(name)
        except OSError as error:
            target = self._link(name) if error.errno in _IS_LINK else None
            if target is None:
                raise
            self._turn(pending, target)
        else:
            self.handles.append(handle)
            pending.pop()

    def _open(self, name: str) -> int:
        here = self.handles[-1]
        try:
            return os.open(name, _STEP, dir_fd=here)
        except FileNotFoundError:
            if not self._make:
                raise
        make_directory(name, here)
        return os.open(name, _STEP, dir_fd=here)

    def _link(self, name: str) -> str | None:
        """Where a link points; None for anything else."""
        try:
            return os.readlink(name, dir_fd=self.handles[-1])
        except OSError as error:
            if error.errno in (errno.EINVAL, errno.ENOENT):
                return None
            raise

    def _turn(self, pending: list[str], target: str) -> None:
        """Go on with a link's target instead of its name."""
        self._links += 1
        if self._links > MAX_LINKS:
            raise missing(pending[-1])
        pending.pop()
        names = segments(target)
        if target.startswith("/"):
            names = self._back_to_floor(target)
        pending.extend(reversed(names))

    def _back_to_floor(self, target: str) -> list[str]:
        """Absolute links hold real paths, as jobs see them: those below the floor go on from there."""
        names = segments(target)
        if names[: len(self._floor)] != self._floor:
            raise missing(target)
        while len(self.handles) > self._floor_handles:
            os.close(self.handles.pop())
        return names[len(self._floor) :]


def make_directory(name: str, handle: int) -> None:
    """A directory that everybody may read; one that is there already is fine."""
    try:
        os.mkdir(name, 0o755, dir_fd=handle)
    except FileExistsError:
        return


def open_regular(path: str, name: str, handle: int, flags: int) -> int:
    """Open a file in an open directory; ``path`` is what to call it in errors.

    IsADirectoryError for directories, FileNotFoundError for devices, pipes and sockets.
    """
    try:
        opened = os.open(name, flags | SAFELY, 0o644, dir_fd=handle)
    except OSError as error:
        if error.errno == errno.ENXIO:  # a socket, or a pipe that nobody reads
            raise missing(path) from error
        raise
    mode = os.fstat(opened).st_mode
    if stat.S_ISREG(mode):
        return opened
    os.close(opened)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    raise missing(path)


def missing(path: str) -> FileNotFoundError:
    return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)


def segments(path: str) -> list[str]:
    return [name for name in path.split("/") if name not in ("", ".")]


def _possible(name: str) -> bool:
    """Whether a file can have this name at all."""
    try:
        return "\0" not in name and len(os.fsencode(name)) <= MAX_NAME_BYTES
    except UnicodeEncodeError:
        return False
