"""What the server itself refuses: the right status, the service's envelope, and the end."""

import pytest

from tests.server.client import Wire

pytestmark = pytest.mark.sample(2)

REFUSED = [
    (b"nonsense\r\n\r\n", 400),
    (b"GET /\r\n\r\n", 400),
    (b"get / HTTP/1.1\r\n\r\n", 400),
    (b"GET /a b HTTP/1.1\r\n\r\n", 400),
    (b"GET / HTTP/2.0\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nX-Bad: a\x01b\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nX-Fold: a\r\n b\r\n\r\n", 400),
    (b"PUT / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
    (b"PUT / HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n", 400),
    (b"PUT / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
    (b"PUT / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    (b"PUT / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    (b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n", 414),
    (b"PUT / HTTP/1.1\r\nExpect: the-moon\r\nContent-Length: 1\r\n\r\n", 417),
    (b"GET / HTTP/1.1\r\nX-Long: " + b"x" * 70_000 + b"\r\n\r\n", 431),
    (b"GET / HTTP/1.1\r\n" + b"X-Many: x\r\n" * 300 + b"\r\n", 431),
    (b"GET / HTTP/1.1\r\n" + (b"X-Much: " + b"x" * 60_000 + b"\r\n") * 6, 431),
    (b"PUT / HTTP/1.1\r\nTransfer-Encoding: brotli\r\n\r\n", 501),
    (b"PUT / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
    (b"CONNECT tapis.example:443 HTTP/1.1\r\n\r\n", 501),
]


@pytest.mark.parametrize(("sent", "status"), REFUSED, ids=[f"{s}-{t[:30]!r}" for t, s in REFUSED])
def test_refused_in_the_envelope(listener, tls, sent, status):
    with Wire(listener, tls) as wire:
        answer = wire.send(sent).answer()
        assert answer.status == status
        assert answer["content-type"] == "application/json; charset=UTF-8"
        assert answer["connection"] == "close"
        assert "server" not in answer.headers
        message = answer.json()["message"]
        assert message
        assert answer.body.startswith(b'{"status":"error","message":"')
        assert answer.json() == {"status": "error", "message": message, "version": "1.2.3"}
        assert wire.at_end()


def test_a_refusal_does_not_disturb_the_answers_before_it(listener):
    with Wire(listener) as wire:
        wire.send("GET /first HTTP/1.1\r\n\r\nnonsense\r\n\r\n")
        assert wire.answer().json()["PATH_INFO"] == "/first"
        assert wire.answer().status == 400


def test_a_client_that_leaves_within_a_head_is_no_error(listener, caplog):
    with Wire(listener) as wire:
        wire.send("GET / HT")
    with Wire(listener) as wire:
        assert wire.request().answer().status == 200
    assert not [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")]
