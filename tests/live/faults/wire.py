"""A TCP relay before a machine's ssh port that can be stopped in the middle of a stream.

Nothing of the connection is made up: bytes pass unchanged between the emulator and a real sshd. What is held is
held back as a slow network would.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import Literal

Direction = Literal["up", "down"]
HOLD_SECONDS = 60.0
_PIECE = 64 * 1024


class Wire:
    """Listens on ``port`` of 127.0.0.1 from construction to :meth:`close`."""

    def __init__(self, address: str, port: int) -> None:
        self._target = (address, port)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._direction: Direction = "up"
        self._left = 0
        self._reached = threading.Event()
        self._flows = threading.Event()
        self._flows.set()
        self._armed = self._lost = False
        threading.Thread(target=self._accept, daemon=True).start()

    def hold(self, direction: Direction, after: int) -> None:
        """Let ``after`` more bytes pass (``up`` is towards the machine), then none in this direction."""
        with self._lock:
            self._direction, self._left, self._armed, self._lost = direction, after, True, False
            self._reached.clear()
            self._flows.clear()

    def wait_held(self) -> None:
        """Until the stream has come to the place where it is held."""
        assert self._reached.wait(HOLD_SECONDS), "the stream has not come to where it was to be held"

    def release(self) -> None:
        with self._lock:
            self._armed = False
            self._flows.set()

    def drop(self) -> None:
        """Release, but what was held never arrives: those connections are broken."""
        with self._lock:
            self._armed, self._lost = False, True
            self._flows.set()

    @property
    def connections(self) -> int:
        """How many are open."""
        with self._lock:
            return len(self._open) // 2

    def close(self) -> None:
        self.release()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            ends = list(self._open)
        for end in ends:
            _end(end)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                machine = socket.create_connection(self._target, 10)
            except OSError:
                client.close()
                continue
            for end in (client, machine):
                end.settimeout(None)
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._open |= {client, machine}
            for source, sink, way in ((client, machine, "up"), (machine, client, "down")):
                threading.Thread(target=self._pump, args=(source, sink, way), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, direction: Direction) -> None:
        try:
            while data := source.recv(_PIECE):
                if not self._passes(direction, len(data)):
                    return
                sink.sendall(data)
        except OSError:
            pass  # the other end is told of it below
        finally:
            # a broken connection is broken for both ends
            _end(source)
            _end(sink)
            with self._lock:
                self._open -= {source, sink}

    def _passes(self, direction: Direction, count: int) -> bool:
        """Hold back what is to be held; False when it is lost."""
        with self._lock:
            if not self._armed or direction != self._direction:
                return True
            self._left -= count
            if self._left > 0:
                return True
            self._reached.set()
        self._flows.wait()
        return not self._lost


def _end(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
