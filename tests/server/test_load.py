"""Many clients at once: nobody waits for a slow one, and memory does not follow the bodies."""

import contextlib
import subprocess
import sys
from pathlib import Path

import pytest

from tests.server.client import PATIENCE_SECONDS, Wire
from tests.server.tiny import BLOCK, MEGABYTE

pytestmark = pytest.mark.sample(2, of="module")

TLS_HELLO_BEGUN = b"\x16\x03\x01\x02\x00\x01"


def test_a_quick_client_is_served_beside_120_slow_ones(listener, tls):
    with contextlib.ExitStack() as stack:
        for sent in [b"GET /half HTTP/1.1\r\nHost:"] * 60 + [b""] * 40 + [TLS_HELLO_BEGUN] * 20:
            stack.enter_context(Wire(listener)).send(sent)
        with Wire(listener, tls) as wire:
            for _ in range(3):
                assert wire.request().answer().status == 200


def test_a_quick_client_is_served_beside_100_handlers_that_wait(listener, app):
    with contextlib.ExitStack() as stack:
        waiting = [stack.enter_context(Wire(listener)).request("/wait") for _ in range(100)]
        app.hold(100)
        with Wire(listener) as wire:
            assert wire.request().answer().status == 200
        app.release.set()
        assert all(wire.answer().json() == {"waited": True} for wire in waiting)


def test_a_client_that_never_closes_disturbs_nobody(listener, tls):
    with Wire(listener, tls) as lazy:
        assert lazy.request("/environ", "GET", "Connection: close").answer().status == 200
        with Wire(listener, tls) as wire:
            assert wire.request().answer().status == 200


def test_many_connections_each_with_many_requests(listener):
    with contextlib.ExitStack() as stack:
        wires = [stack.enter_context(Wire(listener)) for _ in range(200)]
        for turn in range(5):
            for number, wire in enumerate(wires):
                wire.request(f"/{turn}/{number}")
            for number, wire in enumerate(wires):
                assert wire.answer().json()["PATH_INFO"] == f"/{turn}/{number}"


@pytest.fixture
def own_process(request, tmp_path):
    """A listener in a process of its own, whose memory and open files are nobody else's."""
    command = [sys.executable, "-m", "tests.server.tiny", str(tmp_path), *getattr(request, "param", [])]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        yield _Process(process.pid, int(process.stdout.readline()))
        process.stdin.close()


@pytest.mark.parametrize("own_process", [["40"]], indirect=True, ids=["40 files"])
def test_clients_beyond_the_limit_of_open_files_wait_and_are_then_served(own_process):
    with contextlib.ExitStack() as stack:
        wires = [stack.enter_context(Wire(own_process)) for _ in range(60)]
        first = wires[0]
        assert first.request().answer().status == 200
        last = wires.pop().request()
        with contextlib.ExitStack() as served:
            for wire in wires:
                served.push(wire)
        assert last.answer().status == 200


class _Process:
    host = "127.0.0.1"

    def __init__(self, pid, port):
        self._status = Path(f"/proc/{pid}/status")
        self.port = port

    def peak_memory(self):
        """The most memory that the process ever had resident, in bytes."""
        [line] = [line for line in self._status.read_text().splitlines() if line.startswith("VmHWM:")]
        return int(line.split()[1]) * 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads a process's memory in /proc")
@pytest.mark.parametrize("kind", ["one chunk", "length", "unread", "download", "file"])
def test_memory_does_not_grow_with_a_body_of_256_megabytes(own_process, tls, kind):
    with Wire(own_process, tls) as wire:
        wire.request("/read", "PUT", body=BLOCK).answer()
        wire.request("/generate?blocks=2").answer()
    before = own_process.peak_memory()
    count = 256
    with Wire(own_process, tls) as wire:
        if kind == "one chunk":
            wire.request("/read", "PUT", "Transfer-Encoding: chunked").send(f"{count * MEGABYTE:x}\r\n")
            assert _send(wire, count).send("\r\n0\r\n\r\n").answer().json()["count"] == count * MEGABYTE
        elif kind == "length":
            wire.request("/read", "PUT", f"Content-Length: {count * MEGABYTE}")
            assert _send(wire, count).answer().json()["count"] == count * MEGABYTE
        elif kind == "unread":
            wire.request("/refuse", "PUT", f"Content-Length: {count * MEGABYTE}")
            assert _send(wire, count).answer().status == 401
        else:
            path = f"/generate?blocks={count}&length=1" if kind == "download" else "/file"
            wire.request(path).head()
            received = 0
            while received < (count * MEGABYTE if kind == "download" else 3 * MEGABYTE):
                received += len(wire.file.read(65536))
    assert own_process.peak_memory() - before < 50 * MEGABYTE


def _send(wire, blocks):
    wire.sock.settimeout(PATIENCE_SECONDS)
    for _ in range(blocks):
        wire.send(BLOCK)
    return wire
