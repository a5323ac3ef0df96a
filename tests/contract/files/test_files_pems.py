"""Permissions on files [files §10]."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.domain.file import INVALID_PERMISSION
from emulator.domain.system import Role
from tests.contract.files.conftest import ADMIN, OTHER, OWNER, Bench

THIRD = "student02"
NO_VIEW = "User does not have access to view the requested resource"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
def shared(bench: Bench) -> str:
    """OWNER's private system where OTHER is USER, with /home/dir/file."""
    system = bench.system(roles={OTHER: Role.USER})
    bench.put(system, "/home/dir/file")
    return system


def rights(line: dict[str, Any]) -> str:
    return "".join(
        letter
        for letter, name in zip("rwx", ("read", "write", "execute"), strict=True)
        if line["permission"][name]
    )


def pems(bench: Bench, where: str, user: str = OWNER) -> dict[str, tuple[str, bool]]:
    lines = bench.call("GET", f"pems/system/{where}", user)
    assert [line["username"] for line in lines] == sorted(line["username"] for line in lines)
    return {line["username"]: (rights(line), line["recursive"]) for line in lines}


def grant(bench: Bench, where: str, username: str, permission: str, user: str = OWNER, **more: Any) -> Any:
    body = {"username": username, "permission": permission} | more
    expect = 200 if permission == "NONE" else 201
    return bench.call("POST", f"pems/system/{where}", user, expect, body=body)


def may(bench: Bench, where: str, user: str) -> str:
    """What a user may do with a path, as the owner of the system sees it."""
    (line,) = bench.call("GET", f"pems/system/{where}?username.eq={user}")
    return rights(line)


def test_an_entry(bench: Bench, shared: str) -> None:
    (line,) = bench.call("GET", f"pems/system/{shared}//home//dir/?username.eq={OTHER}")
    base = f"http://127.0.0.1:{bench.port}"
    assert line == {
        "username": OTHER,
        "internalUsername": None,
        "permission": {"read": True, "write": True, "execute": True},
        "recursive": True,
        "_links": {
            "self": {"href": f"{base}/files/v2/pems/system/{shared}/home/dir?username.eq={OTHER}"},
            "file": {"href": f"{base}/files/v2/media/system/{shared}/home/dir"},
            "profile": {"href": f"{base}/profiles/v2/{OTHER}"},
        },
    }


def test_everybody_with_a_say_is_listed(bench: Bench, shared: str) -> None:
    assert pems(bench, f"{shared}/dir") == {OWNER: ("rwx", True), OTHER: ("rwx", True)}
    assert pems(bench, f"{shared}/dir", ADMIN) == {
        OWNER: ("rwx", True),
        OTHER: ("rwx", True),
        ADMIN: ("rwx", True),
    }
    grant(bench, f"{shared}/dir", THIRD, "READ", recursive=True)
    grant(bench, f"{shared}/dir", OTHER, "READ_EXECUTE")
    assert pems(bench, f"{shared}/dir") == {
        OWNER: ("rwx", True),
        OTHER: ("rx", False),
        THIRD: ("r", True),
    }
    # by way of the directory above
    assert pems(bench, f"{shared}/dir/file")[THIRD] == ("r", True)
    assert pems(bench, f"{shared}/dir/file")[OTHER] == ("rwx", True)


def test_homes_of_public_systems_belong_to_their_users(bench: Bench, public: str) -> None:
    bench.put(public, f"/home/{OTHER}/file")
    for path in (OTHER, f"{OTHER}/file"):
        assert pems(bench, f"{public}/{path}", OTHER) == {ADMIN: ("rwx", True), OTHER: ("rwx", True)}
        assert bench.request("GET", f"pems/system/{public}/{path}", OWNER).refusal == (403, NO_VIEW)
    assert pems(bench, f"{public}/{OTHER}", ADMIN) == {ADMIN: ("rwx", True), OTHER: ("rwx", True)}


