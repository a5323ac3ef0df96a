"""Cloning apps: a private copy with its files, for whoever may see the original [apps §6.2]."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from emulator.domain.app import AppCopy
from emulator.domain.ports import UNFINISHED
from tests.catalog import ADMIN, APP, EXECUTION, OTHER, STORAGE, WORLD, Catalog, changed

AT = "/apps/v2/wc-1.00"
NOT_ALLOWED = "Permission denied. You do not have permission to perform this action."


@pytest.fixture
def catalog(catalog: Catalog) -> Catalog:
    """The app, which OTHER may read, and default systems of OTHER's own."""
    catalog.add_app_material()
    catalog.post("/apps/v2", changed(APP, label="Words", tags=["text"]))
    catalog.post(f"{AT}/pems", {"username": OTHER, "permission": "READ"})
    own = changed(STORAGE, id="own.storage", storage__host="own.example.org", storage__homeDir="/home")
    catalog.post("/systems/v2", own, user=OTHER)
    catalog.post("/systems/v2", changed(EXECUTION, id="own.cluster"), user=OTHER)
    for system in ("own.storage", "own.cluster"):
        catalog.put(f"/systems/v2/{system}", {"action": "setDefault"}, user=OTHER)
    return catalog


def clone(catalog: Catalog, status: int = 202, user: str = OTHER, at: str = AT, **rest: Any) -> Any:
    return catalog.put(at, {"action": "clone", **rest}, user=user, status=status)


def read(catalog: Catalog, path: str) -> bytes:
    with catalog.hosts.host(WORLD, "own.example.org").files.reader(path) as stream:
        content: bytes = stream.read()
    return content


def events(catalog: Catalog, at: str = AT, user: str = ADMIN) -> list[str]:
    return [event["status"] for event in catalog.get(f"{at}/history", user=user)]


def test_a_clone_is_the_caller_s_own(catalog: Catalog) -> None:
    original = catalog.get(AT)
    made = clone(catalog, name="mine", version="2.0")
    assert (made["id"], made["owner"], made["revision"], made["isPublic"]) == ("mine-2.0", OTHER, 1, False)
    assert (made["executionSystem"], made["deploymentSystem"]) == ("own.cluster", "own.storage")
    assert made["deploymentPath"] == f"{OTHER}/applications/mine-2.0"
    assert (made["label"], made["tags"], made["available"]) == ("Words", ["text"], True)
    assert made["uuid"] != original["uuid"]
    assert read(catalog, f"/home/{OTHER}/applications/mine-2.0/wrapper.sh") == b"#!/bin/bash\n"
    assert read(catalog, f"/home/{OTHER}/applications/mine-2.0/test/test.sh") == b"#!/bin/bash\n"
    names = catalog.hosts.host(WORLD, "own.example.org").directory / "home" / OTHER / "applications"
    assert [path.name for path in names.iterdir()] == ["mine-2.0"]
    assert catalog.get(AT) == original
    assert events(catalog)[-1] == "CLONED"
    assert events(catalog, "/apps/v2/mine-2.0") == ["CREATED"]
    # and it is registered as if by hand: it can be updated
    assert catalog.post("/apps/v2/mine-2.0", made, user=OTHER, status=200)["revision"] == 2


def test_systems_and_path_can_be_chosen(catalog: Catalog) -> None:
    catalog.post(
        "/systems/v2", changed(EXECUTION, id="second", executionType="CLI", scheduler="FORK"), user=OTHER
    )
    catalog.write("/home/kept/there.txt", "kept", host="own.example.org")
    made = clone(
        catalog,
        name="x",
        executionSystem="second",
        deploymentSystem="own.storage",
        deploymentPath="/home/kept/",
    )
    assert (made["executionSystem"], made["executionType"]) == ("second", "CLI")
    assert made["deploymentPath"] == "/home/kept"
    assert read(catalog, "/home/kept/there.txt") == b"kept"
    assert read(catalog, "/home/kept/wrapper.sh") == b"#!/bin/bash\n"


