"""App assets that come as a zip file, unpacked straight into the work directory [job-lifecycle §8]."""

from __future__ import annotations

import hashlib
import stat
import zlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, BinaryIO

from emulator.domain import paths
from emulator.engine.passage import FREE, Passage
from emulator.engine.streams import CHUNK, copy_stream
from emulator.engine.struck_files import CLEAR, source_of, target_of
from emulator.engine.struck_streams import Whole
from emulator.engine.transfer import Extent, Location, TransferFailed, Watch, cause_of

if TYPE_CHECKING:
    from zipfile import ZipFile, ZipInfo


class Unpacking:
    """As transfer.Transfer, from a zip file to a directory. Raises TransferFailed for one that is broken, that
    names a path outside the directory, or whose MD5 is not ``checksum``; nothing of it is unpacked then.

    A folder that holds all the rest is left off, unless ``wanted``, the path of a file in it, is found with it.
    """

    def __init__(
        self,
        source: Location,
        target: Location,
        watch: Watch,
        exclude: Callable[[str], bool] = lambda _relative: False,
        each: Callable[[str], object] = lambda _relative: None,
        checksum: str | None = None,
        wanted: str = "",
        passage: Passage = FREE,
    ) -> None:
        self._source = source
        self._target = target
        self._watch = watch
        self._exclude = exclude
        self._each = each
        self._checksum = checksum
        self._wanted = wanted.strip("/")
        self._passage = passage
        self._writing = target.files

    def run(self) -> Extent:
        """Unpack all; the answer is what there was."""
        from zipfile import BadZipFile, ZipFile  # few jobs need it

        way = self._passage.way(self._source.path, self._target.path, "")
        self._writing = target_of(self._target.files, way)
        try:
            with source_of(self._source.files, way).reader(self._source.path) as opened:
                stream = opened if way is CLEAR else Whole(opened).as_binary
                self._verify(stream)
                with ZipFile(stream) as archive:
                    return self._unpack(archive)
        except OSError as error:
            raise TransferFailed(f"{self._source.uri}: {cause_of(error)}", error) from error
        except (BadZipFile, NotImplementedError, RuntimeError, EOFError, zlib.error) as error:
            raise TransferFailed(f"{self._source.uri} cannot be unpacked: {error}") from error

    def _verify(self, stream: BinaryIO) -> None:
        if self._checksum is None:
            return
        summed = hashlib.md5(usedforsecurity=False)
        while piece := stream.read(CHUNK):
            summed.update(piece)
        found = summed.hexdigest()
        if found != self._checksum:
            raise TransferFailed(
                f"{self._source.uri} is not what was published: its checksum is {found}, not {self._checksum}."
            )
        stream.seek(0)

    def _unpack(self, archive: ZipFile) -> Extent:
        entries = list(self._entries(archive))
        files = [info for _relative, info in entries if not info.is_dir()]
        extent = Extent(len(files), sum(info.file_size for info in files))
        self._watch.begin(extent)
        for relative, info in entries:
            self._watch.checkpoint()
            target = paths.join(self._target.path, relative)
            if info.is_dir():
                self._target.files.mkdir(target)
            else:
                self._write(archive, info, target)
                self._each(relative)
        return extent

    def _entries(self, archive: ZipFile) -> Iterator[tuple[str, ZipInfo]]:
        every = archive.infolist()
        folder = _folder(every, self._wanted)
        for info in every:
            names = [name for name in info.filename.replace("\\", "/").split("/") if name not in ("", ".")]
            if ".." in names or info.filename.startswith("/") or "\x00" in info.filename:
                raise TransferFailed(f"{self._source.uri} names a path outside of it: {info.filename}")
            names = names[len(folder) :]
            relative = "/".join(names)
            if not names or any(self._exclude("/".join(names[: end + 1])) for end in range(len(names))):
                continue
            if stat.S_ISLNK(info.external_attr >> 16):
                self._watch.note(f"{relative} in {self._source.uri} was left out: it is a symbolic link.")
                continue
            yield relative, info

    def _write(self, archive: ZipFile, info: ZipInfo, target: str) -> None:
        self._target.files.mkdir(paths.parent(target))
        mode = (info.external_attr >> 16) & 0o777
        with archive.open(info) as incoming, self._writing.writer(target, mode or None) as outgoing:
            for count in copy_stream(incoming, outgoing):  # type: ignore[arg-type]  # read-only, as needed
                self._watch.moved(count)
                self._watch.checkpoint()


def _folder(every: list[ZipInfo], wanted: str) -> list[str]:
    """The one folder that holds everything, as published apps have it [apps §6.1]; else nothing."""
    tops = {info.filename.lstrip("/").partition("/")[0] for info in every}
    inside = all("/" in info.filename.lstrip("/") for info in every)
    if len(tops) != 1 or not inside or any(info.filename == wanted for info in every):
        return []
    (top,) = tops
    return [] if top in ("", ".", "..") else [top]
