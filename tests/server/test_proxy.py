"""The server as a proxy for the hosts it stands in for: CONNECT, absolute targets, and what else comes by there."""

import os
import socket
import ssl
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import requests

from emulator.server import StandIn
from tests.real.waiting import wait_until
from tests.server.client import PATIENCE_SECONDS, Wire, curl, url
from tests.server.conftest import STOOD_IN

pytestmark = pytest.mark.sample(2)

TARGET = f"{STOOD_IN}:443"


def connect(wire, target=TARGET, *headers, version="1.1"):
    """Send a CONNECT; returns the wire."""
    lines = [f"CONNECT {target} HTTP/{version}", *headers]
    return wire.send("\r\n".join(lines) + "\r\n\r\n")


def secure(wire, identity, name=STOOD_IN):
    """Go on with TLS inside the tunnel, verifying the certificate."""
    context = ssl.create_default_context(cafile=identity.authority)
    wire.file.close()
    wire.sock = context.wrap_socket(wire.sock, server_hostname=name)
    wire.file = wire.sock.makefile("rb")
    return wire


def tunnel(listener, identity, **options):
    wire = connect(Wire(listener), **options)
    assert wire.head().status == 200
    return secure(wire, identity)


@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize("target", [TARGET, TARGET.upper(), f"{STOOD_IN}.:443"])
def test_a_tunnel_leads_here(proxy, identity, version, target):
    wire = connect(Wire(proxy), target, f"Host: {target}", "Proxy-Connection: keep-alive", version=version)
    answer = wire.head()
    assert answer.status == 200
    assert answer.headers == {}
    with secure(wire, identity):
        for number in range(3):
            shown = wire.request(f"/environ?{number}").answer().json()
            assert shown["wsgi.url_scheme"] == "https"
            assert shown["QUERY_STRING"] == str(number)
            assert shown["emulator.listener"] == "proxy"


def test_the_host_of_the_tunnel_stands_in_for_a_missing_one(proxy, identity):
    with tunnel(proxy, identity) as wire:
        wire.send("GET /environ HTTP/1.0\r\n\r\n")
        assert wire.answer().json()["HTTP_HOST"] == STOOD_IN


def test_a_tunnel_may_carry_plain_http(proxy):
    with connect(Wire(proxy), f"{STOOD_IN}:80") as wire:
        assert wire.head().status == 200
        assert wire.request().answer().json()["wsgi.url_scheme"] == "http"
        assert wire.request().answer().status == 200


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_requests_and_curl_come_through(proxy, identity, scheme):
    proxies = {scheme: url(proxy, False)}
    with requests.Session() as session:
        session.trust_env = False
        for _ in range(2):
            got = session.get(
                f"{scheme}://{STOOD_IN}/environ?a=b",
                proxies=proxies,
                verify=str(identity.authority),
                timeout=60,
            ).json()
            assert (got["HTTP_HOST"], got["wsgi.url_scheme"]) == (STOOD_IN, scheme)
            assert got["RAW_URI"] == "/environ?a=b"
    done = curl("--proxy", url(proxy, False), f"{scheme}://{STOOD_IN}/environ")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "target",
    [
        "api.ipify.org:443",
        "www.google-analytics.com:443",
        "127.0.0.1:22",
        "localhost:443",
        "[::1]:443",
        "169.254.169.254:80",
        f"{STOOD_IN}.evil.example:443",
        f"evil.{STOOD_IN}:443",
        f"{STOOD_IN}:22",
        f"{STOOD_IN}:8443",
    ],
)
def test_no_way_leads_elsewhere(proxy, target):
    with connect(Wire(proxy), target, f"Host: {target}") as wire:
        answer = wire.answer()
        assert answer.status == 403
        assert answer.json()["status"] == "error"
        assert wire.at_end()


def test_nobody_is_dialled(proxy):
    with socket.create_server(("127.0.0.1", 0)) as bait:
        bait.setblocking(False)
        port = bait.getsockname()[1]
        for target in (f"127.0.0.1:{port}", f"localhost:{port}", f"[::ffff:127.0.0.1]:{port}"):
            with connect(Wire(proxy), target) as wire:
                assert wire.answer().status == 403
        with Wire(proxy) as wire:
            assert wire.request(f"http://127.0.0.2.example:{port}/").answer().status == 403
        with pytest.raises(BlockingIOError):
            bait.accept()


