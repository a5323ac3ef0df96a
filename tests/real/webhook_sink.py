"""An HTTP receiver on this machine that keeps every request and answers as it is told.

python -m tests.real.webhook_sink [--port 8080]      prints each request as a line of JSON
"""

import argparse
import json
import socket
import sys
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from tests.real.recorder import Recorder


@dataclass(frozen=True)
class Hook:
    """One request as it came. ``path`` is the raw request target, query included; header names are lower-case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body parsed as JSON; ``ValueError`` where it is none."""
        return json.loads(self.body)


class WebhookSink:
    """Listens on ``host``:``port`` from construction to :meth:`close`; also a context manager.

    Answers 200 with an empty body unless :meth:`answer` says otherwise.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self.hooks: Recorder[Hook] = Recorder()
        self._answers: deque[tuple[int, Mapping[str, str]]] = deque()
        self._open = threading.Event()
        self._open.set()
        self._turn = threading.Lock()
        self._server = _Server((host, port), self)
        self.host = host
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(
            # how long close() may take at most
            target=self._server.serve_forever,
            args=[0.02],
            name="webhook-sink",
            daemon=True,
        )
        self._thread.start()

    @property
    def url(self) -> str:
        """The base URL, without a slash at its end."""
        return f"http://{self.host}:{self.port}"

    def answer(self, *statuses: int) -> None:
        """Answer the next requests with these statuses in turn, then with 200 again."""
        self._answers.extend((status, {}) for status in statuses)

    def redirect(self, location: str, status: int = 302) -> None:
        """Answer the next request after those already told of by pointing elsewhere."""
        self._answers.append((status, {"Location": location}))

    @contextmanager
    def held(self) -> Iterator[None]:
        """Inside the block requests are recorded at once, but their answers wait for the end of the block."""
        self._open.clear()
        try:
            yield
        finally:
            self._open.set()

    def wait_for(self, count: int, timeout: float = 30.0) -> list[Hook]:
        """All requests once there are at least ``count``; ``AssertionError`` after ``timeout`` seconds."""
        return self.hooks.wait_for(count, timeout)

    def take(self, hook: Hook) -> tuple[int, Mapping[str, str]]:
        """Record one request and decide its answer, status and headers; called from the server's threads."""
        with self._turn:
            answer = self._answers.popleft() if self._answers else (200, {})
            self.hooks.add(hook)
        self._open.wait()
        return answer

    def close(self) -> None:
        """Answer what is held, stop listening and break open connections."""
        self._open.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> "WebhookSink":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], sink: WebhookSink) -> None:
        self.sink = sink
        self._connections: set[socket.socket] = set()
        super().__init__(address, _Handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, peer = super().get_request()
        self._connections.add(connection)
        return connection, peer

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        # a closed receiver must not go on answering on a connection that its client kept open
        for connection in list(self._connections):
            with suppress(OSError):  # its client may have gone in this moment
                connection.shutdown(socket.SHUT_RDWR)
        super().server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def _receive(self) -> None:
        if "Transfer-Encoding" in self.headers:
            self.send_error(HTTPStatus.LENGTH_REQUIRED, "this receiver reads bodies with a Content-Length")
            return
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        status, answer_headers = self.server.sink.take(Hook(self.command, self.path, headers, body))
        self.send_response(status)
        for name, value in answer_headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST = do_PUT = do_DELETE = _receive

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the record is the log."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Print every request that arrives, until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m tests.real.webhook_sink", description=main.__doc__)
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes any free port")
    with WebhookSink(port=parser.parse_args(arguments).port) as sink:
        print(f"listening on {sink.url}", flush=True)
        shown = 0
        while True:
            for hook in sink.wait_for(shown + 1, threading.TIMEOUT_MAX)[shown:]:
                shown += 1
                line = {"method": hook.method, "path": hook.path, "headers": hook.headers}
                print(json.dumps(line | {"body": hook.body.decode(errors="replace")}), flush=True)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit(0) from None
