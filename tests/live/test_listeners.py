"""Listeners and ways in from the command line: every command is a process of its own."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import requests

from tests.live.serve_process import ServeProcess, clean_environment, run
from tests.served import Api

pytestmark = pytest.mark.sample(4, of="module")


def data(folder: Path) -> Sequence[str]:
    return ("--data-dir", str(folder / "data"))


def serving(folder: Path, *arguments: str) -> ServeProcess:
    return ServeProcess(folder, "--port", "0", *data(folder), *arguments)


def said(folder: Path, *arguments: str) -> str:
    """What a command prints; AssertionError when it fails."""
    done = run(*arguments, *data(folder), folder=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


def refused(folder: Path, *arguments: str) -> str:
    """The complaint of a command that must fail, in one line."""
    done = run(*arguments, *data(folder), folder=folder, timeout=60)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    return done.stderr


def evaluated(folder: Path, lines: str, use: str) -> str:
    """What a shell prints that has evaluated the lines of ``env``."""
    done = subprocess.run(
        ["sh", "-c", f'set -eu\neval "$(cat)"\n{use}'],
        input=lines,
        env=clean_environment(folder),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def me(url: str) -> str:
    return str(Api(url).call("GET", "profiles/v2/me")["username"])


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def test_add_list_remove(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        url = said(tmp_path, "listener", "add", "student01").strip()
        assert me(url) == "student01"
        other = said(
            tmp_path, "listener", "add", "student02", "--name", "two", "--world", "w2", "--new-world"
        ).strip()
        assert said(tmp_path, "listener", "list").splitlines() == [
            f"default  testuser  default  {server.url}",
            f"student01  student01  default  {url}",
            f"two  student02  w2  {other}",
        ]
        said(tmp_path, "listener", "remove", "two")
        with pytest.raises(requests.ConnectionError):
            requests.get(f"{other}/tenants", timeout=60)
        assert me(url) == "student01"


def test_refusals_are_told_in_the_emulators_words(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        port = server.url.rpartition(":")[2]
        assert refused(tmp_path, "listener", "add", "nobody") == "Error: No user found matching nobody\n"
        assert "No world found with name w9" in refused(tmp_path, "listener", "add", "--world", "w9")
        assert "Address already in use" in refused(tmp_path, "listener", "add", "--at", port)
        assert "No listener found with name a/b" in refused(tmp_path, "listener", "remove", "a/b")
        assert "default" in refused(tmp_path, "listener", "remove", "default")
        assert "no open listener named nothing" in refused(tmp_path, "env", "--listener", "nothing")
        assert "no open listener that acts as student09" in refused(tmp_path, "env", "--user", "student09")
    assert "no emulator answers" in refused(tmp_path, "listener", "list", "--url", server.url)
    assert "no emulator answers" in refused(tmp_path, "env", "--user", "student01", "--url", server.url)


def test_env_points_the_shell_at_a_listener(tmp_path: Path) -> None:
    with serving(tmp_path):
        url = said(tmp_path, "listener", "add", "student01").strip()
        for which in (("--listener", "student01"), ("--user", "student01")):
            lines = said(tmp_path, "env", *which)
            use = 'curl -s "$EMULATOR/profiles/v2/me?naked=true"; echo; echo $EMULATOR $TAPIS_CACHE_DIR'
            profile, variables = evaluated(tmp_path, lines, use).splitlines()
            assert '"username":"student01"' in profile.replace(" ", "")
            assert variables == f"{url} {tmp_path}/.agave-emulator-student01"
            assert "--username student01" in lines


def test_env_for_a_proxy(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        url = said(tmp_path, "listener", "add", "student01").strip()
        use = 'curl -sk "$EMULATOR/profiles/v2/me?naked=true"; echo; echo $EMULATOR $HTTPS_PROXY $TAPIS_CACHE_DIR'
        for which, user, proxy in (((), "testuser", server.url), (("--user", "student01"), "student01", url)):
            lines = said(tmp_path, "env", "--proxy", *which)
            profile, variables = evaluated(tmp_path, lines, use).splitlines()
            assert f'"username":"{user}"' in profile.replace(" ", "")
            base, through, cache = variables.split()
            assert (base, through) == ("https://api.tacc.utexas.edu", proxy)
            assert cache.endswith("-proxy")
        assert "stands in for nobody" in refused(tmp_path, "env", "--proxy", "--stand-in-for", "")


def test_a_port_for_tls_alone_and_the_authority(tmp_path: Path) -> None:
    port = free_port()
    with serving(tmp_path, "--tls-port", str(port)) as server:
        lines = said(tmp_path, "env", "--listener", "tls")
        authority = tmp_path / "data" / "tls" / "authority" / "ca.pem"
        use = f'curl -sS --retry 20 --retry-connrefused --cacert {authority} "$EMULATOR/tenants"'
        assert f"https://localhost:{port}/" in evaluated(tmp_path, lines, use)
        assert str(authority) in server.stop().output


def test_listeners_of_the_command_line(tmp_path: Path) -> None:
    ports = free_port(), free_port()
    wanted = (f"{ports[0]}=student01", f"{ports[1]}=student02@elsewhere")
    with serving(tmp_path, "--listener", wanted[0], "--listener", wanted[1]) as server:
        assert me(f"http://localhost:{ports[0]}") == "student01"
        assert me(f"http://localhost:{ports[1]}") == "student02"
        output = server.stop().output
    assert f"Listener student01 (student01 in world default) at http://localhost:{ports[0]}" in output
    assert f"Listener student02 (student02 in world elsewhere) at http://localhost:{ports[1]}" in output


def test_listeners_of_the_environment_and_the_file(tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "config.yaml").write_text(f"server:\n  listener: {{{port}: student01}}\n")
    with serving(tmp_path, "--config", str(tmp_path / "config.yaml")):
        assert me(f"http://localhost:{port}") == "student01"
    environment = {"TAPIS_EMULATOR_SERVER_LISTENER": f"{port}=student02,0=student03"}
    with ServeProcess(tmp_path, "--port", "0", *data(tmp_path), environment=environment):
        assert me(f"http://localhost:{port}") == "student02"
        assert "student03" in said(tmp_path, "listener", "list")


def test_they_outlive_a_kill_and_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        one = said(tmp_path, "listener", "add", "student01").strip()
        two = said(tmp_path, "listener", "add", "student02").strip()
        server.kill()
    with socket.create_server(("127.0.0.1", int(one.rpartition(":")[2]))):
        with serving(tmp_path) as server:
            assert me(two) == "student02"
            shown = said(tmp_path, "listener", "list")
            ended = server.stop()
        assert "student01  student01  default  not open: cannot serve on 127.0.0.1:" in shown
        assert "Listener student01 (student01 in world default) is not open: " in ended.output
        assert "Address already in use" in ended.complaints
    with serving(tmp_path):
        assert (me(one), me(two)) == ("student01", "student02")


def test_what_cannot_be_is_told_at_the_start(tmp_path: Path) -> None:
    assert "PORT=USER" in refused(tmp_path, "serve", "--port", "0", "--listener", "student01")
    assert "No user found matching nobody" in refused(
        tmp_path, "serve", "--port", "0", "--listener", "0=nobody"
    )
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for option in (("--tls-port", port), ("--listener", f"{port}=student01")):
            assert "Address already in use" in refused(tmp_path, "serve", "--port", "0", *option)


UNPRIVILEGED = """
import encodings.idna  # nobody may not read it later, where Python is somebody's own
import os
from pathlib import Path
from emulator.server import TlsIdentity
from emulator.settings import BadSetting, Settings
from emulator.ways_in import WaysIn

ways = WaysIn(Settings(host="127.99.99.99", port=0, tls_port=443))
ways.serve(lambda environ, start_response: [], TlsIdentity(Path(".")))
if os.geteuid() == 0:
    os.seteuid(65534)
try:
    ways.open_ordinary("default", "testuser")
    print("opened")
except BadSetting as error:
    print(error)
"""


def test_a_port_that_is_not_permitted_is_explained(tmp_path: Path) -> None:
    """As nobody, who may not have 443, except on machines (most containers) that give it to everybody."""
    done = subprocess.run(
        [sys.executable, "-c", UNPRIVILEGED], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    least = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")
    if least.exists() and int(least.read_text()) <= 443:
        assert done.stdout == "opened\n", done.stderr
    else:
        assert "--tls-port: cannot serve on 127.99.99.99:443: Permission denied" in done.stdout, done.stderr
        assert "net_bind_service" in done.stdout


def test_a_stop_ends_all_of_them(tmp_path: Path) -> None:
    with serving(tmp_path, "--listener", "0=student01") as server:
        url = said(tmp_path, "listener", "add", "student02").strip()
        assert server.stop(signal.SIGINT).code == 0
        with pytest.raises(requests.ConnectionError):
            requests.get(f"{url}/tenants", timeout=60)