@pytest.mark.parametrize(
    "target",
    [
        STOOD_IN,
        f"{STOOD_IN}:",
        f"{STOOD_IN}:https",
        f"{STOOD_IN}:0443443",
        f"{STOOD_IN}:-1",
        f"user:secret@{STOOD_IN}:443",
        f"https://{STOOD_IN}:443",
        f"{STOOD_IN}:443/path",
        f"{STOOD_IN}:443?query",
        f"{STOOD_IN}%00:443",
        f"{STOOD_IN}%2eevil:443",
        ":443",
        "[::1:443",
        "[v1.x]:443",
        "/",
        "*",
        "é:443",
        f"{'a' * 300}:443",
        f"{'a.' * 10_000}b:443",
    ],
)
def test_targets_that_are_none(proxy, target):
    with Wire(proxy) as wire:
        wire.send(f"CONNECT {target} HTTP/1.1\r\n\r\n".encode())
        assert wire.answer().status == 400
        assert wire.at_end()


def test_a_target_beyond_all_bounds(proxy):
    with Wire(proxy) as wire:
        wire.send(f"CONNECT {'a' * 70_000}:443 HTTP/1.1\r\n\r\n")
        assert wire.answer().status == 414


@pytest.mark.parametrize(
    "junk",
    [b"CONNECT\r\n\r\n", b"CONNECT  \r\n\r\n", b"C\r\n\r\n", b"C\0\xff\r\n\r\n", b"CONNECT a:1\r\n\r\n"],
)
def test_lines_that_are_none(proxy, junk):
    with Wire(proxy) as wire:
        assert wire.send(junk).answer().status == 400
        assert wire.at_end()


