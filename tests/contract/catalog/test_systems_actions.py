"""PUT actions on systems, users' and tenants' default systems [systems §8, §9]."""

from __future__ import annotations

from typing import Any

import pytest

from tests.catalog import ADMIN, EXECUTION, OTHER, OWNER, STORAGE, THIRD, Catalog, changed

AT = "/systems/v2/data.storage"


@pytest.fixture
def catalog(catalog: Catalog) -> Catalog:
    catalog.post("/systems/v2", STORAGE)
    catalog.post("/systems/v2", EXECUTION)
    return catalog


def act(
    catalog: Catalog, action: str, user: str = OWNER, status: int = 200, at: str = AT, **rest: Any
) -> Any:
    return catalog.put(at, {"action": action, **rest}, user=user, status=status)


def statuses(catalog: Catalog, at: str = AT) -> list[str]:
    return [event["status"] for event in catalog.get(f"{at}/history", user=ADMIN)]


def defaults(catalog: Catalog, user: str = OWNER, default: str = "true") -> list[str]:
    return [system["id"] for system in catalog.get("/systems/v2", user=user, default=default)]


def test_unknown_actions_and_systems(catalog: Catalog) -> None:
    message = (
        "Unrecognized action. Valid actions are: publish, setDefault, unsetDefault, setGlobalDefault, "
        "unsetGlobalDefault, enable, disable, and clone."
    )
    assert act(catalog, "polish", status=400) == message
    assert catalog.put(AT, {}, status=400) == message
    assert act(catalog, "enable", at="/systems/v2/nope", status=404) == "No system found matching nope"
    without_id = "Invalid system name. Please specify an system using its system id."
    assert act(catalog, "enable", at="/systems/v2/", status=400) == without_id


def test_actions_as_forms_in_any_case(catalog: Catalog) -> None:
    response = catalog.send("PUT", AT, data={"action": "SETDEFAULT"})
    assert response.get_json()["result"]["default"] is True


def test_publish_and_unpublish(catalog: Catalog) -> None:
    refused = "Permission denied. You do not have permission to publish this system"
    assert act(catalog, "publish", status=403) == refused
    assert act(catalog, "unpublish", user=ADMIN, status=400) == "System is not currently published."
    published = act(catalog, "publish", user=ADMIN)
    assert (published["public"], published["revision"]) == (True, 2)
    assert "owner" not in published["_links"]
    assert act(catalog, "publish", user=ADMIN, status=400) == "Cannot republish a public system."
    assert catalog.get(AT, user=OTHER)["public"] is True
    assert act(catalog, "unpublish", status=403) == refused
    assert act(catalog, "unpublish", user=ADMIN)["public"] is False
    assert statuses(catalog) == ["CREATED", "PUBLISH", "UNPUBLISH"]


def test_the_global_default(catalog: Catalog) -> None:
    refused = "Permission denied. You do not have permission to globally publish this system"
    assert act(catalog, "setGlobalDefault", status=403) == refused
    assert act(catalog, "setGlobalDefault", user=ADMIN, status=400) == (
        "Cannot set a private system as a global default. Please make the system public before assigning it as a "
        "default."
    )
    not_global = "System data.storage is not currently the global default STORAGE system."
    assert act(catalog, "unsetGlobalDefault", user=ADMIN, status=400) == not_global
    act(catalog, "publish", user=ADMIN)
    assert act(catalog, "setGlobalDefault", user=ADMIN)["globalDefault"] is True
    assert defaults(catalog, user=THIRD) == ["data.storage"]
    # another one of the same type takes its place
    catalog.post("/systems/v2", changed(STORAGE, id="next"))
    act(catalog, "publish", user=ADMIN, at="/systems/v2/next")
    act(catalog, "setGlobalDefault", user=ADMIN, at="/systems/v2/next")
    assert catalog.get(AT)["globalDefault"] is False
    assert defaults(catalog, user=THIRD) == ["next"]
    assert statuses(catalog)[-2:] == ["SET_PUBLIC_DEFAULT", "UNSET_PUBLIC_DEFAULT"]
    act(catalog, "unpublish", user=ADMIN, at="/systems/v2/next")
    assert defaults(catalog, user=THIRD) == []


def test_a_user_s_default(catalog: Catalog) -> None:
    assert defaults(catalog) == []
    not_default = (
        "Unexpected error processing the request. Cannot change user default status of data.storage. "
        "The system is not the default system of the user."
    )
    assert act(catalog, "unsetDefault", status=400) == not_default
    assert act(catalog, "setDefault")["default"] is True
    act(catalog, "setDefault", at="/systems/v2/cluster")
    assert defaults(catalog) == ["cluster", "data.storage"]
    assert defaults(catalog, default="False") == []
    # of the same type only one
    catalog.post("/systems/v2", changed(STORAGE, id="next"))
    act(catalog, "setDefault", at="/systems/v2/next")
    assert defaults(catalog) == ["next", "cluster"]
    assert defaults(catalog, default="false") == ["data.storage"]
    assert act(catalog, "unsetDefault", at="/systems/v2/next")["default"] is False
    assert defaults(catalog) == ["cluster"]
    assert statuses(catalog) == ["CREATED", "SET_USER_DEFAULT", "UNSET_USER_DEFAULT"]


