"""Permissions on jobs [jobs §8]."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from emulator.domain.file import PERMISSION_WORDS
from emulator.domain.job import Job
from tests.contract.jobs.conftest import Bench, opened
from tests.job_samples import OWNER, sample_job

pytestmark = pytest.mark.sample(3)

UNKNOWN = "0feb1aa5-01aa-4445-b580-a008064a4c44-007"
VIEW_REFUSED = "User does not have permission to view this resource"
CHANGE_REFUSED = "User does not have permission to modify this resource."
BAD_WORD = (
    "Invalid permission value. Valid values are: ALL, READ, WRITE, READ_WRITE, EXECUTE, READ_EXECUTE, "
    "WRITE_EXECUTE,NONE"
)


def entry(job: Job, username: str, read: bool, write: bool) -> dict[str, Any]:
    base = "http://localhost/"
    return {
        "username": username,
        "internalUsername": None,
        "permission": {"read": read, "write": write},
        "_links": {
            "self": {"href": f"{base}jobs/v2/{job.id}/pems/{username}"},
            "parent": {"href": f"{base}jobs/v2/{job.id}"},
            "profile": {"href": f"{base}profiles/v2/{username}"},
        },
    }


def shown(bench: Bench, job: Job) -> dict[str, tuple[bool, bool]]:
    found = bench.get(f"/jobs/v2/{job.id}/pems")
    return {one["username"]: (one["permission"]["read"], one["permission"]["write"]) for one in found}


def test_the_owner_comes_first(bench: Bench, finished: Job) -> None:
    bench.grant(finished, "admin", "READ")
    bench.grant(finished, "student01", "WRITE_EXECUTE")
    path = f"/jobs/v2/{finished.id}/pems"
    found = bench.get(path)
    assert found == [
        entry(finished, OWNER, True, True),
        entry(finished, "admin", True, False),
        entry(finished, "student01", False, True),
    ]
    assert [one["username"] for one in bench.get(path, limit=1, offset=1)] == ["admin"]


def test_one_users_permission(bench: Bench, finished: Job) -> None:
    bench.grant(finished, "student01", "READ")
    path = f"/jobs/v2/{finished.id}/pems"
    assert bench.get(f"{path}/{OWNER}") == entry(finished, OWNER, True, True)
    assert bench.get(f"{path}/student01") == entry(finished, "student01", True, False)
    message = "No permissions found for user student02"
    assert bench.refused("GET", f"{path}/student02") == (404, message)


@pytest.mark.parametrize("word", [word for word in PERMISSION_WORDS if word != "NONE"])
def test_grant(bench: Bench, finished: Job, word: str) -> None:
    read, write = word == "ALL" or "READ" in word, word == "ALL" or "WRITE" in word
    granted = bench.call(
        "POST",
        f"/jobs/v2/{finished.id}/pems",
        expect=201,
        json={"username": "student01", "permission": word.lower()},
    )
    assert granted == entry(finished, "student01", read, write)
    assert bench.events(finished) == [("PERMISSION_GRANT", f"{word} permission granted to student01", OWNER)]


@pytest.mark.parametrize(
    "options",
    [
        {"json": {"permission": "READ"}},
        {"data": {"permission": "READ"}},
        {"json": {"permission": "READ", "username": "student01"}},
        {"json": {"permission": "READ", "username": ""}},
        {"data": '{"permission":"READ"}', "content_type": "application/x-www-form-urlencoded"},
    ],
)
def test_grant_to_the_user_of_the_url(bench: Bench, finished: Job, options: dict[str, Any]) -> None:
    granted = bench.call("POST", f"/jobs/v2/{finished.id}/pems/student01", expect=201, **options)
    assert granted == entry(finished, "student01", True, False)


def test_a_new_grant_replaces_the_old_one(bench: Bench, finished: Job) -> None:
    path = f"/jobs/v2/{finished.id}/pems/student01"
    for word, expected in (("WRITE", (False, True)), ("READ", (True, False))):
        bench.call("POST", path, expect=201, json={"permission": word})
        assert shown(bench, finished)["student01"] == expected


@pytest.mark.parametrize("permission", ["", None, "none", "NONE"])
def test_a_grant_of_nothing_revokes(bench: Bench, finished: Job, permission: str | None) -> None:
    bench.grant(finished, "student01", "ALL")
    path = f"/jobs/v2/{finished.id}/pems/student01"
    for _ in range(2):  # the second time there is nothing to revoke
        answer = bench.call("POST", path, json={"permission": permission})
        assert answer == entry(finished, "student01", False, False)
    assert shown(bench, finished) == {OWNER: (True, True)}
    assert bench.events(finished) == [("PERMISSION_REVOKE", "All permissions revoked for student01", OWNER)]


def test_delete_of_one_users_permission(bench: Bench, finished: Job) -> None:
    bench.grant(finished, "student01", "ALL")
    bench.grant(finished, "student02", "READ")
    for _ in range(2):
        assert bench.message("DELETE", f"/jobs/v2/{finished.id}/pems/student01") is None
    assert shown(bench, finished) == {OWNER: (True, True), "student02": (True, False)}
    assert [event[1] for event in bench.events(finished)] == ["All permissions revoked for student01"]


def test_delete_of_all_permissions(bench: Bench, finished: Job) -> None:
    bench.grant(finished, "student01", "ALL")
    bench.grant(finished, "world", "READ")
    for _ in range(2):
        assert bench.message("DELETE", f"/jobs/v2/{finished.id}/pems") is None
    assert shown(bench, finished) == {OWNER: (True, True)}
    assert bench.events(finished) == [("PERMISSION_REVOKE", "All permissions revoked", OWNER)]
    assert bench.refused("GET", f"/jobs/v2/{finished.id}", "student01")[0] == 403


def test_nothing_changes_for_the_owner(bench: Bench, finished: Job) -> None:
    path = f"/jobs/v2/{finished.id}/pems/{OWNER}"
    assert bench.call("POST", path, expect=201, json={"permission": "READ"}) == entry(
        finished, OWNER, True, True
    )
    bench.call("POST", path, expect=201, json={"permission": "NONE"})
    bench.message("DELETE", path)
    assert shown(bench, finished) == {OWNER: (True, True)}
    assert bench.events(finished) == []


@pytest.mark.parametrize(
    ("tail", "body", "status", "message"),
    [
        ("", {"permission": "READ"}, 400, "Missing username field."),
        ("", {"username": None, "permission": "READ"}, 400, "Missing username field."),
        ("", {}, 400, "Missing username field."),
        ("", {"username": "student01"}, 400, "Missing permission field."),
        ("/student01", {}, 400, "Missing permission field."),
        ("", {"username": "nobody", "permission": "READ"}, 404, "No user found matching nobody"),
        ("", {"username": 5, "permission": "READ"}, 404, "No user found matching 5"),
        ("/nobody", {"permission": "READ"}, 404, "No user found matching nobody"),
        ("/student01", {"permission": "RULE"}, 400, BAD_WORD),
        ("/student01", {"permission": ["READ"]}, 400, BAD_WORD),
        (
            "/student01",
            {"username": "student02", "permission": "READ"},
            400,
            "The username value in the POST body, student02, does not match the username in the URL, student01",
        ),
    ],
)
def test_refused_grants(
    bench: Bench, finished: Job, tail: str, body: dict[str, Any], status: int, message: str
) -> None:
    refused = bench.refused("POST", f"/jobs/v2/{finished.id}/pems{tail}", json=body)
    assert refused == (status, message)
    assert shown(bench, finished) == {OWNER: (True, True)}
    assert bench.events(finished) == []


def test_everybody_and_unknown_users_where_they_are_allowed(tmp_path: Path) -> None:
    with opened(tmp_path, strict_usernames=False) as bench:
        job = bench.add(sample_job(1))
        for name in ("world", "public", "stranger"):
            bench.call("POST", f"/jobs/v2/{job.id}/pems/{name}", expect=201, json={"permission": "READ"})
        assert bench.refused("POST", f"/jobs/v2/{job.id}/pems/a%20b", json={"permission": "READ"})[0] == 404


CALLS = [
    ("GET", "", None),
    ("GET", "/student02", None),
    ("POST", "", {"username": "student02", "permission": "READ"}),
    ("POST", "/student02", {"permission": "READ"}),
    ("DELETE", "", None),
    ("DELETE", "/student02", None),
]
# permission of the caller -> may view, may change
RIGHTS = {
    None: (False, False),
    "READ": (True, False),
    "WRITE": (False, True),
    "EXECUTE": (False, False),
    "READ_WRITE": (True, True),
    "READ_EXECUTE": (True, False),
    "WRITE_EXECUTE": (False, True),
    "ALL": (True, True),
}


@pytest.mark.parametrize(("method", "tail", "body"), CALLS)
@pytest.mark.parametrize("permission", RIGHTS)
def test_who_may_view_and_change(
    bench: Bench, finished: Job, method: str, tail: str, body: dict[str, str] | None, permission: str | None
) -> None:
    bench.grant(finished, "student02", "READ")
    if permission:
        bench.grant(finished, "student01", permission)
    before = bench.events(finished)
    path = f"/jobs/v2/{finished.id}/pems{tail}"
    response = bench.request(method, path, "student01", json=body)
    view, change = RIGHTS[permission]
    if view if method == "GET" else change:
        assert response.status_code in (200, 201)
    else:
        message = VIEW_REFUSED if method == "GET" else CHANGE_REFUSED
        assert (response.status_code, response.json["message"]) == (403, message)
        assert bench.events(finished) == before
    assert bench.request(method, path, "admin", json=body).status_code in (200, 201, 404)


@pytest.mark.parametrize(("method", "tail", "body"), CALLS)
def test_jobs_that_are_not_there(bench: Bench, method: str, tail: str, body: dict[str, str] | None) -> None:
    hidden = bench.add(sample_job(1, visible=False))
    for job_id, message in (
        (UNKNOWN, f"No job found with job id {UNKNOWN}."),
        (hidden.id, f"Job with uuid {hidden.id} is not visible."),
    ):
        assert bench.refused(method, f"/jobs/v2/{job_id}/pems{tail}", json=body) == (404, message)


def test_a_permission_is_worth_something(bench: Bench, finished: Job) -> None:
    assert bench.refused("GET", f"/jobs/v2/{finished.id}", "student01")[0] == 403
    bench.call("POST", f"/jobs/v2/{finished.id}/pems/world", expect=201, json={"permission": "READ"})
    bench.get(f"/jobs/v2/{finished.id}", "student01")
    bench.call("POST", f"/jobs/v2/{finished.id}/pems/world", json={"permission": ""})
    assert bench.refused("GET", f"/jobs/v2/{finished.id}", "student01")[0] == 403