def test_the_queue_s_limits_are_kept(catalog: Catalog) -> None:
    big = changed(
        APP, defaultQueue="normal", defaultNodeCount=16, defaultProcessorsPerNode=48, defaultMemoryPerNode="96GB",
        defaultMaxRunTime="24:00:00",
    )  # fmt: skip
    catalog.post("/apps/v2", big, status=200)
    queue = {
        "name": "small", "maxNodes": 4, "maxProcessorsPerNode": 8, "maxMemoryPerNode": "16GB",
        "maxRequestedTime": "02:00:00",
    }  # fmt: skip
    catalog.post("/systems/v2", changed(EXECUTION, id="tiny", queues=[queue]), user=OTHER)
    made = clone(catalog, name="x", executionSystem="tiny")
    assert made["defaultQueue"] == "small"
    assert (made["defaultNodeCount"], made["defaultProcessorsPerNode"]) == (4, 8)
    assert (made["defaultMemoryPerNode"], made["defaultMaxRunTime"]) == (16, "02:00:00")
    same = clone(catalog, name="y")
    assert (same["defaultQueue"], same["defaultNodeCount"]) == ("normal", 16)


def test_a_public_app_is_unpacked(catalog: Catalog) -> None:
    catalog.put("/systems/v2/cluster", {"action": "publish"}, user=ADMIN)
    for action in ("publish", "setGlobalDefault"):
        catalog.put("/systems/v2/data.storage", {"action": action}, user=ADMIN)
    public = catalog.put(AT, {"action": "publish"}, user=ADMIN, status=202)
    assert clone(catalog, status=400, at="/apps/v2/wc-1.00u1").startswith(
        "Failed to publish app. An app identified"
    )
    made = clone(catalog, at="/apps/v2/wc-1.00u1", name="again")
    assert (made["id"], made["isPublic"]) == ("again-1.00", False)
    assert read(catalog, f"/home/{OTHER}/applications/again-1.00/wrapper.sh") == b"#!/bin/bash\n"
    # a zip file that somebody has changed is not taken
    catalog.write(public["deploymentPath"], "something else")
    refused = clone(catalog, status=400, at="/apps/v2/wc-1.00u1", name="third")
    assert "is not what was published" in refused
    assert events(catalog, "/apps/v2/wc-1.00u1")[-1] == "CLONING_FAILED"


def no_defaults(catalog: Catalog) -> None:
    for system in ("own.storage", "own.cluster"):
        catalog.put(f"/systems/v2/{system}", {"action": "unsetDefault"}, user=OTHER)


def storage_down(catalog: Catalog) -> None:
    catalog.post("/systems/v2", changed(STORAGE, id="own.storage", status="MAINTENANCE"), user=OTHER)


def execution_down(catalog: Catalog) -> None:
    catalog.post("/systems/v2", changed(EXECUTION, id="own.cluster", status="DOWN"), user=OTHER)


def a_file_in_the_way(catalog: Catalog) -> None:
    catalog.write("/home/file", host="own.example.org")


