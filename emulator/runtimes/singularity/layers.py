"""Unpacking the layers of an image, one over the other, wherever their names and links want to lead."""

from __future__ import annotations

import os
import shutil
import stat
import tarfile
from typing import BinaryIO

from emulator.runtimes.singularity.failure import Fatal
from emulator.runtimes.singularity.places import resolve

_WHITEOUT, _OPAQUE = ".wh.", ".wh..wh..opq"
_PERMISSIONS = 0o1777
"""Without the bits that lend somebody else's rights: all belongs to the caller."""


def unpack_layer(stream: BinaryIO, root: str) -> None:
    """Unpack a tar, compressed or not, over what is in ``root``; devices and pipes are left out.

    Raises Fatal for names that lead outside, and for what is no tar or is cut short.
    """
    own: set[str] = set()
    try:
        with tarfile.open(fileobj=stream, mode="r|*") as tar:
            for member in tar:
                _place(tar, member, root, own)
    except (tarfile.TarError, EOFError, OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # of this machine: a full disk, no permission
        raise Fatal(f"a layer of the image is damaged: {error}") from error


def _place(tar: tarfile.TarFile, member: tarfile.TarInfo, root: str, own: set[str]) -> None:
    parts = [part for part in member.name.split("/") if part not in ("", ".")]
    if ".." in parts or "\0" in member.name:
        raise Fatal(f"a layer of the image leads outside: {member.name!r}")
    if not parts:
        return
    directory = resolve(root, "/".join(parts[:-1]))
    _make_directory(directory, root)
    name = parts[-1]
    target = os.path.join(directory, name)
    if name == _OPAQUE:
        for child in os.listdir(directory):
            if os.path.join(directory, child) not in own:
                _remove(os.path.join(directory, child))
        return
    if name.startswith(_WHITEOUT):
        hidden = name[len(_WHITEOUT) :]
        if hidden in ("", ".", ".."):
            raise Fatal(f"a layer of the image is damaged: {member.name!r}")
        _remove(os.path.join(directory, hidden))
        return
    if _write(tar, member, target, root):
        while target not in own and target != root:
            own.add(target)
            target = os.path.dirname(target)


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, target: str, root: str) -> bool:
    mode = member.mode & _PERMISSIONS
    if member.isdir():
        if os.path.islink(target) and os.path.isdir(resolve(root, os.path.relpath(target, root))):
            return True  # a directory of a lower layer, by way of a link
        if os.path.islink(target) or not os.path.isdir(target):
            _remove(target)
            os.mkdir(target)
        os.chmod(target, mode | 0o700)
        return True
    if member.issym():
        _remove(target)
        os.symlink(member.linkname, target)
        return True
    if member.islnk():
        source = resolve(root, member.linkname, last=False)
        if not os.path.lexists(source) or os.path.isdir(source):
            raise Fatal(f"a layer of the image is damaged: {member.name!r} is a link to no file")
        if source != target:
            _remove(target)
            os.link(source, target, follow_symlinks=False)
        return True
    if not member.isreg():
        return False
    _remove(target)
    content = tar.extractfile(member)
    if content is None:
        raise Fatal(f"a layer of the image is damaged: {member.name!r}")
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        shutil.copyfileobj(content, file, 1024 * 1024)
    os.chmod(target, mode | 0o400)
    os.utime(target, (member.mtime, member.mtime))
    return True


def _make_directory(directory: str, root: str) -> None:
    """A directory that the layer did not name before what is in it."""
    missing = []
    while not os.path.isdir(directory) and directory != root:
        missing.append(directory)
        directory = os.path.dirname(directory)
    for place in reversed(missing):
        _remove(place)
        os.mkdir(place, 0o755)


def _remove(place: str) -> None:
    try:
        found = os.lstat(place)
    except FileNotFoundError:
        return
    if stat.S_ISDIR(found.st_mode):
        shutil.rmtree(place)
    else:
        os.unlink(place)
