"""Answers that break on their way as the application asks, and waits that end with the client: from raw sockets."""

import io
import socket
import struct
import threading
from pathlib import Path

import pytest

from emulator.server import Server
from tests.server.client import PATIENCE_SECONDS, Wire, curl, url
from tests.server.tiny import BLOCK

BODY = bytes(range(256)) * 400


class Damaging:
    """Answers with BODY, damaged as the test says in `how`; `ended` collects what the server tells of it."""

    def __init__(self):
        self.how = {}
        self.ended = []
        self.over = threading.Semaphore(0)
        self.waits = threading.Event()
        self.wakes = []
        self.unwound = threading.Event()

    def __call__(self, environ, start_response):
        raw = environ["emulator.connection"]
        raw.when_ended(self._end)
        if environ["PATH_INFO"] == "/fine":
            start_response("200 OK", [("Content-Length", "4")])
            return [b"fine"]
        if environ["PATH_INFO"] == "/wait":
            self._wait(raw)
        if environ["PATH_INFO"] == "/read":
            while environ["wsgi.input"].read(65536):
                pass
        raw.damage(**self.how)
        headers = [] if environ["QUERY_STRING"] == "chunked" else [("Content-Length", str(len(BODY)))]
        start_response("200 OK", headers)
        if environ["QUERY_STRING"] == "file":
            return environ["wsgi.file_wrapper"](io.BytesIO(BODY))
        return (BODY[start : start + 1000] for start in range(0, len(BODY), 1000))

    def _wait(self, raw):
        def arrange(wake):
            self.wakes.append(wake)
            self.waits.set()
            return lambda: None

        try:
            raw.wait(arrange)
        finally:
            self.unwound.set()

    def _end(self, sent):
        self.ended.append(sent)
        self.over.release()

    def last_sent(self):
        assert self.over.acquire(timeout=PATIENCE_SECONDS)
        return self.ended[-1]


@pytest.fixture
def app():
    return Damaging()


@pytest.fixture
def listener(app, identity):
    server = Server(app, version="1", tls=identity)
    yield server.open("damaging")
    server.stop()


@pytest.mark.parametrize("query", ["", "file"])
@pytest.mark.parametrize("keep", [0, 1, 999, 1000, 70_000, len(BODY) - 1])
def test_cut_after_so_many_bytes(listener, app, tls, keep, query):
    app.how = {"keep": keep}
    with Wire(listener, tls) as wire:
        answer = wire.request(f"/?{query}").head()
        assert (answer.status, answer["content-length"]) == (200, str(len(BODY)))
        assert _rest(wire) == (BODY[:keep], "closed")
    assert app.last_sent() == keep


