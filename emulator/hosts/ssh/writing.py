"""Files on their way to a machine: written beside their place, put there in one step when they are whole."""

from __future__ import annotations

import errno
import hashlib
import io
import itertools
import os
import stat
import threading
from collections import deque
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, BinaryIO, cast

from emulator.domain.ports import UNFINISHED
from emulator.hosts.descent import missing
from emulator.hosts.ssh.complaints import complaint
from emulator.hosts.ssh.login import Login, in_posix_shell
from emulator.hosts.ssh.places import Places, quoted, raised

if TYPE_CHECKING:
    from paramiko.message import Message

    from emulator.hosts.ssh.execution import Execution
    from emulator.hosts.ssh.sftp import Session

REQUEST = 32 * 1024
WINDOW = 64
"""Writes under way at once: 2 MiB."""
BLOCK = 64 * 1024
SWITCH = 2 * 1024 * 1024
"""What comes after so many bytes goes to a command, where there is one: half the work for both ends."""
NEW_FILE_MODE = 0o644
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


class SshWriter(io.RawIOBase):
    """An open file that is written from its position on, in order."""

    def __init__(self, login: Login, session: Session, stack: ExitStack, path: bytes, handle: bytes) -> None:
        """Takes over ``stack``, which gives the session back."""
        super().__init__()
        self._login = login
        self._path = path
        self._position = 0
        self._sink: _FileSink | _CommandSink = _FileSink(session, stack, handle, path)
        self._written = 0

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def tell(self) -> int:
        return self._position

    def start_at(self, position: int) -> None:
        """Before anything is written."""
        self._position = position

    def write(self, data: bytes | bytearray | memoryview) -> int:  # type: ignore[override]
        rest = memoryview(data).cast("B")
        if isinstance(self._sink, _FileSink) and self._written + len(rest) > SWITCH:
            first = rest[: -self._position % BLOCK]
            self._pass_on(first)
            rest = rest[len(first) :]
            if self._position % BLOCK == 0:
                self._switch()
        self._pass_on(rest)
        return len(data)

    def _pass_on(self, data: memoryview) -> None:
        if data:
            self._sink.write(self._position, data)
            self._position += len(data)
            self._written += len(data)

    def _switch(self) -> None:
        if self._login.offers("dd"):
            self._sink.finish()
            self._sink = _CommandSink(self._login, self._path, self._position)
        else:
            self._written = -(1 << 62)  # never asked again

    def finish(self) -> None:
        """Return when all of it has arrived. Raises OSError for what the machine could not take."""
        if not self.closed:
            super().close()
            self._sink.finish()

    def close(self) -> None:
        """Give it up, without waiting for anything."""
        if not self.closed:
            super().close()
            self._sink.abandon()


class _FileSink:
    """An SFTP handle, with many writes under way."""

    def __init__(self, session: Session, stack: ExitStack, handle: bytes, path: bytes) -> None:
        self._session = session
        self._stack = stack
        self._handle = handle
        self._path = path
        self._pending: deque[int] = deque()
        self._answers: dict[int, tuple[int, Message]] = {}

    def write(self, position: int, data: memoryview) -> None:
        from paramiko.sftp import CMD_WRITE, int64

        self._session.broken = True
        for start in range(0, len(data), REQUEST):
            piece = bytes(data[start : start + REQUEST])
            number = self._session.send(CMD_WRITE, self._handle, int64(position + start), piece)
            self._pending.append(number)
            if len(self._pending) >= WINDOW:
                self._take_answer()

    def finish(self) -> None:
        try:
            while self._pending:
                self._take_answer()
            self._session.broken = False
            self._session.close_handle(self._handle)
        finally:
            self._stack.close()

    def abandon(self) -> None:
        self._stack.close()  # a session with answers under way is not used again

    def _take_answer(self) -> None:
        answer = self._session.judged(*self._session.receive(self._pending.popleft(), self._answers))
        if isinstance(answer, OSError):
            self._drain()
            with suppress(OSError):  # an open file would go on taking room when it has been removed
                self._session.close_handle(self._handle)
            raise refused(self._session, self._path, answer)
        if isinstance(answer, Exception):
            raise ConnectionError("the SFTP server answers a write with something else") from answer

    def _drain(self) -> None:
        while self._pending:
            self._session.receive(self._pending.popleft(), self._answers)
        self._answers.clear()


class _CommandSink:
    """A command that writes to the file from a block on.

    It writes at positions of its own, not at the end: should one that was cut off still write what it had received,
    it writes the same bytes to the same places.
    """

    def __init__(self, login: Login, path: bytes, position: int) -> None:
        self._stack = ExitStack()
        script = f"LC_ALL=C exec dd bs={BLOCK} seek={position // BLOCK} conv=notrunc of={quoted(path)}"
        self._running: Execution = self._stack.enter_context(login.running(in_posix_shell(script)))

    def write(self, position: int, data: memoryview) -> None:
        try:
            self._running.write(data)
        except BrokenPipeError:
            self.finish()
            raise

    def finish(self) -> None:
        with self._stack:
            self._running.end_of_input()
            if self._running.code() != 0:
                raise complaint(self._running.complaints())

    def abandon(self) -> None:
        self._stack.close()


def refused(session: Session, path: bytes, error: OSError) -> OSError:
    """A failed write as what it stands for: the protocol does not say that a disk is full."""
    if error.errno != errno.EIO:
        return error
    if session.room(path.rpartition(b"/")[0] or b"/") == 0:
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return OSError(errno.EIO, f"the machine could not write it ({error.strerror}): a quota may be exceeded")


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

    def __init__(self, login: Login, places: Places, directory: bytes, resume: bytes = b"") -> None:
        """``directory`` as the machine itself has it, without links; ``resume`` names path and content, if at all."""
        self._login = login
        self._places = places
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
        from emulator.hosts.ssh.files import SshFiles

        files = SshFiles(self._login)
        target_files = SshFiles(self._login, self._places)
        with files.reader(os.fsdecode(self._path)) as content, target_files.patch(path, offset) as target:
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


def open_patch(session: Session, stack: ExitStack, login: Login, path: bytes, mode: int) -> SshWriter:
    """A writer into an existing or a new file, in place. Takes over ``stack``."""
    from paramiko import sftp

    with stack:
        try:
            handle = session.open_file(path, sftp.SFTP_FLAG_WRITE | sftp.SFTP_FLAG_CREATE, mode)
        except OSError as error:
            raise refused(session, path, error) from error
        return SshWriter(login, session, stack.pop_all(), path, handle)
