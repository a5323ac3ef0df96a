"""Who may do what with metadata and schemas: roles by operations, granting and taking back [postits §B.3, §B.4]."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from emulator.app import Emulator
from tests.served import Api

pytestmark = pytest.mark.sample(3)

ITEM, SCHEMA = {"name": "shared", "value": 1}, {"title": "shared"}
KINDS = {"data": ITEM, "schemas": SCHEMA}
VIEW = "User does not have permission to view this resource."
CHANGE = "User does not have permission to modify this resource."
UNREADABLE = {
    "data": "Cannot validate - User does not have permission to read this metadata entry.",
    "schemas": "User does not have permission to read metadata for uuid",
}
UNWRITABLE = {
    "data": "User does not have permission to update metadata",
    "schemas": "User does not have permission to update metadata schema",
}
GRANT = {"username": "student09", "permission": "READ"}


@pytest.fixture(scope="module")
def users(emulator: Emulator, api: Api, student: Api, admin: Api) -> dict[str, Api]:
    """One for each role."""
    return {"owner": api, "admin": admin, "other": student} | {
        role: Api(emulator.url, f"student0{number}")
        for number, role in enumerate(("reader", "writer", "both", "public reader"), 2)
    }


@pytest.fixture
def shared(users: dict[str, Api], collection: str) -> str:
    """A path: a record with a grant for each role that has one."""
    home = f"meta/v2/{collection}"
    uuid = users["owner"].call("POST", home, json=KINDS[collection])["uuid"]
    for number, word in ((2, "READ"), (3, "WRITE"), (4, "READ_WRITE"), (9, "READ")):
        body = {"username": f"student0{number}", "permission": word}
        users["owner"].call("POST", f"{home}/{uuid}/pems", 201, json=body)
    return f"{home}/{uuid}"


OPERATIONS: dict[str, tuple[str, str, Callable[[str], Any], str]] = {
    # what it needs, method, body, path below the record
    "show": ("read", "GET", lambda _: None, ""),
    "update": ("write", "POST", lambda collection: KINDS[collection], ""),
    "delete": ("write", "DELETE", lambda _: None, ""),
    "list pems": ("view", "GET", lambda _: None, "/pems"),
    "show pem": ("view", "GET", lambda _: None, "/pems/student09"),
    "grant": ("change", "POST", lambda _: GRANT, "/pems"),
    "grant to": ("change", "POST", lambda _: {"permission": "READ"}, "/pems/student09"),
    "revoke": ("change", "DELETE", lambda _: None, "/pems/student09"),
    "revoke all": ("change", "DELETE", lambda _: None, "/pems"),
}
MAY = {
    "owner": {"read", "write", "view", "change"},
    "admin": {"read", "write", "view", "change"},
    "reader": {"read", "view"},
    "writer": {"write", "change"},
    "both": {"read", "write", "view", "change"},
    "other": set(),
}


@pytest.mark.parametrize("collection", KINDS)
@pytest.mark.parametrize("role", MAY)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_what_each_role_may_do(
    users: dict[str, Api], shared: str, collection: str, role: str, operation: str
) -> None:
    needs, method, body, below = OPERATIONS[operation]
    path, document = shared + below, body(collection)
    before = users["owner"].call("GET", shared), users["owner"].call("GET", f"{shared}/pems")
    if needs in MAY[role]:
        users[role].call(method, path, 201 if "grant" in operation else 200, json=document)
        return
    text = {"read": UNREADABLE[collection], "write": UNWRITABLE[collection], "view": VIEW, "change": CHANGE}
    assert users[role].refused(method, path, 403, json=document) == text[needs]
    assert (users["owner"].call("GET", shared), users["owner"].call("GET", f"{shared}/pems")) == before


@pytest.mark.parametrize("collection", KINDS)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_what_is_not_there(users: dict[str, Api], collection: str, operation: str) -> None:
    _, method, body, below = OPERATIONS[operation]
    uuid = "7341557475441971686-242ac11f-0001-012"
    for role in ("owner", "admin", "other"):
        text = users[role].refused(method, f"meta/v2/{collection}/{uuid}{below}", 404, json=body(collection))
        assert text.startswith("No metadata ") and text.endswith(f" found for user with id {uuid}")


@pytest.mark.parametrize("collection", KINDS)
def test_permissions_are_shown(users: dict[str, Api], shared: str, collection: str) -> None:
    api = users["owner"]
    listed = api.call("GET", f"{shared}/pems")
    names = ["testuser", "student02", "student03", "student04", "student09"]
    assert [one["username"] for one in listed] == names
    assert listed[0]["permission"] == {"read": True, "write": True}
    assert [one["permission"] for one in listed[1:3]] == [
        {"read": True, "write": False},
        {"read": False, "write": True},
    ]
    assert listed[1]["_links"] == {
        "self": {"href": f"{api.url}/{shared}/pems/student02"},
        "parent": {"href": f"{api.url}/{shared}"},
        "profile": {"href": f"{api.url}/profiles/v2/student02"},
    }
    assert api.call("GET", f"{shared}/pems/student02") == listed[1]
    assert api.call("GET", f"{shared}/pems?limit=1&offset=1") == [listed[1]]
    for everything in ("testuser", "admin"):
        assert api.call("GET", f"{shared}/pems/{everything}")["permission"] == {"read": True, "write": True}
    text = "No permissions found for user student08"
    assert api.refused("GET", f"{shared}/pems/student08", 404) == text


@pytest.mark.parametrize("collection", KINDS)
def test_words_and_forms_of_a_grant(users: dict[str, Api], shared: str, collection: str) -> None:
    api, pems = users["owner"], f"{shared}/pems"
    for word, read, write in (
        ("READ", True, False),
        ("write", False, True),
        ("READ_WRITE", True, True),
        ("ALL", True, True),
        ("READ_EXECUTE", True, False),
        ("OWNER", True, True),
    ):
        made = api.call("POST", f"{pems}/student08", 201, data={"permission": word})
        assert made["permission"] == {"read": read, "write": write}, word
    for nothing in ("NONE", "", None):
        api.call("POST", pems, 201, json={"username": "student08", "permission": "READ"})
        gone = api.call("POST", pems, 200, json={"username": "student08", "permission": nothing})
        assert gone["permission"] == {"read": False, "write": False}
        assert api.request("GET", f"{pems}/student08").status_code == 404


@pytest.mark.parametrize("collection", KINDS)
def test_grants_that_are_wrong(users: dict[str, Api], shared: str, collection: str) -> None:
    api, pems = users["owner"], f"{shared}/pems"
    text = "No username specified. Please specify a valid user to whom the permission will apply."
    for body in ({"permission": "READ"}, {"username": " ", "permission": "READ"}):
        assert api.refused("POST", pems, 400, json=body) == text
    text = "Missing permission field. Please specify a valid permission of READ, WRITE, or READ_WRITE."
    assert api.refused("POST", pems, 400, json={"username": "student08"}) == text
    text = "The username value in the POST body, a, does not match the username in the URL, b"
    assert api.refused("POST", f"{pems}/b", 400, json={"username": "a", "permission": "READ"}) == text
    text = (
        "Failed to update metadata permissions: Unable to set unknown permission, please use READ, READ_WRITE, "
        "NONE"
    )
    assert api.refused("POST", f"{pems}/student08", 400, json={"permission": "SOME"}) == text
    for username in ("x" * 65, "a\nb", "\x00"):
        answer = api.request("POST", pems, json={"username": username, "permission": "READ"})
        assert answer.status_code == 400
    assert api.request("POST", pems, json={"username": ["a"], "permission": "READ"}).status_code == 400
    assert api.request("GET", f"{pems}/student08").status_code == 404


@pytest.mark.parametrize("collection", KINDS)
def test_one_cannot_change_ones_own(users: dict[str, Api], shared: str, collection: str) -> None:
    api, both = users["owner"], users["both"]
    own = api.call("POST", f"{shared}/pems/testuser", 201, json={"permission": "NONE"})
    assert own["permission"] == {"read": True, "write": True}
    kept = both.call("POST", f"{shared}/pems/student04", 201, json={"permission": "NONE"})
    assert kept["permission"] == {"read": True, "write": True}
    assert both.call("GET", f"{shared}/pems/student04")["permission"] == {"read": True, "write": True}


@pytest.mark.parametrize("everybody", ["public", "world"])
@pytest.mark.parametrize("collection", KINDS)
def test_everybody_is_let_in_by_admins_only(
    users: dict[str, Api], shared: str, collection: str, everybody: str
) -> None:
    body = {"username": everybody, "permission": "READ"}
    assert users["owner"].refused("POST", f"{shared}/pems", 403, json=body) == CHANGE
    users["other"].refused("GET", shared, 403)
    users["admin"].call("POST", f"{shared}/pems", 201, json=body)
    uuid = shared.rpartition("/")[2]
    assert users["other"].call("GET", shared)["uuid"] == uuid
    assert uuid in [one["uuid"] for one in users["other"].call("GET", f"meta/v2/{collection}")]
    users["owner"].call("DELETE", f"{shared}/pems/{everybody}")
    users["other"].refused("GET", shared, 403)


def test_the_services_own_status_can_be_had_back(tmp_path_factory: pytest.TempPathFactory) -> None:
    from tests.served import served

    with served(tmp_path_factory.mktemp("faithful"), faithful_5xx=True) as emulator:
        api = Api(emulator.url)
        uuid = api.call("POST", "meta/v2/data", json=ITEM)["uuid"]
        api.refused("POST", f"meta/v2/data/{uuid}/pems/ann", 500, json={"permission": "SOME"})