@pytest.mark.parametrize(
    ("prepare", "body", "status", "message"),
    [
        (
            None,
            {},
            400,
            "Failed to publish app. An app identified by wc-1.00 already exists. Please select a new name or version "
            "to create a unique app id.",
        ),
        (
            no_defaults,
            {"name": "x"},
            400,
            "No target execution system was specified, and the user has no default execution system. Please specify "
            "a target execution system on which to run the cloned app or define a default execution system.",
        ),
        (
            no_defaults,
            {"name": "x", "executionSystem": "own.cluster"},
            400,
            "Invalid deploymentSystem value. No deploymentSystem was provided and you have no public or private "
            "default storage system configured. Please specify a valid storage system id on which the assets of this "
            "application are stored.",
        ),
        (None, {"name": "x", "executionSystem": "cluster"}, 403, NOT_ALLOWED),
        (None, {"name": "x", "deploymentSystem": "data.storage"}, 403, NOT_ALLOWED),
        (
            None,
            {"name": "x", "executionSystem": "own.storage"},
            400,
            "Invalid executionSystem value. The specified executionSystem value, own.storage, is not an execution "
            "system. Please specify a valid system id representing an execution system on which this app should run.",
        ),
        (
            None,
            {"name": "x", "deploymentSystem": "own.cluster"},
            400,
            "Invalid deploymentSystem value. own.cluster is not a storage system. Please specify a valid storage "
            "system id on which the assets of this application are stored.",
        ),
        (storage_down, {"name": "x"}, 503, "System own.storage is currently MAINTENANCE."),
        (execution_down, {"name": "x"}, 503, "System own.cluster is currently DOWN."),
        (
            a_file_in_the_way,
            {"name": "x", "deploymentPath": "/home/file"},
            400,
            "A file already exists at /home/file",
        ),
        (
            None,
            {"name": "x", "deploymentPath": "/"},
            400,
            "Invalid deploymentPath value. The home directory of a system cannot hold an app.",
        ),
    ],
    ids=lambda value: getattr(value, "__name__", str(value))[:60],
)
def test_what_stands_in_the_way(
    catalog: Catalog,
    prepare: Callable[[Catalog], None] | None,
    body: dict[str, Any],
    status: int,
    message: str,
) -> None:
    if prepare is not None:
        prepare(catalog)
    assert clone(catalog, status=status, **body) == message
    assert [app["id"] for app in catalog.get("/apps/v2", user=ADMIN)] == ["wc-1.00"]
    assert events(catalog)[-1] == "CLONING_FAILED"
    home = catalog.hosts.host(WORLD, "own.example.org").directory / "home"
    assert not list(home.rglob(f"{UNFINISHED}*"))


def test_without_defaults_the_app_s_own_system_will_do(catalog: Catalog) -> None:
    catalog.put("/systems/v2/own.cluster", {"action": "unsetDefault"}, user=OTHER)
    catalog.post("/systems/v2/cluster/roles", {"username": OTHER, "role": "PUBLISHER"})
    assert clone(catalog, name="x")["executionSystem"] == "cluster"


def test_only_what_can_be_seen_is_cloned(catalog: Catalog) -> None:
    catalog.delete(f"{AT}/pems/{OTHER}")
    assert clone(catalog, status=403, name="x") == NOT_ALLOWED
    assert clone(catalog, status=404, at="/apps/v2/no-1.0") == "No software found matching no-1.0"
    assert "CLONING_FAILED" not in events(catalog)


def test_garbage_beside_the_action_is_ignored(catalog: Catalog) -> None:
    form = {
        "action": "clone",
        "name": "x",
        "name --data-urlencode version": "1",
        "version": "",
        "executionSystem": " ",
    }
    response = catalog.send("PUT", AT, OTHER, data=form)
    assert (response.status_code, response.get_json()["result"]["id"]) == (202, "x-1.00")


def test_a_folder_that_would_be_copied_into_itself(catalog: Catalog) -> None:
    for action in ("setDefault",):
        catalog.put("/systems/v2/data.storage", {"action": action})
        catalog.put("/systems/v2/cluster", {"action": action})
    body = {"action": "clone", "name": "x", "deploymentPath": "testuser/apps/wc/inner/copy"}
    message = catalog.put(AT, body, status=400)
    assert "lies inside" in message
    assert not catalog.hosts.host(WORLD, "data.example.org").files.exists("/home/testuser/apps/wc/inner/copy")


def test_what_a_killed_emulator_left_is_cleared_away(catalog: Catalog) -> None:
    app = catalog.get(AT)
    hidden = f"/home/{UNFINISHED}1-005"
    catalog.write(f"{hidden}/half.bin", host="own.example.org")
    for number, system in ((1, "own.storage"), (2, "gone")):
        copy = AppCopy(
            world=WORLD,
            id=f"{number}-005",
            app_uuid=app["uuid"],
            username=OTHER,
            system_id=system,
            path=hidden,
        )
        with catalog.store.write() as tx:
            tx.apps.begin_copy(copy)
    catalog.apps.cloning.recover()
    files = catalog.hosts.host(WORLD, "own.example.org").files
    assert not files.exists(hidden)
    with catalog.store.read() as tx:
        assert tx.apps.copies() == []
    assert events(catalog)[-2:] == ["CLONING_FAILED"] * 2