def test_pages_and_conditions(bench: Bench, shared: str) -> None:
    where = f"pems/system/{shared}/dir"
    grant(bench, f"{shared}/dir", "a.user", "READ")
    grant(bench, f"{shared}/dir", "b_user", "READ_WRITE")
    names = ["a.user", "b_user", OTHER, OWNER]
    assert [line["username"] for line in bench.call("GET", f"{where}?limit=200")] == names
    assert [line["username"] for line in bench.call("GET", f"{where}?limit=2&offset=1")] == names[1:3]
    for condition in ("permission=READ", "permission.eq=READ", "PERMISSION=READ"):
        assert [line["username"] for line in bench.call("GET", f"{where}?{condition}")] == ["a.user"]
    assert bench.call("GET", f"{where}?permission=WRITE") == []
    for condition in ("permission=read", "permission=SOME", "permission="):
        assert bench.request("GET", f"{where}?{condition}").refusal == (400, INVALID_PERMISSION)
    for condition in ("username=nobody", "username.eq=nobody"):
        (line,) = bench.call("GET", f"{where}?{condition}")
        assert (line["username"], rights(line)) == ("nobody", "")


@pytest.mark.parametrize(
    ("word", "letters"),
    [
        ("READ", "r"),
        ("write", "w"),
        ("EXECUTE", "x"),
        ("READ_WRITE", "rw"),
        ("Read_Execute", "rx"),
        ("WRITE_EXECUTE", "wx"),
        ("ALL", "rwx"),
        ("OWNER", "rwx"),
    ],
)
def test_granting(bench: Bench, shared: str, word: str, letters: str) -> None:
    (line,) = grant(bench, f"{shared}/dir", THIRD, word)
    assert (line["username"], rights(line), line["recursive"]) == (THIRD, letters, False)
    assert pems(bench, f"{shared}/dir")[THIRD] == (letters, False)
    (line,) = grant(bench, f"{shared}/dir", THIRD, "NONE")
    assert rights(line) == ""
    assert THIRD not in pems(bench, f"{shared}/dir")


@pytest.mark.parametrize(
    ("fields", "letters"),
    [
        ({"canRead": True, "canWrite": False}, "r"),
        ({"can_read": "false", "can_write": "True"}, "w"),
        ({"read": "1", "write": 0, "execute": True}, "rx"),
        ({"read": False, "write": False, "grantExecute": "true"}, "x"),
        ({"grantAll": True}, "rwx"),
        ({"all": "TRUE", "read": False}, "rwx"),
        ({}, "rw"),
        ({"write": False}, "r"),
    ],
)
def test_granting_by_single_rights(bench: Bench, shared: str, fields: dict[str, Any], letters: str) -> None:
    body = {"username": THIRD} | fields
    (line,) = bench.call("POST", f"pems/system/{shared}/dir", expect=201, body=body)
    assert rights(line) == letters
    nothing = {"username": THIRD, "read": False, "write": False}
    (line,) = bench.call("POST", f"pems/system/{shared}/dir", expect=200, body=nothing)
    assert rights(line) == ""


def test_granting_by_form(bench: Bench, shared: str) -> None:
    body = f"username={THIRD}&permission=READ&recursive=true"
    (line,) = bench.call("POST", f"pems/system/{shared}/dir", expect=201, body=body, headers=FORM)
    assert (rights(line), line["recursive"]) == ("r", True)


def test_recursive_grants_reach_what_is_below_now_and_later(bench: Bench, shared: str) -> None:
    grant(bench, f"{shared}/dir", THIRD, "READ", recursive="True")
    bench.put(shared, "/home/dir/a/b/later")
    for path in ("dir", "dir/file", "dir/a", "dir/a/b/later"):
        assert may(bench, f"{shared}/{path}", THIRD) == "r"
    assert may(bench, f"{shared}/", THIRD) == ""
    grant(bench, f"{shared}/dir/file", THIRD, "ALL")
    assert may(bench, f"{shared}/dir/file", THIRD) == "rwx"
    # of the own and the inherited grant the larger one counts
    grant(bench, f"{shared}/dir/file", THIRD, "EXECUTE")
    assert may(bench, f"{shared}/dir/file", THIRD) == "r"
    grant(bench, f"{shared}/dir", THIRD, "NONE", recursive=True)
    assert may(bench, f"{shared}/dir/file", THIRD) == ""
    # files have nothing below them
    (line,) = grant(bench, f"{shared}/dir/file", THIRD, "READ", recursive=True)
    assert line["recursive"] is False


