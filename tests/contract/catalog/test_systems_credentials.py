"""Credentials of systems: taken and never told [systems §2, §10]."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from tests.catalog import ADMIN, EXECUTION, OTHER, STORAGE, Catalog, changed

AT = "/systems/v2/cluster/credentials"
SECRET = "s3cret-never-told"
PASSWORD = {"type": "PASSWORD", "username": "me", "password": SECRET}
KEYS = {"type": "SSHKEYS", "username": "me", "publicKey": "ssh-rsa A", "privateKey": SECRET}


@pytest.fixture
def catalog(catalog: Catalog) -> Catalog:
    catalog.post("/systems/v2", STORAGE)
    catalog.post("/systems/v2", EXECUTION)
    return catalog


def brief(found: list[dict[str, Any]]) -> list[tuple[str, str | None, str, bool]]:
    return [(one["parentType"], one["internalUsername"], one["type"], one["default"]) for one in found]


def events(catalog: Catalog) -> list[str]:
    return [event["status"] for event in catalog.get("/systems/v2/cluster/history")]


def test_what_came_with_the_system_is_listed_without_what_it_holds(catalog: Catalog) -> None:
    found = catalog.get(AT)
    assert brief(found) == [("storage", None, "PASSWORD", True), ("login", None, "SSHKEYS", True)]
    assert set(found[0]) == {
        "parentType", "default", "internalUsername", "type", "created", "valid", "expirationDate", "server", "_links",
    }  # fmt: skip
    assert found[0]["_links"]["self"]["href"].endswith("/systems/v2/cluster/credentials/default/storage")
    path = found[1]["_links"]["self"]["href"].removeprefix("http://localhost")
    assert catalog.get(path) == found[1]
    assert catalog.get(f"{AT}/default") == found
    assert catalog.get(AT, limit=1, offset=1) == found[1:]


def test_the_default_is_replaced(catalog: Catalog) -> None:
    before = catalog.get(AT)
    response = catalog.send("POST", f"{AT}/default/login", json=PASSWORD)
    assert (response.status_code, "result" in response.get_json()) == (201, False)
    record = catalog.get("/systems/v2/cluster")
    assert record["login"]["auth"] == {"type": "PASSWORD"}
    after = catalog.get(AT)
    assert (after[0], after[1]["type"]) == (before[0], "PASSWORD")
    assert after[1]["created"] >= before[1]["created"]
    # without a part: wherever its type fits
    catalog.post(AT, KEYS)
    assert [one["type"] for one in catalog.get(AT)] == ["SSHKEYS", "SSHKEYS"]
    assert events(catalog) == ["CREATED"] + ["UPDATE_DEFAULT_CREDENTIAL"] * 2
    with catalog.store.read() as tx:
        system = tx.systems.get("tests", "cluster")
        assert system is not None
        assert tx.credentials.own(system)["login"]["privateKey"] == SECRET
    # an update without auth keeps them
    catalog.post("/systems/v2/cluster", changed(EXECUTION, login__auth=..., storage__auth=...), status=200)
    assert [one["type"] for one in catalog.get(AT)] == ["SSHKEYS", "SSHKEYS"]


def test_internal_users_have_their_own(catalog: Catalog) -> None:
    catalog.post(f"{AT}/bob/storage", PASSWORD)
    catalog.post(AT, KEYS | {"internalUsername": "alice"})
    catalog.post(f"{AT}/bob/storage", KEYS)
    assert brief(catalog.get(AT))[2:] == [
        ("storage", "alice", "SSHKEYS", False),
        ("login", "alice", "SSHKEYS", False),
        ("storage", "bob", "SSHKEYS", False),
    ]
    assert brief(catalog.get(f"{AT}/bob")) == [("storage", "bob", "SSHKEYS", False)]
    assert (
        catalog.get(f"{AT}/bob/login", status=404) == "No login credentials found for bob on system cluster"
    )
    assert catalog.get(f"{AT}/carol", status=404) == "No credentials found for carol on system cluster"
    mismatch = catalog.post(f"{AT}/bob", KEYS | {"internalUsername": "alice"}, status=400)
    assert (
        mismatch
        == "The internalUsername value in the POST body, alice, does not match the username in the URL, bob"
    )
    catalog.delete(f"{AT}/alice/storage")
    catalog.delete(f"{AT}/bob")
    assert brief(catalog.get(AT))[2:] == [("login", "alice", "SSHKEYS", False)]
    assert catalog.delete(f"{AT}/bob", status=404).startswith("No credentials found")
    assert events(catalog) == ["CREATED"] + ["UPDATE_CREDENTIAL"] * 3 + ["REMOVE_CREDENTIAL"] * 2


def test_what_is_removed_must_be_supplied_again(catalog: Catalog) -> None:
    catalog.post(f"{AT}/bob", PASSWORD)
    catalog.delete(f"{AT}/default/storage")
    assert brief(catalog.get(AT))[0] == ("login", None, "SSHKEYS", True)
    assert catalog.get("/systems/v2/cluster")["storage"]["auth"] is None
    refused = catalog.post("/systems/v2/cluster", changed(EXECUTION, storage__auth=...), status=400)
    assert "No 'storage.auth' value specified" in refused
    catalog.delete(AT)
    assert catalog.get(AT) == []
    assert events(catalog)[-2:] == ["REMOVE_DEFAULT_CREDENTIAL", "CLEAR_CREDENTIALS"]
    catalog.post("/systems/v2/cluster", EXECUTION, status=200)
    assert len(catalog.get(AT)) == 2


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        (
            "/default/storage",
            {"type": "X509", "credential": "c"},
            "Invalid authentication combination. 'storage.protocol' SFTP does not support 'auth.type' X509. Please "
            "specify one of: 'PASSWORD', 'SSHKEYS'",
        ),
        (
            "",
            {"type": "LOCAL"},
            "Invalid authentication combination. 'storage.protocol' SFTP does not support 'auth.type' LOCAL. Please "
            "specify one of: 'PASSWORD', 'SSHKEYS'",
        ),
        (
            "",
            {"type": "PASSWORD"},
            "Invalid authentication combination. PASSWORD 'auth.type' specified, but no 'auth.username' provided.",
        ),
        (f"/{'x' * 65}", PASSWORD, "Invalid internal username. A username has at most 64 characters."),
    ],
)
def test_what_is_refused(catalog: Catalog, path: str, body: dict[str, Any], message: str) -> None:
    before = catalog.get(AT)
    assert catalog.post(f"{AT}{path}", body, status=400) == message
    assert (catalog.get(AT), events(catalog)) == (before, ["CREATED"])


def test_a_storage_system_has_no_login(catalog: Catalog) -> None:
    at = "/systems/v2/data.storage/credentials"
    assert catalog.post(f"{at}/default/login", PASSWORD, status=400) == (
        "Invalid credential type. data.storage is a storage system, which has no login credentials."
    )
    assert brief(catalog.get(at)) == [("storage", None, "PASSWORD", True)]


def test_who_may(catalog: Catalog) -> None:
    assert (
        catalog.get(AT, user=OTHER, status=403)
        == "User does not have the necessary role to view this system."
    )
    assert catalog.post(AT, KEYS, user=OTHER, status=403) == (
        "User does not have the necessary role to edit this system."
    )
    catalog.put("/systems/v2/cluster", {"action": "publish"}, user=ADMIN)
    public = "Individual user credentials may only be managed by system administrators."
    assert catalog.get(AT, status=403) == public
    catalog.post(AT, KEYS, user=ADMIN)


def test_no_secret_is_ever_told(catalog: Catalog, caplog: pytest.LogCaptureFixture) -> None:
    """Neither in an answer, nor in a message of refusal, nor in what is logged, whatever goes wrong."""
    caplog.set_level(logging.DEBUG)
    bodies: list[Any] = [PASSWORD, KEYS, {**KEYS, "internalUsername": "bob"}]
    broken: list[Any] = [
        {**PASSWORD, "type": SECRET}, {**PASSWORD, "password": {"a": SECRET}}, {**KEYS, "credential": SECRET},
        {"type": "PASSWORD", "password": SECRET}, {**KEYS, "privateKey": SECRET * 1000},
    ]  # fmt: skip
    told = [catalog.send("POST", AT, json=body).get_data(as_text=True) for body in [*bodies, *broken]]
    for changes in ({"storage__auth": PASSWORD}, *({"storage__auth": body} for body in broken)):
        for path in ("/systems/v2", "/systems/v2/cluster"):
            told.append(catalog.send("POST", path, json=changed(EXECUTION, **changes)).get_data(as_text=True))
    torn = json.dumps(changed(EXECUTION, storage__auth=PASSWORD))[:-20]
    told.append(
        catalog.send("POST", "/systems/v2", data=torn, content_type="application/json").get_data(as_text=True)
    )
    for path in ("", "/cluster", "/cluster/credentials", "/cluster/credentials/bob", "/cluster/history"):
        told.append(
            catalog.send("GET", f"/systems/v2{path}", query_string={"filter": "*"}).get_data(as_text=True)
        )
    clone = {"action": "clone", "id": "copy"}
    told.append(catalog.send("PUT", "/systems/v2/cluster", json=clone).get_data(as_text=True))
    assert [text for text in told if SECRET in text] == []
    # a failure of the database itself names neither
    catalog.store.close()
    with catalog.store.write() as tx:
        system = tx.systems.get("tests", "cluster")
        assert system is not None
        with pytest.raises(Exception) as failure:
            tx.systems.add(system, {"storage": PASSWORD})
    assert SECRET not in str(failure.value)
    assert SECRET not in caplog.text
