"""Seeds as tar files, which may come from anybody: what is unpacked lies in the folder, and nowhere else."""

from __future__ import annotations

import errno
import lzma
import os
import shutil
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from emulator.domain.errors import Invalid, Unavailable
from emulator.seeds.packs import BYTES, DIRECTORY, FILE, LINK, Item, Pack
from emulator.seeds.source import FILES, WORLD_FILE

MOST_ENTRIES = 100_000
LARGEST = 4 * 1024**3
"""Bytes of all files together, unpacked."""
_LONGEST_HEADER = 64 * 1024
_PIECE = 256 * 1024
_HEADERS = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)
_DEEPEST = 200
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE)


class _Member(tarfile.TarInfo):
    """Refuses headers that are larger than names are: they would be read into memory as a whole."""

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        if self.type in _HEADERS and self.size > _LONGEST_HEADER:
            raise tarfile.ReadError(f"a header of {self.size} bytes")
        return super()._proc_member(archive)  # type: ignore[misc,no-any-return]


def unpack(stream: BinaryIO, folder: Path) -> Path:
    """The folder with world.yaml in it: ``folder``, or the only one in it.

    Plain or compressed with gzip, bzip2 or xz. Links are taken in ``files/`` only, and lead nowhere while it is
    unpacked: they come last. Raises Invalid, Unavailable (no room); what was unpacked stays then.
    """
    try:
        with tarfile.open(fileobj=stream, mode="r|*", tarinfo=_Member) as archive:
            links = _unpack(archive, folder, LARGEST)
        inside = [path for path in folder.iterdir() if path.is_dir()]
        root = next((path for path in (folder, *inside[:1]) if (path / WORLD_FILE).is_file()), None)
        if root is None:
            raise Invalid(f"There is no {WORLD_FILE} in the tar")
        _make_links(links, root / FILES)
    except (tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, ValueError, OverflowError) as error:
        raise Invalid(f"The body is no tar that can be read: {error}") from error
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise Unavailable(f"The tar cannot be unpacked: {error.strerror}") from error
        raise Invalid(f"The tar cannot be unpacked: {error.strerror or error}") from error
    return root


def _unpack(archive: tarfile.TarFile, folder: Path, largest: int) -> dict[Path, str]:
    """All but the links, which it answers."""
    links: dict[Path, str] = {}
    directories: list[tuple[Path, tarfile.TarInfo]] = []
    left = largest
    for number, member in enumerate(archive, start=1):
        path = _place(member.name, folder)
        left -= member.size + tarfile.BLOCKSIZE
        if number > MOST_ENTRIES or left < 0:
            raise Invalid(f"The tar holds more than {MOST_ENTRIES} entries or {largest} bytes")
        if member.isdir():
            path.mkdir(parents=True, exist_ok=True)
            directories.append((path, member))
        elif member.isreg():
            path.parent.mkdir(parents=True, exist_ok=True)
            content = archive.extractfile(member)
            assert content is not None, "a regular file"
            with path.open("xb") as file:
                shutil.copyfileobj(content, file, _PIECE)
            path.chmod(member.mode & 0o777 | 0o400)
            os.utime(path, (member.mtime, member.mtime))
        elif member.issym():
            links[path] = member.linkname
        else:
            raise Invalid(f"{member.name[:200]!a}: seeds hold files, directories and links, nothing else")
    for path, member in reversed(directories):
        path.chmod(member.mode & 0o777 | 0o700)
        os.utime(path, (member.mtime, member.mtime))
    return links


def _make_links(links: dict[Path, str], files: Path) -> None:
    for path, target in links.items():
        above = [parent for parent in path.parents if parent in links]
        if files not in path.parents or above:
            raise Invalid(f"{path.name[:200]!a}: links lie in {FILES}/, and hold nothing")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(target)


def _place(name: str, folder: Path) -> Path:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\0" in name or len(path.parts) > _DEEPEST:
        raise Invalid(f"{name[:200]!a}: leads out of the seed")
    return folder.joinpath(*path.parts)


def pack(folder: Path, files: Pack, target: Path) -> None:
    """A seed as a gzipped tar, its records from a folder; names are relative to it. Raises OSError."""
    with (
        tarfile.open(target, "x:gz", format=tarfile.PAX_FORMAT, compresslevel=1) as archive,
        (files.folder / BYTES).open("rb") as content,
    ):
        for path in _sorted(folder):
            archive.add(path, arcname=str(path.relative_to(folder)), recursive=False, filter=_plain)
        top = _plain(archive.gettarinfo(str(folder), FILES))
        archive.addfile(top)
        for item in files.items:
            content.seek(item.offset)
            archive.addfile(_member(item), content)


def _sorted(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        yield path
        if path.is_dir():
            yield from _sorted(path)


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Whose file it was says nothing elsewhere."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


def _member(item: Item) -> tarfile.TarInfo:
    member = tarfile.TarInfo(f"{FILES}/{item.path}")
    member.type = {DIRECTORY: tarfile.DIRTYPE, LINK: tarfile.SYMTYPE, FILE: tarfile.REGTYPE}[item.kind]
    member.mode, member.mtime, member.size = item.mode, item.modified / 1e9, item.size
    member.linkname = item.target
    return member
