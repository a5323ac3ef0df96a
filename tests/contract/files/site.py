"""A web site on this machine whose answers a test can steer, to import files from."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

CONTENT = b"from outside\n"
PIECE = b"x" * 300_000


@dataclass
class Site:
    """``/file``, ``/missing``, ``/broken`` (500, as often as told), ``/short`` (breaks off), ``/private`` (me:secret),
    ``/to?<url>`` (redirects) and ``/slow``, of which the second half comes when ``go_on`` is set.
    """

    port: int = 0
    go_on: threading.Event = field(default_factory=threading.Event)
    half_sent: threading.Event = field(default_factory=threading.Event)
    asked: list[str] = field(default_factory=list)
    """Path and Authorization header of every request."""
    breaks_off: int = 0
    """How many of the next answers to ``/short`` end too early."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


class _Handler(BaseHTTPRequestHandler):
    site: Site

    def do_GET(self) -> None:
        login = self.headers.get("Authorization", "")
        self.site.asked.append(f"{self.path} {login}".strip())
        parts = urlsplit(self.path)
        if parts.path == "/to":
            self.send_response(302)
            self.send_header("Location", parts.query)
            self.end_headers()
        elif parts.path in ("/missing", "/broken"):
            self._send(404 if parts.path == "/missing" else 500, b"no")
        elif parts.path == "/private" and login != "Basic bWU6c2VjcmV0":
            self._send(401, b"who are you?")
        elif parts.path == "/slow":
            self._slowly()
        elif parts.path == "/short" and self.site.breaks_off:
            self.site.breaks_off -= 1
            self._send(200, CONTENT[:4], len(CONTENT))
        else:
            self._send(200, CONTENT)

    def _send(self, status: int, body: bytes, length: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def _slowly(self) -> None:
        self._send(200, PIECE, 2 * len(PIECE))
        self.wfile.flush()
        self.site.half_sent.set()
        self.site.go_on.wait(60)
        try:
            self.wfile.write(PIECE)
        except ConnectionError:
            return  # whoever asked has gone: killed, or told to stop

    def log_message(self, format: str, *args: object) -> None:
        """Tests read ``asked`` instead."""


@contextmanager
def site() -> Iterator[Site]:
    here = Site()
    handler = type("Handler", (_Handler,), {"site": here})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        here.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=[0.02], daemon=True)
        thread.start()
        try:
            yield here
        finally:
            here.go_on.set()
            server.shutdown()
            thread.join()
