"""What a submission answers and stores [jobs §2-§4, job-lifecycle §4, §8]."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from emulator.domain.inputs import SourceKind
from emulator.domain.job import Job
from emulator.domain.states import JobState
from emulator.domain.system import Queue, Role
from tests.contract.job_submit.conftest import (
    APP_ID,
    CLUSTER,
    LOGIN_NODE,
    OTHER_STORAGE,
    OWNER,
    STORAGE,
    WORLD,
    Desk,
)

KEYS = [
    "id", "name", "tenantId", "tenantQueue", "status", "lastStatusMessage", "accepted", "created",
    "ended", "lastUpdated", "owner", "roles", "systemId", "appId", "appUuid", "workPath", "archive",
    "archiveOnAppError", "archivePath", "archiveSystem", "nodeCount", "processorsPerNode",
    "memoryPerNode", "maxHours", "inputs", "parameters", "remoteJobId", "schedulerJobId", "remoteQueue",
    "remoteSubmitted", "remoteStarted", "remoteEnded", "remoteOutcome", "submitRetries",
    "remoteStatusChecks", "failedStatusChecks", "lastStatusCheck", "blockedCount", "visible", "_links",
]  # fmt: skip


def test_the_answer_shows_a_job_that_nobody_has_looked_at(desk: Desk) -> None:
    made = desk.submit(memoryPerNode="2", nodeCount=2, maxRunTime="01:30:00", parameters={"count": "7"})
    assert list(made) == KEYS
    job_id = made["id"]
    assert job_id.endswith("-007") and len(job_id) == 40
    assert made["accepted"] == made["lastUpdated"] and made["accepted"].endswith("Z")
    links = made.pop("_links")
    assert {
        key: value for key, value in made.items() if key not in ("id", "accepted", "lastUpdated", "appUuid")
    } == {
        "name": "My job",
        "tenantId": "tacc.prod",
        "tenantQueue": "aloe.jobq.tacc.prod.submit.DefaultQueue",
        "status": "ACCEPTED",
        "lastStatusMessage": "JOBS_ACCEPTED Job accepted for processing.",
        "created": None,
        "ended": None,
        "owner": OWNER,
        "roles": "Internal/everyone,Internal/subscriber",
        "systemId": None,
        "appId": APP_ID,
        "workPath": None,
        "archive": True,
        "archiveOnAppError": False,
        "archivePath": f"{OWNER}/archive/jobs/job-{job_id}",
        "archiveSystem": STORAGE,
        "nodeCount": 0,
        "processorsPerNode": 0,
        "memoryPerNode": 0.0,
        "maxHours": 1.5,
        "inputs": {"model": "/apps/classify/wrapper.sh"},
        "parameters": {"count": 7, "mode": "fast"},
        "remoteJobId": None,
        "schedulerJobId": None,
        "remoteQueue": None,
        "remoteSubmitted": None,
        "remoteStarted": None,
        "remoteEnded": None,
        "remoteOutcome": None,
        "submitRetries": 0,
        "remoteStatusChecks": 0,
        "failedStatusChecks": 0,
        "lastStatusCheck": None,
        "blockedCount": 0,
        "visible": True,
    }
    base = "http://localhost/"
    assert links == {
        "self": {"href": f"{base}jobs/v2/{job_id}"},
        "app": {"href": f"{base}apps/v2/{APP_ID}"},
        "executionSystem": {},
        "archiveSystem": {"href": f"{base}systems/v2/{STORAGE}"},
        "archiveData": {"href": f"{base}jobs/v2/{job_id}/outputs/listings"},
        "owner": {"href": f"{base}profiles/v2/{OWNER}"},
        "permissions": {"href": f"{base}jobs/v2/{job_id}/pems"},
        "history": {"href": f"{base}jobs/v2/{job_id}/history"},
        "metadata": {
            "href": f"{base}meta/v2/data/?q=%7B%22associationIds%22%3A%22{job_id}%22%7D",
        },
        "notifications": {"href": f"{base}notifications/v2/?associatedUuid={job_id}"},
    }


def test_the_record_is_there_as_pending_before_the_answer_leaves(desk: Desk) -> None:
    made = desk.submit(nodeCount=2)
    shown = desk.get(f"/jobs/v2/{made['id']}")
    assert list(shown) == KEYS
    assert shown["status"] == "PENDING"
    assert (
        shown["lastStatusMessage"] == "Transitioning from status ACCEPTED to PENDING in phase STAGING_INPUTS."
    )
    assert shown["created"] >= shown["accepted"] == made["accepted"]
    assert (shown["nodeCount"], shown["processorsPerNode"], shown["remoteQueue"]) == (2, 1, "normal")
    assert (shown["maxHours"], shown["memoryPerNode"], shown["systemId"], shown["workPath"]) == (
        10,
        0,
        None,
        None,
    )
    (entry,) = desk.get(f"/jobs/v2/{made['id']}/history")
    assert (entry["status"], entry["description"]) == ("PENDING", "Job processing beginning")
    assert entry["createdBy"] == OWNER
    assert desk.woken == [made["id"]]


def at(job: Job, status: JobState, desk: Desk, **changes: Any) -> Any:
    with desk.store.write() as tx:
        tx.jobs.update(job.id, status=status, **changes)
    return desk.get(f"/jobs/v2/{job.id}")


def test_what_was_planned_is_shown_when_its_time_has_come(desk: Desk) -> None:
    job = desk.submitted(archivePath="out/${JOB_NAME}-${JOB_ID}", memoryPerNode="1.5GB")
    for early in (JobState.PENDING, JobState.PROCESSING_INPUTS):
        shown = at(job, early, desk)
        assert shown["archivePath"] == "out/${JOB_NAME}-${JOB_ID}"
        assert (shown["systemId"], shown["memoryPerNode"], shown["workPath"]) == (None, 0.0, None)
        assert shown["_links"]["executionSystem"] == {}
    for later in (JobState.STAGING_INPUTS, JobState.STAGED, JobState.STAGING_JOB):
        shown = at(job, later, desk)
        assert shown["archivePath"] == f"out/my-job-{job.id}"
        assert (shown["systemId"], shown["memoryPerNode"], shown["workPath"]) == (CLUSTER, 1.5, None)
        assert shown["_links"]["executionSystem"]["href"].endswith(f"/systems/v2/{CLUSTER}")
    for submitted in (JobState.SUBMITTING, JobState.RUNNING, JobState.FAILED):
        assert at(job, submitted, desk)["workPath"] == f"/scratch/{OWNER}/job-{job.id}-my-job"
    blocked = at(job, JobState.BLOCKED, desk, blocked_from=JobState.PENDING)
    assert (blocked["systemId"], blocked["workPath"]) == (None, None)


def test_the_outputs_are_linked_where_they_are(desk: Desk) -> None:
    job = desk.submitted(archivePath="/out/a b")
    listings = f"http://localhost/jobs/v2/{job.id}/outputs/listings"
    assert at(job, JobState.RUNNING, desk)["_links"]["archiveData"]["href"] == listings
    assert at(job, JobState.FAILED, desk)["_links"]["archiveData"]["href"] == listings
    ended = at(job, JobState.FINISHED, desk, archived=True)
    assert ended["_links"]["archiveData"]["href"] == (
        f"http://localhost/files/v2/listings/system/{STORAGE}//out/a%20b"
    )


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, (1, 1, 1, 32.0, 36000)),
        ({"memoryPerNode": "1"}, (1, 1, 1, 1.0, 36000)),
        ({"memoryPerNode": "200MB"}, (1, 1, 1, 200 / 1024, 36000)),
        ({"memoryPerNode": "1.5GB"}, (1, 1, 1, 1.5, 36000)),
        ({"memoryPerNode": 2}, (1, 1, 1, 2.0, 36000)),
        ({"nodeCount": "3", "maxRunTime": "0:00:05"}, (3, 1, 3, 32.0, 5)),
        ({"nodeCount": 2, "processorsOnEachNode": 4}, (2, 4, 8, 32.0, 36000)),
        ({"nodeCount": 2, "processorOnEachNode": 4}, (2, 4, 8, 32.0, 36000)),
        ({"nodeCount": 2, "processorsPerNode": 7}, (2, 7, 7, 32.0, 36000)),
        ({"nodeCount": 2, "processorsPerNode": 7, "processorsOnEachNode": 3}, (2, 3, 6, 32.0, 36000)),
        (
            {"memoryPerNode": None, "batchQueue": "", "maxRunTime": " ", "nodeCount": None},
            (1, 1, 1, 32.0, 36000),
        ),
    ],
)
def test_what_the_job_asks_for(desk: Desk, fields: dict[str, Any], expected: tuple[Any, ...]) -> None:
    plan = desk.submitted(**fields).plan
    assert (
        plan.node_count,
        plan.processors_per_node,
        plan.total_processors,
        plan.memory_per_node,
        plan.max_run_seconds,
    ) == expected
    assert plan.queue is not None and plan.queue.name == "normal"


def test_the_apps_wishes_come_before_the_queues(desk: Desk) -> None:
    desk.change_app(
        default_queue="long",
        default_node_count=2,
        default_processors_per_node=3,
        default_memory_per_node=4.0,
        default_max_run_time="02:00:00",
    )
    plan = desk.submitted().plan
    assert plan.queue is not None and plan.queue.name == "long"
    assert (plan.node_count, plan.processors_per_node, plan.total_processors) == (2, 3, 6)
    assert (plan.memory_per_node, plan.max_run_seconds) == (4.0, 7200)
    plan = desk.submitted(batchQueue="normal", nodeCount=1, memoryPerNode="1", maxRunTime="00:01:00").plan
    assert plan.queue is not None and plan.queue.name == "normal"
    assert (plan.node_count, plan.total_processors, plan.memory_per_node, plan.max_run_seconds) == (
        1,
        3,
        1,
        60,
    )


def test_a_plan_says_how_the_script_is_run(desk: Desk) -> None:
    assert desk.submitted().plan.scheduler == "SLURM"
    desk.change_app(execution_type="CLI")
    assert desk.submitted().plan.scheduler == "FORK"
    desk.change_app(execution_system=LOGIN_NODE)
    plan = desk.submitted().plan
    assert (plan.scheduler, plan.queue, plan.max_run_seconds) == ("FORK", None, 0)
    assert plan.work_path.startswith(f"{OWNER}/job-")
    desk.change_app(execution_type="HPC")
    desk.change_system(LOGIN_NODE, scheduler="UNKNOWN")
    assert desk.submitted().plan.scheduler == "FORK"


def test_later_changes_of_the_app_do_not_reach_the_job(desk: Desk) -> None:
    job = desk.submitted()
    desk.change_app(template_path="other.sh", available=False)
    assert desk.job(job.id).plan.app.template_path == "wrapper.sh"


@pytest.mark.parametrize("value", ["pics/a.png", ["pics/a.png"], f"agave://{STORAGE}//home/mao/pics/a.png"])
def test_inputs_are_kept_as_they_were_sent(desk: Desk, value: Any) -> None:
    desk.write(STORAGE, "/home/mao/pics/a.png")
    made = desk.submit(inputs={"picture": value})
    assert made["inputs"] == {"picture": value, "model": "/apps/classify/wrapper.sh"}
    picture, model = desk.job(made["id"]).plan.sources
    assert (picture.system_id, picture.path, picture.name) == (STORAGE, "/home/mao/pics/a.png", "a.png")
    assert (model.path, model.name) == ("/apps/classify/wrapper.sh", "wrapper.sh")


def test_urls_of_this_service_are_files_of_ours(desk: Desk) -> None:
    desk.write(STORAGE, "/home/mao/a b.png")
    url = f"http://localhost/files/v2/media/system/{STORAGE}/a%20b.png"
    (picture, _) = desk.submitted(inputs={"picture": url}).plan.sources
    assert (picture.kind, picture.system_id, picture.path) == (SourceKind.FILE, STORAGE, "/home/mao/a b.png")
    assert picture.uri == url


def test_outputs_of_earlier_jobs_are_inputs(desk: Desk) -> None:
    earlier = desk.submitted()
    url = f"http://localhost/jobs/v2/{earlier.id}/outputs/media/out/../a.png"
    (picture, _) = desk.submitted(inputs={"picture": url}).plan.sources
    assert picture.kind is SourceKind.JOB_OUTPUT
    assert (picture.system_id, picture.path) == (CLUSTER, f"{earlier.plan.work_path}/out/a.png")
    with desk.store.write() as tx:
        tx.jobs.update(earlier.id, status=JobState.FINISHED, archived=True)
    (picture, _) = desk.submitted(inputs={"picture": url}).plan.sources
    assert (picture.system_id, picture.path) == (STORAGE, f"{earlier.plan.archive_path}/out/a.png")


def test_the_name_of_a_whole_directory_is_its_own(desk: Desk) -> None:
    desk.change_app(inputs=(replace(desk_input(desk), validator=None),))
    desk.write(STORAGE, "/home/mao/data/x")
    names = [
        desk.submitted(inputs={"picture": uri}).plan.sources[0].name
        for uri in ("data/", "data/../data/.", f"agave://{STORAGE}", f"agave://{STORAGE}//")
    ]
    assert names == ["data", "data", "mao", STORAGE]


def desk_input(desk: Desk) -> Any:
    with desk.store.read() as tx:
        app = tx.apps.get(WORLD, APP_ID)
    assert app is not None
    return app.inputs[0]


def test_archive_paths(desk: Desk) -> None:
    plan = desk.submitted(archivePath="").plan
    assert not plan.archive_path_given
    plan = desk.submitted(
        archivePath="/home/mao/${APP_ID}/${EXECUTION_SYSTEM}/${BATCH_QUEUE}/${JOB_NAME}/${JOB_NODE_COUNT}"
        "/${JOB_PROCESSORS_PER_NODE}/${JOB_MEMORY_PER_NODE}/${JOB_OWNER}/${ARCHIVE_SYSTEM}/${TENANT_ID}/${OTHER}"
    ).plan
    assert plan.archive_path_given
    assert plan.archive_path == (
        f"/home/mao/{APP_ID}/{CLUSTER}/normal/my-job/1/1/32/{OWNER}/{STORAGE}/tacc.prod/${{OTHER}}"
    )
    made = desk.submit(archivePath="${JOB_CREATED_TIME}")
    assert desk.job(made["id"]).plan.archive_path == made["accepted"]


def test_without_archiving_the_record_still_says_where(desk: Desk) -> None:
    made = desk.submit(archive=False)
    assert (made["archive"], made["archiveSystem"]) == (False, STORAGE)
    assert made["archivePath"].startswith(f"{OWNER}/archive/jobs/job-")
    with desk.store.write() as tx:
        tx.systems.set_user_default(WORLD, OWNER, desk.system(STORAGE).type, None)
    desk.change_app(inputs=())
    made = desk.submit(archive="false", archiveOnAppError="TRUE")
    assert (made["archiveSystem"], made["archiveOnAppError"]) == (None, True)
    assert made["_links"]["archiveSystem"] == {}


def test_notifications_become_subscriptions_and_hear_of_pending(desk: Desk) -> None:
    made = desk.submit(
        notifications=[
            {"url": "http://localhost:1/${JOB_STATUS}", "event": "*", "persistent": True},
            {"url": "mao@localhost", "event": "finished", "policy": {"retryStrategy": "NONE"}},
        ]
    )
    with desk.store.read() as tx:
        every, end = tx.subscriptions.of(WORLD, made["id"])
        assert tx.subscriptions.waiting(WORLD) == 1
    assert (every.url, every.event, every.persistent) == ("http://localhost:1/${JOB_STATUS}", "*", True)
    assert (end.event, end.persistent, end.owner, end.policy.retry_strategy) == (
        "FINISHED",
        False,
        OWNER,
        "NONE",
    )
    assert made["_links"]["notification"] == [
        {"href": f"http://localhost/notifications/v2/{one.id}", "title": one.event} for one in (every, end)
    ]


def test_an_address_alone_is_told_of_the_end(desk: Desk) -> None:
    made = desk.submit(notifications="mao@localhost")
    assert [link["title"] for link in made["_links"]["notification"]] == ["FINISHED", "FAILED", "STOPPED"]


@pytest.mark.parametrize(
    "kind", ["application/octet-stream", "application/x-www-form-urlencoded", "text/plain"]
)
def test_json_is_taken_under_any_content_type(desk: Desk, kind: str) -> None:
    text = json.dumps({"name": "x", "appId": APP_ID})
    assert desk.post(None, data=text, content_type=kind).status_code == 201


def test_json_is_taken_as_an_uploaded_file(desk: Desk) -> None:
    from io import BytesIO

    upload = BytesIO(json.dumps({"name": "x", "appId": APP_ID}).encode())
    response = desk.post(None, data={"fileToUpload": (upload, "job.json")})
    assert response.status_code == 201


@pytest.mark.parametrize("path", ["/jobs/v2/", "/jobs//v2//", "/jobs/v2?pretty=true"])
def test_every_spelling_of_the_path_will_do(desk: Desk, path: str) -> None:
    assert desk.post({"name": "x", "appId": APP_ID}, path=path).status_code == 201


@pytest.mark.parametrize(
    "name", ["with spaces", "émile zoë", "日本語", "line\nbreak", "'quoted' \"twice\"", "x" * 64]
)
def test_any_name_is_kept_as_it_is(desk: Desk, name: str) -> None:
    made = desk.submit(name=name)
    assert made["name"] == name == desk.get(f"/jobs/v2/{made['id']}")["name"]


def test_ids_of_apps_are_found_in_any_case(desk: Desk) -> None:
    assert desk.submit(appId="CLASSIFY-1.0")["appId"] == APP_ID


def test_unknown_fields_are_ignored_when_requests_need_not_be_strict(tmp_path: Path) -> None:
    desk = Desk(tmp_path, strict_request=False)
    try:
        assert desk.submit(executionSystem=CLUSTER, maxMemory="1GB", callbackUrl="x")["name"] == "My job"
        assert desk.refused(dependencies=[]) == (400, "Job dependencies are not yet supported.")
    finally:
        desk.close()


def test_an_archive_on_a_system_of_somebody_else(desk: Desk) -> None:
    desk.grant_role(OTHER_STORAGE, OWNER, Role.USER)
    plan = desk.submitted(archiveSystem=OTHER_STORAGE, archivePath="shared").plan
    assert (plan.archive_system, plan.archive_path) == (OTHER_STORAGE, "shared")


def test_a_queue_without_limits_is_warned_of_once(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    desk.submit()
    assert caplog.messages == []
    desk.change_system(CLUSTER, queues=(Queue(name="free"),))
    desk.submit()
    desk.submit()
    (warning,) = caplog.messages
    assert "queue free of stampede2" in warning
