"""Roles on systems, and what each of them allows [systems §7]."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.catalog import ADMIN, APP, EXECUTION, OTHER, OWNER, THIRD, Catalog

pytestmark = pytest.mark.sample(5)

AT = "/systems/v2/cluster"


@pytest.fixture
def catalog(catalog: Catalog) -> Catalog:
    catalog.add_app_material()
    return catalog


def grant(catalog: Catalog, username: str, role: str, at: str = AT, **rest: Any) -> Any:
    return catalog.post(f"{at}/roles", {"username": username, "role": role}, **rest)


def users(catalog: Catalog, user: str = OWNER, at: str = AT) -> dict[str, str]:
    return {entry["username"]: entry["role"] for entry in catalog.get(f"{at}/roles", user=user)}


def test_granting_answers_an_array_of_one(catalog: Catalog) -> None:
    (entry,) = grant(catalog, OTHER, "user")
    assert entry == {
        "username": OTHER,
        "role": "USER",
        "_links": {
            "self": {"href": f"http://localhost{AT}/roles/student01"},
            "parent": {"href": f"http://localhost{AT}"},
            "profile": {"href": "http://localhost/profiles/v2/student01"},
        },
    }
    assert catalog.get(f"{AT}/roles/{OTHER}") == entry
    catalog.post(f"{AT}/roles/{OTHER}", {"role": "ADMIN"})
    assert users(catalog) == {OWNER: "OWNER", OTHER: "ADMIN"}


def test_taking_away_has_no_result(catalog: Catalog) -> None:
    """tapis-cli takes any result, an empty one too, for a failure [clients §3]."""
    for user in (OTHER, THIRD):
        grant(catalog, user, "USER")
    assert "result" not in catalog.send("DELETE", f"{AT}/roles/{OTHER}").get_json()
    assert users(catalog) == {OWNER: "OWNER", THIRD: "USER"}
    assert "result" not in catalog.send("DELETE", f"{AT}/roles").get_json()
    assert users(catalog) == {OWNER: "OWNER"}
    grant(catalog, OTHER, "USER")
    for role in ("NONE", ""):
        (entry,) = grant(catalog, OTHER, role, status=200)
        assert entry["role"] == "NONE"
    assert users(catalog) == {OWNER: "OWNER"}


@pytest.mark.parametrize("field", ["username", "role"])
@pytest.mark.parametrize("value", [[], ["USER"], {}, {"a": 1}])
def test_lists_and_objects_are_no_names(catalog: Catalog, field: str, value: Any) -> None:
    grant(catalog, OTHER, "USER")
    body = {"username": OTHER, "role": "ADMIN"} | {field: value}
    answer = catalog.send("POST", f"{AT}/roles", json=body)
    assert answer.status_code == 400
    message = f"Invalid value for the '{field}' field. Please specify a string."
    assert answer.get_json()["message"] == message
    assert users(catalog) == {OWNER: "OWNER", OTHER: "USER"}


def test_who_sees_which_roles(catalog: Catalog) -> None:
    grant(catalog, OTHER, "GUEST")
    grant(catalog, THIRD, "ADMIN")
    everybody = {OWNER: "OWNER", OTHER: "GUEST", THIRD: "ADMIN"}
    assert users(catalog) == users(catalog, user=THIRD) == users(catalog, user=ADMIN) == everybody
    assert users(catalog, user=OTHER) == {OTHER: "GUEST"}
    assert catalog.get(f"{AT}/roles/{OTHER}", user=OTHER)["role"] == "GUEST"
    refused = "User does not have the necessary role to view other user roles on this system."
    assert catalog.get(f"{AT}/roles/{THIRD}", user=OTHER, status=403) == refused
    assert catalog.get(f"{AT}/roles/{OWNER}")["role"] == "OWNER"
    assert catalog.get(f"{AT}/roles/{ADMIN}")["role"] == "ADMIN"
    assert catalog.get(f"{AT}/roles/nobody", status=404) == "No roles found for user nobody"
    catalog.delete(f"{AT}/roles/{OTHER}")
    assert catalog.get(f"{AT}/roles/{OTHER}", status=404) == "No roles found for user student01"
    refused = "User does not have the necessary role to view this system."
    assert catalog.get(f"{AT}/roles", user=OTHER, status=403) == refused
    page = catalog.get(f"{AT}/roles", limit=1, offset=1)
    assert [entry["username"] for entry in page] == [THIRD]


def test_owners_and_admins_keep_what_they_have(catalog: Catalog) -> None:
    assert grant(catalog, OWNER, "GUEST")[0]["role"] == "OWNER"
    assert grant(catalog, ADMIN, "GUEST")[0]["role"] == "ADMIN"
    assert users(catalog) == {OWNER: "OWNER"}


@pytest.mark.parametrize(
    ("path", "body", "status", "message"),
    [
        (
            "/systems/v2/nope/roles",
            {"username": OTHER, "role": "USER"},
            404,
            "No shared system found matching nope",
        ),
        (f"{AT}/roles", {"username": OTHER}, 400, "Missing role field."),
        (f"{AT}/roles", {"role": "USER"}, 400, "Missing username field."),
        (
            f"{AT}/roles",
            {"username": OTHER, "role": "KING"},
            400,
            "Invalid role value. Valid values are: NONE, USER, PUBLISHER, OWNER, ADMIN",
        ),
        (
            f"{AT}/roles",
            {"username": OTHER, "role": "OWNER"},
            400,
            "Invalid role value. Valid values are: NONE, USER, PUBLISHER, OWNER, ADMIN",
        ),
        (f"{AT}/roles", {"username": "nobody", "role": "USER"}, 404, "No user found matching nobody"),
        (
            f"{AT}/roles/{OTHER}",
            {"username": THIRD, "role": "USER"},
            400,
            "The username value in the POST body, student02, does not match the username in the URL, student01",
        ),
        (
            "/systems/v2/data.storage/roles",
            {"username": OTHER, "role": "PUBLISHER"},
            400,
            "Cannot set PUBLISHER role on storage systems.",
        ),
    ],
    ids=str,
)
def test_roles_that_cannot_be_given(
    catalog: Catalog, path: str, body: dict[str, str], status: int, message: str
) -> None:
    assert catalog.post(path, body, status=status) == message
    assert users(catalog) == {OWNER: "OWNER"}


def test_who_may_change_roles_and_where(catalog: Catalog) -> None:
    refused = "User does not have the necessary role to modify this system"
    assert grant(catalog, THIRD, "USER", user=OTHER, status=403) == refused
    grant(catalog, OTHER, "ADMIN")
    grant(catalog, THIRD, "USER", user=OTHER)
    assert catalog.delete(f"{AT}/roles", user=THIRD, status=403) == refused
    catalog.put(AT, {"action": "disable"})
    disabled = (
        "System has been disabled by the administrator. No roles changes may be applied to a disabled system."
    )
    assert grant(catalog, THIRD, "USER", status=400) == disabled
    catalog.put(AT, {"action": "enable"})
    catalog.put(AT, {"action": "publish"}, user=ADMIN)
    public = "Share roles are not suported on public systems."
    assert grant(catalog, THIRD, "USER", status=501) == public
    assert catalog.delete(f"{AT}/roles", user=ADMIN, status=501) == public
    grant(catalog, THIRD, "ADMIN", user=ADMIN)
    assert catalog.get(f"{AT}/roles/{THIRD}", user=ADMIN)["role"] == "ADMIN"


def test_names_need_no_account_where_the_switch_is_off(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path, strict_usernames=False)
    catalog.post("/systems/v2", EXECUTION)
    grant(catalog, "nobody", "USER")
    assert catalog.get(f"{AT}/roles/nobody")["role"] == "USER"
    assert grant(catalog, "not a name", "USER", status=404) == "No user found matching not a name"
    catalog.close()


def test_public_storage_with_a_world_role_is_read_only(catalog: Catalog) -> None:
    at = "/systems/v2/data.storage"
    catalog.put(at, {"action": "publish"}, user=ADMIN)
    assert catalog.get(f"{at}/roles", user=OTHER)[0]["role"] == "USER"
    grant(catalog, "world", "GUEST", at=at, user=ADMIN)
    assert catalog.get(f"{at}/roles", user=OTHER)[0]["role"] == "GUEST"


def test_public_execution_systems_are_for_use(catalog: Catalog) -> None:
    catalog.put(AT, {"action": "publish"}, user=ADMIN)
    assert catalog.get(f"{AT}/roles", user=OTHER)[0]["role"] == "USER"


# role x operation x status: the owner of the matrix is testuser, the one who asks student01

OPERATIONS: dict[str, tuple[str, str, Any]] = {
    "show": ("GET", AT, None),
    "history": ("GET", f"{AT}/history", None),
    "queues": ("GET", f"{AT}/queues", None),
    "roles": ("GET", f"{AT}/roles", None),
    "others' role": ("GET", f"{AT}/roles/{OWNER}", None),
    "set default": ("PUT", AT, {"action": "setDefault"}),
    "clone": ("PUT", AT, {"action": "clone", "id": "copy"}),
    "register app": ("POST", "/apps/v2", APP),
    "update": ("POST", AT, dict(EXECUTION)),
    "register again": ("POST", "/systems/v2", dict(EXECUTION)),
    "grant": ("POST", f"{AT}/roles", {"username": THIRD, "role": "USER"}),
    "revoke": ("DELETE", f"{AT}/roles", None),
    "add queue": ("POST", f"{AT}/queues", {"name": "new"}),
    "drop queue": ("DELETE", f"{AT}/queues/normal", None),
    "disable": ("PUT", AT, {"action": "disable"}),
    "delete": ("DELETE", AT, None),
    "publish": ("PUT", AT, {"action": "publish"}),
    "erase": ("PUT", AT, {"action": "erase"}),
}
READ = {"show", "history", "queues", "roles", "clone"}
USE = READ | {"set default"}
PUBLISH = USE | {"register app"}
MANAGE = PUBLISH | {
    "others' role",
    "update",
    "register again",
    "grant",
    "revoke",
    "add queue",
    "drop queue",
    "disable",
    "delete",
}
ALLOWED = {"NONE": set[str](), "GUEST": READ, "USER": USE, "PUBLISHER": PUBLISH, "ADMIN": MANAGE}


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("role", ALLOWED)
def test_what_each_role_allows(catalog: Catalog, role: str, operation: str) -> None:
    if role != "NONE":
        grant(catalog, OTHER, role)
    # reading the app's files is another matter
    grant(catalog, OTHER, "GUEST", at="/systems/v2/data.storage")
    method, path, body = OPERATIONS[operation]
    status = catalog.send(method, path, OTHER, json=body).status_code
    if operation in ALLOWED[role]:
        assert status in (200, 201)
    else:
        assert status == 403


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("user", [OWNER, ADMIN])
def test_what_owners_and_tenant_admins_may(catalog: Catalog, user: str, operation: str) -> None:
    method, path, body = OPERATIONS[operation]
    status = catalog.send(method, path, user, json=body).status_code
    if user == OWNER and operation in ("publish", "erase"):
        assert status == 403
    else:
        assert status in (200, 201)
