"""SFTP as it is spoken here: names as bytes, many requests under way at once, errors with their number."""

from __future__ import annotations

import errno
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import paramiko
from paramiko import sftp as protocol
from paramiko.message import Message

from emulator.hosts.ssh.connection import Connection, limited

ANSWER_SECONDS = 60.0
"""For the answer to any one request: a distant file system may be slow, but not that slow."""
START_SECONDS = 30.0
_AHEAD = 64
_POSIX_RENAME = b"posix-rename@openssh.com"
_STATVFS = b"statvfs@openssh.com"
_NUMBERS = {
    protocol.SFTP_NO_SUCH_FILE: errno.ENOENT,
    protocol.SFTP_PERMISSION_DENIED: errno.EACCES,
    protocol.SFTP_BAD_MESSAGE: errno.EINVAL,
    protocol.SFTP_OP_UNSUPPORTED: errno.ENOTSUP,
}


@dataclass(frozen=True, slots=True)
class Attributes:
    """What the protocol says of a file; ``name`` where it came from a directory."""

    mode: int
    size: int
    changed: int
    name: bytes = b""


class Failure(OSError):
    """The one word that the protocol has for most errors: what was wrong must be found out by looking."""


class Session(paramiko.SFTPClient):
    """One SFTP session; of one thread at a time. All methods raise OSError, with paths left out of the text."""

    def __init__(self, channel: paramiko.Channel, connection: Connection) -> None:
        self._connection = connection
        self._channel = channel
        self.broken = False
        """Whether an answer may still be under way that nobody will take: the session is of no more use."""
        channel.settimeout(ANSWER_SECONDS)
        with self._told(), limited(channel, START_SECONDS):
            channel.invoke_subsystem("sftp")
            super().__init__(channel)

    @property
    def usable(self) -> bool:
        return not self.broken and self._connection.alive and not self._channel.closed

    # one request

    def ask(self, kind: int, *arguments: Any) -> tuple[int, Message]:
        """One request and its answer. Raises EOFError at the end of a file or directory."""
        (answer,) = self.ask_all([(kind, *arguments)])
        if isinstance(answer, Exception):
            raise answer
        return answer

    def ask_all(self, requests: Iterable[Sequence[Any]]) -> Iterator[tuple[int, Message] | Exception]:
        """The answers to many requests, in their order, ``_AHEAD`` of them under way at once."""
        waiting: deque[int] = deque()
        source = iter(requests)
        answers: dict[int, tuple[int, Message]] = {}
        self.broken = True
        try:
            while True:
                while len(waiting) < _AHEAD and (request := next(source, None)) is not None:
                    waiting.append(self.send(*request))
                if not waiting:
                    break
                yield self.judged(*self.receive(waiting.popleft(), answers))
        finally:
            self.broken = bool(waiting)

    def send(self, kind: int, *arguments: Any) -> int:
        """Send a request; the answer is its number."""
        number: int = self._async_request(type(None), kind, *arguments)  # type: ignore[attr-defined]
        return number

    def receive(self, number: int, others: dict[int, tuple[int, Message]]) -> tuple[int, Message]:
        """Wait for the answer to a request; those to others are put aside in ``others``."""
        while number not in others:
            kind, data = self._read_packet()
            message = Message(data)
            others[message.get_int()] = (kind, message)
        return others.pop(number)

    def judged(self, kind: int, message: Message) -> tuple[int, Message] | Exception:
        """An answer, or the error that it is."""
        if kind != protocol.CMD_STATUS:
            return kind, message
        code = message.get_int()
        text = message.get_string().decode("utf-8", "replace")
        if code == protocol.SFTP_OK:
            return kind, message
        if code == protocol.SFTP_EOF:
            return EOFError(text)
        if code in _NUMBERS:
            return OSError(_NUMBERS[code], text)
        return Failure(errno.EIO, text or "Failure")

    # files and directories

    def attributes(self, path: bytes, follow: bool = True) -> Attributes:
        kind = protocol.CMD_STAT if follow else protocol.CMD_LSTAT
        return _attributes(self.ask(kind, path)[1])

    def attributes_of(self, paths: Iterable[bytes], follow: bool = True) -> Iterator[Attributes | None]:
        """Of many paths, in their order; None for what is not there or may not be looked at."""
        kind = protocol.CMD_STAT if follow else protocol.CMD_LSTAT
        for answer in self.ask_all((kind, path) for path in paths):
            if isinstance(answer, Exception):
                if isinstance(answer, ConnectionError | TimeoutError):
                    raise answer
                yield None
            else:
                yield _attributes(answer[1])

    def real_path(self, path: bytes) -> bytes:
        """Without links; the last segment may be missing."""
        _, message = self.ask(protocol.CMD_REALPATH, path)
        message.get_int()
        return message.get_string()

    def entries(self, path: bytes) -> list[Attributes]:
        """All that a directory holds, links as links; several requests under way at once."""
        handle = self.open_directory(path)
        found: list[Attributes] = []
        requests = ((protocol.CMD_READDIR, handle) for _ in iter(int, 1))
        self.broken = True
        others: dict[int, tuple[int, Message]] = {}
        waiting = deque(self.send(*next(requests)) for _ in range(2))
        ended = False
        while waiting:
            answer = self.judged(*self.receive(waiting.popleft(), others))
            if isinstance(answer, EOFError):
                ended = True
            elif isinstance(answer, Exception):
                raise answer
            else:
                found += _names(answer[1])
                if not ended:
                    waiting.append(self.send(*next(requests)))
        self.broken = False
        self.close_handle(handle)
        return found

    def open_directory(self, path: bytes) -> bytes:
        return self.ask(protocol.CMD_OPENDIR, path)[1].get_string()

    def open_file(self, path: bytes, flags: int, mode: int | None = None) -> bytes:
        """A handle."""
        attributes = paramiko.SFTPAttributes()
        attributes.st_mode = mode
        return self.ask(protocol.CMD_OPEN, path, flags, attributes)[1].get_string()

    def close_handle(self, handle: bytes) -> None:
        self.ask(protocol.CMD_CLOSE, handle)

    def handle_attributes(self, handle: bytes) -> Attributes:
        return _attributes(self.ask(protocol.CMD_FSTAT, handle)[1])

    def set_mode(self, path: bytes, mode: int) -> None:
        attributes = paramiko.SFTPAttributes()
        attributes.st_mode = mode
        self.ask(protocol.CMD_SETSTAT, path, attributes)

    def truncate_file(self, path: bytes, size: int) -> None:
        attributes = paramiko.SFTPAttributes()
        attributes.st_size = size
        self.ask(protocol.CMD_SETSTAT, path, attributes)

    def make_directory(self, path: bytes, mode: int) -> None:
        attributes = paramiko.SFTPAttributes()
        attributes.st_mode = mode
        self.ask(protocol.CMD_MKDIR, path, attributes)

    def remove_file(self, path: bytes) -> None:
        self.ask(protocol.CMD_REMOVE, path)

    def remove_directory(self, path: bytes) -> None:
        self.ask(protocol.CMD_RMDIR, path)

    def replace(self, source: bytes, target: bytes) -> None:
        """Rename as POSIX does; servers that cannot do this replace nothing."""
        try:
            self.ask(protocol.CMD_EXTENDED, _POSIX_RENAME, source, target)
        except OSError as error:
            if error.errno != errno.ENOTSUP:
                raise
            self.ask(protocol.CMD_RENAME, source, target)

    def room(self, path: bytes) -> int | None:
        """Bytes that the account may still write on the file system of ``path``; None: not told."""
        try:
            _, message = self.ask(protocol.CMD_EXTENDED, _STATVFS, path)
        except OSError as error:
            if isinstance(error, ConnectionError | TimeoutError):
                raise
            return None
        fields = [message.get_int64() for _ in range(7)]
        return int(fields[1] * fields[4])

    # the wire: every error of the connection is one in our words

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except TimeoutError as error:
            self.broken = True
            raise self._connection.broken(error) from error
        except (paramiko.SSHException, protocol.SFTPError, EOFError, OSError) as error:
            self.broken = True
            raise self._connection.broken(error) from error

    def _send_packet(self, kind: int, packet: Message) -> None:
        with self._told():
            super()._send_packet(kind, packet)  # type: ignore[misc]

    def _read_packet(self) -> tuple[int, bytes]:
        with self._told():
            answer: tuple[int, bytes] = super()._read_packet()  # type: ignore[misc]
            return answer


def _attributes(message: Message, name: bytes = b"") -> Attributes:
    read = paramiko.SFTPAttributes._from_msg(message)  # type: ignore[attr-defined]
    return Attributes(read.st_mode or 0, read.st_size or 0, read.st_mtime or 0, name)


def _names(message: Message) -> list[Attributes]:
    found = []
    for _ in range(message.get_int()):
        name = message.get_string()
        message.get_string()  # the line of ``ls -l``
        attributes = _attributes(message, name)
        if name not in (b".", b".."):
            found.append(attributes)
    return found