def test_a_grant_binds_users_of_the_system(bench: Bench, shared: str) -> None:
    """A USER may do all that no grant says otherwise of."""
    assert bench.request("GET", f"media/system/{shared}/dir/file", OTHER).status == 200
    grant(bench, f"{shared}/dir/file", OTHER, "WRITE")
    for path, status in (("media", 403), ("listings", 403), ("history", 403), ("pems", 403)):
        assert bench.request("GET", f"{path}/system/{shared}/dir/file", OTHER).status == status
    assert bench.upload(f"system/{shared}/dir", b"new", "file", OTHER).status == 202
    grant(bench, f"{shared}/dir/file", OTHER, "READ")
    assert bench.request("GET", f"media/system/{shared}/dir/file", OTHER).body == b"new"
    assert bench.request("DELETE", f"media/system/{shared}/dir/file", OTHER).status == 403


def test_grants_on_public_systems(bench: Bench, public: str) -> None:
    bench.put(public, f"/home/{OWNER}/shared/file")
    url = f"media/system/{public}/{OWNER}/shared/file"
    assert bench.request("GET", url, OTHER).status == 403
    grant(bench, f"{public}/{OWNER}/shared", OTHER, "READ", recursive=True)
    assert bench.request("GET", url, OTHER).body == b"content"
    assert bench.request("GET", url, THIRD).status == 403
    grant(bench, f"{public}/{OWNER}/shared", "world", "READ", recursive=True)
    assert bench.request("GET", url, THIRD).status == 200
    assert bench.names(f"system/{public}/{OWNER}/shared", THIRD) == [".", "file"]
    assert bench.request("DELETE", url, THIRD).status == 403


def test_read_only_public_storage(bench: Bench) -> None:
    system = bench.system(public=True, owner=ADMIN, roles={"world": Role.GUEST})
    bench.put(system, "/data/file")
    assert bench.request("GET", f"media/system/{system}//data/file", OTHER).body == b"content"
    assert bench.upload(f"system/{system}/{OTHER}", b"x", "x", OTHER).status == 403
    grant(bench, f"{system}//data", OTHER, "WRITE", ADMIN)
    assert bench.upload(f"system/{system}//data", b"x", "x", OTHER).status == 202


def test_what_owners_and_admins_have_cannot_be_taken(bench: Bench, shared: str) -> None:
    for name in (OWNER, ADMIN):
        (line,) = grant(bench, f"{shared}/dir", name, "READ")
        assert rights(line) == "rwx"
        assert bench.request("GET", f"listings/system/{shared}/dir", name).status == 200


def test_managing_needs_write(bench: Bench, shared: str) -> None:
    grant(bench, f"{shared}/dir", OTHER, "READ_EXECUTE")
    refusal = (403, "User does not have permission to manage permissions on this file for directory.")
    body = {"username": OTHER, "permission": "ALL"}
    assert bench.request("POST", f"pems/system/{shared}/dir", OTHER, body=body).refusal == refusal
    assert bench.request("DELETE", f"pems/system/{shared}/dir", OTHER).refusal == (
        403,
        "User does not have access to change permissions on /home/dir",
    )
    assert pems(bench, f"{shared}/dir")[OTHER] == ("rx", False)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"permission": "READ"}, "No username specified"),
        ({"username": "", "permission": "READ"}, "No username specified"),
        ({"username": "a b", "permission": "READ"}, "Invalid username a b"),
        ({"username": "x" * 65, "permission": "READ"}, f"Invalid username {'x' * 65}"),
        ({"username": "u", "permission": "SOME"}, INVALID_PERMISSION),
        ({"username": "u", "permission": ["READ"]}, INVALID_PERMISSION),
        ({"username": "u", "read": "perhaps"}, INVALID_PERMISSION),
        (
            {"username": "*", "permission": "READ"},
            "The user * stands for all users and can only be given the permission NONE.",
        ),
    ],
)
def test_changes_that_are_refused(bench: Bench, shared: str, body: dict[str, Any], message: str) -> None:
    before = pems(bench, f"{shared}/dir")
    assert bench.request("POST", f"pems/system/{shared}/dir", body=body).refusal == (400, message)
    assert pems(bench, f"{shared}/dir") == before


