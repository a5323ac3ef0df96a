"""The files of a machine that a directory of this one stands for (ports.HostFiles)."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from emulator.domain.file import FileInfo
from emulator.domain.paths import join, parent
from emulator.hosts.checksum import sha256_of
from emulator.hosts.descent import DIRECTORY, HERE, SAFELY, Tree, make_directory, missing, open_regular
from emulator.hosts.incoming import TEMPORARY_PREFIX, IncomingFile, Spool
from emulator.hosts.removal import remove_tree

_LAST_SECOND = 253402214400  # the last day that a date can name, in any time zone


class ConfinedFiles:
    """A directory as the whole file system of a machine; see ports.HostFiles and descent.py."""

    def __init__(self, tree: Tree, spool: Spool) -> None:
        """Unfinished files lie in ``spool``, beside the tree."""
        self._tree = tree
        self._spool = spool

    def within(self, root: str) -> ConfinedFiles:
        return ConfinedFiles(self._tree.at(root), self._spool)

    def stat(self, path: str) -> FileInfo:
        with self._tree.open_parent(path) as (directory, name):
            return _info(path, os.stat(name, dir_fd=directory, follow_symlinks=False))

    def exists(self, path: str) -> bool:
        try:
            self.stat(path)
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def names(self, path: str) -> list[str]:
        with self._open_directory(path) as directory:
            return [entry.name for entry in self._entries(path, directory)]

    def listing(self, path: str, names: Iterable[str] | None = None) -> list[FileInfo]:
        with self._open_directory(path) as directory:
            wanted = [entry.name for entry in self._entries(path, directory)] if names is None else names
            found = (self._child(path, name, directory) for name in wanted)
            return [info for info, _ in filter(None, found)]

    def unreachable(self, path: str) -> list[str]:
        with self._open_directory(path) as directory:
            listed = {entry.name for entry in self._entries(path, directory)}
            with os.scandir(directory) as entries:
                others = [entry.name for entry in entries if entry.name not in listed]
            return [name for name in others if not name.startswith(TEMPORARY_PREFIX)]

    def reader(self, path: str, offset: int = 0) -> BinaryIO:
        with self._tree.open_parent(path) as (directory, name):
            stream = os.fdopen(open_regular(path, name, directory, os.O_RDONLY), "rb")
        stream.seek(offset)
        return stream

    @contextmanager
    def incoming(self, directory: str) -> Iterator[IncomingFile]:
        with self._open_directory(directory) as handle, self._spool.file(handle, self._tree) as file:
            yield file

    @contextmanager
    def writer(self, path: str, mode: int | None = None, resume: str = "") -> Iterator[BinaryIO]:
        mark = f"{path}\0{resume}" if resume else ""
        with self._open_directory(parent(path)) as near, self._spool.file(near, self._tree, mark) as file:
            yield file.stream
            file.put(path, mode)

    @contextmanager
    def patch(self, path: str, offset: int) -> Iterator[BinaryIO]:
        with self._tree.open_parent(path) as (directory, name):
            handle = open_regular(path, name, directory, os.O_WRONLY | os.O_CREAT)
        with os.fdopen(handle, "wb") as stream:
            stream.seek(offset)
            yield stream

    def mkdir(self, path: str) -> None:
        with self._tree.open_parent(path, make=True) as (directory, name):
            if name == HERE:
                return
            make_directory(name, directory)
            if not stat.S_ISDIR(os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)

    def remove(self, path: str) -> None:
        with self._tree.open_parent(path, follow=False) as (directory, name):
            if name == HERE:
                raise PermissionError(errno.EPERM, "the root cannot be removed", path)
            if stat.S_ISDIR(os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode):
                remove_tree(name, directory)
            else:
                os.unlink(name, dir_fd=directory)

    def rename(self, source: str, target: str) -> None:
        with self._tree.open_parent(source, follow=False) as (old, old_name):
            with self._tree.open_parent(target, follow=False) as (new, new_name):
                os.replace(old_name, new_name, src_dir_fd=old, dst_dir_fd=new)

    def chmod(self, path: str, mode: int) -> None:
        with self._tree.open_parent(path) as (directory, name):
            handle = os.open(name, os.O_RDONLY | SAFELY, dir_fd=directory)
            try:
                os.fchmod(handle, mode)
            finally:
                os.close(handle)

    def walk(self, path: str) -> Iterator[FileInfo]:
        start, own = self._identified(path)
        if not start.is_dir:
            yield start
            return
        # a link may lead to a directory above itself: each directory knows those that it was reached by
        ahead = [(path, frozenset([own]))]
        while ahead:
            here, above = ahead.pop()
            below = []
            for info, identity in self._children(here):
                yield info
                if info.is_dir and identity not in above:
                    below.append((info.path, above | {identity}))
            ahead.extend(reversed(below))

    def sha256(self, path: str) -> str:
        with self.reader(path) as stream:
            return sha256_of(stream)

    @property
    def bulk(self) -> None:
        return None

    def local_path(self, path: str) -> Path | None:
        names = self._tree.inside(path)
        # what does not exist yet must not lead out by what does exist of the way to it
        known = path
        while known != "/" and not self.exists(known):
            # asked once more: it may have been made just now, between the two questions
            if self._is_there(known) and not self.exists(known):
                raise missing(path)
            known = parent(known)
        return self._tree.floor_path.joinpath(*names)

    def _is_there(self, path: str) -> bool:
        """Whether something has the name, be it a link to nowhere."""
        try:
            with self._tree.open_parent(path, follow=False) as (directory, name):
                os.stat(name, dir_fd=directory, follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    # directories

    @contextmanager
    def _open_directory(self, path: str) -> Iterator[int]:
        with self._tree.open_parent(path) as (parent_handle, name):
            handle = os.open(name, DIRECTORY, dir_fd=parent_handle)
        try:
            yield handle
        finally:
            os.close(handle)

    def _entries(self, path: str, directory: int) -> Iterator[os.DirEntry[str]]:
        """What a directory holds and can be reached: no devices, pipes and sockets, no links to nowhere."""
        with os.scandir(directory) as entries:
            for entry in entries:
                if entry.name.startswith(TEMPORARY_PREFIX):
                    continue
                if entry.is_symlink():
                    if self._child(path, entry.name, directory):
                        yield entry
                elif entry.is_dir(follow_symlinks=False) or entry.is_file(follow_symlinks=False):
                    yield entry

    def _children(self, path: str) -> list[tuple[FileInfo, tuple[int, int]]]:
        try:
            with self._open_directory(path) as directory:
                names = sorted(entry.name for entry in self._entries(path, directory))
                return [found for name in names if (found := self._child(path, name, directory))]
        except FileNotFoundError:
            return []  # removed while the walk was under way

    def _child(self, path: str, name: str, directory: int) -> tuple[FileInfo, tuple[int, int]] | None:
        """One child with its identity; None when it is gone, or nothing that can be reached."""
        child = join(path, name)
        try:
            status = os.stat(name, dir_fd=directory, follow_symlinks=False)
            if stat.S_ISLNK(status.st_mode):
                return self._identified(child)
            return _info(child, status), (status.st_dev, status.st_ino)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def _identified(self, path: str) -> tuple[FileInfo, tuple[int, int]]:
        with self._tree.open_parent(path) as (directory, name):
            status = os.stat(name, dir_fd=directory, follow_symlinks=False)
        return _info(path, status), (status.st_dev, status.st_ino)


def _info(path: str, status: os.stat_result) -> FileInfo:
    is_dir = stat.S_ISDIR(status.st_mode)
    if not is_dir and not stat.S_ISREG(status.st_mode):
        raise missing(path)
    return FileInfo(
        name=path.rstrip("/").rpartition("/")[2],
        path=path,
        is_dir=is_dir,
        length=status.st_size,
        # programs may set any time at all
        last_modified=datetime.fromtimestamp(min(max(status.st_mtime, 0), _LAST_SECOND), UTC),
        mode=stat.S_IMODE(status.st_mode),
    )
