"""What reaches the application, and how connections are shared by requests."""

import socket

import pytest

from emulator.server import Server
from tests.server.client import Wire, curl, url


def test_one_port_speaks_plain_and_tls(listener):
    for tls, scheme in ((False, "http"), (True, "https"), (False, "http")):
        with Wire(listener, tls) as wire:
            environ = wire.request().answer().json()
        assert environ["wsgi.url_scheme"] == scheme
        assert environ["emulator.listener"] == "test"
        assert environ["SERVER_PORT"] == str(listener.port)


def test_a_listener_without_identity_turns_tls_away_and_goes_on(app):
    server = Server(app, version="1")
    listener = server.open("plain")
    try:
        assert curl(url(listener, True)).returncode == 35
        assert curl(url(listener, False)).returncode == 0
    finally:
        server.stop()


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/a//b", "/a//b"),
        ("/a/../b", "/a/../b"),
        ("/a;p=1", "/a;p=1"),
        ("//zz/y", "//zz/y"),
        ("///", "///"),
        ("/a%2Fb", "/a/b"),
        ("/a%252Fb", "/a%2Fb"),
        ("/a%20b+c", "/a b+c"),
        ("/caf%C3%A9", "/cafÃ©"),
        ("/a%00b", "/a\0b"),
        ("/a%zz%", "/a%zz%"),
        ("/a?b=1?2&c=%26", "/a"),
        ("http://elsewhere:81/x/y", "/x/y"),
    ],
)
def test_paths_arrive_as_they_were_sent(listener, target, path):
    with Wire(listener) as wire:
        environ = wire.request(target).answer().json()
    assert environ["PATH_INFO"] == path
    assert environ["RAW_URI"] == target
    assert environ["QUERY_STRING"] == (target.partition("?")[2])


def test_utf8_that_a_client_did_not_escape_is_read_as_if_it_had(listener):
    with Wire(listener) as wire:
        environ = wire.send("GET /café?é HTTP/1.1\r\nHost: x\r\n\r\n".encode()).answer().json()
    assert environ["PATH_INFO"].encode("latin-1").decode() == "/café"
    assert environ["RAW_URI"] == "/caf%C3%A9?%C3%A9"


def test_keep_alive_serves_request_after_request(listener, tls):
    with Wire(listener, tls) as wire:
        for number in range(5):
            answer = wire.request(f"/{number}").answer()
            assert answer.json()["PATH_INFO"] == f"/{number}"
            assert answer["connection"] == "keep-alive"


def test_pipelined_requests_are_answered_in_order(listener, tls):
    with Wire(listener, tls) as wire:
        wire.send("".join(f"GET /{n} HTTP/1.1\r\nHost: x\r\n\r\n" for n in range(3)))
        assert [wire.answer().json()["PATH_INFO"] for _ in range(3)] == ["/0", "/1", "/2"]


def test_a_request_pipelined_behind_a_body_is_answered(listener, tls):
    with Wire(listener, tls) as wire:
        wire.send("PUT /read HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET /next HTTP/1.1\r\n\r\n")
        assert wire.answer().json()["count"] == 3
        assert wire.answer().json()["PATH_INFO"] == "/next"


@pytest.mark.parametrize(
    ("version", "headers", "kept"),
    [
        ("1.1", [], True),
        ("1.1", ["Connection: close"], False),
        ("1.1", ["Connection: Close"], False),
        ("1.1", ["Connection: TE, close"], False),
        ("1.1", ["Connection: keep-alive"], True),
        ("1.0", [], False),
        ("1.0", ["Connection: Keep-Alive"], True),
    ],
)
def test_the_connection_header_is_heeded(listener, tls, version, headers, kept):
    with Wire(listener, tls) as wire:
        answer = wire.request("/environ", "GET", *headers, version=version).answer()
        assert answer["connection"] == ("keep-alive" if kept else "close")
        if kept:
            assert wire.request().answer().status == 200
        else:
            assert wire.at_end()


def test_http_1_0_gets_an_unlengthed_answer_unchunked_and_ended_by_closing(listener, tls):
    with Wire(listener, tls) as wire:
        answer = wire.request("/generate?blocks=2", version="1.0").answer()
        assert "transfer-encoding" not in answer.headers
        assert len(answer.body) == 2 * 1024 * 1024
        assert wire.at_end()


def test_headers_reach_the_application_whole(listener):
    token = "t" * 20_000
    with Wire(listener) as wire:
        environ = (
            wire.request(
                "/environ",
                "GET",
                f"Authorization: Bearer {token}",
                "X_Under: score",
                "X-Twice: 1",
                "X-Twice: 2",
                "Cookie: a=1",
                "Cookie: b=2",
                "Content-Type: text/plain",
                "Content_Length: 7",
            )
            .answer()
            .json()
        )
    assert environ["HTTP_AUTHORIZATION"] == f"Bearer {token}"
    assert environ["HTTP_X_UNDER"] == "score"
    assert environ["HTTP_X_TWICE"] == "1,2"
    assert environ["HTTP_COOKIE"] == "a=1; b=2"
    assert environ["CONTENT_TYPE"] == "text/plain"
    assert "CONTENT_LENGTH" not in environ


def test_nobody_can_set_scheme_path_or_address_by_header_or_environment(listener, monkeypatch):
    monkeypatch.setenv("SCRIPT_NAME", "/elsewhere")
    with Wire(listener) as wire:
        environ = (
            wire.request(
                "/a/b",
                "GET",
                "SCRIPT_NAME: /a",
                "X-Forwarded-Proto: https",
                "X-Forwarded-For: 8.8.8.8",
            )
            .answer()
            .json()
        )
    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == ("", "/a/b")
    assert environ["wsgi.url_scheme"] == "http"
    assert environ["REMOTE_ADDR"] == "127.0.0.1"


def test_a_long_target_is_read_whole(listener):
    query = "q=" + "x" * 40_000
    with Wire(listener) as wire:
        assert wire.request(f"/environ?{query}").answer().json()["QUERY_STRING"] == query


def _has_ipv6():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not _has_ipv6(), reason="this machine has no ::1")


@needs_ipv6
def test_ipv6(server, tls):
    listener = server.open("six", "::1")
    with Wire(listener, tls) as wire:
        environ = wire.request().answer().json()
    assert environ["SERVER_NAME"] == environ["REMOTE_ADDR"] == "::1"
    assert curl(url(listener, tls)).returncode == 0


@needs_ipv6
def test_every_address_of_both_families(server):
    listener = server.open("any", "::")
    for host in ("127.0.0.1", "[::1]"):
        assert curl(f"http://{host}:{listener.port}/").returncode == 0


def test_the_request_after_a_fragmented_head_is_read(listener, tls):
    with Wire(listener, tls) as wire:
        for byte in b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n":
            wire.send(bytes([byte]))
        assert wire.answer().json()["PATH_INFO"] == "/slow"
