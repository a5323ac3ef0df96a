"""App assets into a zip file, as public apps are kept [apps §6.1]."""

from __future__ import annotations

import hashlib
import stat
from datetime import datetime
from typing import TYPE_CHECKING, BinaryIO, cast

from emulator.domain import paths
from emulator.domain.file import FileInfo
from emulator.engine.passage import FREE, Passage
from emulator.engine.streams import CHUNK
from emulator.engine.struck_files import source_of, written
from emulator.engine.transfer import Location, TransferFailed, cause_of, check_size

if TYPE_CHECKING:
    from zipfile import ZipFile, ZipInfo

_OLDEST = (1980, 1, 1, 0, 0, 0)
_NEWEST_YEAR = 2107
_IS_DIR = 0x10


def pack(source: Location, archive: BinaryIO, passage: Passage = FREE) -> str:
    """Write a directory, itself included, as a zip file; the answer is the file's MD5 checksum, in hexadecimal.

    Memory stays constant but for the names, whatever the sizes. There is one attempt: a zip file cannot be written
    over. Raises TransferFailed for what cannot be read or named, OSError for what the archive's machine refuses.
    """
    from zipfile import ZIP_DEFLATED, ZipFile  # few requests need it

    summed = _Summed(archive)
    folder = paths.basename(source.path) or "app"
    with ZipFile(summed, "w", ZIP_DEFLATED) as made:
        _add(made, source, source.files.stat(source.path), folder, passage)
        for info in source.files.walk(source.path):
            relative = info.path[len(source.path.rstrip("/")) + 1 :]
            _add(made, source, info, f"{folder}/{relative}", passage)
    return summed.checksum


class _Summed:
    """A stream that sums what goes through it; being no file to seek in, it is written from start to end."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._sum = hashlib.md5(usedforsecurity=False)

    def write(self, data: bytes) -> int:
        self._sum.update(data)
        return self._stream.write(data)

    def flush(self) -> None:
        self._stream.flush()

    def close(self) -> None:
        """The stream is somebody else's to close."""

    @property
    def checksum(self) -> str:
        return self._sum.hexdigest()


def _add(made: ZipFile, source: Location, info: FileInfo, name: str, passage: Passage) -> None:
    entry = _entry(source, info, name)
    if info.is_dir:
        made.writestr(entry, b"")
        return
    way = passage.way(info.path, "", name.partition("/")[2])
    files = source_of(source.files, way)
    moved = 0
    try:
        with files.reader(info.path) as incoming, made.open(entry, "w", force_zip64=True) as opened:
            outgoing = written(cast(BinaryIO, opened), way)
            while piece := incoming.read(CHUNK):
                outgoing.write(piece)
                moved += len(piece)
        check_size(files, info, moved)
    except OSError as error:
        raise TransferFailed(f"{source.uri}: {paths.shown(name)}: {cause_of(error)}", error) from error


def _entry(source: Location, info: FileInfo, name: str) -> ZipInfo:
    from zipfile import ZIP_DEFLATED, ZipInfo

    if paths.shown(name) != name:
        raise TransferFailed(f"{source.uri}: the name {paths.shown(name)} cannot be kept in a zip file")
    entry = ZipInfo(name + "/" if info.is_dir else name, _moment(info.last_modified))
    entry.compress_type = ZIP_DEFLATED
    kind = stat.S_IFDIR if info.is_dir else stat.S_IFREG
    entry.external_attr = (kind | info.mode) << 16 | (_IS_DIR if info.is_dir else 0)
    return entry


def _moment(when: datetime) -> tuple[int, int, int, int, int, int]:
    """Zip files know the years from 1980 to 2107."""
    if not _OLDEST[0] <= when.year <= _NEWEST_YEAR:
        return _OLDEST
    return (when.year, when.month, when.day, when.hour, when.minute, when.second)
