"""The listeners of one application, opened and closed at run time."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from wsgiref.types import WSGIApplication

from emulator.server.listener import Listener
from emulator.server.stand_in import StandIn
from emulator.server.tls import TlsIdentity

GRACE_SECONDS = 0.25
"""How long closing waits for answers under way, and again for their threads once they are cut off."""


class Server:
    """Serves a WSGI application over HTTP/1.1, plain and TLS on the same ports.

    Each connection has a daemon thread. The application finds in its environ:

    * `emulator.listener`: the key of the listener that the request came by;
    * `emulator.connection`: a `RawConnection`, to break the connection on purpose.

    Bodies are streamed in both directions, in constant memory. A body that the client breaks off
    raises `BrokenBody`, a 400, in the application's read. Use `wsgi.file_wrapper` for files.
    """

    def __init__(
        self,
        app: WSGIApplication,
        *,
        version: str,
        tls: TlsIdentity | None = None,
        stand_in: StandIn | None = None,
        logger: logging.Logger | None = None,
    ) -> None:
        """`version` is the one in the error answers that the server itself gives; without `tls` a
        client that speaks TLS is turned away. With `stand_in` the ports are proxies for its hosts too."""
        self._app = app
        self._version = version
        self._tls = tls
        self._stand_in = stand_in
        self._logger = logger or logging.getLogger("emulator.server")
        self._listeners: dict[str, Listener] = {}
        self._leaving: list[Listener] = []
        self._lock = threading.Lock()

    @property
    def listeners(self) -> Mapping[str, Listener]:
        """The open listeners by their keys: a view, not a copy."""
        return MappingProxyType(self._listeners)

    def open(self, key: str, host: str = "127.0.0.1", port: int = 0, *, tls_only: bool = False) -> Listener:
        """Listen on `host` and `port` (0: one that is free); clients can connect when it returns.

        With `tls_only` plain HTTP is turned away; a proxy is for plain connections, so it is none then.

        Raises ValueError when `key` is open already, OSError when host and port cannot be had.
        """
        with self._lock:
            if key in self._listeners:
                raise ValueError(f"a listener {key!r} is open already")
            listener = Listener(
                self._app,
                key=key,
                host=host,
                port=port,
                tls=self._tls,
                version=self._version,
                logger=self._logger,
                tls_only=tls_only,
                stand_in=self._stand_in,
            )
            self._listeners[key] = listener
            return listener

    def close(self, key: str) -> None:
        """Close a listener: idle connections at once, busy ones after a short grace.

        A handler that neither reads nor writes cannot be interrupted; its thread goes on, and its
        answer reaches nobody. Raises KeyError when no listener has that key.
        """
        with self._lock:
            listener = self._listeners.pop(key)
        self._close([listener])

    def retire(self, key: str) -> None:
        """Close a listener: idle connections at once, busy ones when their answer has been given.

        Returns when nobody can connect any more. Raises KeyError when no listener has that key.
        """
        with self._lock:
            listener = self._listeners.pop(key)
            self._leaving = [*(left for left in self._leaving if left.live), listener]
        listener.stop_accepting()

    def stop(self) -> None:
        """Close all listeners, as `close` does. The server can be used again afterwards."""
        with self._lock:
            listeners, leaving = list(self._listeners.values()), self._leaving
            self._listeners.clear()
            self._leaving = []
        self._close(listeners, leaving)

    def _close(self, listeners: list[Listener], leaving: Iterable[Listener] = ()) -> None:
        for listener in listeners:
            listener.stop_accepting()
        listeners = [*listeners, *leaving]
        _wait(listeners)
        for listener in listeners:
            listener.cut()
        left = _wait(listeners)
        if left:
            self._logger.warning("%d requests go on after their connections were closed", left)


def _wait(listeners: list[Listener]) -> int:
    """Give the connections of all `listeners` one grace to end; how many are left."""
    deadline = time.monotonic() + GRACE_SECONDS
    return sum(listener.wait(max(0.0, deadline - time.monotonic())) for listener in listeners)