def test_a_hello_in_the_same_packet(proxy, identity):
    """The bytes behind CONNECT belong to TLS, and reach it."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context(cafile=identity.authority)
    tls = context.wrap_bio(incoming, outgoing, server_hostname=STOOD_IN)
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    with Wire(proxy) as wire:
        wire.send(f"CONNECT {TARGET} HTTP/1.1\r\nHost: {TARGET}\r\n\r\n".encode() + outgoing.read())
        assert wire.head().status == 200

        def until_done(step):
            while True:
                try:
                    return step()
                except ssl.SSLWantReadError:
                    wire.sock.sendall(outgoing.read())
                    incoming.write(wire.file.read1())

        until_done(tls.do_handshake)
        tls.write(b"GET /environ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        wire.sock.sendall(outgoing.read())
        assert until_done(lambda: tls.read(64 * 1024)).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("at", [1, 3, 8, 40, -1, -2, -3])
def test_a_head_in_two_parts(proxy, identity, at):
    head = f"CONNECT {TARGET} HTTP/1.1\r\nHost: {TARGET}\r\n\r\n"
    with Wire(proxy) as wire:
        wire.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        wire.send(head[:at]).send(head[at:])
        assert wire.head().status == 200
        assert secure(wire, identity).request().answer().status == 200


def test_a_head_in_single_bytes(proxy, identity):
    with Wire(proxy) as wire:
        wire.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for letter in f"CONNECT {TARGET} HTTP/1.1\r\nHost: {TARGET}\r\n\r\n":
            wire.send(letter)
        assert wire.head().status == 200
        assert secure(wire, identity).request().answer().status == 200


def test_other_methods_that_begin_alike_keep_their_bodies(proxy):
    with Wire(proxy) as wire:
        wire.request("/read", "COPY", body=b"b" * 100_000)
        assert wire.answer().json()["count"] == 100_000
        assert wire.request("/read", "CHECKOUT", body=b"b").answer().json()["count"] == 1


def test_a_tunnel_may_follow_other_requests(proxy, identity):
    with Wire(proxy) as wire:
        assert wire.request().answer().status == 200
        assert connect(wire).head().status == 200
        assert secure(wire, identity).request().answer().status == 200


def test_bytes_that_cannot_be_told_apart_are_refused(proxy):
    """Read together with an earlier request: they would reach neither the tunnel nor anybody else."""
    with Wire(proxy) as wire:
        get = "GET /environ HTTP/1.1\r\nHost: test\r\n\r\n"
        wire.send(f"{get}CONNECT {TARGET} HTTP/1.1\r\n\r\n\x16\x03\x01")
        assert wire.answer().status == 200
        assert wire.answer().status == 400
        assert wire.at_end()


@pytest.mark.parametrize("field", ["Content-Length: 5", "Transfer-Encoding: chunked"])
def test_a_connect_has_no_body(proxy, field):
    with connect(Wire(proxy), TARGET, field) as wire:
        assert wire.answer().status == 400
        assert wire.is_cut()


def test_an_empty_body_is_none(proxy):
    with connect(Wire(proxy), TARGET, "Content-Length: 0") as wire:
        assert wire.head().status == 200


def test_no_tunnel_in_a_tunnel(proxy, identity):
    with tunnel(proxy, identity) as wire:
        assert connect(wire).answer().status == 400
        assert wire.at_end()
    with connect(Wire(proxy), f"{STOOD_IN}:80") as wire:
        assert wire.head().status == 200
        assert connect(wire).answer().status == 400
    with Wire(proxy, tls=True) as wire:
        assert connect(wire).answer().status == 400


def test_a_server_that_stands_in_for_nobody(listener):
    with connect(Wire(listener)) as wire:
        assert wire.answer().status == 501


@pytest.mark.parametrize(
    "target, host",
    [
        (f"http://{STOOD_IN}/environ?q", STOOD_IN),
        (f"http://{STOOD_IN}:80/environ?q", f"{STOOD_IN}:80"),
        (f"HTTP://{STOOD_IN.upper()}/environ?q", STOOD_IN.upper()),
        ("http://localhost:8000/environ?q", "localhost:8000"),
        ("http://127.0.0.1/environ?q", "127.0.0.1"),
        ("http://[::1]:81/environ?q", "[::1]:81"),
    ],
)
def test_absolute_targets_count_more_than_the_host_field(proxy, target, host):
    with Wire(proxy) as wire:
        shown = wire.request(target).answer().json()
        assert (shown["HTTP_HOST"], shown["RAW_URI"], shown["QUERY_STRING"]) == (host, "/environ?q", "q")


@pytest.mark.parametrize(
    "target, status",
    [
        ("http://api.ipify.org/", 403),
        ("http://www.google-analytics.com/collect?v=1", 403),
        (f"http://user@{STOOD_IN}/", 400),
        (f"http://{STOOD_IN}:80:80/", 400),
        ("http:///environ", 400),
        ("ftp://ftp.example/", 400),
        ("http://[::1/", 400),
    ],
)
def test_absolute_targets_of_others(proxy, target, status):
    with Wire(proxy) as wire:
        assert wire.request(target).answer().status == status
        assert wire.at_end()
    with Wire(proxy) as wire:
        assert wire.request(target, "HEAD").answer(to="HEAD").status == status


SMUGGLED = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize(
    "fields",
    [
        ("Content-Length: 5", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked", "Content-Length: 5"),
        ("Content-Length: 0", f"Content-Length: {len(SMUGGLED)}"),
        ("Content-Length: +5",),
        ("Content-Length: 5, 5",),
        ("Transfer-Encoding: xchunked",),
        ("Transfer-Encoding: identity, chunked, identity",),
        ("Transfer-Encoding : chunked",),
        ("X: a\n Content-Length: 5",),
    ],
)
def test_no_request_is_smuggled_through_a_tunnel(proxy, identity, app, fields):
    with tunnel(proxy, identity) as wire:
        wire.request("/environ", "POST", *fields)
        try:
            wire.send(f"0\r\n\r\n{SMUGGLED}")
            answer = wire.answer()
            assert answer.status in (400, 501)
        except (ConnectionError, ssl.SSLError):
            pass  # refused, and gone before the rest was sent
        assert wire.is_cut()


def test_half_a_hello_holds_up_nobody(proxy, identity):
    half = [connect(Wire(proxy)) for _ in range(20)]
    for number, wire in enumerate(half):
        assert wire.head().status == 200
        wire.send(b"\x16\x03\x01\x02\x00\x01"[: number % 7])
    with tunnel(proxy, identity) as wire:
        assert wire.request().answer().status == 200
    for wire in half:
        wire.__exit__()


def test_junk_instead_of_a_hello(proxy, caplog):
    with connect(Wire(proxy)) as wire:
        assert wire.head().status == 200
        wire.send(b"\x16" + os.urandom(500))
        wire.is_cut()
    with connect(Wire(proxy)) as wire:
        assert wire.head().status == 200
        wire.send(b"\xff\xfe\r\n\r\n")
        assert wire.answer().status == 400
    assert not [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")]


def test_slow_heads_hold_up_nobody(proxy, identity):
    slow = [Wire(proxy).send("CONNECT stood-in") for _ in range(50)]
    with tunnel(proxy, identity) as wire:
        assert wire.request().answer().status == 200
    for wire in slow:
        assert wire.send(".example:443 HTTP/1.1\r\n\r\n").head().status == 200
        wire.__exit__()


def test_two_hundred_tunnels_at_once(proxy, identity, app):
    failures = []
    together = threading.Barrier(200)

    def client():
        try:
            with tunnel(proxy, identity) as wire:
                wire.sock.settimeout(4 * PATIENCE_SECONDS)
                together.wait(4 * PATIENCE_SECONDS)
                for _ in range(3):
                    assert wire.request().answer().json()["wsgi.url_scheme"] == "https"
        except Exception as error:  # noqa: BLE001 (told below, by the thread that can)
            failures.append(error)
            together.abort()

    threads = [threading.Thread(target=client) for _ in range(200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


LEAKS = """
import os, sys, pathlib, socket, ssl
from emulator.server import Server, StandIn, TlsIdentity

