"""The unmodified clients meet rules at requests and tokens: they refresh, or fail, as they do with the service."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest
import requests

from tests.client.test_ways_in import Client, World
from tests.real.clients import Clients
from tests.scenario.agavepy_desk import Agavepy, desk

pytestmark = pytest.mark.sample(2, of="module")

OK = ("profiles.get", 200, "")
_numbers = count(1)


@dataclass
class Place:
    """Clients that send a token with every call: nothing is changed for them but a proxy [clients §0]."""

    url: str
    agave: Agavepy
    cli: Client

    def arm(self, at: str, do: Any, **rule: Any) -> None:
        document = {"name": f"rule-{next(_numbers)}", "rules": [{"at": at, "do": do, **rule}]}
        answer = requests.post(f"{self._world}/scenarios", data=json.dumps(document), timeout=60)
        assert answer.status_code == 201, answer.text

    def disarm(self) -> None:
        assert requests.delete(f"{self._world}/scenarios", timeout=60).status_code == 200

    def asked(self, what: Callable[[], object]) -> list[tuple[str, int | None, str]]:
        """Operation, status and fault of each request that a client makes."""
        since = requests.get(f"{self._world}/requests", timeout=60).json()["next"]
        what()
        found = requests.get(f"{self._world}/requests", params={"since": since}, timeout=60).json()
        return [
            (each["operation"], each["status"], "".join(fault["action"] for fault in each["faults"]))
            for each in found["requests"]
        ]

    @property
    def _world(self) -> str:
        return f"{self.url}/_emulator/worlds/default"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, clients: Clients) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("struck")
    with World("S3", folder, clients, anonymous=False).opened() as world:
        url, home = world.emulator.url, folder / "desk"
        home.mkdir()
        with desk(str(clients.python), clients.environment(url, home)) as running:
            agave = running.client(url, "student01", "emulator", str(home), through_proxy=True)
            cli = world.client("student02")
            cli.sign_in()
            yield Place(url, agave, cli)


@pytest.fixture
def place(shared: Place) -> Iterator[Place]:
    yield shared
    shared.disarm()


@pytest.mark.parametrize(
    ("at", "do"),
    [
        ("token.check", "expire"),
        ("token.check", "refuse"),
        ("http.profiles.get", "expire-token"),
        ("http.profiles.get", {"gateway": {"code": 900903, "format": "json"}}),
        ("http.profiles.get", {"gateway": {"code": 900903, "format": "xml"}}),
    ],
)
def test_agavepy_refreshes_and_repeats(place: Place, at: str, do: Any) -> None:
    place.arm(at, do, times=1)
    action = do if isinstance(do, str) else "gateway"
    asked = place.asked(lambda: place.agave.run("ag.profiles.get()").result)
    assert asked == [("profiles.get", 401, action), ("tokens.create", 200, ""), OK]


def test_agavepy_fails_where_it_is_not_refreshed(place: Place) -> None:
    place.arm("token.check", "expire", times=1)
    place.arm("token.refresh", "refuse", times=1)
    outcome: list[Any] = []
    asked = place.asked(lambda: outcome.append(place.agave.run("ag.profiles.get()")))
    assert asked == [("profiles.get", 401, "expire"), ("tokens.create", 400, "refuse")]
    assert (outcome[0].error, outcome[0].status) == ("HTTPError", 401)
    asked = place.asked(lambda: place.agave.run("ag.profiles.get()").result)
    assert asked == [("profiles.get", 401, ""), ("tokens.create", 200, ""), OK], "the token stays expired"


@pytest.mark.parametrize(
    ("do", "error", "words"),
    [
        ({"status": 503}, "AgaveException", "Error connecting to the back end"),
        ({"throttle": 5}, "AgaveException", "Message throttled out"),
        ({"status": {"code": 500, "message": "Oh"}}, "HTTPError", "'Oh'"),
        ({"malformed-json": "cut"}, "JSONDecodeError", "Unterminated string"),
        ({"malformed-json": "html"}, "JSONDecodeError", "line 1 column 1"),
        ({"truncate": 20}, "ChunkedEncodingError", "IncompleteRead"),
        ("reset", "ProxyError", "Max retries exceeded"),
    ],
)
def test_agavepy_says_what_it_met_and_tries_once(place: Place, do: Any, error: str, words: str) -> None:
    place.arm("http.jobs.list", do)
    outcome: list[Any] = []
    asked = place.asked(lambda: outcome.append(place.agave.run("ag.jobs.list()")))
    assert [name for name, _, _ in asked] == ["jobs.list"]
    assert outcome[0].error == error
    assert words in outcome[0].message


def test_agavepy_submits_a_job_whose_answer_is_lost(place: Place) -> None:
    """It is there all the same: who submits it once more has two."""
    body = {
        "name": "lost",
        "appId": "classifier-1.0.0",
        "parameters": {"imagefile": "pictures/night-sky.png"},
    }
    place.arm("http.jobs.submit", {"reset": {"after": True}}, times=1)
    assert place.agave.run("ag.jobs.submit(body=body)", body=body).error
    place.agave.run("ag.jobs.submit(body=body)", body=body).result  # noqa: B018
    names = [job["name"] for job in place.agave.run("ag.jobs.list()").result]
    assert names == ["lost", "lost"]


def test_short_lived_tokens_are_renewed(place: Place) -> None:
    """agavepy does not look at the clock: it learns from the 401."""
    world = f"{place.url}/_emulator/worlds/default"
    assert requests.put(f"{world}/clock", json={"mode": "frozen"}, timeout=60).status_code == 200
    try:
        place.arm("token.refresh", {"short-lived": "60s"}, times=1)
        place.arm("token.check", "expire", times=1)
        place.agave.run("ag.profiles.get()").result  # noqa: B018
        assert place.asked(lambda: place.agave.run("ag.profiles.get()").result) == [OK]
        requests.post(f"{world}/clock", json={"advance": "61s"}, timeout=60)
        asked = place.asked(lambda: place.agave.run("ag.profiles.get()").result)
        assert asked == [("profiles.get", 401, ""), ("tokens.create", 200, ""), OK]
    finally:
        requests.put(f"{world}/clock", json={"mode": "real"}, timeout=60)


TOKEN = ("tokens.create", 200, "")
SHOWN = ("profiles", "show", "self")


def run(place: Place, *arguments: str, fails: str = "") -> None:
    """A command of tapis-cli; each begins with a refresh."""
    done = place.cli.tapis(*arguments)
    assert (done.returncode != 0) == bool(fails), done.stderr
    assert fails in done.stderr


def test_tapis_cli_refreshes_and_repeats(place: Place) -> None:
    place.arm("token.check", "expire", times=1)
    asked = place.asked(lambda: run(place, *SHOWN))
    assert asked == [TOKEN, ("profiles.get", 401, "expire"), TOKEN, OK]


def test_tapis_cli_has_to_sign_in_again(place: Place) -> None:
    place.arm("token.refresh", "revoke", times=1)
    asked = place.asked(lambda: run(place, *SHOWN, fails="Run 'tapis auth init [--interactive]'"))
    assert asked == [("tokens.create", 400, "revoke")]


@pytest.mark.campaign
def test_tapis_cli_stays_out_until_it_signs_in(place: Place) -> None:
    place.cli.sign_in()
    place.arm("http.jobs.list", {"status": 503})
    asked = place.asked(lambda: run(place, "jobs", "list", fails="[Errno 503] SERVICE UNAVAILABLE"))
    assert asked == [TOKEN, ("jobs.list", 503, "status")]
    place.arm("token.refresh", "revoke", times=1)
    for action in ("revoke", ""):
        asked = place.asked(lambda: run(place, *SHOWN, fails="Run 'tapis auth init [--interactive]'"))
        assert asked == [("tokens.create", 400, action)]
    place.cli.sign_in()
    run(place, *SHOWN)
