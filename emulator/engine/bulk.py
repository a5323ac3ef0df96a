"""Many small files in one stream: what a transfer does where a machine is far away (ports.BulkFiles)."""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from emulator.domain import paths
from emulator.domain.file import FileInfo
from emulator.domain.ports import HostFiles
from emulator.engine.streams import CHUNK

SMALL = 1024 * 1024
"""Bytes: larger files are copied one by one, each with its own progress."""
MOST_FILES = 500
MOST_BYTES = 64 * 1024 * 1024
FEWEST = 4
"""Fewer files are not worth a stream."""


@dataclass(frozen=True, slots=True)
class Small:
    """A file of a batch; ``relative`` to the directories that are copied."""

    relative: str
    info: FileInfo


class Batch:
    """Small files that wait to be copied together."""

    def __init__(self) -> None:
        self.files: list[Small] = []
        self._bytes = 0

    def add(self, relative: str, info: FileInfo) -> None:
        self.files.append(Small(relative, info))
        self._bytes += info.length

    @property
    def full(self) -> bool:
        return len(self.files) >= MOST_FILES or self._bytes >= MOST_BYTES

    def take(self) -> list[Small]:
        """All of them; the batch is empty then."""
        files, self.files, self._bytes = self.files, [], 0
        return files


@dataclass(frozen=True, slots=True)
class Ends:
    """The two directories of a transfer."""

    source: HostFiles
    source_path: str
    target: HostFiles
    target_path: str

    @property
    def distant(self) -> bool:
        """Whether one of them is better served by streams."""
        return self.source.bulk is not None or self.target.bulk is not None


def copy_batch(ends: Ends, files: list[Small], arrived: Callable[[Small], None]) -> None:
    """Copy all of ``files``; ``arrived`` is told of each once it is there, or once all are.

    Raises OSError when not all have arrived, and what ``arrived`` raises.
    """
    receiving = ends.target.bulk
    with ExitStack() as stack:
        if ends.source.bulk is None:
            assert receiving is not None, "one end is distant"
            out = stack.enter_context(receiving.unpack(ends.target_path))
            _write_tar(ends.source, files, out)
        else:
            names = [file.relative for file in files]
            incoming = stack.enter_context(ends.source.bulk.pack(ends.source_path, names))
            if receiving is None:
                _read_tar(incoming, ends, files, arrived)
                return
            out = stack.enter_context(receiving.unpack(ends.target_path))
            while piece := incoming.read(CHUNK):
                out.write(piece)
    for file in files:
        arrived(file)


def _write_tar(source: HostFiles, files: list[Small], out: BinaryIO) -> None:
    with _tar_errors(), tarfile.open(fileobj=out, mode="w|", format=tarfile.GNU_FORMAT) as tar:
        for file in files:
            entry = tarfile.TarInfo(file.relative)
            entry.size, entry.mode = file.info.length, file.info.mode & 0o777
            entry.mtime = int(file.info.last_modified.timestamp())
            with source.reader(file.info.path) as content:
                tar.addfile(entry, content)


def _read_tar(incoming: BinaryIO, ends: Ends, files: list[Small], arrived: Callable[[Small], None]) -> None:
    """Only what was asked for is taken out, under the name it was asked for by."""
    wanted = {file.relative: file for file in files}
    ready: set[str] = set()
    with _tar_errors(), tarfile.open(fileobj=incoming, mode="r|") as tar:
        for entry in tar:
            file = wanted.pop(entry.name.removeprefix("./"), None)
            content = tar.extractfile(entry) if file is not None and entry.isreg() else None
            if file is None or content is None:
                continue
            target = paths.join(ends.target_path, file.relative)
            if (parent := paths.parent(target)) not in ready:
                ends.target.mkdir(parent)
                ready.add(parent)
            with ends.target.writer(target, file.info.mode & 0o777) as stream:
                while piece := content.read(CHUNK):
                    stream.write(piece)
            arrived(file)
        while incoming.read(CHUNK):  # the padding behind the end: the other side wants to be rid of it
            pass
    if wanted:
        raise OSError(f"{len(wanted)} of the files did not come, {next(iter(wanted))} among them")


@contextmanager
def _tar_errors() -> Iterator[None]:
    try:
        yield
    except tarfile.TarError as error:
        raise OSError(f"the stream of files broke off: {error}") from error
