"""Listing, record and status of jobs [jobs §4, §5, §7]."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from emulator.domain.job import Job
from tests.contract.jobs.conftest import RUNNING, Bench
from tests.job_samples import NOON, OWNER, job_id, sample_job

UNKNOWN = "0feb1aa5-01aa-4445-b580-a008064a4c44-007"


def names(found: list[dict[str, Any]]) -> list[str]:
    return [job["name"] for job in found]


# listing


def test_listing_shows_own_jobs_as_summaries_last_updated_first(bench: Bench) -> None:
    bench.add(sample_job(1, **RUNNING), sample_job(3), sample_job(2), sample_job(4, owner="student01"))
    found = bench.get("/jobs/v2")
    assert names(found) == ["classify 3", "classify 2", "classify 1"]
    base = "http://localhost/"
    assert found[0] == {
        "id": job_id(3),
        "name": "classify 3",
        "owner": OWNER,
        "systemId": "tacc.stampede2.testuser",
        "appId": "pearc19-classifier-0.1.0",
        "created": "2026-11-20T12:03:00.000Z",
        "status": "FINISHED",
        "remoteStarted": "2026-11-20T12:03:04.000Z",
        "ended": "2026-11-20T12:03:44.000Z",
        "_links": {
            "self": {"href": f"{base}jobs/v2/{job_id(3)}"},
            "archiveData": {
                "href": f"{base}files/v2/listings/system/tacc.corral.testuser/"
                f"testuser/archive/jobs/job-{job_id(3)}"
            },
        },
    }
    archive_of_running = found[2]["_links"]["archiveData"]["href"]
    assert archive_of_running == f"{base}jobs/v2/{job_id(1)}/outputs/listings"


def test_listing_holds_shared_jobs_and_no_hidden_ones(bench: Bench) -> None:
    bench.add(sample_job(1, visible=False))
    shared = bench.add(sample_job(2, owner="student01"))
    for_all = bench.add(sample_job(3, owner="student02"))
    bench.add(sample_job(4, owner="student02"), sample_job(5))
    bench.grant(shared, OWNER, "READ")
    bench.grant(for_all, "world", "EXECUTE")
    bench.grant(for_all, OWNER, "ALL")
    assert names(bench.get("/jobs/v2")) == ["classify 5", "classify 3", "classify 2"]
    assert names(bench.get("/jobs/v2", "student01")) == ["classify 3", "classify 2"]


def test_admins_list_their_own_but_search_everybodys(bench: Bench) -> None:
    bench.add(sample_job(1), sample_job(2, owner="admin"), sample_job(3, world="elsewhere"))
    assert names(bench.get("/jobs/v2", "admin")) == ["classify 2"]
    assert names(bench.get("/jobs/v2", "admin", **{"name.like": "classify*"})) == ["classify 2", "classify 1"]
    assert names(bench.get("/jobs/v2", "student01", **{"name.like": "classify*"})) == []


def test_pages_are_cut_from_own_and_shared_jobs_together(bench: Bench) -> None:
    for number in range(1, 8):
        job = bench.add(sample_job(number, owner=OWNER if number % 2 else "student01"))
        bench.grant(job, OWNER, "READ")
    seen = [names(bench.get("/jobs/v2", limit=3, offset=offset)) for offset in (0, 3, 6, 9)]
    assert seen == [
        ["classify 7", "classify 6", "classify 5"],
        ["classify 4", "classify 3", "classify 2"],
        ["classify 1"],
        [],
    ]
    assert names(bench.get("/jobs/v2", limit=-2, offset="-1")) == ["classify 6", "classify 5"]
    assert len(bench.get("/jobs/v2", limit="many", offset="x")) == 7


def test_a_page_has_100_jobs_and_never_more_than_250(bench: Bench) -> None:
    bench.add(*(sample_job(number) for number in range(260)))
    assert len(bench.get("/jobs/v2")) == 100
    assert len(bench.get("/jobs/v2", limit=1000)) == 250


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"order": "ASC"}, [1, 2, 3]),
        ({"order": "desc"}, [3, 2, 1]),
        ({"sort": "ASC"}, [1, 2, 3]),
        ({"orderBy": "name", "order": "ASC"}, [3, 1, 2]),
        ({"sortBy": "nodeCount"}, [2, 3, 1]),
        ({"orderBy": "runtime", "order": "ASC"}, [2, 3, 1]),
        ({"orderBy": "startTime"}, [3, 2, 1]),
    ],
)
def test_listing_is_ordered_as_asked(bench: Bench, query: dict[str, str], expected: list[int]) -> None:
    for number, name, nodes in ((1, "b", 1), (2, "c", 3), (3, "a", 2)):
        started = NOON + timedelta(minutes=number)
        bench.add(
            sample_job(
                number,
                name=name,
                plan={"node_count": nodes},
                remote_started=started,
                ended=started + timedelta(seconds=10 * (4 - nodes)),
            )
        )
    assert [job["id"] for job in bench.get("/jobs/v2", **query)] == [job_id(n) for n in expected]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (
            {"order": "UP"},
            'Invalid value for order, "UP". If specified, please provide one of: ASC, DESC',
        ),
        (
            {"orderBy": "colour"},
            'Invalid value for orderBy, "colour". If specified, please provide a valid search field by which to sort.',
        ),
    ],
)
def test_listing_refuses_other_orders(bench: Bench, query: dict[str, str], message: str) -> None:
    assert bench.refused("GET", "/jobs/v2", query_string=query) == (400, message)


def test_a_filter_picks_from_the_full_record(bench: Bench, finished: Job) -> None:
    picked = bench.get("/jobs/v2", filter="id,parameters,_links.archiveSystem.href,nothing")
    assert picked == [
        {
            "id": finished.id,
            "parameters": {"predictions": 5},
            "_links": {"archiveSystem": {"href": "http://localhost/systems/v2/tacc.corral.testuser"}},
        }
    ]
    whole = bench.get("/jobs/v2", filter="*")[0]
    assert whole == bench.get(f"/jobs/v2/{finished.id}")


def test_a_filter_may_use_the_names_from_before_aloe(bench: Bench, finished: Job) -> None:
    wanted = "executionSystem,batchQueue,localId,startTime,submitTime,endTime,retries,outputPath,message"
    record = bench.get(f"/jobs/v2/{finished.id}")
    modern = {
        "executionSystem": record["systemId"],
        "batchQueue": record["remoteQueue"],
        "localId": record["remoteJobId"],
        "startTime": record["remoteStarted"],
        "submitTime": record["remoteSubmitted"],
        "endTime": record["ended"],
        "retries": record["submitRetries"],
        "outputPath": record["workPath"],
        "message": record["lastStatusMessage"],
    }
    assert None not in modern.values()
    assert bench.get("/jobs/v2", filter=wanted) == [modern]
    assert bench.get(f"/jobs/v2/{finished.id}", filter=wanted) == modern


# record and status


def test_record_has_the_keys_of_the_service_in_order(bench: Bench, finished: Job) -> None:
    record = bench.get(f"/jobs/v2/{finished.id}")
    expected = (
        "id name tenantId tenantQueue status lastStatusMessage accepted created ended lastUpdated owner roles "
        "systemId appId appUuid workPath archive archiveOnAppError archivePath archiveSystem nodeCount "
        "processorsPerNode memoryPerNode maxHours inputs parameters remoteJobId schedulerJobId remoteQueue "
        "remoteSubmitted remoteStarted remoteEnded remoteOutcome submitRetries remoteStatusChecks "
        "failedStatusChecks lastStatusCheck blockedCount visible _links"
    )
    assert list(record) == expected.split()


def test_status(bench: Bench, running: Job) -> None:
    assert bench.get(f"/jobs/v2/{running.id}/status") == {
        "id": running.id,
        "status": "RUNNING",
        "_links": {"self": {"href": f"http://localhost/jobs/v2/{running.id}"}},
    }


@pytest.mark.parametrize(
    ("path", "unknown", "hidden", "refused"),
    [
        (
            "",
            "No job found with job id {}.",
            "Job with uuid {} is not visible.",
            "User does not have permission to view this job",
        ),
        (
            "/status",
            "Not job found with job id {}",
            "Not job found with job id {}",
            "User does not have permission to view this job",
        ),
        (
            "/history",
            "No job found with job id {}.",
            "Job with uuid {} is not visible.",
            "User does not have permission to view this job history",
        ),
    ],
)
def test_jobs_that_the_caller_cannot_have(
    bench: Bench, finished: Job, path: str, unknown: str, hidden: str, refused: str
) -> None:
    assert bench.refused("GET", f"/jobs/v2/{UNKNOWN}{path}") == (404, unknown.format(UNKNOWN))
    assert bench.refused("GET", f"/jobs/v2/{finished.id}{path}", "student01") == (403, refused)
    out_of_sight = bench.add(sample_job(2, visible=False))
    for user in (OWNER, "admin"):
        assert bench.refused("GET", f"/jobs/v2/{out_of_sight.id}{path}", user) == (
            404,
            hidden.format(out_of_sight.id),
        )
    elsewhere = bench.add(sample_job(3, world="elsewhere"))
    assert bench.refused("GET", f"/jobs/v2/{elsewhere.id}{path}") == (404, unknown.format(elsewhere.id))


def test_an_empty_id(bench: Bench) -> None:
    assert bench.refused("GET", "/jobs/v2/%20") == (400, "Job id cannot be empty")
    assert bench.refused("GET", "/jobs/v2/%00")[0] == 404
    assert bench.refused("GET", "/jobs/v2/{id}")[1] == "No job found with job id {id}."


@pytest.mark.parametrize("permission", ["READ", "ALL", "READ_WRITE", "READ_EXECUTE"])
def test_readers_see_record_status_and_history(bench: Bench, finished: Job, permission: str) -> None:
    bench.grant(finished, "student01", permission)
    for path in ("", "/status", "/history"):
        bench.get(f"/jobs/v2/{finished.id}{path}", "student01")
        bench.get(f"/jobs/v2/{finished.id}{path}", "admin")


@pytest.mark.parametrize("permission", ["WRITE", "EXECUTE", "WRITE_EXECUTE"])
def test_other_permissions_let_nobody_read(bench: Bench, finished: Job, permission: str) -> None:
    bench.grant(finished, "student01", permission)
    for path in ("", "/status", "/history"):
        assert bench.refused("GET", f"/jobs/v2/{finished.id}{path}", "student01")[0] == 403


def test_a_users_own_permission_stands_before_that_of_world(bench: Bench, finished: Job) -> None:
    bench.grant(finished, "world", "READ")
    bench.grant(finished, "student01", "WRITE")
    assert bench.refused("GET", f"/jobs/v2/{finished.id}", "student01")[0] == 403
    bench.get(f"/jobs/v2/{finished.id}", "student02")


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_verbs_that_jobs_do_not_know(bench: Bench, finished: Job, method: str) -> None:
    for path in ("/jobs/v2", f"/jobs/v2/{finished.id}", f"/jobs/v2/{finished.id}/pems"):
        assert bench.refused(method, path) == (405, f"{method} is not supported")
    assert bench.refused("GET", f"/jobs/v2/{finished.id}/cancel")[0] == 405
    assert bench.refused("POST", f"/jobs/v2/{finished.id}/history")[0] == 405


@pytest.mark.parametrize("path", ["/jobs/v2/trigger/x/y", "/jobs/v2/trigger/x", "/jobs/v2/a/b/c/d"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_paths_that_do_not_exist(bench: Bench, path: str, method: str) -> None:
    response = bench.request(method, path)
    assert response.status_code == 404
    assert response.json["fault"]["code"]
