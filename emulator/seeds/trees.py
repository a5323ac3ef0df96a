"""Copies of directory trees: files, directories and links as they are, nothing else."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

try:
    from fcntl import ioctl
except ImportError:  # pragma: no cover
    ioctl = None  # type: ignore[assignment]

_FICLONE = 0x40049409
"""Linux: a file that shares its blocks with another until one of them is written."""
_PIECE = 1024 * 1024
_OLD = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


def copy_tree(source: Path, target: Path) -> None:
    """``target`` becomes a copy of the directory, with times and modes; it must not exist.

    Links are copied as links, wherever they lead. Sockets, pipes and devices are left out. Raises OSError.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    _copy_directory(str(source), str(target))


def _copy_directory(source: str, target: str) -> None:
    Path(target).mkdir()
    with os.scandir(source) as entries:
        for entry in entries:
            copied = f"{target}/{entry.name}"
            if entry.is_symlink():
                Path(copied).symlink_to(Path(entry.path).readlink())
            elif entry.is_dir(follow_symlinks=False):
                _copy_directory(entry.path, copied)
            elif entry.is_file(follow_symlinks=False):
                _copy_file(entry.path, copied)
    shutil.copystat(source, target, follow_symlinks=False)


def _copy_file(source: str, target: str) -> None:
    """A regular file, with its time and mode; shared until it is written to, where the disk can do that."""
    old = os.open(source, _OLD)
    try:
        about = os.fstat(old)
        new = os.open(target, _NEW, 0o600)
        try:
            if about.st_size and not _cloned(old, new):
                _copy_bytes(old, new)
            os.fchmod(new, stat.S_IMODE(about.st_mode) & 0o777)
            os.utime(new, ns=(about.st_atime_ns, about.st_mtime_ns))
        finally:
            os.close(new)
    finally:
        os.close(old)


def _copy_bytes(old: int, new: int) -> None:
    while piece := os.read(old, _PIECE):
        rest = memoryview(piece)
        while rest:
            rest = rest[os.write(new, rest) :]


def _cloned(old: int, new: int) -> bool:
    if ioctl is None:
        return False
    try:
        ioctl(new, _FICLONE, old)
    except OSError:  # another file system, or one that cannot
        return False
    return True
