"""What the clients can ask and do about jobs beyond the course page, through the unmodified clients [clients §3]."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.client.conftest import APP, Page
from tests.live.own_app import register_cluster, register_script

pytestmark = [pytest.mark.xdist_group("course-page"), pytest.mark.sample(6, of="module")]

CLUSTER = "clients.cluster"
WAITER = "#!/bin/sh\nwhile :; do sleep 0.1; done\n"


@pytest.fixture(scope="module")
def waiter(page: Page) -> str:
    """An app that runs until it is stopped."""
    register_cluster(page.api, CLUSTER)
    return register_script(page.api, "waiter", CLUSTER, WAITER)


@pytest.fixture
def running(page: Page, waiter: str) -> str:
    job_id: str = page.api.call("POST", "jobs/v2", json={"name": "waits", "appId": waiter})["id"]
    page.api.wait_for_job(job_id, ("RUNNING",))
    return job_id


def ids(found: list[dict[str, Any]]) -> list[str]:
    return [job["id"] for job in found]


@pytest.mark.parametrize(
    "search",
    [
        ("--name", "start", "testuser.job"),
        ("--name", "end", "IMAGECLASSIFY"),
        ("--name", "like", "*image*"),
        ("--app-id", "eq", APP),
        ("--status", "eq", "FINISHED"),
        ("--created", "after", "2026-01-01"),
        ("--archive", "eq", "True"),
    ],
    ids=" ".join,
)
def test_searches_of_the_command_line(page: Page, finished: dict[str, Any], search: tuple[str, ...]) -> None:
    assert finished["id"] in ids(page.tapis_json("jobs", "search", *search))


def test_a_search_that_finds_nothing(page: Page, finished: dict[str, Any]) -> None:
    assert page.tapis_json("jobs", "search", "--name", "eq", "nothing of the kind") == []


def test_searches_and_filters_of_agavepy(page: Page, finished: dict[str, Any]) -> None:
    search = {"name.like": "*imageclassify", "status": "FINISHED", "appId": APP}
    found = page.agavepy(f"answer = ag.jobs.list(search={search!r}, filter='id,archivePath', limit=250)")
    assert {"id": finished["id"], "archivePath": finished["archivePath"]} in found


def test_permissions_are_granted_listed_and_revoked(page: Page, finished: dict[str, Any]) -> None:
    job_id = finished["id"]
    page.tapis("jobs", "pems", "grant", job_id, "student01", "READ")
    listed = page.tapis_json("jobs", "pems", "list", job_id)
    assert {row["username"]: row["read"] for row in listed} == {"testuser": "True", "student01": "True"}
    # broken in the client, which never asks the jobs service
    done = page.clients.tapis(["jobs", "pems", "show", job_id, "student01"], page.environment)
    assert done.returncode == 1 and "Resource 'meta' has no operation 'listPermissionsForUser'" in done.stderr
    page.tapis("jobs", "pems", "revoke", job_id, "student01")
    assert ids_of_users(page.tapis_json("jobs", "pems", "list", job_id)) == ["testuser"]
    page.tapis("jobs", "pems", "grant", job_id, "student02", "ALL")
    page.tapis("jobs", "pems", "drop", job_id)
    assert ids_of_users(page.tapis_json("jobs", "pems", "list", job_id)) == ["testuser"]
    code = (
        f"ag.jobs.updatePermissions(jobId={job_id!r}, body={{'username': 'student01', 'permission': 'READ'}})\n"
        f"answer = [p['username'] for p in ag.jobs.listPermissions(jobId={job_id!r})]\n"
        f"ag.jobs.deletePermissions(jobId={job_id!r})"
    )
    assert page.agavepy(code) == ["testuser", "student01"]


def ids_of_users(rows: list[dict[str, Any]]) -> list[str]:
    return [row["username"] for row in rows]


def test_a_running_job_is_cancelled(page: Page, running: str) -> None:
    assert "cancel request accepted" in page.tapis("jobs", "cancel", running)
    assert page.api.wait_for_job(running) == "STOPPED"


def test_a_running_job_is_stopped_by_agavepy(page: Page, running: str) -> None:
    page.agavepy(f"ag.jobs.manage(jobId={running!r}, body={{'action': 'stop'}})\nanswer = None")
    assert page.api.wait_for_job(running) == "STOPPED"


def test_a_job_is_hidden_and_shown_again(page: Page) -> None:
    job_id = page.submit(name="out of sight")["id"]
    page.api.wait_for_job(job_id)
    page.tapis("jobs", "hide", job_id)
    assert job_id not in ids(page.tapis_json("jobs", "list"))
    page.tapis("jobs", "unhide", job_id)
    assert job_id in ids(page.tapis_json("jobs", "list"))
    page.agavepy(f"ag.jobs.delete(jobId={job_id!r})\nanswer = None")
    assert job_id not in ids(page.tapis_json("jobs", "list"))


def test_a_job_is_run_again(page: Page, finished: dict[str, Any]) -> None:
    again = page.tapis_json("jobs", "resubmit", finished["id"])
    assert again["id"] != finished["id"]
    assert page.api.wait_for_job(again["id"]) == "FINISHED"
    record = page.api.call("GET", f"jobs/v2/{again['id']}")
    assert record["parameters"] == finished["parameters"]
    assert record["archivePath"] != finished["archivePath"]


def test_a_job_is_drawn_up_and_submitted_as_it_is(page: Page) -> None:
    """``jobs init`` reads app, system and profile; without ``--interactive`` it asks nothing."""
    page.tapis("jobs", "init", APP, "-O", "drawn-up.json", "--duration", "00:10:00", "--no-notify")
    drawn_up = json.loads((page.folder / "drawn-up.json").read_text(encoding="utf-8"))
    assert drawn_up["appId"] == APP
    job_id = page.tapis_json("jobs", "submit", "-F", "drawn-up.json", "-v")["id"]
    assert page.api.wait_for_job(job_id) == "FINISHED"
    record = page.api.call("GET", f"jobs/v2/{job_id}")
    assert (record["name"], record["archive"]) == (drawn_up["name"], drawn_up["archive"])
    assert record["maxHours"] == 0.17
