"""`emulator.connection`: answers broken on purpose, as curl judges them, from within Flask."""

import threading

import pytest
from flask import Flask, Response, request

from emulator.server import Server
from tests.server.client import PATIENCE_SECONDS, Wire, curl, url

RESET, SHORT, BAD_CHUNK, NOTHING, NOT_HTTP = 56, 18, 56, 52, 1


def _flask():
    flask = Flask("faults")
    flask.torn_down = threading.Event()

    @flask.errorhandler(Exception)
    def every_error(error):
        return {"swallowed": str(error)}, 500

    @flask.teardown_request
    def torn_down(error):
        flask.torn_down.set()

    def raw():
        return request.environ["emulator.connection"]

    @flask.get("/reset")
    def reset():
        raw().reset()

    @flask.get("/nothing")
    def nothing():
        raw().close()

    @flask.get("/resetinbody")
    def reset_in_body():
        connection = raw()

        def body():
            yield b"x" * 100_000
            connection.reset()

        return Response(body(), headers={"Content-Length": "200000"})

    @flask.get("/short")
    def short():
        raw().send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this")
        raw().close()

    @flask.get("/shortinbody")
    def short_in_body():
        connection = raw()

        def body():
            yield b"begun"
            connection.close()

        return Response(body())

    @flask.get("/badchunk")
    def bad_chunk():
        raw().send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n")
        raw().close()

    @flask.get("/garbage")
    def garbage():
        raw().send(b"\0\1\2 this is not HTTP\r\n\r\n")
        raw().close()

    @flask.get("/drip")
    def drip():
        raw().send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
        for byte in b"whole":
            raw().send(bytes([byte]))
        raw().close()

    @flask.get("/fine")
    def fine():
        return {"fine": True}

    return flask


@pytest.fixture
def flask():
    return _flask()


@pytest.fixture
def listener(flask, identity):
    server = Server(flask, version="1", tls=identity)
    yield server.open("faults")
    server.stop()


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/reset", RESET),
        ("/resetinbody", RESET),
        ("/nothing", NOTHING),
        ("/short", SHORT),
        ("/shortinbody", SHORT),
        ("/badchunk", BAD_CHUNK),
        ("/garbage", NOT_HTTP),
        ("/drip", 0),
        ("/fine", 0),
    ],
)
def test_curl_sees_the_fault(listener, flask, caplog, tls, path, code):
    done = curl(url(listener, tls, path))
    assert done.returncode == code, done
    assert b"swallowed" not in done.stdout
    assert flask.torn_down.wait(PATIENCE_SECONDS)
    assert not [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")]
    assert curl(url(listener, tls, "/fine")).returncode == 0


def test_a_reset_is_a_reset_and_not_an_orderly_end(listener):
    with Wire(listener) as wire, pytest.raises(ConnectionResetError):
        wire.request("/reset").answer()
    with Wire(listener) as wire:
        assert wire.request("/nothing").at_end()
