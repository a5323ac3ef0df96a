"""``jobs.profile: legacy``: jobs as clients of the service before Aloe knew them [jobs §4, job-lifecycle §5, §7]."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.live.own_app import register_cluster, register_script
from tests.real.webhook_sink import WebhookSink
from tests.served import Api, served

CHICAGO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}-0[56]:00")
WHOLE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000-0[56]:00")
CLUSTER = "legacy.cluster"
HISTORY = [
    ("PENDING", "Job accepted and queued for submission."),
    ("PROCESSING_INPUTS", "Identifying input files for staging"),
    ("PROCESSING_INPUTS", "Attempt 1 to stage job inputs"),
    ("STAGED", "Job inputs staged to execution system"),
    ("STAGING_JOB", "Staging runtime assets to execution system"),
    ("SUBMITTING", "Preparing job for execution and staging assets to execution system"),
    ("SUBMITTING", "Attempt 1 to submit job"),
    ("QUEUED", "Job successfully placed into queue"),
    ("RUNNING", "Job started running"),
    ("CLEANING_UP", "Job completed execution"),
    ("ARCHIVING", "Transferring job output to archive system"),
    ("ARCHIVING", "Attempt 1 to archive job output"),
    ("ARCHIVING_FINISHED", "Job archiving complete"),
    ("FINISHED", "Job complete"),
]


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with served(tmp_path_factory.mktemp("legacy"), jobs_profile="legacy") as emulator:
        api = Api(emulator.url)
        register_cluster(api, CLUSTER)
        register_script(api, "old", CLUSTER, "echo hello >out.txt\n")
        yield api


def submit(api: Api, **changes: Any) -> dict[str, Any]:
    answer: dict[str, Any] = api.call(
        "POST", "jobs/v2", 201, json={"name": "old job", "appId": "old-1.0", **changes}
    )
    return answer


@pytest.fixture(scope="module")
def finished(api: Api) -> dict[str, Any]:
    job_id = submit(api)["id"]
    assert api.wait_for_job(job_id) == "FINISHED"
    record: dict[str, Any] = api.call("GET", f"jobs/v2/{job_id}")
    return record


def test_the_answer_to_a_submission_is_the_record(api: Api) -> None:
    answer = submit(api)
    assert answer["executionSystem"] == CLUSTER and answer["status"] == "PENDING"
    assert answer["message"] == "Job accepted and queued for submission."
    api.wait_for_job(answer["id"])


def test_the_record_has_its_older_names_and_formats(finished: dict[str, Any]) -> None:
    modern = {
        "systemId",
        "remoteQueue",
        "remoteJobId",
        "remoteStarted",
        "remoteSubmitted",
        "ended",
        "maxHours",
    }
    assert not {*finished} & (modern | {"archiveOnAppError", "lastStatusMessage", "blockedCount", "accepted"})
    assert finished["executionSystem"] == CLUSTER
    assert finished["message"] == "Job complete"
    assert finished["retries"] == 0 and re.fullmatch(r"\d+", finished["localId"])
    assert finished["outputPath"].endswith(f"job-{finished['id']}-old-job")
    assert re.fullmatch(r"\d+:\d\d:\d\d", finished["maxRunTime"])
    for name in ("submitTime", "startTime", "endTime"):
        assert CHICAGO.fullmatch(finished[name]), finished[name]
    for name in ("created", "lastUpdated"):
        assert WHOLE.fullmatch(finished[name]), finished[name]


def test_listings_have_older_names_and_full_records_with_a_filter(api: Api, finished: dict[str, Any]) -> None:
    (line,) = [job for job in api.call("GET", "jobs/v2") if job["id"] == finished["id"]]
    assert list(line) == [
        "id",
        "name",
        "owner",
        "executionSystem",
        "appId",
        "created",
        "status",
        "startTime",
        "endTime",
        "_links",
    ]
    assert line["endTime"] == finished["endTime"]
    (picked,) = api.call("GET", f"jobs/v2?id={finished['id']}&filter=id,localId,remoteJobId,systemId")
    assert picked == {
        "id": finished["id"],
        "localId": finished["localId"],
        "remoteJobId": finished["localId"],
        "systemId": CLUSTER,
    }


def test_the_history_has_the_older_texts_attempts_and_events(api: Api, finished: dict[str, Any]) -> None:
    entries = api.call("GET", f"jobs/v2/{finished['id']}/history")
    told = [(entry["status"], entry["description"]) for entry in entries if "progress" not in entry]
    assert told == HISTORY
    assert all(CHICAGO.fullmatch(entry["created"]) for entry in entries)
    found = api.call("GET", f"jobs/v2/{finished['id']}/history?status=ARCHIVING_FINISHED")
    assert [entry["description"] for entry in found] == ["Job archiving complete"]


def test_outputs_are_dated_in_chicago(api: Api, finished: dict[str, Any]) -> None:
    (entry,) = api.call("GET", f"jobs/v2/{finished['id']}/outputs/listings/out.txt")
    assert CHICAGO.fullmatch(entry["lastModified"])


@pytest.mark.parametrize("form", ["resubmit", ""])
def test_a_resubmission_is_202(api: Api, finished: dict[str, Any], form: str) -> None:
    body = {} if form else {"json": {"action": "resubmit"}}
    again = api.call("POST", f"jobs/v2/{finished['id']}/{form}", 202, **body)
    assert again["id"] != finished["id"] and again["executionSystem"] == CLUSTER
    api.wait_for_job(again["id"])


def test_subscribers_hear_of_the_older_events(api: Api) -> None:
    with WebhookSink() as sink:
        wanted = [{"url": f"{sink.url}/x?e=${{EVENT}}", "event": "ARCHIVING_FINISHED", "persistent": True}]
        job_id = submit(api, notifications=wanted)["id"]
        (hook,) = sink.hooks.wait_for(1)
        assert hook.path == "/x?e=ARCHIVING_FINISHED" and hook.json["id"] == job_id


def test_outputs_that_cannot_be_archived_do_not_fail_the_job(api: Api, finished: dict[str, Any]) -> None:
    """The archive folder is taken by a file while the job runs."""
    script = "mkdir -p taken\nwhile [ ! -e go ]; do sleep 0.05; done\n"
    app = register_script(api, "waits", CLUSTER, script)
    job = api.call(
        "POST",
        "jobs/v2",
        json={
            "name": "kept",
            "appId": app,
            "maxRunTime": "00:01:00",
            "archivePath": "/home/testuser/blocked/outputs",
        },
    )
    api.wait_for_job(job["id"], ("RUNNING",))
    path = api.call("GET", f"jobs/v2/{job['id']}")["outputPath"]
    archive = f"files/v2/media/system/{job['archiveSystem']}//home/testuser"
    api.call("POST", archive, files={"fileToUpload": ("blocked", b"a file")})
    api.call("POST", f"files/v2/media/system/{CLUSTER}/{path}", files={"fileToUpload": ("go", b"")})
    assert api.wait_for_job(job["id"]) == "FINISHED"
    record = api.call("GET", f"jobs/v2/{job['id']}")
    assert record["message"] == "Job completed, but failed to archive output."
    events = [entry["status"] for entry in api.call("GET", f"jobs/v2/{job['id']}/history")]
    assert events[-2:] == ["ARCHIVING_FAILED", "FINISHED"]
    names = [entry["name"] for entry in api.call("GET", f"jobs/v2/{job['id']}/outputs/listings")]
    assert "taken" in names


def test_the_other_profile_knows_none_of_this(tmp_path_factory: pytest.TempPathFactory) -> None:
    with served(tmp_path_factory.mktemp("aloe")) as emulator:
        api = Api(emulator.url)
        register_cluster(api, CLUSTER)
        register_script(api, "old", CLUSTER, "true\n")
        job_id = submit(api)["id"]
        assert api.wait_for_job(job_id) == "FINISHED"
        record = api.call("GET", f"jobs/v2/{job_id}")
        assert "localId" not in record and record["ended"].endswith("Z")
        told = {entry["status"] for entry in api.call("GET", f"jobs/v2/{job_id}/history")}
        assert "ARCHIVING_FINISHED" not in told
