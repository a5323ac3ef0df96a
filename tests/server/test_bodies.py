"""Bodies that clients send: streamed, asked for, left unread, broken off."""

import io
import zlib

import pytest
import requests
import urllib3

from emulator.server import BrokenBody, Server
from tests.server.client import Wire, curl, url
from tests.server.tiny import BLOCK

CHUNKED = "Transfer-Encoding: chunked"


@pytest.mark.parametrize("step", [1, 1000, 65536, 10**7])
def test_a_body_is_read_whole_in_steps_of_any_size(listener, tls, step):
    body = BLOCK[: 100_000 if step > 1 else 2_000]
    with Wire(listener, tls) as wire:
        for _ in range(2):
            answer = wire.request(f"/read?step={step}", "PUT", body=body).answer()
            assert answer.json() == {"count": len(body), "crc": zlib.crc32(body)}


def test_chunked_and_then_the_next_request(listener, tls):
    with Wire(listener, tls) as wire:
        wire.request("/read", "PUT", CHUNKED)
        wire.send("5;name=value\r\nhello\r\n6\r\n world\r\n0\r\nX-Trailer: x\r\n\r\n")
        assert wire.answer().json() == {"count": 11, "crc": zlib.crc32(b"hello world")}
        assert wire.request("/next").answer().json()["PATH_INFO"] == "/next"


def test_a_chunk_can_be_read_before_the_next_one_is_sent(listener):
    with Wire(listener) as wire:
        wire.request("/lines", "PUT", CHUNKED, "Expect: 100-continue")
        assert wire.head().status == 100
        wire.send("4\r\none\n\r\n")
        wire.send("3\r\ntwo\r\n0\r\n\r\n")
        assert wire.answer().json() == {"lines": ["one\n", "two"]}


@pytest.mark.parametrize("headers", [[CHUNKED], ["Content-Length: 5"]], ids=["chunked", "length"])
def test_a_small_body_that_nobody_read_is_passed_over(listener, tls, headers):
    body = "5\r\nhello\r\n0\r\n\r\n" if CHUNKED in headers else "hello"
    with Wire(listener, tls) as wire:
        wire.request("/refuse", "PUT", *headers).send(body)
        assert wire.answer().status == 401
        assert wire.request("/next").answer().json()["PATH_INFO"] == "/next"


def test_continue_is_sent_when_the_body_is_read(listener, tls):
    with Wire(listener, tls) as wire:
        wire.request("/read", "PUT", "Expect: 100-continue", "Content-Length: 5")
        assert wire.head().status == 100
        assert wire.send("hello").answer().json()["count"] == 5
        assert wire.request().answer().status == 200


def test_an_answer_without_the_body_needs_no_body(listener, tls):
    with Wire(listener, tls) as wire:
        answer = wire.request("/refuse", "PUT", "Expect: 100-continue", "Content-Length: 5").answer()
        assert (answer.status, answer["connection"]) == (401, "close")
        assert wire.at_end()


def test_curl_gets_a_401_without_uploading(listener, tls):
    done = curl("-H", "Expect: 100-continue", "-T", "-", url(listener, tls, "/refuse"), "-w", "%{size_upload}",
                stdin=BLOCK)  # fmt: skip
    assert done.returncode == 0
    assert done.stdout == b'{"refused": true}0'


def test_a_client_that_never_stops_sending_gets_its_401(listener, tls):
    """`requests` looks at the answer only after it has sent everything."""
    urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    answer = requests.put(
        url(listener, tls, "/refuse"), data=_Zeros(300 * len(BLOCK)), verify=False, timeout=60
    )
    assert (answer.status_code, answer.json()) == (401, {"refused": True})


@pytest.mark.parametrize("sent", ["hel", "", "5"])
@pytest.mark.parametrize("headers", [[CHUNKED], ["Content-Length: 5"]], ids=["chunked", "length"])
def test_a_body_that_is_broken_off_is_a_400_and_never_a_short_body(listener, app, headers, sent):
    with Wire(listener) as wire:
        wire.request("/read", "PUT", *headers)
        wire.send(sent if CHUNKED not in headers else f"5\r\n{sent}")
        wire.sock.shutdown(1)
        answer = wire.answer()
        assert answer.status == 400
        assert answer.json()["message"].startswith("Failed to parse request content.")
        assert app.broken.is_set()
        assert wire.at_end()


@pytest.mark.parametrize("sent", ["zz\r\n", "5\r\nhelloXX", "-5\r\n", "0\r\nbad trailer\r\n\r\n", "\r\n"])
def test_a_chunk_that_cannot_be_read_is_a_400(listener, tls, sent):
    with Wire(listener, tls) as wire:
        answer = wire.request("/read", "PUT", CHUNKED).send(sent).answer()
        assert answer.status == 400
        assert answer.json()["status"] == "error"
        assert wire.at_end()


def test_flask_answers_a_broken_body_like_any_bad_request(identity):
    from flask import Flask, request

    flask = Flask("upload")
    seen = []

    @flask.put("/json")
    def parse():
        return {"got": request.get_json()}

    @flask.put("/form")
    def form():
        return {"got": list(request.files)}

    @flask.errorhandler(BrokenBody)
    def broken(error):
        seen.append(error.description)
        return {"handled": error.code}, error.code

    server = Server(flask, version="1")
    listener = server.open("flask")
    try:
        for path, kind in (("/json", "application/json"), ("/form", "multipart/form-data; boundary=b")):
            with Wire(listener) as wire:
                wire.request(path, "PUT", f"Content-Type: {kind}", "Content-Length: 50").send("--b\r\n")
                wire.sock.shutdown(1)
                answer = wire.answer()
                assert (answer.status, answer.json()) == (400, {"handled": 400})
                assert wire.at_end()
    finally:
        server.stop()
    assert seen == ["Failed to parse request content."] * 2


def test_head_has_no_body(listener, tls):
    with Wire(listener, tls) as wire:
        for path in ("/environ", "/generate?blocks=2&length=1", "/file", "/buffer"):
            answer = wire.request(path, "HEAD").answer(to="HEAD")
            assert answer.status == 200
        assert wire.request().answer().status == 200


class _Zeros(io.RawIOBase):
    """A readable of `size` bytes, of which no copy is kept."""

    def __init__(self, size):
        self._left = size
        self.len = size

    def read(self, size=-1):
        size = self._left if size < 0 else min(size, self._left)
        self._left -= size
        return bytes(size)
