"""The same request once more [jobs §9]."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.domain.file import Permission
from emulator.domain.job import JobGrant
from emulator.domain.states import JobState
from emulator.domain.system import Role
from tests.contract.job_submit.conftest import APP_ID, CLUSTER, OWNER, STORAGE, Desk


def ended(desk: Desk, **fields: Any) -> str:
    made = desk.submit(**fields)
    with desk.store.write() as tx:
        tx.jobs.update(made["id"], status=JobState.FINISHED)
    return str(made["id"])


def again(desk: Desk, job_id: str, user: str = OWNER) -> Any:
    response = desk.post(None, user, f"/jobs/v2/{job_id}/resubmit", content_type="application/json")
    assert response.status_code == 201, response.text
    return response.json["result"]


def test_a_new_job_of_the_same_request(desk: Desk) -> None:
    desk.write(STORAGE, "/home/mao/a.png")
    fields: dict[str, Any] = {
        "name": "Second try",
        "batchQueue": "long",
        "nodeCount": 2,
        "processorsPerNode": 7,
        "memoryPerNode": "1.5GB",
        "maxRunTime": "00:10:00",
        "archive": True,
        "archiveOnAppError": True,
        "archiveSystem": STORAGE,
        "inputs": {"picture": "http://localhost/files/v2/media/a.png"},
        "parameters": {"count": 4, "verbose": "on"},
        "notifications": [{"url": "mao@localhost", "event": "*", "persistent": True}],
    }
    first = ended(desk, **fields)
    made = again(desk, first)
    assert made["id"] != first
    assert (made["status"], made["created"], made["nodeCount"]) == ("ACCEPTED", None, 0)
    assert [link["title"] for link in made["_links"]["notification"]] == ["*"]
    old, new = desk.job(first), desk.job(made["id"])
    assert new.name == "Second try" and new.status is JobState.PENDING
    assert new.request == old.request
    for name in (
        "app",
        "queue",
        "node_count",
        "processors_per_node",
        "total_processors",
        "memory_per_node",
        "max_run_seconds",
        "archive",
        "archive_on_app_error",
        "archive_system",
        "inputs",
        "sources",
        "parameters",
    ):
        assert getattr(new.plan, name) == getattr(old.plan, name), name
    assert new.plan.archive_path == f"{OWNER}/archive/jobs/job-{new.id}"
    assert desk.woken == [first, new.id]


def test_an_archive_path_that_was_asked_for_stays_with_its_macros_resolved_anew(desk: Desk) -> None:
    made = again(desk, ended(desk, archivePath="out/${JOB_ID}"))
    assert made["archivePath"] == "out/${JOB_ID}"
    assert desk.job(made["id"]).plan.archive_path == f"out/{made['id']}"


def test_hidden_values_are_taken_from_the_app_as_it_is_now(desk: Desk) -> None:
    first = ended(desk)
    desk.change_app(parameters=())
    assert again(desk, first)["parameters"] == {}


def test_everything_is_checked_again(desk: Desk) -> None:
    first = ended(desk, parameters={"count": 1})
    desk.change_app(parameters=())
    response = desk.post(None, path=f"/jobs/v2/{first}/resubmit")
    assert (response.status_code, response.json["message"]) == (400, "Unrecognized parameter count.")
    desk.change_app(available=False)
    response = desk.post({"action": "resubmit"}, path=f"/jobs/v2/{first}")
    assert (response.status_code, response.json["message"]) == (400, "App is not available for execution")
    assert desk.woken == [first]


def test_a_job_that_waits_for_its_first_worker_is_not_resubmitted(desk: Desk) -> None:
    job_id = desk.submit()["id"]
    response = desk.post(None, path=f"/jobs/v2/{job_id}/resubmit")
    assert (response.status_code, response.json["message"]) == (
        400,
        f"Job {job_id} cannot be resubmitted while in status PENDING.",
    )


@pytest.mark.parametrize("permission", ["WRITE", "ALL"])
def test_who_may_write_a_job_resubmits_it_as_an_own_one(desk: Desk, permission: str) -> None:
    first = ended(desk, archiveSystem=STORAGE)
    desk.change_app(inputs=())
    desk.grant_app("student01", Permission(read=True, execute=True))
    desk.grant_role(CLUSTER, "student01", Role.USER)
    desk.grant_role(STORAGE, "student01", Role.USER)
    response = desk.post(None, "student01", f"/jobs/v2/{first}/resubmit")
    assert response.status_code == 403
    with desk.store.write() as tx:
        tx.jobs.set_grant(JobGrant(job_id=first, username="student01", permission=permission))
    made = again(desk, first, "student01")
    assert (made["owner"], made["appId"]) == ("student01", APP_ID)
    assert made["archivePath"] == f"student01/archive/jobs/job-{made['id']}"