def test_a_user_s_default_needs_a_role_and_lasts_as_long_as_it(catalog: Catalog) -> None:
    refused = "User does not have permission to use this system."
    assert act(catalog, "setDefault", user=OTHER, status=403) == refused
    catalog.post(f"{AT}/roles", {"username": OTHER, "role": "GUEST"})
    assert act(catalog, "setDefault", user=OTHER, status=403) == refused
    catalog.post(f"{AT}/roles", {"username": OTHER, "role": "USER"})
    assert act(catalog, "setDefault", user=OTHER)["default"] is True
    assert catalog.get(AT)["default"] is False  # each user has its own
    catalog.delete(f"{AT}/roles/{OTHER}")
    assert defaults(catalog, user=OTHER) == []
    catalog.post(f"{AT}/roles", {"username": OTHER, "role": "USER"})
    assert defaults(catalog, user=OTHER) == ["data.storage"]
    act(catalog, "disable")
    assert defaults(catalog, user=OTHER) == []
    assert act(catalog, "setDefault", status=400).startswith("System has been disabled")


def test_disable_and_enable(catalog: Catalog) -> None:
    refused = "Permission denied. Only users with the ADMIN role may {} this system."
    assert act(catalog, "disable", user=OTHER, status=403) == refused.format("disable")
    assert act(catalog, "disable")["available"] is False
    assert act(catalog, "disable", status=400) == "data.storage is already disabled."
    assert act(catalog, "enable", user=OTHER, status=403) == refused.format("enable")
    assert act(catalog, "enable")["available"] is True
    act(catalog, "publish", user=ADMIN)
    public = "Permission denied. Only tenant administrators may disable public systems."
    assert act(catalog, "disable", status=403) == public
    assert catalog.delete(AT, status=403) == "User does not have permission to delete this system"
    assert act(catalog, "disable", user=ADMIN)["available"] is False
    assert statuses(catalog) == ["CREATED", "DISABLED", "ENABLED", "PUBLISH", "DISABLED"]


def test_clone(catalog: Catalog) -> None:
    at = "/systems/v2/cluster"
    refused = (
        "Permission denied. Only public systems and systems you on which you have been granted a role may be "
        "cloned."
    )
    assert act(catalog, "clone", user=OTHER, status=403, at=at, id="mine") == refused
    catalog.post(f"{at}/roles", {"username": OTHER, "role": "GUEST"})
    assert act(catalog, "clone", user=OTHER, status=400, at=at) == (
        "No new system id provided. Please supply a unique id for the new system."
    )
    assert act(catalog, "clone", user=OTHER, status=400, at=at, id="data.storage") == (
        "Cloned system id is already assigned to another system. Please supply a unique id for the new system."
    )
    assert act(catalog, "clone", user=OTHER, status=400, at=at, id="no good").startswith("System id may only")
    original = catalog.get(at)
    clone = act(catalog, "clone", user=OTHER, at=at, id="mine")
    assert (clone["id"], clone["owner"], clone["revision"], clone["name"]) == ("mine", OTHER, 1, "Cluster")
    assert clone["uuid"] != original["uuid"]
    assert clone["queues"] == original["queues"]
    assert clone["storage"]["auth"] is clone["login"]["auth"] is None
    assert [role["username"] for role in catalog.get("/systems/v2/mine/roles", user=OTHER)] == [OTHER]
    with catalog.store.read() as tx:
        system = tx.systems.get("tests", "mine")
        assert system is not None
        assert tx.credentials.own(system) == {}
    # the credentials must be supplied before anything else changes
    body = changed(clone, storage__auth=..., login__auth=..., site="here")
    assert "No 'storage.auth' value" in catalog.post("/systems/v2/mine", body, user=OTHER, status=400)


def test_erase_frees_the_id(catalog: Catalog) -> None:
    refused = "Permission denied. Only tenant administrators may erase systems."
    assert act(catalog, "erase", status=403) == refused
    act(catalog, "publish", user=ADMIN)
    public = (
        "System data.storage is currently a public system. Please remove from public scope before erasing."
    )
    assert act(catalog, "erase", user=ADMIN, status=400) == public
    act(catalog, "unpublish", user=ADMIN)
    act(catalog, "setDefault")
    catalog.post(f"{AT}/roles", {"username": OTHER, "role": "USER"})
    response = catalog.send("PUT", AT, ADMIN, json={"action": "erase"})
    assert response.status_code == 200
    assert "result" not in response.get_json()
    assert catalog.get(AT, status=404) == "No system found matching data.storage"
    again = catalog.post("/systems/v2", STORAGE, user=OTHER)
    assert (again["owner"], again["revision"], again["default"]) == (OTHER, 1, False)
    assert catalog.get(AT, status=403)
