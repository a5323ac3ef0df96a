"""Jobs that really run, asked about and acted upon while they do and when they have ended [jobs §7-§10]."""

from __future__ import annotations

from typing import Any

import pytest

from tests.live.own_app import register_cluster, register_script
from tests.real.waiting import wait_until
from tests.served import Api

SYSTEM = "queries.cluster"
# says something at once, then waits to be stopped
WAITER = "#!/bin/sh\necho first line\nmkdir sub\necho partial > sub/result.txt\nwhile :; do sleep 0.1; done\n"
WRITER = "#!/bin/sh\necho done\necho 42 > answer.txt\n"


@pytest.fixture(scope="module")
def apps(api: Api) -> dict[str, str]:
    register_cluster(api, SYSTEM)
    return {
        "waiter": register_script(api, "waiter", SYSTEM, WAITER),
        "writer": register_script(api, "writer", SYSTEM, WRITER),
    }


@pytest.fixture
def waiting(api: Api, apps: dict[str, str]) -> str:
    """The id of a job that has written its first outputs and goes on running."""
    job_id = submit(api, apps["waiter"])
    api.wait_for_job(job_id, ("RUNNING",))
    path = f"jobs/v2/{job_id}/outputs/media/sub/result.txt"
    wait_until(lambda: api.request("GET", path).text == "partial\n", 30, "first outputs")
    return job_id


def submit(api: Api, app_id: str, **changes: Any) -> str:
    return str(api.call("POST", "jobs/v2", json={"name": "Hello World", "appId": app_id} | changes)["id"])


def history(api: Api, job_id: str) -> list[str]:
    return [entry["status"] for entry in api.call("GET", f"jobs/v2/{job_id}/history")]


def test_outputs_can_be_followed_and_the_job_stopped(api: Api, waiting: str) -> None:
    outputs = f"jobs/v2/{waiting}/outputs"
    names = [entry["name"] for entry in api.call("GET", f"{outputs}/listings")]
    assert {".agave.archive", "hello-world.ipcexe", "hello-world.out", "sub", "wrapper.sh"} <= set(names)
    part = api.request("GET", f"{outputs}/media/hello-world.out", headers={"Range": "bytes=6-9"})
    assert (part.status_code, part.text) == (206, "line")
    guessed = api.request("GET", f"{outputs}/media/hello-world-{waiting}.out")
    assert guessed.text == "first line\n"

    answer = api.request("POST", f"jobs/v2/{waiting}", json={"action": "stop"}).json()
    assert answer["message"] == f"Job {waiting} cancel request accepted." and "result" not in answer
    assert api.wait_for_job(waiting) == "STOPPED"
    assert history(api, waiting)[-1] == "STOPPED"
    assert api.request("GET", f"{outputs}/media/sub/result.txt").text == "partial\n"
    refused = api.refused("POST", f"jobs/v2/{waiting}/cancel", 400)
    assert refused == f"Job {waiting} is already in a terminal state: STOPPED."


def test_delete_stops_and_hides(api: Api, waiting: str) -> None:
    assert api.call("DELETE", f"jobs/v2/{waiting}") is None
    assert api.refused("GET", f"jobs/v2/{waiting}", 404) == f"Job with uuid {waiting} is not visible."

    def stopped() -> bool:
        found = api.call("GET", f"jobs/v2?visible=false&id={waiting}")
        return [job["status"] for job in found] == ["STOPPED"]

    wait_until(stopped, 30, "the hidden job is stopped")
    api.request("POST", f"jobs/v2/{waiting}/unhide")
    assert history(api, waiting)[-1] == "RESTORED"
    assert "DELETED" in history(api, waiting)


def test_a_finished_job_is_shared_and_run_again(api: Api, student: Api, apps: dict[str, str]) -> None:
    job_id = submit(api, apps["writer"])
    assert api.wait_for_job(job_id) == "FINISHED"
    outputs = f"jobs/v2/{job_id}/outputs"
    assert student.refused("GET", f"{outputs}/listings", 403)
    api.call("POST", f"jobs/v2/{job_id}/pems", json={"username": "student01", "permission": "READ"})
    assert student.request("GET", f"{outputs}/media/answer.txt").text == "42\n"
    assert [job["id"] for job in student.call("GET", "jobs/v2")] == [job_id]
    archived = api.call("GET", f"jobs/v2/{job_id}")["_links"]["archiveData"]["href"]
    assert "/files/v2/listings/system/" in archived
    in_archive = [entry["name"] for entry in api.call("GET", archived.removeprefix(f"{api.url}/"))]
    listed = [entry["name"] for entry in api.call("GET", f"{outputs}/listings")]
    assert sorted(in_archive) == [".", *listed]

    student.refused("POST", f"jobs/v2/{job_id}/resubmit", 403)
    again = api.call("POST", f"jobs/v2/{job_id}/resubmit", 201)
    assert again["id"] != job_id and again["status"] == "ACCEPTED"
    assert api.wait_for_job(again["id"]) == "FINISHED"
    by_body = api.call("POST", f"jobs/v2/{job_id}", 201, data={"action": "resubmit"})
    assert api.wait_for_job(by_body["id"]) == "FINISHED"
    found = api.call("GET", f"jobs/v2?appid={apps['writer']}&status=FINISHED&orderBy=created&order=ASC")
    assert [job["id"] for job in found] == [job_id, again["id"], by_body["id"]]
