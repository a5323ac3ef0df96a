"""Searches for jobs, in the query string and in the path [jobs §6]."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from emulator.domain.job import Job
from emulator.domain.states import JobState
from emulator.domain.system import Queue
from tests.contract.jobs.conftest import Bench, opened
from tests.job_samples import NOON, OWNER, job_id, sample_job

ALL = {1, 2, 3}


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Jobs 1 to 3; shared by tests that only read."""
    with opened(tmp_path_factory.mktemp("three")) as bench:
        yield with_three(bench)


def with_three(bench: Bench) -> Bench:
    """Add the jobs 1 to 3, which differ in everything that can be searched for."""
    bench.add(
        sample_job(1, name="alpha", plan={"node_count": 1, "memory_per_node": 1.5, "max_run_seconds": 3600}),
        sample_job(
            2,
            name="Beta_x 100%",
            status=JobState.FAILED,
            last_status_message="APPS_USER_APP_FAILURE Failure indicated",
            app_id="other-2.0",
            remote_job_id="77",
            scheduler_job_id="s-1",
            submit_retries=2,
            archived=False,
            plan={
                "execution_system": "cluster.two",
                "queue": Queue(name="big"),
                "node_count": 4,
                "processors_per_node": 16,
                "memory_per_node": 192.0,
                "max_run_seconds": 7200,
                "archive": False,
                "archive_system": None,
                "work_path": "/work/two",
                "archive_path": "two/archive",
                "inputs": {"picture": "agave://corral/Cat.png"},
                "parameters": {"predictions": 9, "note": "naïve"},
            },
        ),
        sample_job(
            3,
            name="gamma",
            status=JobState.RUNNING,
            ended=None,
            remote_ended=None,
            archived=False,
            remote_started=NOON + timedelta(days=1),
        ),
    )
    return bench


def numbers(found: list[dict[str, Any]]) -> set[int]:
    return {int(job["id"][:8], 16) for job in found}


@pytest.mark.parametrize(
    ("term", "value", "expected"),
    [
        # every term
        ("id", job_id(2).upper(), {2}),
        ("name", "ALPHA", {1}),
        ("owner", OWNER, ALL),
        ("appId", "other-2.0", {2}),
        ("appid.eq", "OTHER-2.0", {2}),
        ("tenantQueue", "aloe.jobq.tacc.prod.submit.DefaultQueue", ALL),
        ("tenantqueue.like", "*.other.*", set()),
        ("remoteJobId", "77", {2}),
        ("schedulerJobId", "s-1", {2}),
        ("remoteQueue", "big", {2}),
        ("workPath", "/work/two", {2}),
        ("archivePath", "two/archive", {2}),
        ("archiveSystem", "tacc.corral.testuser", {1, 3}),
        ("lastStatusMessage.like", "APPS_*", {2}),
        ("inputs.like", '*{"picture":"*cat*', {2}),
        ("parameters.like", '*"predictions":5*', {1, 3}),
        ("parameters.like", "*naïve*", {2}),
        ("executionSystem", "cluster.two", {2}),
        ("systemId", "cluster.two", {2}),
        ("status", "failed", {2}),
        ("accepted.gt", "2026-11-20T12:01:00Z", {2, 3}),
        ("created.lt", "2026-11-20T12:02:00Z", {1}),
        ("ended.after", "2026-11-20T12:02:00Z", {2}),
        ("lastUpdated.between", "2026-11-20T12:01:44Z,2026-11-20T12:02:44Z", {1, 2}),
        ("lastModified", "2026-11-20T12:02:44Z", {2}),
        ("remoteSubmitted.gte", "2026-11-20T12:02:02Z", {2, 3}),
        ("remoteStarted.on", "2026-11-21", {3}),
        ("remoteEnded.lte", "2026-11-20T12:01:34Z", {1}),
        ("nodeCount.gt", "1", {2}),
        ("processorsPerNode", "16", {2}),
        ("submitRetries.in", "1,2,3", {2}),
        ("maxHours", "2", {2}),
        ("memoryPerNode.lt", "1.6", {1, 3}),
        ("archive", "False", {2}),
        ("archive.neq", "true", {2}),
        ("visible", "true", ALL),
        ("runTime", "40", {1, 2}),
        ("runtime.lt", "40", set()),
        ("wallTime.gte", "44", {1, 2}),
        # the names from before Aloe
        ("batchQueue", "big", {2}),
        ("localId", "77", {2}),
        ("startTime.after", "2026-11-21", {3}),
        ("submitTime.after", "2026-11-20T12:02:30Z", {3}),
        ("endTime.before", "2026-11-20T12:02:00Z", {1}),
        ("maxRunTime", "02:00:00", {2}),
        ("maxRunTime.in", "01:00:00,2", ALL),
        ("retries", "2", {2}),
        ("outputPath", "/work/two", {2}),
        ("message.like", "*failure*", {2}),
        # operators
        ("name.neq", "alpha", {2, 3}),
        ("name.in", "alpha,GAMMA", {1, 3}),
        ("name.nin", "alpha,gamma", {2}),
        ("name.like", "*A", {1, 3}),
        ("name.like", "alph", set()),
        ("name.like", "beta_x 100%", {2}),
        ("name.like", "_____", set()),
        ("name.nlike", "*mm*", {1, 2}),
        ("name.rlike", "^[ab].*[a%]$", {1}),
        ("name.RLIKE", "(?i)^[ab].*[a%]$", {1, 2}),
        ("status.in", "FINISHED,running", {1, 3}),
        ("status.nin", "FINISHED", {2, 3}),
        ("status.like", "F*", {1, 2}),
        ("status.neq", "FAILED", {1, 3}),
        ("status", "KILLED", set()),
        ("status", "heartbeat", set()),
        ("ended", "null", {3}),
        ("ended.neq", "null", {1, 2}),
        ("archiveSystem", "null", {2}),
        ("archiveSystem.neq", "tacc.corral.testuser", {2}),
        # dates
        ("created", "2026-11-20T12:02:00Z", {2}),
        ("created", "2026-11-20T06:02:00-06:00", {2}),
        ("created.on", "2026-11-20", ALL),
        ("created", "1795176120000", {2}),
        ("created", "1795176120", {2}),
        ("created.between", "2026-11-20T12:02:00Z", {2}),
        ("created.before", "1 year ago", set()),
        ("created.after", "yesterday", None),
        # not terms
        ("colour", "red", ALL),
        ("name.colour", "red", ALL),
        ("", "", ALL),
    ],
)
def test_terms(three: Bench, term: str, value: str, expected: set[int] | None) -> None:
    found = three.get("/jobs/v2", **{term: value})
    if expected is None:  # depends on the day; here it is only about being understood
        return
    assert numbers(found) == expected


