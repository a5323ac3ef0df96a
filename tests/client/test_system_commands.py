"""Every ``tapis systems`` command through the unmodified client, held against what the server says [clients §3]."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.catalog import EXECUTION, STORAGE, changed
from tests.client.conftest import Page
from tests.client.desk import desk_of, document
from tests.real.clients import Clients

pytestmark = [pytest.mark.xdist_group("catalog-commands"), pytest.mark.sample(6, of="module")]

DATA, CLUSTER = "desk.storage", "desk.cluster"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, clients: Clients) -> Iterator[Page]:
    """A storage and an execution system are made by the commands themselves."""
    with desk_of("admin", tmp_path_factory.mktemp("desk"), clients) as page:
        (page.folder / "data").mkdir(exist_ok=True)
        storage = document(page, "storage.json", changed(STORAGE, id=DATA))
        cluster = document(page, "cluster.json", changed(EXECUTION, id=CLUSTER))
        assert page.tapis_json("systems", "create", "-F", storage, "-v")["id"] == DATA
        assert page.tapis_json("systems", "create", "-F", cluster)["id"] == CLUSTER
        yield page


def held(desk: Page, system: str = CLUSTER) -> dict[str, Any]:
    record: dict[str, Any] = desk.api.call("GET", f"systems/v2/{system}")
    return record


def test_what_was_created_is_held_and_shown(desk: Page) -> None:
    shown = desk.tapis_json("systems", "show", CLUSTER, "-v")
    record = held(desk)
    for key in ("id", "name", "owner", "type", "scheduler", "executionType", "queues", "revision", "uuid"):
        assert shown[key] == record[key], key
    assert "very-private" not in str(shown) + str(record)


def test_credentials_can_be_given_on_the_command_line(desk: Page) -> None:
    body = changed(STORAGE, id="desk.given", storage__auth={"type": "PASSWORD"})
    name = document(desk, "given.json", body)
    options = ("--storage-username", "me", "--storage-password", "top-secret")
    assert desk.tapis_json("systems", "create", "-F", name, *options)["id"] == "desk.given"
    assert "top-secret" not in str(held(desk, "desk.given"))


def test_listings_and_searches(desk: Page) -> None:
    listed = desk.tapis_json("systems", "list")
    every = {system["id"]: system for system in desk.api.call("GET", "systems/v2")}
    assert {system["id"] for system in listed} == set(every) >= {DATA, CLUSTER, "tacc.corral"}
    assert {system["id"]: system["default"] for system in listed}["tacc.corral"] is True
    for search, wanted in (
        (("--type", "eq", "EXECUTION", "--public", "eq", "false"), [CLUSTER]),
        (("--id", "start", "desk.s"), [DATA]),
        (("--name", "like", "*LUSTE*", "--public", "eq", "False"), [CLUSTER]),
        (("--id", "end", "e.cluster"), []),
        (("--name", "neq", "Cluster", "--public", "eq", "False", "--id", "like", "*storage"), [DATA]),
    ):
        assert [system["id"] for system in desk.tapis_json("systems", "search", *search)] == wanted


def test_an_update_is_a_new_revision(desk: Page) -> None:
    before = held(desk, DATA)["revision"]
    name = document(desk, "changed.json", changed(STORAGE, id=DATA, description="New words"))
    assert desk.tapis_json("systems", "update", DATA, "-F", name, "-v")["description"] == "New words"
    assert (held(desk, DATA)["revision"], held(desk, DATA)["description"]) == (before + 1, "New words")


def test_status_queues_and_history(desk: Page) -> None:
    # the client asks for the whole system, and shows all but its status
    assert desk.tapis_json("systems", "status", CLUSTER)["id"] == CLUSTER
    queues = desk.tapis_json("systems", "queues", "list", CLUSTER)
    assert [queue["name"] for queue in queues] == [queue["name"] for queue in held(desk)["queues"]]
    told = desk.tapis_json("systems", "history", CLUSTER)
    assert [entry["status"] for entry in told] == [
        entry["status"] for entry in desk.api.call("GET", f"systems/v2/{CLUSTER}/history")
    ]
    assert told[0]["status"] == "CREATED"


def test_off_and_on(desk: Page) -> None:
    desk.tapis("systems", "disable", DATA)
    assert held(desk, DATA)["available"] is False
    desk.tapis("systems", "enable", DATA)
    assert held(desk, DATA)["available"] is True


def test_roles(desk: Page) -> None:
    at = f"systems/v2/{CLUSTER}/roles"
    granted = desk.tapis_json("systems", "roles", "grant", CLUSTER, "student01", "PUBLISHER")
    assert (granted["username"], granted["role"]) == ("student01", "PUBLISHER")
    desk.tapis("systems", "roles", "grant", CLUSTER, "student02", "USER")
    listed = desk.tapis_json("systems", "roles", "list", CLUSTER)
    assert [(role["username"], role["role"]) for role in listed] == [
        ("admin", "OWNER"),
        ("student01", "PUBLISHER"),
        ("student02", "USER"),
    ]
    assert desk.tapis_json("systems", "roles", "show", CLUSTER, "student01")["role"] == "PUBLISHER"
    desk.tapis("systems", "roles", "revoke", CLUSTER, "student01")
    assert [role["username"] for role in desk.api.call("GET", at)] == ["admin", "student02"]
    desk.tapis("systems", "roles", "drop", CLUSTER)
    assert [role["username"] for role in desk.api.call("GET", at)] == ["admin"]


def test_defaults_and_publication(desk: Page) -> None:
    desk.tapis("systems", "default", "set", DATA)
    assert held(desk, DATA)["default"] is True
    desk.tapis("systems", "default", "unset", DATA)
    assert held(desk, DATA)["default"] is False
    desk.tapis("systems", "publish", DATA)
    assert held(desk, DATA)["public"] is True
    desk.tapis("systems", "default", "set", "-G", DATA)
    assert held(desk, DATA)["globalDefault"] is True
    assert held(desk, "tacc.corral")["globalDefault"] is False
    desk.tapis("systems", "default", "unset", "-G", DATA)
    assert held(desk, DATA)["globalDefault"] is False
    desk.tapis("systems", "unpublish", DATA)
    assert held(desk, DATA)["public"] is False


def test_what_is_refused_is_told_in_the_service_s_words(desk: Page) -> None:
    done = desk.clients.tapis(["systems", "show", "nowhere"], desk.environment)
    assert done.returncode != 0
    assert "No system found matching nowhere" in done.stdout + done.stderr


def test_agavepy_clones_and_erases(desk: Page) -> None:
    made = desk.agavepy(
        f"answer = ag.systems.manage(systemId={CLUSTER!r}, body={{'action': 'clone', 'id': 'desk.clone'}})['owner']"
    )
    assert made == "admin"
    code = "answer = ag.systems.manage(systemId='desk.clone', body={'action': 'erase'})"
    assert desk.agavepy(code) is None
    assert desk.api.refused("GET", "systems/v2/desk.clone", 404)