def test_an_empty_change(bench: Bench, shared: str) -> None:
    assert bench.request("POST", f"pems/system/{shared}/dir", body=b"").refusal == (
        400,
        "No content found. application/json should be sent in the raw as the  content of the request body.",
    )


def test_dropping_all(bench: Bench, shared: str) -> None:
    for name in (THIRD, "u"):
        grant(bench, f"{shared}/dir", name, "READ")
        grant(bench, f"{shared}/dir/file", name, "READ")
    answer = bench.request("DELETE", f"pems/system/{shared}/dir")
    assert answer.status == 200
    assert set(answer.json) == {"status", "message", "version"}
    assert set(pems(bench, f"{shared}/dir")) == {OWNER, OTHER}
    assert set(pems(bench, f"{shared}/dir/file")) == {OWNER, OTHER, THIRD, "u"}
    bench.call("DELETE", f"pems/system/{shared}/dir?recursive=true")
    assert set(pems(bench, f"{shared}/dir/file")) == {OWNER, OTHER}


def test_dropping_ones_own(bench: Bench, shared: str) -> None:
    grant(bench, f"{shared}/dir", OTHER, "READ_WRITE")
    grant(bench, f"{shared}/dir", THIRD, "READ")
    bench.call("DELETE", f"pems/system/{shared}/dir", OTHER)
    assert pems(bench, f"{shared}/dir") == {OWNER: ("rwx", True), OTHER: ("rwx", True), THIRD: ("r", False)}


def test_dropping_by_star(bench: Bench, shared: str) -> None:
    grant(bench, f"{shared}/dir", THIRD, "READ")
    assert grant(bench, f"{shared}/dir", "*", "NONE") == []
    assert set(pems(bench, f"{shared}/dir")) == {OWNER, OTHER}


def test_changes_are_remembered(bench: Bench, shared: str) -> None:
    grant(bench, f"{shared}/dir", THIRD, "READ_WRITE")
    grant(bench, f"{shared}/dir", THIRD, "NONE")
    bench.call("DELETE", f"pems/system/{shared}/dir")
    assert bench.history(f"system/{shared}/dir") == [
        ("PERMISSION_GRANT", f"READ_WRITE permission granted to {THIRD}"),
        ("PERMISSION_REVOKE", f"All permissions revoked for {THIRD}"),
        ("PERMISSION_REVOKE", "All permissions revoked"),
    ]


def test_what_does_not_exist(bench: Bench, shared: str) -> None:
    where = f"pems/system/{shared}/nope"
    missing = (404, "File/folder does not exist")
    assert bench.request("GET", where).refusal == missing
    assert bench.request("POST", where, body={"username": "u", "permission": "READ"}).refusal == missing
    assert bench.request("DELETE", where).refusal == (404, "Failed to remove permissions.")
    assert bench.request("DELETE", f"pems/system/{shared}/dir/file").status == 200


def test_permissions_go_with_the_file_and_end_with_it(bench: Bench, shared: str) -> None:
    grant(bench, f"{shared}/dir", THIRD, "READ", recursive=True)
    bench.call("PUT", f"media/system/{shared}/dir", body={"action": "rename", "path": "new"})
    assert may(bench, f"{shared}/new/file", THIRD) == "r"
    bench.put(shared, "/home/dir/file")
    assert may(bench, f"{shared}/dir/file", THIRD) == ""
    bench.call("DELETE", f"media/system/{shared}/new")
    bench.put(shared, "/home/new/file")
    assert may(bench, f"{shared}/new/file", THIRD) == ""
