"""Nothing of one world is visible in another: not by any id, in any listing, with any credentials."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from emulator.api.control import Control
from emulator.app import Emulator
from tests.contract.worlds.full_world import LISTINGS, Filled, control, fill
from tests.served import Api

SIMULATED = {"*": {"outputs": {"out.txt": "forty-two\n"}}}


@pytest.fixture(scope="module")
def worlds(url: str) -> Iterator[tuple[str, Filled, str]]:
    """The URL of a world with everything, what is in it, and the URL of another one, as it was made."""
    made = [
        control(url, "POST", expect=201, json={"name": name, "listener": True, "simulated": SIMULATED})["url"]
        for name in ("one", "two")
    ]
    yield made[0], fill(made[0]), made[1]


def test_ids_of_another_world_are_nobodys(worlds: tuple[str, Filled, str]) -> None:
    here, filled, there = worlds
    mine = {*filled.ids.values(), filled.job, "own.disk", "desk", "notes.txt"}
    asked = [path for path in filled.paths() if any(name in path for name in mine)]
    assert len(asked) > 30
    # answered in their own world: the paths themselves are right
    assert {Api(here).request("GET", path, auth=_login(path)).status_code for path in asked} == {200}
    for who in (Api(there), Api(there, "testuser"), Api(there, "admin")):
        found = [path for path in asked if who.request("GET", path, auth=_login(path)).status_code < 400]
        assert not found


def _login(path: str) -> tuple[str, str] | None:
    return ("testuser", "emulator") if path.startswith("clients") else None


def test_listings_hold_nothing_of_another_world(worlds: tuple[str, Filled, str]) -> None:
    here, filled, there = worlds
    mine = {*filled.ids.values(), filled.job, "own.disk", '"desk"'}
    for who in (Api(there, "testuser"), Api(there, "admin")):
        for path in LISTINGS:
            text = who.request("GET", path, auth=_login(path)).text
            assert not [name for name in mine if name in text], path
    assert Api(there).call("GET", "jobs/v2") == [] and Api(there).call("GET", "notifications/v2") == []
    assert len(Api(here).call("GET", "jobs/v2")) == 1


def test_changing_something_of_another_world_is_refused(worlds: tuple[str, Filled, str]) -> None:
    here, filled, there = worlds
    admin, i = Api(there, "admin"), filled.ids
    for method, path, body in (
        ("POST", f"jobs/v2/{filled.job}", {"action": "stop"}),
        ("DELETE", f"jobs/v2/{filled.job}", None),
        ("POST", f"jobs/v2/{filled.job}/pems", {"username": "student02", "permission": "ALL"}),
        ("DELETE", f"notifications/v2/{i['notification']}", None),
        ("DELETE", f"postits/v2/{i['postit']}", None),
        ("DELETE", f"meta/v2/data/{i['item']}", None),
        ("POST", f"meta/v2/data/{i['item']}", {"name": "taken", "value": 1}),
        ("DELETE", f"meta/v2/schemas/{i['schema']}", None),
        ("PUT", "systems/v2/own.disk", {"action": "disable"}),
        ("DELETE", f"apps/v2/{i['published']}", None),
        ("DELETE", "files/v2/media/system/tacc.corral/student01/notes.txt", None),
        ("POST", "notifications/v2", {"associatedUuid": filled.job, "event": "*", "url": "a@example.org"}),
    ):
        assert admin.request(method, path, json=body).status_code >= 400, (method, path)
    everything = [Api(here, "admin").request("GET", p, auth=_login(p)).status_code for p in filled.paths()]
    assert set(everything) == {200}


def test_tokens_clients_postits_and_users_are_those_of_their_world(worlds: tuple[str, Filled, str]) -> None:
    here, filled, there = worlds
    token = Api(here).token("testuser")
    bearer = {"Authorization": f"Bearer {token}"}
    assert requests.get(f"{here}/profiles/v2/me", headers=bearer, timeout=60).status_code == 200
    refused = requests.get(f"{there}/profiles/v2/me", headers=bearer, timeout=60)
    assert refused.status_code == 401
    login = ("testuser", "emulator")
    made = requests.post(f"{here}/clients/v2", json={"clientName": "keys"}, auth=login, timeout=60).json()[
        "result"
    ]
    keys = (made["consumerKey"], made["consumerSecret"])
    form = {"grant_type": "password", "username": "testuser", "password": "emulator"}
    assert requests.post(f"{here}/token", data=form, auth=keys, timeout=60).status_code == 200
    assert requests.post(f"{there}/token", data=form, auth=keys, timeout=60).status_code == 401
    assert requests.post(f"{there}/revoke", data={"token": token}, auth=keys, timeout=60).status_code == 401
    asked = {"client_id": keys[0], "response_type": "code"}
    assert requests.get(f"{there}/authorize", params=asked, timeout=60).status_code >= 400
    assert requests.get(f"{there}/postits/v2/{filled.ids['postit']}", timeout=60).status_code == 404
    # a user that only one world has
    admin = Api(here, "admin")
    new = {"username": "only.here", "password": "pass", "email": "o@example.org"}
    admin.call("POST", "profiles/v2", json=new)
    assert Api(here, "only.here", "pass").call("GET", "profiles/v2/me")["username"] == "only.here"
    answer = requests.get(f"{there}/clients/v2", auth=("only.here", "pass"), timeout=60)
    assert answer.status_code == 401
    assert Api(there, "admin").request("GET", "profiles/v2/only.here").status_code == 404


def test_the_control_api_of_a_listener_shows_its_own_world(
    worlds: tuple[str, Filled, str], emulator: Emulator
) -> None:
    _, filled, there = worlds
    paths = [
        route.path
        for route in Control().routes()
        if route.path.startswith("/_emulator/worlds/<world>") and "GET" in route.methods
    ]
    assert len(paths) > 10
    filling = {
        "<world>": "one",
        "<job_id>": filled.job,
        "<name>": "any",
        "<path:app>": "*",
        "<path:path>": "any",
    }
    for path in paths:
        for hole, value in filling.items():
            path = path.replace(hole, value)
        assert requests.get(f"{there}{path}", timeout=60).status_code in (403, 404), path
    assert [world["name"] for world in requests.get(f"{there}/_emulator/worlds", timeout=60).json()] == [
        "two"
    ]
    seen = requests.get(f"{there}/_emulator/listeners", timeout=60).json()
    assert {listener["world"] for listener in seen} == {"two"}
    assert requests.get(f"{there}/_emulator/mailbox", timeout=60).json() == []
    assert requests.get(f"{there}/_emulator/health", timeout=60).json()["activeJobs"] == 0
    for method, path in (
        ("POST", "worlds"),
        ("POST", "worlds/one/reset"),
        ("POST", "worlds/two/reset"),
        ("POST", "worlds/one/snapshot"),
        ("POST", "worlds/one/restore"),
        ("DELETE", "worlds/one"),
    ):
        answer = requests.request(method, f"{there}/_emulator/{path}", timeout=60)
        assert answer.status_code == (404 if "/one" in path else 403), path
    foreign = {"Origin": "https://elsewhere.example.org"}
    assert requests.post(f"{emulator.url}/_emulator/worlds", headers=foreign, timeout=60).status_code == 403