def app(environ, start_response):
    start_response("200 OK", [("Content-Length", "0")])
    return []

server = Server(app, version="1", tls=TlsIdentity(pathlib.Path(sys.argv[1])), stand_in=StandIn(["stood-in.example"]))
print(server.open("own").port, flush=True)
for line in sys.stdin:
    print(len(os.listdir("/proc/self/fd")), flush=True)
"""


def test_no_descriptor_is_lost(tmp_path):
    """However tunnels end: refused, abandoned before and within the handshake, with junk, in order."""
    command = [sys.executable, "-c", LEAKS, str(tmp_path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    ) as process:

        class Port:
            host, port = "127.0.0.1", int(process.stdout.readline())

        def descriptors():
            process.stdin.write("count\n")
            process.stdin.flush()
            return int(process.stdout.readline())

        def one_of_each():
            for tail in (b"", b"\x16", b"\x16\x03\x01\x02\x00", b"\x16" + os.urandom(40), b"junk\r\n\r\n"):
                with connect(Wire(Port)) as wire:
                    assert wire.head().status == 200
                    wire.send(tail)
            with connect(Wire(Port), "elsewhere:443") as wire:
                assert wire.answer().status == 403
            with connect(Wire(Port)) as wire:
                context = ssl.create_default_context()
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
                wire.head()
                wire.sock = context.wrap_socket(wire.sock)
                wire.file = wire.sock.makefile("rb")
                assert wire.request().head().status == 200

        one_of_each()
        before = descriptors()
        for _ in range(20):
            one_of_each()
        wait_until(lambda: descriptors() <= before, 60, f"no more than {before} descriptors")
        process.stdin.close()


def test_a_tunnel_ends_with_its_listener(server, identity, app):
    from emulator.server import Server

    proxied = Server(app, version="1", tls=identity, stand_in=StandIn([STOOD_IN]))
    waiting = proxied.open("a")
    fresh, open_one = connect(Wire(waiting)), tunnel(waiting, identity)
    assert fresh.head().status == 200
    assert open_one.request().answer().status == 200
    proxied.close("a")
    assert fresh.is_cut()
    assert open_one.is_cut()


@pytest.mark.parametrize(
    "hosts",
    [
        [""],
        ["*.example"],
        ["a b"],
        ["http://x"],
        ["x:443"],
        ["127.0.0.1"],
        ["[::1]"],
        ["-x"],
        ["a..b"],
        ["é"],
        ["a" * 254],
    ],
)
def test_what_is_no_host_cannot_be_stood_in_for(hosts):
    with pytest.raises(ValueError, match="no name of a host"):
        StandIn(hosts)


class TestTlsOnly:
    def test_speaks_tls_and_refuses_plain(self, server):
        listener = server.open("tls", tls_only=True)
        with Wire(listener, tls=True) as wire:
            assert wire.request().answer().json()["wsgi.url_scheme"] == "https"
        for head in ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", f"CONNECT {TARGET} HTTP/1.1\r\n\r\n", "junk"):
            with Wire(listener).send(head) as wire:
                assert "https" in wire.answer().json()["message"]
                assert wire.at_end()


class TestRetiring:
    def test_idle_connections_end_and_busy_ones_are_answered(self, server, app):
        listener = server.open("busy")
        with Wire(listener) as idle, Wire(listener).request("/wait") as busy:
            idle.request().answer()
            app.hold(1)
            server.retire("busy")
            assert idle.is_cut()
            with pytest.raises(ConnectionRefusedError):
                Wire(listener)
            app.release.set()
            answer = busy.answer()
            assert answer.json() == {"waited": True}
            assert answer["connection"] == "close"
            assert busy.at_end()

    def test_the_key_and_the_port_are_free_at_once(self, server, app):
        first = server.open("again")
        with Wire(first).request("/wait") as busy:
            app.hold(1)
            server.retire("again")
            second = server.open("again", port=first.port)
            with Wire(second) as wire:
                assert wire.request().answer().status == 200
            app.release.set()
            assert busy.answer().status == 200

    def test_stopping_does_not_forget_what_was_retired(self, server, app):
        with Wire(server.open("left")).request("/wait") as busy:
            app.hold(1)
            server.retire("left")
            server.stop()
            assert busy.is_cut()

    def test_a_large_answer_is_given_to_its_end(self, server):
        with Wire(server.open("large")).request("/generate?blocks=60&length=1") as wire:
            answer = wire.head()
            server.retire("large")
            assert len(wire.file.read(int(answer["content-length"]))) == 60 * 1024 * 1024
            assert wire.at_end()

    def test_what_is_not_open(self, server):
        with pytest.raises(KeyError):
            server.retire("nothing")
