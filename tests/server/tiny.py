"""A small WSGI application that shows what the server gives it and answers in every shape.

`python -m tests.server.tiny <directory> [<files>]` serves it and prints its port, for tests that need
a process of their own: to measure its memory, or to let it have no more than that many open files.
"""

import io
import json
import resource
import sys
import tempfile
import threading
import zlib
from pathlib import Path
from urllib.parse import parse_qs

from emulator.server import Server, TlsIdentity

MEGABYTE = 1024 * 1024
BLOCK = bytes(range(256)) * 4096


class TinyApp:
    """Routes by the first part of the path; `waiting` and `release` let a test hold handlers."""

    def __init__(self):
        self.waiting = threading.Semaphore(0)
        self.release = threading.Event()
        self.closed = threading.Event()
        self.broken = threading.Event()

    def __call__(self, environ, start_response):
        name = environ["PATH_INFO"].strip("/").split("/")[0]
        handler = getattr(self, f"do_{name}", self.do_environ)
        query = {key: values[-1] for key, values in parse_qs(environ["QUERY_STRING"]).items()}
        return handler(environ, start_response, **query)

    def do_environ(self, environ, start_response, **_):
        shown = {key: value for key, value in environ.items() if isinstance(value, str)}
        return _json(start_response, shown)

    def do_read(self, environ, start_response, step="65536"):
        count = check = 0
        try:
            while block := environ["wsgi.input"].read(int(step)):
                count += len(block)
                check = zlib.crc32(block, check)
        except Exception:
            self.broken.set()
            raise
        return _json(start_response, {"count": count, "crc": check})

    def do_lines(self, environ, start_response):
        return _json(start_response, {"lines": [line.decode() for line in environ["wsgi.input"]]})

    def do_refuse(self, environ, start_response):
        return _json(start_response, {"refused": True}, "401 Unauthorized")

    def do_generate(self, environ, start_response, blocks="1", length=None):
        headers = [("Content-Length", str(int(blocks) * len(BLOCK)))] if length else []
        start_response("200 OK", headers)
        return (BLOCK for _ in range(int(blocks)))

    def do_endless(self, environ, start_response):
        start_response("200 OK", [])
        return _Blocks(self)

    def do_file(self, environ, start_response, first="0", size=str(3 * MEGABYTE), promised=None):
        with tempfile.NamedTemporaryFile() as written:
            written.write(BLOCK * 3)
            written.truncate(max(int(first) + int(size), 3 * MEGABYTE))
            file = Path(written.name).open("rb")  # noqa: SIM115 (closed with the answer)
        file.seek(int(first))
        start_response("200 OK", [("Content-Length", promised or size)])
        return environ["wsgi.file_wrapper"](file)

    def do_buffer(self, environ, start_response):
        start_response("200 OK", [])
        return environ["wsgi.file_wrapper"](io.BytesIO(BLOCK * 3), 4096)

    def do_short(self, environ, start_response, given="3"):
        start_response("200 OK", [("Content-Length", "10")])
        return [b"x" * int(given)]

    def do_raise(self, environ, start_response):
        raise RuntimeError("on purpose")

    def do_raiselate(self, environ, start_response):
        start_response("200 OK", [])
        yield b"begun"
        raise RuntimeError("on purpose")

    def do_raisedisk(self, environ, start_response):
        raise ConnectionResetError("of another connection, made by the application")

    def do_silent(self, environ, start_response):
        return [b"no status"]

    def do_header(self, environ, start_response, name="X-Own", value="own"):
        return _json(start_response, {}, headers=[(name, value)])

    def do_empty(self, environ, start_response):
        start_response("204 No Content", [])
        return []

    def do_wait(self, environ, start_response):
        self.waiting.release()
        if not self.release.wait(60):
            raise TimeoutError("nobody released the handlers")
        return _json(start_response, {"waited": True})

    def hold(self, count):
        """Wait until `count` handlers wait."""
        for _ in range(count):
            assert self.waiting.acquire(timeout=60)


class _Blocks:
    def __init__(self, app):
        self._app = app

    def __iter__(self):
        while True:
            yield BLOCK

    def close(self):
        self._app.closed.set()


def _json(start_response, content, status="200 OK", headers=()):
    body = json.dumps(content).encode()
    start_response(status, [("Content-Length", str(len(body))), *headers])
    return [body]


if __name__ == "__main__":
    if len(sys.argv) > 2:
        resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[2]), int(sys.argv[2])))
    print(Server(TinyApp(), version="1", tls=TlsIdentity(Path(sys.argv[1]))).open("own").port, flush=True)
    sys.stdin.read()
