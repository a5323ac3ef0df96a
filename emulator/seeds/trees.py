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


def copy_tree(source: Path, target: Path) -> None:
    """``target`` becomes a copy of the directory, with times and modes; it must not exist.

    Links are copied as links, wherever they lead. Sockets, pipes and devices are left out. Raises OSError.
    """
    target.mkdir(parents=True)
    with os.scandir(source) as entries:
        for entry in entries:
            copied = target / entry.name
            if entry.is_symlink():
                copied.symlink_to(Path(entry.path).readlink())
            elif entry.is_dir(follow_symlinks=False):
                copy_tree(Path(entry.path), copied)
            elif entry.is_file(follow_symlinks=False):
                copy_file(Path(entry.path), copied)
    shutil.copystat(source, target, follow_symlinks=False)


def copy_file(source: Path, target: Path) -> None:
    """A regular file, with its time and mode; shared until it is written to, where the disk can do that."""
    with open(source, "rb", opener=_plainly) as old, target.open("xb") as new:
        if not _cloned(old.fileno(), new.fileno()):
            shutil.copyfileobj(old, new, 1024 * 1024)
        about = os.fstat(old.fileno())
        os.fchmod(new.fileno(), stat.S_IMODE(about.st_mode) & 0o777)
    os.utime(target, ns=(about.st_atime_ns, about.st_mtime_ns))


def _plainly(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def _cloned(old: int, new: int) -> bool:
    if ioctl is None:
        return False
    try:
        ioctl(new, _FICLONE, old)
    except OSError:  # another file system, or one that cannot
        return False
    return True
