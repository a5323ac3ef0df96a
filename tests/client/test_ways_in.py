"""The three ways in for unmodified clients, and several users at once [clients §0].

S1: plain HTTP and TLS on one port, without tokens. S2: TLS on port 443, tokens on every call. S3: nothing changed
but a proxy, tokens on every call.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from emulator.app import Emulator
from emulator.domain.listener import Listener
from tests.client.shown import CHECKOUT, run_all
from tests.conftest import _do_without
from tests.real.clients import Clients
from tests.served import served

pytestmark = pytest.mark.sample(3, of="module")

SERVICE = "https://api.tacc.utexas.edu"


@dataclass
class Client:
    """The real clients with the environment that points them at an emulator, and a session of their own."""

    installed: Clients
    environment: Mapping[str, str]
    base: str
    """The URL that the client takes for the service's."""
    user: str

    def tapis(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.installed.command), *arguments],
            env=self.environment,
            cwd=self.environment["HOME"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def shown(self, *arguments: str) -> Any:
        """What ``-f json`` prints; AssertionError with all it said when the command fails."""
        done = self.tapis(*arguments, "-f", "json")
        assert done.returncode == 0, f"tapis {arguments}\n{done.stdout}\n{done.stderr}"
        return json.loads(done.stdout)

    def sign_in(self) -> None:
        login = ("--tenant-id", "tacc.prod", "--username", self.user, "--password", "emulator")
        done = self.tapis("auth", "init", *login, "--no-dockerhub")
        assert done.returncode == 0, done.stdout + done.stderr

    @contextmanager
    def agavepy(self, code: str) -> Iterator[subprocess.Popen[str]]:
        """Code that runs with ``ag`` a signed-in agavepy client, and talks over its pipes."""
        program = (
            "import json, sys\nfrom agavepy.agave import Agave\n"
            f"ag = Agave(api_server={self.base!r}, username={self.user!r}, password='emulator', verify=False)\n"
            f"ag.clients.create(body={{'clientName': 'ways-in'}})\n{code}\n"
        )
        with subprocess.Popen(
            [str(self.installed.python), "-W", "ignore", "-c", program],
            env=self.environment,
            cwd=self.environment["HOME"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def agavepy_answer(self, code: str) -> Any:
        """What the code assigns to ``answer``."""
        with self.agavepy(f"{code}\nprint(json.dumps(answer, default=str))") as process:
            output, errors = process.communicate(timeout=120)
        assert process.returncode == 0, output + errors
        return json.loads(output.splitlines()[-1])


def loopback_with_443() -> str:
    """A loopback address whose port 443 is free: any but the common one, so that parallel runs do not meet."""
    for last in range(1, 255):
        address = f"127.{os.getpid() % 250 + 2}.{os.getpid() // 250 % 250}.{last}"
        try:
            socket.create_server((address, 443)).close()
        except OSError as error:
            if error.errno == errno.EACCES:
                _do_without(Exception("set-up S2 wants port 443: run as root, or with CAP_NET_BIND_SERVICE"))
            if error.errno == errno.EADDRNOTAVAIL:
                break
        else:
            return address
    # not all systems have all of 127/8; and a process that holds 443 on all addresses holds it on these too
    try:
        socket.create_server(("127.0.0.1", 443)).close()
    except OSError as error:
        _do_without(Exception(f"set-up S2 wants port 443, and cannot have it: {error}"))
    return "127.0.0.1"


class World:
    """A served emulator and how its clients are pointed at it, by one of the set-ups."""

    def __init__(self, way: str, folder: Path, installed: Clients, **settings: Any) -> None:
        self.way = way
        self._folder = folder
        self._installed = installed
        self._settings = settings

    @contextmanager
    def opened(self) -> Iterator[World]:
        own: dict[str, Any] = {"host": loopback_with_443(), "tls_port": 443} if self.way == "S2" else {}
        with served(self._folder / "data", **own, **self._settings) as self.emulator:
            yield self

    def client(self, user: str, through: str = "") -> Client:
        """The clients of a user; ``through`` is the URL of another listener than the ordinary one."""
        home = self._folder / f"{user}-home"
        home.mkdir()
        if self.way == "S3":
            # nothing else: neither tenants nor statistics nor the address of anything is configured
            environment = {
                "PATH": f"{self._installed.root / 'bin'}:{os.defpath}",
                "HOME": str(home),
                "LANG": "C.UTF-8",
                "HTTPS_PROXY": through or self.emulator.url,
                "TAPIS_DEFAULT_VERIFY_SSL": "false",
                "TAPIS_CLI_VERIFY_SSL": "false",
                "TAPIS_CLI_NO_PROMPT": "1",
                "PYTHONWARNINGS": "ignore",
            }
            return Client(self._installed, environment, SERVICE, user)
        base = through or (self._url_of_tls() if self.way == "S2" else self.emulator.url)
        return Client(self._installed, self._installed.environment(base, home), base, user)

    def _url_of_tls(self) -> str:
        url = self.emulator.ways_in.url("tls")
        assert url is not None
        return url


@contextmanager
def world(way: str, folder: Path, installed: Clients, **settings: Any) -> Iterator[World]:
    with World(way, folder, installed, **settings).opened() as found:
        yield found


@pytest.mark.parametrize("way", ["S2", "S3"])
def test_tokens_are_sent_and_wanted(tmp_path: Path, clients: Clients, way: str) -> None:
    """``auth.anonymous`` is off: a call without a token is refused, and the clients notice nothing."""
    with world(way, tmp_path, clients, anonymous=False) as here:
        assert requests.get(f"{here.emulator.url}/systems/v2", timeout=60).status_code == 401
        client = here.client("student01")
        client.sign_in()
        assert client.shown("profiles", "show", "self")["username"] == "student01"
        assert {system["id"] for system in client.shown("systems", "list")} == {
            "tacc.stampede2",
            "tacc.corral",
        }
        profile = client.agavepy_answer("answer = ag.profiles.get()")
        assert profile["username"] == "student01"
        assert profile["_links"]["self"]["href"] == f"{client.base}/profiles/v2/student01"


def test_tokens_are_not_sent_to_a_url_with_a_port(tmp_path: Path, clients: Clients) -> None:
    """Why the other two ways are there."""
    with world("S1", tmp_path, clients, anonymous=False) as here:
        login = ("--tenant-id", "tacc.prod", "--username", "student01", "--password", "emulator")
        done = here.client("student01").tapis("auth", "init", *login, "--no-dockerhub")
        assert done.returncode != 0
        assert "Unable to authenticate" in done.stderr


@pytest.mark.parametrize("way", ["S3"])  # S1 is how all other tests come in, S2 differs in the port
def test_files_and_jobs(tmp_path: Path, clients: Clients, way: str) -> None:
    """Uploads and downloads go by another part of the client, which takes its URLs as they are."""
    with world(way, tmp_path, clients, anonymous=way == "S1", default_user="student01") as here:
        client = here.client("student01")
        client.sign_in()
        home = Path(client.environment["HOME"])
        (home / "measured.txt").write_text("seven\n")
        client.shown("files", "list", "agave://tacc.corral/home/student01")  # which makes it
        client.shown("files", "upload", "agave://tacc.corral/home/student01", "measured.txt")
        (home / "measured.txt").unlink()
        client.shown("files", "download", "agave://tacc.corral/home/student01/measured.txt")
        assert (home / "measured.txt").read_text() == "seven\n"
        request = {
            "name": "night",
            "appId": "classifier-1.0.0",
            "parameters": {"imagefile": "pictures/night-sky.png"},
        }
        (home / "job.json").write_text(json.dumps(request))
        job = client.shown("jobs", "submit", "-F", "job.json", "-v")
        assert job["owner"] == "student01"
        # whatever is configured, the clients make https of it for their calls
        base = client.base.replace("http://", "https://")
        assert job["_links"]["self"]["href"] == f"{base}/jobs/v2/{job['id']}"
        assert [found["id"] for found in client.shown("jobs", "list")] == [job["id"]]


@pytest.mark.parametrize("fault_format", ["json", "xml"])
@pytest.mark.parametrize("way", ["S2", "S3"])
def test_an_expired_token_is_refreshed_and_the_call_repeated(
    tmp_path: Path, clients: Clients, way: str, fault_format: str
) -> None:
    code = (
        "first = ag.token.token_info['access_token']\n"
        "print(first, flush=True)\n"
        "sys.stdin.readline()\n"
        "user = ag.profiles.get()['username']\n"
        "print(json.dumps([user, ag.token.token_info['access_token']]), flush=True)\n"
    )
    with world(way, tmp_path, clients, anonymous=False, fault_format=fault_format) as here:
        with here.client("student01").agavepy(code) as process:
            assert process.stdin is not None and process.stdout is not None and process.stderr is not None
            first = process.stdout.readline().strip()
            assert first, process.stderr.read()
            assert _status(here.emulator, first) == (200, "application/json")
            _expire(tmp_path / "data", first)
            assert _status(here.emulator, first) == (401, f"application/{fault_format}")
            output, errors = process.communicate("go on\n", timeout=120)
            assert output, errors
        user, second = json.loads(output)
        assert user == "student01"
        assert second != first
        assert _status(here.emulator, second)[0] == 200


def _status(emulator: Emulator, token: str) -> tuple[int, str]:
    headers = {"Authorization": f"Bearer {token}"}
    answer = requests.get(f"{emulator.url}/profiles/v2/me", headers=headers, timeout=60)
    return answer.status_code, answer.headers["Content-Type"].partition(";")[0]


def _expire(data: Path, token: str) -> None:
    """Make it a token that ended long ago, as hours of waiting would."""
    with sqlite3.connect(data / "emulator.db", timeout=60) as database:
        changed = database.execute("UPDATE tokens SET expires = 0 WHERE access_token = ?", (token,))
        assert changed.rowcount == 1
    database.close()


@pytest.mark.parametrize("way", ["S1", pytest.param("S3", marks=pytest.mark.campaign)])
def test_two_users_at_once_each_by_a_listener(tmp_path: Path, clients: Clients, way: str) -> None:
    """Under S1 no call of theirs carries a token: only the listener tells them apart."""
    users = ("student01", "student02")
    with world(way, tmp_path, clients) as here:
        signed_in = []
        for user in users:
            wanted = Listener(name="", port=0, world="default", user=user)
            signed_in.append(here.client(user, here.emulator.listeners.add(wanted).url))

        def use(client: Client) -> Any:
            client.sign_in()
            home = Path(client.environment["HOME"])
            (home / f"{client.user}.txt").write_text(client.user)
            client.shown("files", "list", f"agave://tacc.corral/home/{client.user}")
            client.shown("files", "upload", f"agave://tacc.corral/home/{client.user}", f"{client.user}.txt")
            listing = client.shown("files", "list", f"agave://tacc.corral/home/{client.user}")
            profile = client.agavepy_answer("answer = ag.profiles.get()['username']")
            names = [row["name"] for row in listing]
            return client.shown("profiles", "show", "self")["username"], profile, names

        with ThreadPoolExecutor(2) as both:
            found = list(both.map(use, signed_in))
        assert found == [(user, user, [f"{user}.txt"]) for user in users]


def test_worlds_are_told_apart_by_the_listener(tmp_path: Path, clients: Clients) -> None:
    with world("S1", tmp_path, clients) as here:
        wanted = Listener(name="", port=0, world="second", user="student01")
        url = here.emulator.listeners.add(wanted, create=True).url
        client = here.client("student01", url)
        client.sign_in()
        client.shown("systems", "list")
        with here.emulator.store.read() as tx:
            assert tx.clients.of_owner("second", "student01")
            assert not tx.clients.of_owner("default", "student01")


def test_the_page_shows_what_happens(tmp_path: Path, clients: Clients) -> None:
    pairs = run_all((CHECKOUT / "docs" / "ways-in.md").read_text(encoding="utf-8"), clients, tmp_path)
    assert len(pairs) > 15
    for shown, real in pairs:
        assert real.masked == shown.masked, f"$ {shown.command}"
