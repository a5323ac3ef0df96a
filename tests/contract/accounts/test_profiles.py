"""Profiles: read by everybody, kept by account managers [auth §6]."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emulator.app import Emulator
from tests.contract.accounts.signing_in import ask, bearer, password_token, register
from tests.served import Api, served

UNKNOWN_TERM = "Invalid search term. Valid search terms are: username, email, and name."
NO_ROLE = "User does not have the role user-account-manager to manage accounts"
NEW = {"username": "newcomer", "password": "secret", "email": "new@example.org"}


def names(found: list[dict[str, Any]]) -> list[str]:
    return [profile["username"] for profile in found]


def test_profiles_are_shown_in_both_shapes(api: Api, emulator: Emulator) -> None:
    profile = api.call("GET", "profiles/v2/student10")
    assert set(profile) == {
        *("username", "email", "first_name", "last_name", "full_name", "phone", "mobile_phone", "status"),
        *("uid", "create_time", "fullName", "firstName", "lastName", "position", "institution", "fax"),
        *("researchArea", "department", "city", "state", "country", "gender", "uuid", "_links"),
    }
    assert profile["email"] == "student10@example.org"
    assert profile["first_name"] == profile["firstName"] != ""
    assert profile["full_name"] == f"{profile['first_name']} {profile['last_name']}" == profile["fullName"]
    assert re.fullmatch(r"\d{14}Z", profile["create_time"])
    tenant = api.call("GET", "tenants")[0]["id"]
    assert profile["uuid"] == f"{tenant.split('-')[0]}-student10-0001-001"
    assert profile["_links"] == {
        "self": {"href": f"{emulator.url}/profiles/v2/student10"},
        "users": {"href": f"{emulator.url}/profiles/v2/student10/users"},
    }
    assert api.refused("GET", "profiles/v2/nobody", 404) == "No user found matching nobody"
    assert api.refused("GET", "profiles/v2/public", 404) == "No user found matching public"


def test_me_is_who_asks(api: Api, student: Api) -> None:
    assert api.call("GET", "profiles/v2/me")["username"] == "testuser"
    assert student.call("GET", "profiles/v2/me/")["username"] == "student01"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("username=student01", ["student01"]),
        ("username=STUDENT1&limit=3", ["student10", "student11", "student12"]),
        ("email=student40@", ["student40"]),
        ("name=tess ur", ["testuser"]),
        ("first_name=ada", ["admin"]),
        ("firstName=Ada", ["admin"]),
        ("last_name=Minford", ["admin"]),
        ("lastName=mINFORD", ["admin"]),
        ("full_name=Ada Minford", ["admin"]),
        ("fullName=a Min", ["admin"]),
        # the first of the keys decides, wherever it stands in the query, and the others are not asked
        ("lastName=Minford&username=student02", ["student02"]),
        ("name=nobody at all&email=admin@", ["admin"]),
        ("username=&email=admin@", ["admin"]),
        ("username=%25", []),
        ("username=_", []),
        ("username=nobody", []),
        ("email=\x00", []),
    ],
)
def test_profiles_are_searched_by_one_key(api: Api, query: str, found: list[str]) -> None:
    assert names(api.call("GET", f"profiles/v2?{query}")) == found


def test_profiles_are_listed_in_pages(api: Api) -> None:
    everybody = names(api.call("GET", "profiles/v2"))
    assert len(everybody) == 42 and everybody == sorted(everybody)
    assert names(api.call("GET", "profiles/v2?limit=7&offset=40")) == everybody[40:]
    assert len(api.call("GET", "profiles/v2?status=Inactive")) == 42  # no key of theirs
    for bad in ("x", "-5", "0x1", ""):
        assert len(api.call("GET", f"profiles/v2?limit={bad}&offset={bad}")) == 42


def test_profiles_are_searched_by_path(api: Api) -> None:
    assert names(api.call("GET", "profiles/v2/search/username/admin")) == ["admin"]
    assert names(api.call("GET", "profiles/v2/search/NAME/ada%20m")) == ["admin"]
    assert len(api.call("GET", "profiles/v2/search/email/student?limit=5")) == 5
    assert api.refused("GET", "profiles/v2/search/shoe/42", 400) == UNKNOWN_TERM


def test_the_services_own_code_for_an_unknown_term(tmp_path: Path) -> None:
    with served(tmp_path, faithful_5xx=True) as emulator:
        assert Api(emulator.url).refused("GET", "profiles/v2/search/shoe/42", 500) == UNKNOWN_TERM


def test_internal_users_are_gone(api: Api, admin: Api) -> None:
    assert api.call("GET", "profiles/v2/student01/users") == []
    assert api.refused("GET", "profiles/v2/nobody/users", 404) == "No user found matching nobody"
    for verb, path in (("POST", "users"), ("GET", "users/one"), ("DELETE", "users/one")):
        assert "Internal users are not provided." in admin.refused(verb, f"profiles/v2/student01/{path}", 501)


# accounts are kept by account managers


@pytest.fixture
def newcomer(admin: Api) -> Iterator[dict[str, Any]]:
    """A fresh account; it is removed in the end, unless the test has done that."""
    made: dict[str, Any] = admin.call("POST", "profiles/v2", 201, json=NEW | {"firstName": "New"})
    yield made
    admin.request("DELETE", "profiles/v2/newcomer")


def test_a_new_user_can_log_in_at_once(api: Api, admin: Api, newcomer: dict[str, Any]) -> None:
    assert (newcomer["username"], newcomer["first_name"]) == ("newcomer", "New")
    assert newcomer == api.call("GET", "profiles/v2/newcomer") and "password" not in newcomer
    own = Api(api.url, "newcomer", "secret")
    assert own.call("GET", "profiles/v2/me")["username"] == "newcomer"
    assert own.call("GET", "systems/v2") and own.call("GET", "jobs/v2") == []
    body = {"username": "newcomer", "role": "USER"}
    admin.call("POST", "systems/v2/tacc.corral/roles", json=body)  # strict usernames know it


def test_what_is_told_of_a_user_can_change(api: Api, admin: Api, newcomer: dict[str, Any]) -> None:
    form = {"last_name": "Cömer", "researchArea": "weather", "mobile_phone": "1", "password": "other"}
    answer = admin.request("PUT", "profiles/v2/newcomer", data=form)
    assert (answer.status_code, answer.json()["message"]) == (200, "User updated successfully.")
    changed = api.call("GET", "profiles/v2/newcomer")
    assert changed == answer.json()["result"]
    assert changed == newcomer | {
        "last_name": "Cömer",
        "lastName": "Cömer",
        "full_name": "New Cömer",
        "fullName": "New Cömer",
        "researchArea": "weather",
        "mobile_phone": "1",
    }
    assert names(api.call("GET", "profiles/v2?name=new%20cö")) == ["newcomer"]
    assert Api(api.url, "newcomer", "other").call("GET", "profiles/v2/me")
    text = api.refused("GET", "clients/v2", 401, auth=("newcomer", "secret"))
    assert text.startswith("Login failed.")


def test_a_deleted_user_is_out_at_once(api: Api, admin: Api, newcomer: dict[str, Any]) -> None:
    login = ("newcomer", "secret")
    own_client, shared_client = register(api, login=login), register(api, "shared")
    tokens = [password_token(api, own_client, "newcomer", password="secret")]
    tokens.append(password_token(api, shared_client, "newcomer", password="secret"))
    others = password_token(api, own_client, "student01")
    own = Api(api.url)
    own.session.headers.update(bearer(tokens[0]))
    url = f"{api.url}/systems/v2/tacc.corral"
    postit = own.call("POST", "postits/v2", json={"url": url, "maxUses": 9})["postit"]
    assert own.request("GET", f"postits/v2/{postit}").status_code == 200
    answer = admin.request("DELETE", "profiles/v2/newcomer")
    assert (answer.json()["message"], "result" in answer.json()) == ("User deleted successfully.", False)
    for token in [*tokens, others]:  # others: its client went with its owner
        assert api.request("GET", "jobs/v2", headers=bearer(token)).status_code == 401
    refresh = {"grant_type": "refresh_token", "refresh_token": tokens[1]["refresh_token"]}
    assert ask(api, shared_client, **refresh).json()["error"] == "invalid_grant"
    assert ask(api, own_client, grant_type="client_credentials").json()["error"] == "invalid_client"
    assert api.refused("GET", "clients/v2", 401, auth=login)
    assert api.refused("GET", "profiles/v2/newcomer", 404)
    assert api.refused("GET", f"postits/v2/{postit}", 403) == "Postit has been revoked."
    body = {"username": "newcomer", "role": "USER"}
    assert admin.refused("POST", "systems/v2/tacc.corral/roles", 404, json=body)
    assert admin.refused("DELETE", "profiles/v2/newcomer", 404) == "No user found matching newcomer"


def test_what_a_deleted_user_owns_stays_under_its_name(
    api: Api, admin: Api, newcomer: dict[str, Any]
) -> None:
    own = Api(api.url, "newcomer", "secret")
    storage = {
        "host": "left.behind",
        "port": 22,
        "protocol": "SFTP",
        "rootDir": "/",
        "auth": {"type": "PASSWORD", "username": "u", "password": "p"},
    }
    system = {"id": "left.behind", "name": "Left", "type": "STORAGE", "storage": storage}
    own.call("POST", "systems/v2", json=system)
    admin.call("DELETE", "profiles/v2/newcomer")
    assert admin.call("GET", "systems/v2/left.behind")["owner"] == "newcomer"
    assert api.refused("GET", "systems/v2/left.behind", 403)
    # who gets the name again gets what belongs to it
    admin.call("POST", "profiles/v2", json=NEW)
    again = Api(api.url, "newcomer", "secret")
    assert again.call("GET", "systems/v2/left.behind")["owner"] == "newcomer"


BAD_NAME = "Invalid username '{}'. Use up to 64 letters, digits, _, - and dots."
NO_STRING = "Invalid value for the '{}' field. Please specify a string."


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"username": None}, "username is required"),
        ({"username": " "}, "username is required"),
        ({"password": ""}, "password is required"),
        ({"email": ""}, "email is required"),
        ({"email": "nowhere"}, "Invalid email. Please specify a valid email address"),
        ({"email": "a@b@c"}, "Invalid email. Please specify a valid email address"),
        ({"email": "x" * 250 + "@example.org"}, "email must be at most 255 characters"),
        ({"username": "student01"}, "A user with username student01 already exists"),
        ({"username": "../up"}, BAD_NAME.format("../up")),
        ({"username": ".."}, BAD_NAME.format("..")),
        ({"username": "a b"}, BAD_NAME.format("a b")),
        ({"username": "a\nb"}, BAD_NAME.format("a\\nb")),
        ({"username": "é"}, BAD_NAME.format("é")),
        ({"username": "x" * 65}, BAD_NAME.format("x" * 64)),
        ({"username": "me"}, BAD_NAME.format("me")),
        ({"username": "world"}, BAD_NAME.format("world")),
        ({"username": ["x"]}, NO_STRING.format("username")),
        ({"first_name": {"a": 1}}, NO_STRING.format("first_name")),
        ({"first_name": "x" * 256}, "first_name must be at most 255 characters"),
        ({"phone": "1\x002"}, "phone must not contain control characters"),
        ({"password": "x" * 256}, "password must be at most 255 characters"),
    ],
)
def test_what_an_account_cannot_be(api: Api, admin: Api, changes: dict[str, Any], message: str) -> None:
    assert admin.refused("POST", "profiles/v2", 400, json=NEW | changes) == message
    assert len(api.call("GET", "profiles/v2")) == 42


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"email": ""}, "email is required"),
        ({"email": "x"}, "Invalid email. Please specify a valid email address"),
        ({"password": ""}, "password is required"),
        ({"username": "other"}, "The username cannot be changed"),
    ],
)
def test_what_an_account_cannot_become(api: Api, admin: Api, changes: dict[str, Any], message: str) -> None:
    before = api.call("GET", "profiles/v2/student09")
    assert admin.refused("PUT", "profiles/v2/student09", 400, json=changes) == message
    assert api.call("GET", "profiles/v2/student09") == before
    assert Api(api.url, "student09").call("GET", "profiles/v2/me")


def test_the_default_user_cannot_be_removed(api: Api, admin: Api) -> None:
    text = admin.refused("DELETE", "profiles/v2/testuser", 400)
    assert text == "testuser is the default user of this emulator and cannot be deleted"
    assert api.call("GET", "profiles/v2/me")["username"] == "testuser"


@pytest.mark.parametrize(
    ("verb", "path"),
    [("POST", "profiles/v2"), ("PUT", "profiles/v2/student01"), ("DELETE", "profiles/v2/student02")],
)
def test_accounts_are_for_account_managers(api: Api, student: Api, verb: str, path: str) -> None:
    for who in (api, student):
        options = {} if verb == "DELETE" else {"json": NEW}
        assert who.refused(verb, path, 403, **options) == NO_ROLE
    assert len(api.call("GET", "profiles/v2")) == 42


def test_the_role_can_be_given_by_a_setting(tmp_path: Path) -> None:
    with served(tmp_path, account_managers="student01, student02") as emulator:
        manager = Api(emulator.url, "student02")
        manager.call("POST", "profiles/v2", json=NEW)
        assert Api(emulator.url, "student03").refused("DELETE", "profiles/v2/newcomer", 403) == NO_ROLE
        manager.call("DELETE", "profiles/v2/newcomer")


def test_accounts_outlive_a_restart(tmp_path: Path) -> None:
    with served(tmp_path) as emulator:
        admin = Api(emulator.url, "admin")
        admin.call("POST", "profiles/v2", json=NEW)
        admin.call("DELETE", "profiles/v2/student01")
    with served(tmp_path) as emulator:
        assert Api(emulator.url, "newcomer", "secret").call("GET", "profiles/v2/me")
        assert Api(emulator.url).refused("GET", "profiles/v2/student01", 404)


def test_any_proper_name_is_a_user_when_told_to(tmp_path: Path) -> None:
    with served(tmp_path, strict_usernames=False) as emulator:
        api = Api(emulator.url)
        admin = Api(emulator.url, "admin")
        admin.call("POST", "systems/v2/tacc.corral/roles", json={"username": "a.stranger", "role": "USER"})
        body = {"username": "not a name", "role": "USER"}
        assert admin.refused("POST", "systems/v2/tacc.corral/roles", 404, json=body)
        assert api.refused("GET", "profiles/v2/a.stranger", 404)
    with served(tmp_path) as emulator:
        admin = Api(emulator.url, "admin")
        body = {"username": "b.stranger", "role": "USER"}
        assert admin.refused("POST", "systems/v2/tacc.corral/roles", 404, json=body)
        for everybody in ("public", "world"):
            admin.call("POST", "systems/v2/tacc.corral/roles", json={"username": everybody, "role": "GUEST"})


def test_roles_make_administrators(tmp_path: Path) -> None:
    from dataclasses import replace

    with served(tmp_path) as emulator:
        with emulator.store.write() as tx:
            for name, role in (
                ("student01", "Internal/tacc.prod-services-admin"),
                ("student02", "tacc.prod-user"),
            ):
                user = tx.accounts.user("default", name)
                assert user is not None
                tx.accounts.save_user(replace(user, roles=(role,)))
        seen = {}
        for name in ("student01", "student02"):
            api = Api(emulator.url, name)
            answer = api.request("PUT", "systems/v2/tacc.corral", json={"action": "disable"})
            seen[name] = answer.status_code
            keys = register(api, login=(name, "emulator"))
            form = {"grant_type": "admin_password", "token_username": "admin", "password": "emulator"}
            assert ask(api, keys, username=name, **form).ok == (name == "student01")
        assert seen == {"student01": 200, "student02": 403}
