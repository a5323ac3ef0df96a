"""HTTP/1.1 itself: gunicorn's request parser and WSGI response, used as a library.

The only module that imports gunicorn. What it takes is not documented as public, hence the pin in
pyproject.toml; tests/server holds the behaviour.
"""

from __future__ import annotations

import io
import os
import re
import stat
from collections.abc import Callable, Iterator
from typing import Any

from gunicorn.config import Config
from gunicorn.http import errors
from gunicorn.http.body import ChunkedReader
from gunicorn.http.message import Request as ParsedRequest
from gunicorn.http.unreader import Unreader
from gunicorn.http.wsgi import FileWrapper as PlainFileWrapper
from gunicorn.http.wsgi import Response as PlainResponse

from emulator.server.transport import Transport

MAX_REQUEST_LINE_BYTES = 64 * 1024
MAX_HEADER_BYTES = 64 * 1024
MAX_HEADERS = 200
MAX_HEAD_BYTES = 256 * 1024

_READ_BYTES = 8 * 1024
_MAX_READ_BYTES = 1024 * 1024
_FILE_BLOCK_BYTES = 1024 * 1024
_END_OF_HEAD = b"\r\n\r\n"
_NOT_ASCII = re.compile(rb"[\x80-\xff]")

PARSE_ERRORS: tuple[type[Exception], ...] = (errors.ParseException,)
"""What a request's head can raise; `refusal` tells the status."""

BODY_ERRORS: tuple[type[Exception], ...] = (
    errors.ParseException,
    # OSErrors in gunicorn 26
    errors.InvalidChunkSize,
    errors.ChunkMissingTerminator,
    errors.InvalidChunkExtension,
)
"""What a request's body can raise beside the OSErrors of the connection."""


def _config() -> Config:
    config = Config()
    for name, value in {
        # Trust nobody's forwarding headers: by default every local client may set scheme and path.
        "forwarded_allow_ips": "",
        # A header name with "_" is legal, and dropping it would hide from the API what was sent.
        "header_map": "dangerous",
        "limit_request_fields": MAX_HEADERS,
        "limit_request_field_size": MAX_HEADER_BYTES,
        # The C parser, where it happens to be installed, would bypass the methods of `Request`.
        "http_parser": "python",
    }.items():
        config.set(name, value)
    return config


_CONFIG = _config()


class Source(Unreader):  # type: ignore[misc]
    """The bytes of a connection, with a place for those that were read too early."""

    buf: io.BytesIO

    def __init__(self, transport: Transport, arrived: Callable[[], None], *, careful: bool = False) -> None:
        """`arrived` is called whenever bytes have come from the client.

        A `careful` one, of a plain connection, reads no byte past the end of the first head: what
        follows a CONNECT belongs to another protocol, whose library reads the socket itself.
        """
        super().__init__()
        self._transport = transport
        self._arrived = arrived
        self._careful = careful
        self._seen = b""

    @property
    def is_ahead(self) -> bool:
        """Whether bytes were read that belong to nothing yet."""
        return bool(self.buf.getvalue())

    def chunk(self, size_hint: int | None = None) -> bytes:
        """Wait for the client's next bytes; b"" at the end. `size_hint` is what is wanted at least."""
        size = min(max(size_hint or 0, _READ_BYTES), _MAX_READ_BYTES)
        if self._careful:
            size = self._until_end_of_head(size)
        data = self._transport.recv(size)
        if data:
            self._arrived()
        return data

    def _until_end_of_head(self, size: int) -> int:
        """How many of the bytes that have come, or come next, may be read."""
        before = len(self._seen)
        self._seen += self._transport.peek(size)
        end = self._seen.find(_END_OF_HEAD)
        count = len(self._seen) - before
        if end >= 0:
            self._careful = False
            count = end + len(_END_OF_HEAD) - before
        self._seen = self._seen[-len(_END_OF_HEAD) + 1 :]
        return max(count, 1)

    def take(self, size: int) -> bytes:
        """At most `size` of the bytes read too early, without waiting; b"" when there are none."""
        held = self.buf.getvalue()
        if held:
            self.buf = io.BytesIO()
            self.unread(held[size:])
        return held[:size]