def test_a_share(listener, app, tls):
    app.how = {"share": 0.25}
    with Wire(listener, tls) as wire:
        assert wire.request().head()["content-length"] == str(len(BODY))
        assert _rest(wire) == (BODY[: len(BODY) // 4], "closed")


def test_a_cut_chunked_answer_lacks_its_end(listener, app, tls):
    app.how = {"keep": 1500}
    with Wire(listener, tls) as wire:
        assert wire.request("/?chunked").head()["transfer-encoding"] == "chunked"
        assert _rest(wire) == (
            b"3E8\r\n" + BODY[:1000] + b"\r\n1F4\r\n" + BODY[1000:1500] + b"\r\n",
            "closed",
        )
    assert curl(url(listener, tls, "/?chunked")).returncode == 18


@pytest.mark.parametrize("keep", [0, 1000, len(BODY)])
def test_a_reset_after_so_many_bytes(listener, app, keep):
    app.how = {"keep": keep, "reset": True}
    with Wire(listener) as wire:
        assert wire.request().head().status == 200
        assert _rest(wire) == (BODY[:keep], "reset")


def test_a_reset_under_tls(listener, app):
    app.how = {"keep": 1000, "reset": True}
    with Wire(listener, tls=True) as wire:
        assert wire.request().head().status == 200
        plain = socket.socket(fileno=wire.sock.fileno())
        plain.settimeout(PATIENCE_SECONDS)
        try:
            assert wire.file.read(1000) == BODY[:1000]
            # beneath TLS, whose library tells a reset as an end
            with pytest.raises(ConnectionResetError):
                plain.recv(1)
        finally:
            plain.detach()


def test_what_was_sent_before_a_reset_arrives_however_slow_the_client_is(listener, app):
    """More than the buffers hold: the reset waits until the client has taken what comes before."""
    app.how = {"keep": 12 * len(BLOCK), "reset": True}
    app.__class__ = _Endless
    wire = Wire(listener)
    with wire:
        wire.request().head()
        taken, how = _rest(wire)
    assert (len(taken), how) == (12 * len(BLOCK), "reset")


class _Endless(Damaging):
    def __call__(self, environ, start_response):
        environ["emulator.connection"].damage(**self.how)
        start_response("200 OK", [("Content-Length", str(100 * len(BLOCK)))])
        return (BLOCK for _ in range(100))


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_head_and_old_http(listener, app, tls, version):
    app.how = {"keep": 10}
    with Wire(listener, tls) as wire:
        answer = wire.request("/", "HEAD", "Connection: keep-alive", version=version).head()
        assert answer["content-length"] == str(len(BODY))
        assert _rest(wire) == (b"", "closed")
    with Wire(listener, tls) as wire:
        assert wire.request("/", version=version).head().status == 200
        assert _rest(wire) == (BODY[:10], "closed")


def test_a_longer_cut_lets_all_through_and_closes(listener, app, tls):
    app.how = {"keep": len(BODY) + 1}
    with Wire(listener, tls) as wire:
        assert wire.request().answer().body == BODY
        assert wire.is_cut()


def test_pipelined_requests_after_a_cut_are_not_answered(listener, app, tls):
    app.how = {"keep": 10}
    with Wire(listener, tls) as wire:
        wire.request("/fine").request("/").request("/fine")
        assert wire.answer().body == b"fine"
        wire.head()
        assert _rest(wire) == (BODY[:10], "closed")


def test_pace_is_asked_before_each_piece(listener, app, tls):
    asked = []
    app.how = {"pace": asked.append, "piece": 400}
    with Wire(listener, tls) as wire:
        assert wire.request().answer().body == BODY
        assert wire.request("/fine").answer().body == b"fine"
    assert asked[:4] == [400, 800, 1000, 1400]
    assert asked[-1] == len(BODY)


def test_the_head_leaves_before_the_first_piece_waits(listener, app):
    going = threading.Event()
    app.how = {"pace": lambda total: going.wait(PATIENCE_SECONDS)}
    with Wire(listener) as wire:
        assert wire.request().head().status == 200
        going.set()
        assert wire.file.read(len(BODY)) == BODY


def test_an_upload_of_any_size_meets_a_cut_answer(listener, app, tls):
    app.how = {"keep": 10}
    with Wire(listener, tls) as wire:
        wire.request("/read", "POST", "Content-Length: 300000", "Expect: 100-continue")
        assert wire.head().status == 100
        wire.send(b"x" * 300_000)
        wire.head()
        assert _rest(wire) == (BODY[:10], "closed")


def test_a_wait_ends_when_it_is_told_to(listener, app, tls):
    with Wire(listener, tls) as wire:
        wire.request("/wait").request("/fine")
        assert app.waits.wait(PATIENCE_SECONDS)
        app.wakes[0]()
        assert wire.answer().body == BODY
        assert wire.answer().body == b"fine"
        app.wakes[0]()  # late, and for nobody
        assert wire.request("/fine").answer().body == b"fine"


@pytest.mark.parametrize("how", ["close", "half", "reset"])
def test_a_wait_ends_with_the_client(listener, app, tls, how):
    wire = Wire(listener, tls)
    wire.request("/wait", "POST", body=b"unread")
    assert app.waits.wait(PATIENCE_SECONDS)
    if how == "reset":
        wire.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    if how == "half":
        socket.socket.shutdown(wire.sock, socket.SHUT_WR)
    else:
        wire.file.close()
        wire.sock.close()
    assert app.unwound.wait(PATIENCE_SECONDS)
    assert app.last_sent() == 0
    wire.file.close()
    wire.sock.close()


def test_a_wait_ends_with_the_server(app, identity):
    server = Server(app, version="1", tls=identity)
    listener = server.open("waiting")
    with Wire(listener) as wire:
        wire.request("/wait")
        assert app.waits.wait(PATIENCE_SECONDS)
        server.stop()
        assert app.unwound.is_set()
        assert wire.is_cut()


def test_waits_and_rings_leave_no_descriptor_behind(listener, app):
    def count():
        return len(list(Path("/proc/self/fd").iterdir()))

    with Wire(listener) as wire:
        wire.request("/fine").answer()
        before = count()
        for _ in range(20):
            app.waits.clear()
            wire.request("/wait")
            assert app.waits.wait(PATIENCE_SECONDS)
            app.wakes.pop()()
            wire.answer()
        assert count() == before


def _rest(wire):
    """What comes until the end, and how it ends: `closed` (in whatever way under TLS) or `reset`."""
    parts = []
    while True:
        try:
            part = wire.file.read1(65536)
        except ConnectionResetError:
            return b"".join(parts), "reset"
        except OSError:  # TLS that ends without saying so
            return b"".join(parts), "closed"
        if not part:
            return b"".join(parts), "closed"
        parts.append(part)
