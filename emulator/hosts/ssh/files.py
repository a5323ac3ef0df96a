"""The files of a machine over SFTP (ports.HostFiles)."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, BinaryIO, cast

from emulator.domain.file import FileInfo
from emulator.domain.paths import parent
from emulator.hosts.checksum import sha256_of
from emulator.hosts.descent import missing
from emulator.hosts.ssh import directories
from emulator.hosts.ssh.bulk import SshBulk
from emulator.hosts.ssh.complaints import complaint
from emulator.hosts.ssh.login import Login, in_posix_shell
from emulator.hosts.ssh.places import Places, info, quoted, raised
from emulator.hosts.ssh.reading import open_reader
from emulator.hosts.ssh.unfinished import SshIncoming
from emulator.hosts.ssh.writing import NEW_FILE_MODE, open_patch

if TYPE_CHECKING:
    from emulator.hosts.ssh.sftp import Attributes, Session

_CHECKSUM_SECONDS = 3600.0


class SshFiles:
    """All files that an account can reach, or those below a directory.

    Errors are those of HostFiles; ConnectionError and TimeoutError when the machine cannot be reached.
    """

    def __init__(self, login: Login, places: Places | None = None) -> None:
        self._login = login
        self._places = places or Places()

    def within(self, root: str) -> SshFiles:
        return SshFiles(self._login, Places(root))

    def stat(self, path: str) -> FileInfo:
        with self._login.sftp() as session:
            return info(path, self._attributes(session, path)[1])

    def exists(self, path: str) -> bool:
        try:
            self.stat(path)
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def names(self, path: str) -> list[str]:
        return [child.name for child in self.listing(path)]

    def listing(self, path: str, names: Iterable[str] | None = None) -> list[FileInfo]:
        with self._login.sftp() as session:
            if names is not None:
                return directories.children(session, self._places, path, names)
            raw, found = directories.entries(session, self._places, path)
            return list(directories.reachable(session, self._places, path, raw, found))

    def unreachable(self, path: str) -> list[str]:
        with self._login.sftp() as session:
            raw, found = directories.entries(session, self._places, path)
            listed = {child.name for child in directories.reachable(session, self._places, path, raw, found)}
        return [name for name in (os.fsdecode(entry.name) for entry in found) if name not in listed]

    def reader(self, path: str, offset: int = 0) -> BinaryIO:
        with ExitStack() as stack:
            session = stack.enter_context(self._login.sftp())
            raw = self._regular(session, path)
            try:
                stream = open_reader(session, stack, self._login, raw)
            except OSError as error:
                raise self._places.explained(session, path, error) from error
        stream.seek(offset)
        return stream

    @contextmanager
    def incoming(self, directory: str) -> Iterator[SshIncoming]:
        with self._login.sftp() as session:
            raw = self._directory(session, directory)
        with self._unfinished(raw, directory) as file:
            yield file

    @contextmanager
    def writer(self, path: str, mode: int | None = None, resume: str = "") -> Iterator[BinaryIO]:
        with self._login.sftp() as session:
            target = self._target(session, path)
        name = target + b"\0" + resume.encode("utf-8", "surrogateescape") if resume else b""
        with self._unfinished(target.rpartition(b"/")[0] or b"/", path, name) as file:
            yield file.stream
            file.put(path, mode)

    @contextmanager
    def _unfinished(self, directory: bytes, path: str, resume: bytes = b"") -> Iterator[SshIncoming]:
        try:
            file = SshIncoming(self._login, self._places, self.patch, directory, resume)
        except OSError as error:
            with self._login.sftp() as session:
                raise self._places.explained(session, path, error) from error
        failed: BaseException | None = None
        try:
            yield file
        except BaseException as error:
            failed = error
            raise
        finally:
            file.abandon(failed)

    @contextmanager
    def patch(self, path: str, offset: int) -> Iterator[BinaryIO]:
        with ExitStack() as stack:
            session = stack.enter_context(self._login.sftp())
            raw = self._target(session, path)
            try:
                writer = open_patch(session, stack, self._login, raw, NEW_FILE_MODE)
            except OSError as error:
                raise self._places.explained(session, path, error) from error
        writer.start_at(offset)
        with writer:
            yield cast("BinaryIO", writer)
            writer.finish()

    def mkdir(self, path: str) -> None:
        with self._login.sftp() as session:
            directories.make(session, self._places, path)

    def remove(self, path: str) -> None:
        with self._login.sftp() as session:
            raw = self._places.itself(session, path)
            if raw in (b"/", self._places.root.encode("utf-8", "surrogateescape")):
                raise PermissionError(errno.EPERM, "the root cannot be removed", path)
            try:
                if stat.S_ISDIR(session.attributes(raw, follow=False).mode):
                    directories.remove_tree(self._login, session, raw, path)
                else:
                    session.remove_file(raw)
            except OSError as error:
                raise self._places.explained(session, path, error) from error

    def rename(self, source: str, target: str) -> None:
        with self._login.sftp() as session:
            directories.move(self._login, session, self._places, source, target)

    def chmod(self, path: str, mode: int) -> None:
        with self._login.sftp() as session:
            raw, found = self._attributes(session, path)
            info(path, found)
            try:
                session.set_mode(raw, mode)
            except OSError as error:
                raise self._places.explained(session, path, error) from error

    def walk(self, path: str) -> Iterator[FileInfo]:
        return directories.walk(self._login, self._places, path)

    def local_path(self, path: str) -> None:
        """None: a machine's files lie on that machine."""
        return None

    def sha256(self, path: str) -> str:
        """By the machine's own ``sha256sum``, else by reading the whole file."""
        with self._login.sftp() as session:
            raw = self._regular(session, path)
        if not self._login.offers("sha256sum"):
            with self.reader(path) as stream:
                return sha256_of(stream)
        with self._login.running(in_posix_shell(f"exec sha256sum < {quoted(raw)}")) as running:
            running.channel.settimeout(_CHECKSUM_SECONDS)
            running.end_of_input()
            said = bytearray()
            while piece := running.read(4096):
                said += piece[: 4096 - len(said)]
            if running.code() != 0:
                raise complaint(running.complaints(), path)
        return said.split()[0].decode("ascii", "replace")

    @property
    def bulk(self) -> SshBulk | None:
        """None for accounts without a shell, or without ``tar`` in it."""
        return SshBulk(self._login, self._places) if self._login.offers("tar") else None

    def _attributes(self, session: Session, path: str) -> tuple[bytes, Attributes]:
        raw = self._places.real(session, path)
        try:
            return raw, session.attributes(raw)
        except OSError as error:
            raise self._places.explained(session, path, error) from error

    def _regular(self, session: Session, path: str) -> bytes:
        """Looked at before it is opened: opening a pipe would wait for its other end."""
        raw, found = self._attributes(session, path)
        if info(path, found).is_dir:
            raised(errno.EISDIR, path)
        return raw

    def _directory(self, session: Session, path: str) -> bytes:
        raw = self._places.real(session, path, resolved=True)
        try:
            found = session.attributes(raw)
        except OSError as error:
            raise self._places.explained(session, path, error) from error
        if not stat.S_ISDIR(found.mode):
            raised(errno.ENOTDIR, path)
        return raw

    def _target(self, session: Session, path: str) -> bytes:
        """Where a file is to be written: a regular file, or nothing yet, in a directory."""
        self._directory(session, parent(path))
        raw = self._places.real(session, path, resolved=True)
        try:
            if info(path, session.attributes(raw)).is_dir:
                raised(errno.EISDIR, path)
        except FileNotFoundError:
            if self._special(session, raw):
                raise missing(path) from None
        return raw

    @staticmethod
    def _special(session: Session, raw: bytes) -> bool:
        try:
            return not stat.S_ISREG(session.attributes(raw, follow=False).mode)
        except FileNotFoundError:
            return False