class Request(ParsedRequest):  # type: ignore[misc]
    """One request, its head read and checked.

    Constructing it waits for the head. Raises StopIteration when the client closed before the first
    byte, an OSError when the connection fails or ends within the head, and one of PARSE_ERRORS.
    """

    method: str
    uri: str
    path: str
    query: str
    version: tuple[int, int]
    headers: list[tuple[str, str]]

    def __init__(self, source: Source, peer: Any, number: int) -> None:
        """The `number`-th request, from 1, of the connection that `source` reads."""
        super().__init__(_CONFIG, source, peer, number)

    @property
    def expects_continue(self) -> bool:
        """Whether the client waits for `100 Continue` before it sends the body."""
        return bool(self._expected_100_continue)

    @property
    def has_body(self) -> bool:
        """Whether the head announces a body, be it of an unknown length."""
        return isinstance(self.body.reader, ChunkedReader) or bool(self.body.reader.length)

    def content_length(self) -> int:
        """Take over the reading of a body of known length; its length in bytes."""
        length: int = self.body.reader.length
        self.body.reader.length = 0
        return length

    def chunks(self) -> Iterator[bytes] | None:
        """Take over the reading of a chunked body, piece by piece as it arrives; None if not chunked."""
        reader = self.body.reader
        return iter(reader.parser) if isinstance(reader, ChunkedReader) else None

    def should_close(self) -> bool:
        """Whether the client wants (or its protocol version has) the connection closed afterwards."""
        options = {
            option.strip().lower()
            for name, value in self.headers
            if name == "CONNECTION"
            for option in value.split(",")
        }
        if self.must_close or "close" in options:
            return True
        return self.version < (1, 1) and "keep-alive" not in options

    def read_line(self, unreader: Unreader, buf: bytearray, _limit: int = 0) -> Any:
        """Read the request line, up to our own limit: the setting knows only less than 8 KiB or none."""
        return super().read_line(unreader, buf, MAX_REQUEST_LINE_BYTES)

    def read_into(self, unreader: Unreader, buf: bytearray, stop: bool = False) -> None:
        """Read more of the head, which as a whole is bounded too."""
        super().read_into(unreader, buf, stop)
        if len(buf) > MAX_HEAD_BYTES + _READ_BYTES:
            raise errors.LimitRequestHeaders(f"more than {MAX_HEAD_BYTES} bytes of headers")

    def parse_request_line(self, line_bytes: bytes) -> None:
        """Parse it; bytes of UTF-8 that a client left unescaped in its target are escaped first."""
        method, space, rest = line_bytes.partition(b" ")
        escaped = _NOT_ASCII.sub(lambda byte: b"%%%02X" % byte[0][0], rest)
        super().parse_request_line(method + space + escaped)
        self.version = min(self.version, (1, 1))

    def set_body_reader(self) -> None:
        """Choose how the body is read; codings other than chunked are refused, not passed through."""
        for name, value in self.headers:
            codings = {coding.strip().lower() for coding in value.split(",")}
            if name == "TRANSFER-ENCODING" and not codings <= {"chunked", "identity"}:
                raise errors.UnsupportedTransferCoding(value)
        super().set_body_reader()


class FileWrapper(PlainFileWrapper):  # type: ignore[misc]
    """`wsgi.file_wrapper`: iterated in blocks of at least 1 MiB, or sent by the kernel."""

    def __init__(self, filelike: Any, blksize: int = _FILE_BLOCK_BYTES) -> None:
        super().__init__(filelike, max(blksize, _FILE_BLOCK_BYTES))


class Response(PlainResponse):  # type: ignore[misc]
    """Writes one answer to the client."""

    status: str | None
    headers_sent: bool
    sent: int
    response_length: int | None

    def __init__(self, request: Request, transport: Transport, before_head: Callable[[], bool]) -> None:
        """`before_head` is asked once, before the head is built, whether the connection is kept."""
        super().__init__(request, transport, _CONFIG)
        self._before_head = before_head

    @property
    def is_short(self) -> bool:
        """Whether fewer bytes were written than the answer's Content-Length promised."""
        if self.response_length is None or self.req.method == "HEAD" or self.status_code == 304:
            return False
        return self.sent < self.response_length

    @property
    def ends_with_connection(self) -> bool:
        """Whether only the connection's end tells the client that the answer is complete."""
        return self.response_length is None and not self.chunked

    def send_headers(self) -> None:
        """Build the head and hold it until the first byte of the body."""
        if self.headers_sent:
            return
        if not self._before_head():
            self.force_close()
        lines = [*self.default_headers(), *(f"{name}: {value}\r\n" for name, value in self.headers), "\r\n"]
        self.sock.hold("".join(lines).encode("latin-1"))
        self.headers_sent = True

    def process_headers(self, headers: list[tuple[str, str]]) -> None:
        """Check and take the application's headers, its own Server and Date among them."""
        super().process_headers(headers)
        self.headers += [(name, value) for name, value in headers if name.lower() in ("server", "date")]

    def default_headers(self) -> list[str]:
        """The status line and the server's own headers: no banner, and no second Date."""
        own = {name.lower() for name, _ in self.headers}
        return [
            line
            for line in super().default_headers()
            if not line.startswith("Server:") and not (line.startswith("Date:") and "date" in own)
        ]

    def write(self, data: bytes) -> None:
        """Send a block of the body; to HEAD no body is ever sent."""
        super().write(b"" if self.req.method == "HEAD" else data)

    def sendfile(self, wrapper: FileWrapper) -> bool:
        """Have the kernel send the file where that is quicker and right; False: read it instead."""
        file = wrapper.filelike
        if self.req.method == "HEAD":
            self.send_headers()
            return True
        if self.sock.is_tls or self.response_length is None:
            return False
        if not isinstance(file, io.BufferedReader | io.FileIO):
            return False
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            return False
        self.send_headers()
        self.sent += self.sock.sendfile(file, file.tell(), self.response_length - self.sent)
        return True


def refusal(error: Exception) -> tuple[int, str]:
    """The status and the message for one of PARSE_ERRORS."""
    status = 400
    for kind, other in (
        (errors.LimitRequestLine, 414),
        (errors.ExpectationFailed, 417),
        (errors.LimitRequestHeaders, 431),
        (errors.UnsupportedTransferCoding, 501),
    ):
        if isinstance(error, kind):
            status = other
    return status, str(error)[:200]
