"""Files on their way in: written out of sight, put in place in one step, or gone."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import itertools
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from emulator.domain.ports import UNFINISHED
from emulator.hosts.descent import DIRECTORY, Tree, missing, open_regular

TEMPORARY_PREFIX = UNFINISHED
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_RESUME = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
_PATCH = os.O_WRONLY | os.O_CREAT
_NEW_FILE_MODE = 0o644
_PIECE = 1024 * 1024


class Spool:
    """A directory for unfinished files, on the file system of the trees they will go to."""

    _numbers = itertools.count()

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def clear(self) -> None:
        """Drop what a crash has left behind."""
        for path in self._directory.glob(TEMPORARY_PREFIX + "*"):
            path.unlink(missing_ok=True)

    @contextmanager
    def file(self, near: int, tree: Tree, resume: str = "") -> Iterator[IncomingFile]:
        """A new file that can be put into the open directory ``near`` by renaming; gone unless it was put.

        With ``resume`` what an earlier file of that name had when its source broke off is still in it, and it
        stays when that happens again; see ports.HostFiles.writer.
        """
        self._directory.mkdir(parents=True, exist_ok=True)
        home = os.open(self._directory, DIRECTORY)
        try:
            if os.fstat(home).st_dev != os.fstat(near).st_dev:
                # something is mounted inside the tree: only there can the file be renamed
                os.close(home)
                home = os.dup(near)
            name, stream = self._open(home, resume)
            broken = False
            try:
                yield IncomingFile(stream, home, name, tree)
            except (ConnectionError, TimeoutError):
                broken = bool(resume)
                raise
            finally:
                if not broken:
                    with suppress(FileNotFoundError):
                        os.unlink(name, dir_fd=home)
                # what was put in place has been flushed; of the rest, nobody wants what the disk had no room for
                with suppress(OSError):
                    stream.close()
        finally:
            os.close(home)

    def _open(self, home: int, resume: str) -> tuple[str, BinaryIO]:
        """The file's name, and the file at its end; a new one where another transfer is busy with the one asked for."""
        if resume:
            mark = hashlib.sha256(resume.encode("utf-8", "surrogateescape")).hexdigest()[:32]
            name = f"{TEMPORARY_PREFIX}{mark}"
            handle = os.open(name, _RESUME, _NEW_FILE_MODE, dir_fd=home)
            if _ours(handle, name, home):
                return name, os.fdopen(handle, "ab")
            os.close(handle)
        name = f"{TEMPORARY_PREFIX}{os.getpid()}-{next(self._numbers)}"
        return name, os.fdopen(os.open(name, _CREATE, _NEW_FILE_MODE, dir_fd=home), "wb")


def _ours(handle: int, name: str, home: int) -> bool:
    """Whether nobody else writes to the file, nor has put it in place since it was opened."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.fstat(handle).st_ino == os.stat(name, dir_fd=home, follow_symlinks=False).st_ino
    except (BlockingIOError, FileNotFoundError):
        return False


class IncomingFile:
    """See ports.Incoming."""

    def __init__(self, stream: BinaryIO, home: int, name: str, tree: Tree) -> None:
        self._stream = stream
        self._home = home
        self._name = name
        self._tree = tree

    @property
    def stream(self) -> BinaryIO:
        return self._stream

    def put(self, path: str, mode: int | None = None) -> None:
        self._stream.flush()
        with self._tree.open_parent(path) as (directory, name):
            kept = _mode(path, name, directory)
            os.fchmod(self._stream.fileno(), kept if mode is None else mode)
            os.replace(self._name, name, src_dir_fd=self._home, dst_dir_fd=directory)

    def overlay(self, path: str, offset: int) -> None:
        self._stream.flush()
        with self._tree.open_parent(path) as (directory, name):
            handle = open_regular(path, name, directory, _PATCH)
        own = os.open(self._name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._home)
        with os.fdopen(handle, "wb") as target, os.fdopen(own, "rb") as content:
            target.seek(offset)
            shutil.copyfileobj(content, target, _PIECE)


def _mode(path: str, name: str, directory: int) -> int:
    """The mode of the file that is replaced, else that of new files."""
    try:
        mode = os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return _NEW_FILE_MODE
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    if not stat.S_ISREG(mode):
        raise missing(path)
    return stat.S_IMODE(mode)
