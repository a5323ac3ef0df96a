"""The body of a request, as the stream that an application reads."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

from werkzeug.exceptions import BadRequest

from emulator.server.http1 import BODY_ERRORS, Request, Source
from emulator.server.transport import Transport

_READ_BYTES = 64 * 1024


class BrokenBody(BadRequest):
    """The client broke its body off, or its chunks cannot be read: a 400 [conventions §8].

    Being one of Werkzeug's HTTP exceptions, Flask answers it as it answers any other bad request.
    """

    def __init__(self, detail: str = "") -> None:
        super().__init__(f"Failed to parse request content. {detail}".rstrip())


class RequestBody(io.RawIOBase):
    """Reads one request's body from the client as the application asks for it, and no faster.

    Memory: what the caller asks for, and at most one piece of a chunked body (up to 1 MiB).
    """

    def __init__(self, transport: Transport, source: Source, request: Request) -> None:
        self._transport = transport
        self._source = source
        self._pieces: Iterator[bytes] | None = request.chunks()
        self._piece = memoryview(b"")
        self._remaining = 0 if self._pieces else request.content_length()
        self._continue_owed = request.expects_continue and not self.finished
        self._broken: BrokenBody | None = None

    def stream(self) -> io.BufferedIOBase:
        """The same body with read, readline and iteration: what goes into `wsgi.input`."""
        return io.BytesIO() if self.finished else io.BufferedReader(self, _READ_BYTES)

    @property
    def finished(self) -> bool:
        """Whether every byte of the body has been read."""
        return not (self._remaining or self._piece or self._pieces)

    def readable(self) -> bool:
        """Always true; asked by io.BufferedReader."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the start of `buffer`, waiting for the client; 0 at the end of the body.

        Sends `100 Continue` first where the client waits for it. Raises BrokenBody, and the same
        again on each later call, once the body cannot be read to its end.
        """
        if self._broken:
            raise self._broken
        if self._continue_owed:
            self._continue_owed = False
            self._transport.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        target = memoryview(buffer).cast("B")
        try:
            return self._read_piece(target) if self._pieces or self._piece else self._read_length(target)
        except BrokenBody as error:
            self._broken = error
        except BODY_ERRORS as error:
            self._broken = BrokenBody(str(error)[:200])
        except OSError as error:
            self._broken = BrokenBody()
            self._broken.__cause__ = error
        raise self._broken

    def settle(self, limit: int) -> bool:
        """Before the answer's head: whether the connection can serve another request afterwards.

        It cannot when the client still waits for `100 Continue` (whether its body follows is its
        choice) or when more than `limit` bytes are known to be left; from then on the application
        can no longer ask for a body that was never asked for.
        """
        if self._continue_owed:
            self._continue_owed = False
            self._broken = BrokenBody("The answer was begun without asking for it.")
        return not self._broken and self._remaining <= limit

    def drain(self, limit: int) -> bool:
        """After the answer: read the rest, at most about `limit` bytes; whether all of it was read."""
        scratch = memoryview(bytearray(min(limit, _READ_BYTES))) if not self.finished else memoryview(b"")
        try:
            while not self.finished and limit > 0:
                limit -= self.readinto(scratch)
        except BrokenBody:
            return False
        return self.finished and not self._broken

    def _read_length(self, target: memoryview) -> int:
        target = target[: self._remaining]
        if not target:
            return 0
        held = self._source.take(len(target))
        if held:
            target[: len(held)] = held
        count = len(held) or self._transport.recv_into(target)
        if not count:
            raise BrokenBody
        self._remaining -= count
        return count

    def _read_piece(self, target: memoryview) -> int:
        while not self._piece and self._pieces:
            # An empty piece is no end: it is what has come of a chunk whose size alone has come.
            piece = next(self._pieces, None)
            if piece is None:
                self._pieces = None
                return 0
            self._piece = memoryview(piece)
        count = min(len(target), len(self._piece))
        target[:count] = self._piece[:count]
        self._piece = self._piece[count:]
        return count