def test_all_terms_must_hold(three: Bench) -> None:
    query = [("name.like", "*a*"), ("status.neq", "FAILED"), ("nodecount", "1"), ("name.neq", "alpha")]
    assert numbers(three.call("GET", "/jobs/v2", query_string=query)) == {3}


def test_hidden_jobs_are_found_only_by_visible(bench: Bench) -> None:
    three = with_three(bench)
    three.add(sample_job(4, name="alpha", visible=False))
    assert numbers(three.get("/jobs/v2", name="alpha")) == {1}
    assert numbers(three.get("/jobs/v2", name="alpha", visible="false")) == {4}
    assert numbers(three.get("/jobs/v2", **{"visible.neq": "True"})) == {4}
    assert numbers(three.get("/jobs/v2", visible="False", filter="id")) == {4}


def test_a_search_is_ordered_and_paged(three: Bench) -> None:
    found = three.get("/jobs/v2", **{"name.like": "*a*", "orderBy": "name", "order": "ASC", "limit": "2"})
    assert [job["name"] for job in found] == ["alpha", "Beta_x 100%"]


@pytest.mark.parametrize(
    ("term", "value", "message"),
    [
        ("status", "SLEEPING", "Unknown job status SLEEPING"),
        ("status.in", "RUNNING,SLEEPING", "Unknown job status SLEEPING"),
        ("nodeCount", "many", "Illegal integer value for nodecount"),
        ("maxHours.gt", "long", "Illegal decimal value for maxhours"),
        ("created.after", "someday", "Illegal date format for created"),
        (
            "created.between",
            "2026-11-20,2026-11-21,2026-11-22",
            "Illegal date range format for created. Please specify a comma separated date range consisting of "
            "a start and end date/time expression.",
        ),
        (
            "ended.in",
            "2026-11-20,2026-11-21",
            "Illegal use of IN operation for ended. To query multiple dates, plese specify a comma separated "
            "date range consisting of a start and end date/time expression.",
        ),
        (
            "visible.in",
            "true,false",
            "Illegal search term operator for visible. Boolean search terms may only be compared by equality. "
            "Please specify one of visible.EQ or visible.NEQ.",
        ),
    ],
)
def test_values_that_do_not_fit(three: Bench, term: str, value: str, message: str) -> None:
    assert three.refused("GET", "/jobs/v2", query_string={term: value}) == (400, message)


@pytest.mark.parametrize("text", ["(", "\x00", "\ud7ff%", "'; DROP TABLE jobs; --", "*" * 500, "é" * 300])
def test_no_text_breaks_a_search(three: Bench, text: str) -> None:
    for term in ("name", "name.like", "name.nin", "id", "inputs.like", "workpath"):
        assert three.get("/jobs/v2", **{term: text}) is not None
    response = three.request("GET", "/jobs/v2", query_string={"name.rlike": text})
    assert response.status_code in (200, 400)
    assert len(three.get("/jobs/v2")) == 3


