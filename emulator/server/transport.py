"""The socket of one client, plain or TLS, and every way in which it may end."""

from __future__ import annotations

import contextlib
import io
import os
import socket
import ssl
import struct
import threading
import time

from emulator.server.waiting import Arrange, wait_beside, wait_until_sent

STALL_SECONDS = 300
"""A client that neither sends nor takes a byte for this long is given up."""

HANDSHAKE_SECONDS = 30
"""The longest pause within a TLS handshake."""

LINGER_SILENCE_SECONDS = 5
"""After the last answer, how long to wait for the client's next byte or its closing."""

LINGER_SECONDS = 30
"""After the last answer, how long a client may go on sending what nobody will read."""

_DISCARD_BYTES = 64 * 1024


class ConnectionEnded(BaseException):
    """Unwinds the stack when the client is gone or has been cut off; only `Connection.run` catches it.

    It is no `Exception`, so that neither Flask nor a handler's `except Exception` can turn it into
    an answer: there is nobody left to answer. `finally` blocks and context managers run as usual.
    """


class Transport:
    """Reads and writes one accepted socket; `cut` is the only method for other threads."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._held = b""
        # Guards the socket object itself: without it `cut` could shut down a descriptor that was
        # closed, and given to another connection, a moment before.
        self._lock = threading.Lock()
        self._closed = False
        self._output_ended = False

    @property
    def is_tls(self) -> bool:
        """Whether the client speaks TLS."""
        return isinstance(self._sock, ssl.SSLSocket)

    def prepare(self) -> None:
        """Set the socket's options; raises OSError when the client has gone already."""
        self._sock.setblocking(True)
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # The kernel's own time-outs, since Python's make the socket non-blocking and sendfile crawl.
        stall = struct.pack("@ll", STALL_SECONDS, 0)
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, stall)
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, stall)

    def peek(self, size: int = 1) -> bytes:
        """At most `size` bytes, left in place; b"" at the end of the client's stream. Not with TLS."""
        return self._sock.recv(size, socket.MSG_PEEK)

    def start_tls(self, context: ssl.SSLContext) -> None:
        """Shake hands as the server; raises ssl.SSLError or another OSError when that fails."""
        with self._lock:
            self._sock.settimeout(HANDSHAKE_SECONDS)
            # Not on connect: `cut` must be able to reach the new socket object during the handshake.
            tls = context.wrap_socket(self._sock, server_side=True, do_handshake_on_connect=False)
            self._sock = tls
        tls.do_handshake()
        tls.settimeout(STALL_SECONDS)

    def own_address(self) -> str:
        """The address of this machine that the client has connected to; "" when it is gone."""
        try:
            return str(self._sock.getsockname()[0])
        except OSError:
            return ""

    def recv(self, size: int) -> bytes:
        """At most `size` bytes; b"" at the end of the client's stream."""
        return self._sock.recv(size)

    def recv_into(self, buffer: memoryview) -> int:
        """Fill the start of `buffer`; returns the number of bytes, 0 at the end of the stream."""
        return self._sock.recv_into(buffer)

    def hold(self, head: bytes) -> None:
        """Keep `head` back until the next send, so that a small answer leaves in one packet."""
        self._held += head

    def take_back(self) -> bool:
        """Drop what is held; whether there was anything, so that another head can take its place."""
        held, self._held = self._held, b""
        return bool(held)

    def sendall(self, data: bytes) -> None:
        """Send what is held, then `data`, unless that is empty.

        Raises ConnectionEnded when the client is gone or has taken nothing for STALL_SECONDS.
        """
        if not data:
            return
        data, self._held = self._held + data if self._held else data, b""
        try:
            self._sock.sendall(data)
        except OSError as error:
            raise ConnectionEnded(f"sending failed: {error}") from error

    def flush(self) -> None:
        """Send what is held; raises as `sendall` does."""
        held, self._held = self._held, b""
        self.sendall(held)

    def sendfile(self, file: io.BufferedReader | io.FileIO, offset: int, count: int) -> int:
        """Have the kernel send `count` bytes of `file` from `offset`; plain sockets only.

        Returns the bytes sent, fewer than `count` only where the file ends early. Raises as
        `sendall` does, and OSError when the file cannot be read.
        """
        self.flush()
        sent = 0
        while sent < count:
            try:
                step = os.sendfile(self._sock.fileno(), file.fileno(), offset + sent, count - sent)
            except (ConnectionError, BlockingIOError) as error:
                raise ConnectionEnded(f"sending failed: {error}") from error
            if not step:
                break
            sent += step
        return sent

    def end_output(self, *, notify: bool = True) -> None:
        """Tell the client that nothing more will come; it may still be sending.

        With `notify`, TLS says so too (close_notify): without it, a strict client takes an answer
        that has no length for a broken one, which is what a broken-off answer shall look like.
        """
        if notify and isinstance(self._sock, ssl.SSLSocket):
            # A zero time-out sends close_notify without waiting for the client's: the "failure" to
            # receive it is the expected outcome, and a client that is gone needs none.
            self._sock.settimeout(0)
            with contextlib.suppress(OSError, ValueError):
                self._sock.unwrap()
        self._shutdown(socket.SHUT_WR)
        self._output_ended = True

    def discard_input(self, *, wait: bool) -> None:
        """After `end_output`, read and drop what the client still sends, as long as it sends.

        Closing with unread bytes would reset the connection and could take the answer with it
        [RFC 9112 §9.6]. Ends when the client closes, or with the linger times; without `wait`, only
        what has arrived is dropped. Raises OSError when it does not end by the client's closing.
        """
        if self._closed or not self._output_ended:
            return
        self._sock.settimeout(LINGER_SILENCE_SECONDS if wait else 0)
        deadline = time.monotonic() + LINGER_SECONDS
        scratch = bytearray(_DISCARD_BYTES)
        # The plain socket's method also for TLS: what is thrown away need not be decrypted.
        while socket.socket.recv_into(self._sock, scratch) and time.monotonic() < deadline:
            pass

    def wait(self, arrange: Arrange) -> None:
        """Wait for what is arranged, see RawConnection.wait. Raises ConnectionEnded when the client goes first."""
        try:
            stayed = wait_beside(self._sock, arrange)
        except ValueError as error:  # the socket is closed: it has no descriptor any more
            raise ConnectionEnded("closed while the application waited") from error
        if not stayed:
            raise ConnectionEnded("the client has gone, or was cut off, while the application waited")

    def reset(self) -> None:
        """Close with a TCP reset (RST): what is held is dropped, what was sent leaves before."""
        self._held = b""
        wait_until_sent(self._sock, STALL_SECONDS)
        # No shutdown first: that would send an orderly FIN.
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def cut(self) -> None:
        """Stop both directions from another thread: the thread that serves wakes and ends."""
        with self._lock:
            if not self._closed:
                self._shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Give the socket back; may be called twice."""
        with self._lock:
            self._closed = True
            self._sock.close()

    def _shutdown(self, how: int) -> None:
        # SSLSocket.shutdown drops its TLS state, after which another thread would send plain text;
        # and a client that is gone already (ENOTCONN) is as shut as we want it.
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self._sock, how)
