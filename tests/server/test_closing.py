"""Listeners that come and go, and what becomes of their clients."""

import contextlib
import socket
import threading

import pytest

from emulator.server import Server
from emulator.server import server as server_module
from tests.server.client import PATIENCE_SECONDS, Wire, curl, url
from tests.server.tiny import MEGABYTE


def test_open_tells_where_it_listens(server):
    listener = server.open("a")
    assert (listener.key, listener.host) == ("a", "127.0.0.1")
    assert listener.port > 0
    assert server.listeners == {"a": listener}
    with Wire(listener) as wire:
        assert wire.request().answer().json()["emulator.listener"] == "a"


def test_many_listeners_tell_their_keys(server):
    for key in map(str, range(30)):
        server.open(key)
    for key, listener in server.listeners.items():
        with Wire(listener) as wire:
            assert wire.request().answer().json()["emulator.listener"] == key
    server.stop()
    assert not server.listeners


def test_a_key_is_open_once_and_a_port_too(server):
    listener = server.open("a")
    with pytest.raises(ValueError, match="'a' is open already"):
        server.open("a")
    with pytest.raises(OSError, match="in use"):
        server.open("b", port=listener.port)
    assert list(server.listeners) == ["a"]
    with pytest.raises(KeyError):
        server.close("b")


def test_a_host_that_is_not_here_is_an_error(server):
    with pytest.raises(OSError, match="assign"):
        server.open("a", "192.0.2.1")
    assert not server.listeners


def test_opened_and_closed_50_times_on_the_same_port(server, tls):
    port = 0
    for _ in range(50):
        listener = server.open("again", port=port)
        port = listener.port
        with Wire(listener, tls) as wire:
            assert wire.request().answer().status == 200
            server.close("again")
            assert wire.is_cut()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def test_idle_silent_and_half_shaken_clients_are_closed_at_once(server, listener, monkeypatch):
    # A grace without end: the test ends only if none of these clients is waited for.
    monkeypatch.setattr(server_module, "GRACE_SECONDS", PATIENCE_SECONDS)
    with contextlib.ExitStack() as stack:
        wires = [stack.enter_context(Wire(listener, tls)) for tls in [False, True] * 10]
        for wire in wires:
            assert wire.request().answer().status == 200
        silent = [stack.enter_context(Wire(listener)) for _ in range(5)]
        threads = threading.active_count()
        assert _is_quick(server.stop)
        assert all(wire.is_cut() for wire in wires + silent)
    assert threading.active_count() < threads


def test_one_listener_closes_and_the_other_goes_on(server, listener):
    other = server.open("other")
    with Wire(listener) as gone, Wire(other) as staying:
        gone.request().answer()
        staying.request().answer()
        server.close("test")
        assert gone.is_cut()
        assert staying.request().answer().status == 200
    assert list(server.listeners) == ["other"]


def test_an_answer_under_way_is_completed_within_the_grace(server, listener, app, monkeypatch):
    monkeypatch.setattr(server_module, "GRACE_SECONDS", PATIENCE_SECONDS)
    with Wire(listener) as wire:
        wire.request("/wait")
        app.hold(1)
        closing = threading.Thread(target=server.stop)
        closing.start()
        _wait_until_refused(listener)
        app.release.set()
        answer = wire.answer()
        assert answer.json() == {"waited": True}
        assert answer["connection"] == "close"
        assert wire.at_end()
        closing.join(PATIENCE_SECONDS)
        assert not closing.is_alive()


def test_stalled_and_busy_clients_are_cut_after_the_grace(server, listener, app, tls, caplog):
    with Wire(listener, tls) as download, Wire(listener, tls) as upload, Wire(listener, tls) as waiting:
        download.request("/endless").head()
        upload.request("/read", "PUT", "Content-Length: 10").send("half")
        waiting.request("/wait")
        app.hold(1)
        server.stop()
        assert app.closed.wait(PATIENCE_SECONDS)
        assert app.broken.wait(PATIENCE_SECONDS)
        assert waiting.is_cut()
        with contextlib.suppress(ConnectionError, OSError):
            while download.file.read(MEGABYTE):
                pass
        assert _last_message(caplog).startswith("1 requests go on")
        app.release.set()


def test_a_request_may_close_the_listener_that_it_came_by(identity):
    def app(environ, start_response):
        server.close(environ["emulator.listener"])
        start_response("200 OK", [("Content-Length", "4")])
        return [b"gone"]

    server = Server(app, version="1", tls=identity)
    listener = server.open("own")
    with Wire(listener) as wire:
        answer = wire.request().answer()
        assert (answer.body, answer["connection"]) == (b"gone", "close")
    assert curl(url(listener, False)).returncode == 7


def test_a_server_can_be_used_again(server):
    server.stop()
    server.stop()
    with Wire(server.open("again")) as wire:
        assert wire.request().answer().status == 200


def _is_quick(action):
    """Run `action` in a thread; whether it returned before half the patience was gone."""
    thread = threading.Thread(target=action)
    thread.start()
    thread.join(PATIENCE_SECONDS / 2)
    return not thread.is_alive()


def _wait_until_refused(listener):
    while True:
        try:
            socket.create_connection((listener.host, listener.port), timeout=PATIENCE_SECONDS).close()
        except ConnectionError:
            return


def _last_message(caplog):
    return caplog.records[-1].getMessage() if caplog.records else ""