# in the path


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("name", "alpha"),
        ("appid", "pearc19-classifier-0.1.0"),
        ("executionSystem", "tacc.stampede2.testuser"),
        ("inputs", {}),
        ("STATUS", "FINISHED"),
        ("startTime", "2026-11-20T12:01:04.000Z"),
        ("runtime", 40),
        ("wallTime", 44),
        ("visible", True),
        ("maxHours", 1.0),
    ],
)
def test_one_attribute_of_all_jobs(three: Bench, attribute: str, value: Any) -> None:
    found = three.get(f"/jobs/v2/search/{attribute}", order="ASC", limit=1)
    self_link = {"href": f"http://localhost/jobs/v2/{job_id(1)}"}
    assert found == [{"id": job_id(1), attribute: value, "_links": {"self": self_link}}]


def test_attributes_that_are_not_known_yet_are_null(three: Bench) -> None:
    found = three.get("/jobs/v2/search/runtime")
    assert {job["id"]: job["runtime"] for job in found} == {job_id(1): 40, job_id(2): 40, job_id(3): None}


def test_path_search_answers_with_old_and_new_names(three: Bench) -> None:
    (found,) = three.get("/jobs/v2/search/name/alpha/status/finished")
    assert found == {
        "id": job_id(1),
        "name": "alpha",
        "owner": OWNER,
        "executionSystem": "tacc.stampede2.testuser",
        "appId": "pearc19-classifier-0.1.0",
        "created": "2026-11-20T12:01:00.000Z",
        "status": "FINISHED",
        "startTime": "2026-11-20T12:01:04.000Z",
        "endTime": "2026-11-20T12:01:44.000Z",
        "systemId": "tacc.stampede2.testuser",
        "remoteStarted": "2026-11-20T12:01:04.000Z",
        "ended": "2026-11-20T12:01:44.000Z",
        "_links": {
            "self": {"href": f"http://localhost/jobs/v2/{job_id(1)}"},
            "archiveData": {
                "href": "http://localhost/files/v2/listings/system/tacc.corral.testuser/"
                f"testuser/archive/jobs/job-{job_id(1)}"
            },
        },
    }


def test_path_search_is_paged_and_filtered(three: Bench) -> None:
    path = "/jobs/v2/search/owner/testuser"
    assert numbers(three.get(path)) == ALL
    assert numbers(three.get(path, limit=1, order="ASC")) == {1}
    assert three.get(path, filter="parameters", limit=1) == [{"parameters": {"predictions": 5}}]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("search/name/Beta_x%20100%25", {2}),
        ("search/workpath/%2Fwork%2Ftwo", {2}),
        ("search/archivePath/two%2Farchive/status/FAILED", {2}),
        ("search/nodecount/4", {2}),
        ("search/created/2026-11-20T12:02:00Z", {2}),
        ("search/owner/testuser/name/gamma/archive/true/visible/true/nodecount/1/status/RUNNING", {3}),
        ("search/name/search", set()),
        ("name/alpha", {1}),
        ("APPID/other-2.0", {2}),
    ],
)
def test_path_searches(three: Bench, path: str, expected: set[int]) -> None:
    assert numbers(three.get(f"/jobs/v2/{path}")) == expected


@pytest.mark.parametrize("path", ["search/colour", "search/colour/red", "search/name/x/name.like/y"])
def test_unknown_attributes(three: Bench, path: str) -> None:
    assert three.refused("GET", f"/jobs/v2/{path}") == (400, "Unknown job attribute")


@pytest.mark.parametrize(
    "path", ["search/name/a/status", "search" + "/name/a" * 8, "colour/red", f"{job_id(1)}/colour"]
)
def test_paths_that_are_no_search(three: Bench, path: str) -> None:
    assert three.request("GET", f"/jobs/v2/{path}").status_code == 404


def test_values_in_the_path_are_checked(three: Bench) -> None:
    assert three.refused("GET", "/jobs/v2/search/status/SLEEPING") == (400, "Unknown job status SLEEPING")


def test_searches_find_no_other_users_jobs(bench: Bench) -> None:
    three = with_three(bench)
    shared: Job = three.add(sample_job(5, owner="student01"))
    three.add(sample_job(6, owner="student01"))
    three.grant(shared, "student02", "READ")
    for path in ("/jobs/v2", "/jobs/v2/search/name", "/jobs/v2/search/visible/true"):
        assert numbers(three.get(path, "student02")) == {5}
        assert numbers(three.get(path, "student01")) == {5, 6}
    assert numbers(three.get("/jobs/v2/search/visible/true", "admin")) == {1, 2, 3, 5, 6}
