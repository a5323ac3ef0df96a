"""Unfinished files on a machine: nobody sees them before they are put in place, whole; some can be resumed."""

from __future__ import annotations

import errno
import hashlib
import itertools
import os
import stat
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import TYPE_CHECKING, BinaryIO, cast

from emulator.domain.ports import UNFINISHED
from emulator.hosts.descent import missing
from emulator.hosts.ssh.login import Login
from emulator.hosts.ssh.places import Places, raised
from emulator.hosts.ssh.reading import open_reader
from emulator.hosts.ssh.writing import BLOCK, NEW_FILE_MODE, SshWriter, refused

if TYPE_CHECKING:
    from emulator.hosts.ssh.sftp import Session

Patch = Callable[[str, int], AbstractContextManager[BinaryIO]]
_UNSEEN_MODE = 0o600
_PIECE = 1024 * 1024
_numbers = itertools.count()
_claimed: set[tuple[str, bytes]] = set()
"""Unfinished files that somebody is writing to under a name that others would go on with; by machine and path."""
_claiming = threading.Lock()


def temporary_name(resume: bytes) -> bytes:
    """The name of an unfinished file: always the same for what is to be resumed, else a new one."""
    if resume:
        return os.fsencode(f"{UNFINISHED}{hashlib.sha256(resume).hexdigest()[:32]}")
    return os.fsencode(f"{UNFINISHED}{os.getpid()}-{next(_numbers)}")


class Claim:
    """That nobody else in this program is busy with an unfinished file that others would go on with."""

    def __init__(self, machine: str, directory: bytes, resume: bytes) -> None:
        self._mark = (machine, directory.rstrip(b"/") + b"/" + temporary_name(resume))
        with _claiming:
            self.held = bool(resume) and self._mark not in _claimed
            if self.held:
                _claimed.add(self._mark)

    def drop(self) -> None:
        if self.held:
            with _claiming:
                _claimed.discard(self._mark)
            self.held = False


class SshIncoming:
    """See ports.Incoming: an unfinished file in a directory of the machine."""

    def __init__(
        self, login: Login, places: Places, patch: Patch, directory: bytes, resume: bytes = b""
    ) -> None:
        """``directory`` as the machine itself has it, without links; ``resume`` names path and content, if at all.

        ``patch`` writes into a file that is in its place, from an offset on.
        """
        self._login = login
        self._places = places
        self._patch = patch
        self._put = False
        self._claim = Claim(login.named, directory, resume)
        try:
            with ExitStack() as stack:
                session = stack.enter_context(login.sftp())
                self._path, handle = self._create(session, directory, resume if self._claim.held else b"")
                self._stream = SshWriter(login, session, stack.pop_all(), self._path, handle)
        except BaseException:
            self._claim.drop()
            raise
        if self._claim.held:
            self._stream.start_at(self._kept)

    def _create(self, session: Session, directory: bytes, resume: bytes) -> tuple[bytes, bytes]:
        from paramiko import sftp

        flags = sftp.SFTP_FLAG_WRITE | sftp.SFTP_FLAG_CREATE | (0 if resume else sftp.SFTP_FLAG_EXCL)
        while True:
            path = directory.rstrip(b"/") + b"/" + temporary_name(resume)
            try:
                handle = session.open_file(path, flags, _UNSEEN_MODE)
                self._kept = session.handle_attributes(handle).size // BLOCK * BLOCK if resume else 0
                return path, handle
            except OSError as error:
                if error.errno != errno.EIO or not _there(session, path):
                    raise refused(session, path, error) from error
                # somebody else's, of the same number: the next one

    @property
    def stream(self) -> BinaryIO:
        return cast("BinaryIO", self._stream)

    def overlay(self, path: str, offset: int) -> None:
        """The content goes by way of here: the protocol cannot copy within the machine."""
        self._stream.finish()
        with ExitStack() as stack:
            content = open_reader(stack.enter_context(self._login.sftp()), stack, self._login, self._path)
        with content, self._patch(path, offset) as target:
            while piece := content.read(_PIECE):
                target.write(piece)

    def put(self, path: str, mode: int | None = None) -> None:
        self._stream.finish()
        with self._login.sftp() as session:
            target = self._places.real(session, path, resolved=True)
            kept = self._mode(session, path, target)
            self._check_size(session, path)
            session.set_mode(self._path, kept if mode is None else mode)
            session.replace(self._path, target)
            self._put = True

    def _check_size(self, session: Session, path: str) -> None:
        size = session.attributes(self._path).size
        if size != self._stream.tell():
            session.remove_file(self._path)
            self._put = True  # there is nothing left
            raised(errno.EIO, path, f"{size} bytes have arrived of {self._stream.tell()} that were sent")

    def _mode(self, session: Session, path: str, target: bytes) -> int:
        """The mode of the file that is replaced, else that of new files."""
        try:
            mode = session.attributes(target).mode
        except FileNotFoundError:
            return NEW_FILE_MODE
        if stat.S_ISDIR(mode):
            raised(errno.EISDIR, path)
        if not stat.S_ISREG(mode):
            raise missing(path)
        return stat.S_IMODE(mode)

    def abandon(self, error: BaseException | None) -> None:
        """At the end, put or not: nothing stays, but what is to be resumed when the connection is back."""
        self._stream.close()
        try:
            if not self._put and not (self._claim.held and isinstance(error, ConnectionError | TimeoutError)):
                self._remove()
        finally:
            self._claim.drop()

    def _remove(self) -> None:
        try:
            with self._login.sftp() as session:
                session.remove_file(self._path)
        except (ConnectionError, TimeoutError):
            self._login.leave_behind(self._path)
        except FileNotFoundError:
            pass  # who removes directories removes this with them


def _there(session: Session, path: bytes) -> bool:
    try:
        session.attributes(path, follow=False)
    except FileNotFoundError:
        return False
    return True
