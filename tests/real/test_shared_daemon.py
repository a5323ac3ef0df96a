"""The sharing protocol, with a small real daemon (an HTTP server) and real processes that use it."""

import http.client
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.real.cache import CHECKOUT
from tests.real.shared_daemon import DaemonFailed, SharedDaemon
from tests.real.waiting import wait_until

# writes its pid where the test finds it, counts its starts, and serves on a Unix socket
SERVER = """
import http.server, os, socketserver, sys
place = sys.argv[1]
open(place + "/starts", "a").write(f"{os.getpid()}\\n")
class Handler(http.server.BaseHTTPRequestHandler):
    def address_string(self): return "unix"
    def do_GET(self): self.send_response(204); self.end_headers()
socketserver.UnixStreamServer(place + "/socket", Handler).serve_forever()
"""
# uses the daemon until its stdin ends
USER = """
import sys
from pathlib import Path
from tests.real.test_shared_daemon import daemon_in
daemon = daemon_in(Path(sys.argv[1]))
daemon.acquire()
print("ready", flush=True)
sys.stdin.read()
daemon.release()
"""


def daemon_in(place: Path) -> SharedDaemon:
    """A use of the test's HTTP server."""

    def ready() -> bool:
        client = http.client.HTTPConnection("localhost")
        client.sock = socket.socket(socket.AF_UNIX)
        try:
            client.sock.connect(str(place / "socket"))
            client.request("GET", "/")
            return client.getresponse().status == 204
        except OSError:
            return False
        finally:
            client.close()

    # like dockerd's pid file, what a killed server leaves is in the way of the next one
    def prepare() -> None:
        (place / "socket").unlink(missing_ok=True)

    return SharedDaemon(place / "daemon", [sys.executable, "-c", SERVER, str(place)], ready, prepare)


def _user(place: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", USER, str(place)],
        cwd=CHECKOUT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _starts(place: Path) -> list[int]:
    return [int(line) for line in (place / "starts").read_text().split()]


def _runs(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # before or while reading
        return False


def _ready(user: subprocess.Popen[str]) -> bool:
    assert user.stdout is not None
    return user.stdout.readline() == "ready\n"


def test_users_share_one_daemon_and_the_last_to_leave_waits_for_its_end(tmp_path: Path) -> None:
    users = [_user(tmp_path) for _ in range(4)]
    assert all(_ready(user) for user in users)
    (pid,) = _starts(tmp_path)
    for user in users:
        assert _runs(pid)
        user.communicate(timeout=60)
        assert user.returncode == 0
    assert not _runs(pid)


def test_killed_users_count_as_gone(tmp_path: Path) -> None:
    with _user(tmp_path) as user:
        assert _ready(user)
        (pid,) = _starts(tmp_path)
        user.kill()
    wait_until(lambda: not _runs(pid), what="the end of a daemon nobody uses")


def test_who_comes_after_the_end_gets_a_new_daemon(tmp_path: Path) -> None:
    daemon = daemon_in(tmp_path)
    for started in (1, 2):
        daemon.acquire()
        assert len(_starts(tmp_path)) == started
        daemon.release()
    assert not any(_runs(pid) for pid in _starts(tmp_path))


def test_a_daemon_that_crashed_is_started_again_for_the_next_user(tmp_path: Path) -> None:
    first, second = daemon_in(tmp_path), daemon_in(tmp_path)
    first.acquire()
    os.kill(_starts(tmp_path)[0], signal.SIGKILL)
    second.acquire()
    assert len(_starts(tmp_path)) == 2
    second.release()
    assert _runs(_starts(tmp_path)[1]), "the first user has not left yet"
    first.release()
    assert not _runs(_starts(tmp_path)[1])


def test_a_killed_keeper_takes_its_daemon_along(tmp_path: Path) -> None:
    daemon = daemon_in(tmp_path)
    daemon.acquire()
    (pid,) = _starts(tmp_path)
    os.kill(int((tmp_path / "daemon" / "keeper").read_text()), signal.SIGKILL)
    wait_until(lambda: not _runs(pid), what="the end of the orphaned daemon")
    daemon.release()


def test_a_daemon_that_does_not_come_up_is_an_error_with_its_last_words(tmp_path: Path) -> None:
    daemon = SharedDaemon(tmp_path, ["sh", "-c", "echo no disk left; exit 3"], lambda: False)
    with pytest.raises(DaemonFailed, match="ended at once:\nno disk left"):
        daemon.acquire()
    absent = SharedDaemon(tmp_path, [str(tmp_path / "absent")], lambda: False)
    with pytest.raises(DaemonFailed, match=r"FileNotFoundError.*absent"):
        absent.acquire()


def test_a_daemon_that_never_answers_is_stopped_again(tmp_path: Path) -> None:
    daemon = SharedDaemon(tmp_path, ["sh", "-c", "echo $$; exec sleep 600"], lambda: False)
    with pytest.raises(DaemonFailed, match=r"silent after 0\.5 s") as failure:
        daemon.acquire(timeout=0.5)
    assert not _runs(int(str(failure.value).splitlines()[-1]))
