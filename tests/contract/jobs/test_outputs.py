"""Outputs of jobs: where they are, how they are listed and read [jobs §10]."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from emulator.domain.job import Job
from emulator.domain.states import JobState
from emulator.domain.system import SystemStatus
from emulator.hosts.sandbox import SandboxHosts
from tests.contract.jobs.conftest import RUNNING, Bench, Folder, archive_folder, work_folder
from tests.engine.doubles import InterposedHosts
from tests.job_samples import APP, OWNER, PLAN, sample_job

UNKNOWN = "0feb1aa5-01aa-4445-b580-a008064a4c44-007"
NO_FOLDER = "Unable to locate job data. Work folder no longer exists."
REFUSED = "User does not have permission to view this resource."


def names(found: list[dict[str, Any]]) -> list[str]:
    return [entry["name"] for entry in found]


# where they are


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"archived": True}, archive_folder),
        ({"archived": True, "status": JobState.FAILED, "remote_outcome": "FAILED"}, archive_folder),
        ({"archived": False, "status": JobState.FAILED}, work_folder),
        ({"archived": False, "status": JobState.STOPPED}, work_folder),
        ({"archived": False, "plan": {"archive": False}}, work_folder),
        (RUNNING, work_folder),
        (RUNNING | {"status": JobState.ARCHIVING}, work_folder),
        (RUNNING | {"status": JobState.BLOCKED, "blocked_from": JobState.ARCHIVING}, work_folder),
        (RUNNING | {"status": JobState.BLOCKED, "blocked_from": JobState.RUNNING}, work_folder),
    ],
)
def test_outputs_are_found_where_they_lie(
    bench: Bench, changes: dict[str, Any], place: Callable[[Bench, Job], Folder]
) -> None:
    job = bench.add(sample_job(1, **changes))
    for folder in (work_folder, archive_folder):
        folder(bench, job).write("here" if folder is place else "not here", b"content")
    (entry,) = bench.get(f"/jobs/v2/{job.id}/outputs/listings")
    assert entry["name"] == "here"
    assert bench.request("GET", f"/jobs/v2/{job.id}/outputs/media/here").data == b"content"
    system = PLAN.archive_system if place is archive_folder else APP.execution_system
    assert entry["_links"]["system"]["href"] == f"http://localhost/systems/v2/{system}"


@pytest.mark.parametrize("state", [JobState.PENDING, JobState.PROCESSING_INPUTS, JobState.FINISHED])
def test_a_folder_that_is_not_there(bench: Bench, state: JobState) -> None:
    job = bench.add(sample_job(1, **RUNNING | {"status": state}))
    for path in ("listings", "listings/a", "media/a"):
        assert bench.refused("GET", f"/jobs/v2/{job.id}/outputs/{path}") == (404, NO_FOLDER)


def test_archiving_may_end_while_outputs_are_read(
    bench: Bench, running: Job, work: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = archive_folder(bench, running)
    host = bench.hosts.host

    def archived_meanwhile(world: str, name: str, account: Any = None) -> Any:
        if work.files.exists(work.path):
            archive.write("out.txt", b"0123456789")
            with bench.store.write() as tx:
                tx.jobs.update(running.id, archived=True, status=JobState.FINISHED)
            work.files.remove(work.path)
        return host(world, name, account)

    monkeypatch.setattr(bench.hosts, "host", archived_meanwhile)
    assert names(bench.get(f"/jobs/v2/{running.id}/outputs/listings")) == ["out.txt"]


# listings


def test_a_listing_holds_hidden_files_and_never_a_dot(bench: Bench, running: Job, work: Folder) -> None:
    work.write("B")
    work.write("a")
    found = bench.get(f"/jobs/v2/{running.id}/outputs/listings")
    assert names(found) == [".agave.log", "B", "a", "out.txt", "test"]


def test_entries_of_a_listing(bench: Bench, running: Job, work: Folder) -> None:
    local = work.write("test/na ïve.png", b"12345")
    local.chmod(0o640)
    os.utime(local, ns=(0, 1_795_176_120_250_000_000))
    path = f"/jobs/v2/{running.id}/outputs/listings"
    folder, file = bench.get(f"{path}/test")
    base = "http://localhost/"
    links = {
        "system": {"href": f"{base}systems/v2/tacc.stampede2.testuser"},
        "parent": {"href": f"{base}jobs/v2/{running.id}"},
    }
    assert file == {
        "name": "na ïve.png",
        "path": "/test/na ïve.png",
        "lastModified": "2026-11-20T12:02:00.250Z",
        "length": 5,
        "permission": "READ_WRITE",
        "permissions": "READ_WRITE",
        "mimeType": "image/png",
        "format": "unknown",
        "type": "file",
        "_links": {
            "self": {"href": f"{base}jobs/v2/{running.id}/outputs/media/test/na%20%C3%AFve.png"},
        }
        | links,
    }
    assert folder["path"] == "/test/deep"
    assert (folder["type"], folder["format"], folder["mimeType"]) == ("dir", "folder", "text/directory")
    assert folder["permissions"] == folder["permission"] == "ALL"
    assert folder["_links"]["self"]["href"] == f"{base}jobs/v2/{running.id}/outputs/listings/test/deep"


@pytest.mark.parametrize("word", ["outputs", "ouputs"])
@pytest.mark.parametrize("tail", ["", "/", "//", "/.", "/..", "/~/", "/%2F"])
def test_every_spelling_of_the_top(bench: Bench, running: Job, work: Folder, word: str, tail: str) -> None:
    found = bench.get(f"/jobs/v2/{running.id}/{word}/listings{tail}")
    assert names(found) == [".agave.log", "out.txt", "test"]


@pytest.mark.parametrize("path", ["test/deep", "/test/deep/", "//test//deep", "./test/deep", "../test/deep"])
def test_every_spelling_of_a_folder(bench: Bench, running: Job, work: Folder, path: str) -> None:
    (entry,) = bench.get(f"/jobs/v2/{running.id}/outputs/listings/{path}")
    assert entry["path"] == "/test/deep/data.json"


def test_the_listing_of_a_file_is_the_file(bench: Bench, running: Job, work: Folder) -> None:
    path = f"/jobs/v2/{running.id}/outputs/listings/test/deep/data.json"
    (entry,) = bench.get(path)
    assert (entry["name"], entry["path"], entry["length"]) == ("data.json", "/test/deep/data.json", 2)
    assert bench.get(path, offset=1) == []


def test_listings_are_paged_and_filtered(bench: Bench, running: Job, work: Folder) -> None:
    for number in range(260):
        work.write(f"many/{number:03d}")
    path = f"/jobs/v2/{running.id}/outputs/listings/many"
    assert names(bench.get(path)) == [f"{n:03d}" for n in range(100)]
    assert names(bench.get(path, limit=1000)) == [f"{n:03d}" for n in range(250)]
    assert bench.get(path, limit=2, offset=258, filter="path") == [
        {"path": "/many/258"},
        {"path": "/many/259"},
    ]
    assert bench.get(path, offset=260) == []


def test_names_that_are_no_utf8(bench: Bench, running: Job, work: Folder) -> None:
    top = work.files.local_path(work.path)
    assert top is not None
    Path(os.fsdecode(os.fsencode(top) + b"/\xff.txt")).write_bytes(b"")
    assert "\ufffd.txt" in names(bench.get(f"/jobs/v2/{running.id}/outputs/listings"))


# who may


@pytest.mark.parametrize("kind", ["listings", "media/out.txt", "media/nothing"])
def test_reading_needs_read_on_the_job(bench: Bench, running: Job, work: Folder, kind: str) -> None:
    path = f"/jobs/v2/{running.id}/outputs/{kind}"
    for permission in (None, "WRITE", "EXECUTE"):
        if permission:
            bench.grant(running, "student01", permission)
        assert bench.refused("GET", path, "student01") == (403, REFUSED)
    bench.grant(running, "student01", "READ")
    expected = 404 if "nothing" in kind else 200
    for user in ("student01", "admin", OWNER):
        assert bench.request("GET", path, user).status_code == expected


def test_jobs_that_are_not_there(bench: Bench) -> None:
    hidden = bench.add(sample_job(1, visible=False))
    for job_id in (UNKNOWN, hidden.id):
        message = f"Not job found with job id {job_id}"
        assert bench.refused("GET", f"/jobs/v2/{job_id}/outputs/listings") == (400, message)
        assert bench.refused("GET", f"/jobs/v2/{job_id}/outputs/media/x") == (400, "Invalid job id")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"available": False}, "Job output system {} is not currently available"),
        ({"status": SystemStatus.DOWN}, "Job output system {} is currently down"),
        ({"status": SystemStatus.MAINTENANCE}, "Job output system {} is currently maintenance"),
    ],
)
def test_systems_that_are_down(
    bench: Bench, running: Job, work: Folder, changes: dict[str, Any], message: str
) -> None:
    bench.set_system(APP.execution_system, **changes)
    for kind in ("listings", "media/out.txt"):
        path = f"/jobs/v2/{running.id}/outputs/{kind}"
        assert bench.refused("GET", path) == (504, message.format(APP.execution_system))


def test_a_system_that_is_gone(bench: Bench) -> None:
    job = bench.add(sample_job(1, plan={"archive_system": "gone"}))
    message = "Job output system gone is not currently available"
    assert bench.refused("GET", f"/jobs/v2/{job.id}/outputs/listings") == (504, message)


@pytest.mark.parametrize("route", ["listings/out.txt", "media/out.txt"])
@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (ConnectionRefusedError(111, "refused"), 412, "Unable to connect to job output system {}"),
        (TimeoutError(110, "timed out"), 412, "Unable to connect to job output system {}"),
        (
            OSError(5, "Input/output error"),
            503,
            "Unable to read from job output system {}: input/output error",
        ),
    ],
)
def test_a_machine_that_does_not_answer(
    bench: Bench,
    running: Job,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    route: str,
    error: OSError,
    status: int,
    message: str,
) -> None:
    def fail(_operation: str, _path: str) -> None:
        raise error

    away = InterposedHosts(SandboxHosts(tmp_path / "hosts"), fail)
    monkeypatch.setattr(bench.hosts, "host", away.host)
    told = bench.refused("GET", f"/jobs/v2/{running.id}/outputs/{route}")
    assert told == (status, message.format(running.plan.execution_system))


@pytest.mark.parametrize("kind", ["listings", "media"])
@pytest.mark.parametrize(
    "path", ["x" * 300, "%00", "a%00b", "%ff%fe", "%2e%2e/%2e%2e/etc/passwd", "~/x", "\\..\\..\\etc"]
)
def test_paths_that_nobody_has(bench: Bench, work: Folder, running: Job, kind: str, path: str) -> None:
    status, _ = bench.refused("GET", f"/jobs/v2/{running.id}/outputs/{kind}/{path}")
    assert status in (400, 404)
