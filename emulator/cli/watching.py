"""A webhook receiver that hands on what it is told: the demo's window on a running job."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_TERMINAL = ("FINISHED", "FAILED", "STOPPED")


class StateWatch:
    """Receives the messages of one job's subscription on a port of its own."""

    def __init__(self) -> None:
        self._messages: queue.Queue[dict[str, Any]] = queue.Queue()
        messages = self._messages

        class Receiver(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()
                messages.put(json.loads(body))

            def log_message(self, format: str, *_args: Any) -> None:
                """Silent: the messages are shown, not the requests."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/states"

    def messages(self, limit: float) -> Iterator[dict[str, Any]]:
        """Each message as it arrives, until the job has ended. Raises queue.Empty after ``limit`` idle seconds."""
        while True:
            message = self._messages.get(timeout=limit)
            yield message
            if message["status"] in _TERMINAL:
                return

    def __enter__(self) -> StateWatch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
