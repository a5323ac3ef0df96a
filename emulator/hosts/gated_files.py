"""The files of a machine that has to be connected to first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO

from emulator.domain.file import FileInfo
from emulator.domain.ports import BulkFiles, HostFiles, Incoming


class GatedFiles:
    """See ports.HostFiles: everything that would touch the machine connects first, which may raise."""

    def __init__(self, files: HostFiles, connect: Callable[[], None]) -> None:
        self._files = files
        self._connect = connect

    def within(self, root: str) -> HostFiles:
        inner = self._files.within(root)
        return self if inner is self._files else GatedFiles(inner, self._connect)

    def stat(self, path: str) -> FileInfo:
        self._connect()
        return self._files.stat(path)

    def names(self, path: str) -> list[str]:
        self._connect()
        return self._files.names(path)

    def listing(self, path: str, names: Iterable[str] | None = None) -> list[FileInfo]:
        self._connect()
        return self._files.listing(path, names)

    def unreachable(self, path: str) -> list[str]:
        self._connect()
        return self._files.unreachable(path)

    def exists(self, path: str) -> bool:
        self._connect()
        return self._files.exists(path)

    def reader(self, path: str, offset: int = 0) -> BinaryIO:
        self._connect()
        return self._files.reader(path, offset)

    def incoming(self, directory: str) -> AbstractContextManager[Incoming]:
        self._connect()
        return self._files.incoming(directory)

    def writer(
        self, path: str, mode: int | None = None, resume: str = ""
    ) -> AbstractContextManager[BinaryIO]:
        self._connect()
        return self._files.writer(path, mode, resume)

    def patch(self, path: str, offset: int) -> AbstractContextManager[BinaryIO]:
        self._connect()
        return self._files.patch(path, offset)

    def mkdir(self, path: str) -> None:
        self._connect()
        self._files.mkdir(path)

    def remove(self, path: str) -> None:
        self._connect()
        self._files.remove(path)

    def rename(self, source: str, target: str) -> None:
        self._connect()
        self._files.rename(source, target)

    def chmod(self, path: str, mode: int) -> None:
        self._connect()
        self._files.chmod(path, mode)

    def walk(self, path: str) -> Iterator[FileInfo]:
        self._connect()
        return self._files.walk(path)

    def local_path(self, path: str) -> Path | None:
        """Where a path lies is known without a connection."""
        return self._files.local_path(path)

    def sha256(self, path: str) -> str:
        self._connect()
        return self._files.sha256(path)

    @property
    def bulk(self) -> BulkFiles | None:
        self._connect()
        return self._files.bulk
