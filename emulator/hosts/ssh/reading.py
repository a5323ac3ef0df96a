"""A file of a machine as a stream: read ahead of whoever reads it, in bounded memory."""

from __future__ import annotations

import errno
import io
import os
from collections import deque
from contextlib import ExitStack
from typing import TYPE_CHECKING, BinaryIO, cast

from emulator.hosts.ssh.complaints import complaint
from emulator.hosts.ssh.login import Login, in_posix_shell
from emulator.hosts.ssh.places import quoted

if TYPE_CHECKING:
    from paramiko.message import Message

    from emulator.hosts.ssh.execution import Execution
    from emulator.hosts.ssh.sftp import Session

REQUEST = 32 * 1024
"""Bytes of one read: what every server grants."""
LARGEST_WINDOW = 64
"""Reads under way at once, at most: 2 MiB. A stream begins with few, so that a short range is there at once."""
BLOCK = 64 * 1024
SWITCH = 2 * 1024 * 1024
"""After so many bytes in a row the rest, when it is long too, is read from a command: half the work for both ends."""
_BUFFER = 256 * 1024


def open_reader(session: Session, stack: ExitStack, login: Login, path: bytes) -> BinaryIO:
    """The content of a file. Once it is open it takes what ``stack`` holds."""
    from paramiko import sftp

    handle = session.open_file(path, sftp.SFTP_FLAG_READ)
    return cast(
        "BinaryIO", io.BufferedReader(SshReader(login, stack.pop_all(), session, handle, path), _BUFFER)
    )


class SshReader(io.RawIOBase):
    """An open file. It stays the one that was opened, whatever takes its name meanwhile."""

    def __init__(self, login: Login, stack: ExitStack, session: Session, handle: bytes, path: bytes) -> None:
        """Takes over ``stack``, which gives the session back."""
        super().__init__()
        self._login = login
        self._path = path
        self._position = 0
        self._file = _FileSource(session, handle, stack)
        self._command: _CommandSource | None = None
        self._in_a_row = 0
        self._last = b""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position}
        target = offset + (self._file.size() if whence == os.SEEK_END else base[whence])
        if target < 0:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        if target != self._position:
            self._drop_command()
            self._file.forget()
            self._in_a_row = 0
            self._last = b""
            self._position = target
        return target

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        wanted = len(buffer)
        if not wanted:
            return 0
        if self._command is None and self._in_a_row >= SWITCH:
            self._switch()
        command = self._command
        data = command.read(wanted) if command else self._file.read(self._position, wanted)
        if command is None:
            self._last = (self._last + data)[-BLOCK:]
        buffer[: len(data)] = data
        self._position += len(data)
        self._in_a_row += len(data)
        return len(data)

    def close(self) -> None:
        if not self.closed:
            try:
                self._drop_command()
            finally:
                self._file.close()
                super().close()

    def _switch(self) -> None:
        """To a command that writes the rest of the file, if that is long and the file still has its name."""
        self._in_a_row = 0
        if self._file.size() - self._position < SWITCH or not self._login.offers("dd"):
            return
        self._file.forget()
        command = _CommandSource(self._login, self._path, self._position - len(self._last))
        if command.repeats(self._last) and self._file.is_still(self._path):
            self._command = command
        else:
            command.close()

    def _drop_command(self) -> None:
        if self._command is not None:
            self._command.close()
            self._command = None


class _FileSource:
    """An SFTP handle, with reads sent ahead."""

    def __init__(self, session: Session, handle: bytes, stack: ExitStack) -> None:
        self._session = session
        self._handle = handle
        self._stack = stack
        self._pending: deque[tuple[int, int]] = deque()
        self._answers: dict[int, tuple[int, Message]] = {}
        self._kept = b""
        self._asked = 0
        self._window = 1

    def size(self) -> int:
        self.forget()
        return self._session.handle_attributes(self._handle).size

    def is_still(self, path: bytes) -> bool:
        """Whether the path names what is open here, as far as time and size tell: to the second."""
        try:
            return self._session.handle_attributes(self._handle) == self._session.attributes(path)
        except FileNotFoundError:
            return False

    def read(self, position: int, size: int) -> bytes:
        """Up to ``size`` bytes; empty at the end. ``position`` goes on from read to read, until ``forget``."""
        from paramiko.sftp import CMD_DATA, CMD_READ, int64

        if not self._kept:
            if not self._pending:
                self._asked = position
            self._session.broken = True
            while len(self._pending) < self._window:
                number = self._session.send(CMD_READ, self._handle, int64(self._asked), REQUEST)
                self._pending.append((number, REQUEST))
                self._asked += REQUEST
            self._window = min(self._window * 2, LARGEST_WINDOW)
            number, wanted = self._pending.popleft()
            answer = self._session.judged(*self._session.receive(number, self._answers))
            if isinstance(answer, EOFError):
                self.forget()
                return b""
            if isinstance(answer, Exception):
                self.forget()
                raise answer
            kind, message = answer
            if kind != CMD_DATA:
                raise ConnectionError("the SFTP server answers a read with something else")
            self._kept = message.get_string()
            if len(self._kept) < wanted:
                self.forget(kept=True)  # the requests beyond have left a gap
            self._session.broken = bool(self._pending)
        data, self._kept = self._kept[:size], self._kept[size:]
        return data

    def forget(self, kept: bool = False) -> None:
        """Take the answers that are under way, and drop what they say."""
        while self._pending:
            self._session.receive(self._pending.popleft()[0], self._answers)
        self._answers.clear()
        self._session.broken = False
        self._window = 1
        if not kept:
            self._kept = b""

    def close(self) -> None:
        try:
            if self._session.usable or self._pending:
                self.forget()
                self._session.close_handle(self._handle)
        except OSError:
            self._session.broken = True  # what was read has been read
        finally:
            self._stack.close()


class _CommandSource:
    """The rest of a file, written by a command."""

    def __init__(self, login: Login, path: bytes, position: int) -> None:
        self._stack = ExitStack()
        script = f"LC_ALL=C exec dd bs={BLOCK} skip={position // BLOCK} if={quoted(path)}"
        self._running: Execution = self._stack.enter_context(login.running(in_posix_shell(script)))
        self._surplus = position % BLOCK
        self._kept = b""

    def repeats(self, known: bytes) -> bool:
        """Whether the command has opened a file that goes on as the one that is known, up to the position."""
        wanted = self._surplus + len(known)
        begin = bytearray()
        while len(begin) <= wanted:
            data = self._running.read(REQUEST)
            if not data:
                return False
            begin += data
        self._kept = bytes(begin[wanted:])
        return begin[self._surplus : wanted] == known

    def read(self, size: int) -> bytes:
        if self._kept:
            data, self._kept = self._kept[:size], self._kept[size:]
            return data
        data = self._running.read(size)
        if not data and self._running.code() != 0:
            raise complaint(self._running.complaints())
        return data

    def close(self) -> None:
        self._stack.close()
