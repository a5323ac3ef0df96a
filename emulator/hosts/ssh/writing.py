"""Writing to a machine: many requests at once, and by a command where there is one."""

from __future__ import annotations

import errno
import io
import os
from collections import deque
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

from emulator.hosts.ssh.complaints import complaint
from emulator.hosts.ssh.login import Login, in_posix_shell
from emulator.hosts.ssh.places import quoted

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


def open_patch(session: Session, stack: ExitStack, login: Login, path: bytes, mode: int) -> SshWriter:
    """A writer into an existing or a new file, in place. Once it is open it takes what ``stack`` holds."""
    from paramiko import sftp

    try:
        handle = session.open_file(path, sftp.SFTP_FLAG_WRITE | sftp.SFTP_FLAG_CREATE, mode)
    except OSError as error:
        raise refused(session, path, error) from error
    return SshWriter(login, session, stack.pop_all(), path, handle)
