"""What goes wrong with files on their way, as agavepy and tapis-cli tell of it and as the service wrote it down."""

from __future__ import annotations

import hashlib

import pytest

from tests.scenario.lesson import PICTURE, Lesson

pytestmark = pytest.mark.xdist_group("scenario-one")

CHAIN = [
    "PENDING",
    "PROCESSING_INPUTS",
    "STAGING_INPUTS",
    "STAGED",
    "STAGING_JOB",
    "SUBMITTING",
    "QUEUED",
    "RUNNING",
    "CLEANING_UP",
    "ARCHIVING",
    "FINISHED",
]
BLOCKED_ONCE = [*CHAIN[:10], "BLOCKED", *CHAIN[9:]]


def test_staging_breaks_twice(lesson: Lesson) -> None:
    lesson.arm()
    job = lesson.submit_with_input()
    assert lesson.run(job) == "FINISHED"
    assert lesson.attempts(job) == [
        f"Attempt {number} failed to stage job inputs. {PICTURE}: Input/output error" for number in (1, 2)
    ]
    assert lesson.states(job) == CHAIN
    assert lesson.struck() == [("transfer.file", "read-error")] * 2
    assert {entry.facts["job"] for entry in lesson.world.journal} == {job}


def test_input_vanishes(lesson: Lesson) -> None:
    lesson.arm()
    job = lesson.submit_with_input()
    assert lesson.run(job) == "FAILED"
    words = f"JOBS_STAGING_FAILED Unable to stage job inputs: {PICTURE}: No such file or directory"
    assert lesson.message(job) == words
    assert lesson.states(job) == [*CHAIN[:3], "FAILED"]
    shown = lesson.tapis_json("jobs", "show", "-v", job)
    assert (shown["status"], shown["lastStatusMessage"]) == ("FAILED", words)
    assert lesson.struck() == [("transfer.file", "vanish")], "no second attempt can cure it"


def test_storage_flaps(lesson: Lesson) -> None:
    lesson.arm()
    refused = lesson.get("ag.jobs.submit(body={'name': 'x', 'appId': 'classifier-1.0.0', 'archive': True})")
    assert (refused.error, refused.status) == ("HTTPError", 412)
    assert "corral.tacc.example.org: No route to host" in refused.body
    lesson.world.clock.advance("35s")
    job = lesson.submit()
    assert lesson.run(job) == "FINISHED"
    assert lesson.states(job) == [state for state in BLOCKED_ONCE if state != "STAGING_INPUTS"]
    assert lesson.record(job)["blockedCount"] == 1
    back, ended = lesson.entered(job, "ARCHIVING")[-1], lesson.entered(job, "BLOCKED")[-1]
    assert (back - ended).total_seconds() <= 30
    assert {entry.facts["host"] for entry in lesson.world.journal} == {"corral.tacc.example.org"}


def test_storage_down_for_ten_minutes(lesson: Lesson) -> None:
    job = lesson.submit()
    lesson.run(job, "RUNNING")
    lesson.world.clock.advance("9m")
    lesson.arm()
    done = lesson.tapis("files", "list", "agave://tacc.corral/home/testuser")
    assert done.returncode != 0 and "412" in done.stderr and "Connection timed out" in done.stderr
    lesson.run(job, "BLOCKED")
    message = lesson.message(job)
    assert message.startswith("Transitioning from status ARCHIVING to BLOCKED in phase ARCHIVING. Unable to ")
    assert message.endswith("corral.tacc.example.org: Connection timed out")
    assert lesson.run(job) == "FINISHED"
    assert lesson.states(job).count("BLOCKED") == 1
    assert lesson.get("ag.files.list(systemId='tacc.corral', filePath='testuser')").result


def test_login_refused(lesson: Lesson) -> None:
    lesson.arm()
    job = lesson.submit()
    assert lesson.run(job, "BLOCKED") == "BLOCKED"
    assert lesson.message(job) == (
        "Transitioning from status PROCESSING_INPUTS to BLOCKED in phase STAGING_INPUTS. Unable to create the job's "
        "work directory: stampede2.tacc.example.org: Authentication failed."
    )
    assert lesson.record(job).get("remoteJobId") is None
    lesson.world.clock.advance("1h")
    assert lesson.status(job) == "BLOCKED"
    lesson.world.control("DELETE", f"scenarios/{lesson.name}")
    assert lesson.run(job) == "FINISHED"
    assert set(lesson.struck()) == {("host.connect", "refuse-login")}


def test_scratch_full(lesson: Lesson) -> None:
    lesson.arm()
    job = lesson.submit()
    assert lesson.run(job) == "FAILED"
    assert lesson.message(job).startswith(
        "JOBS_STAGING_FAILED Unable to stage runtime assets: agave://tacc.corral/"
    )
    assert lesson.message(job).endswith(": No space left on device")
    assert lesson.states(job)[-2:] == ["STAGING_JOB", "FAILED"]
    assert lesson.struck() == [("transfer.file", "disk-full")]


def test_input_arrives_corrupted(real_lesson: Lesson) -> None:
    """The app is run and cannot read what came; the service has noticed nothing."""
    lesson = real_lesson
    lesson.arm()
    job = lesson.submit_with_input()
    lesson.world.wait(job, "FAILED")
    assert lesson.message(job) == (
        "APPS_USER_APP_FAILURE Failure indicated by Slurm status FAILED with user application return code: 1:0"
    )
    assert lesson.attempts(job) == []
    sent = lesson.world.files.read("testuser/pictures/mine.png", "tacc.corral")
    came = lesson.output(job, "mine.png")
    assert len(came) == len(sent) and hashlib.sha256(came).digest() != hashlib.sha256(sent).digest()
    assert came[1:] == sent[1:] and came[0] == sent[0] ^ 0xFF
    assert lesson.struck() == [("transfer.file", "corrupt")]


def test_archive_disk_full(lesson: Lesson) -> None:
    lesson.arm()
    job = lesson.submit()
    assert lesson.run(job) == "FAILED"
    assert lesson.message(job).startswith("JOBS_ARCHIVING_FAILED Unable to archive outputs for job: agave://")
    assert lesson.message(job).endswith(": No space left on device")
    record = lesson.record(job)
    assert record["remoteOutcome"] == "FINISHED"
    assert lesson.states(job)[-2:] == ["ARCHIVING", "FAILED"]
    listed = lesson.tapis("jobs", "outputs", "list", job)
    assert listed.returncode == 0 and "predictions.txt" in listed.stdout
    assert lesson.output(job, "predictions.txt") == b"night sky 0.97\n"
    assert lesson.struck()[0] == ("transfer.file", "disk-full")


def test_archive_arrives_in_part(lesson: Lesson) -> None:
    lesson.arm()
    job = lesson.submit()
    assert lesson.run(job) == "FAILED"
    assert lesson.message(job).startswith("JOBS_ARCHIVING_FAILED Unable to archive outputs for job: ")
    path = lesson.record(job)["archivePath"]
    code = "ag.files.list(systemId='tacc.corral', filePath=path)"
    arrived = {entry["name"] for entry in lesson.get(code, path=path).result} - {"."}
    there = set(lesson.outputs(job))
    assert arrived and arrived < there, "some of what is in the work directory, not all"
    assert lesson.struck() == [("job.archiving", "partial")]


def test_archive_waits_for_the_tape(lesson: Lesson) -> None:
    lesson.arm()
    job = lesson.submit()
    lesson.run(job, "BLOCKED")
    assert lesson.message(job) == (
        "Transitioning from status ARCHIVING to BLOCKED in phase ARCHIVING. "
        "Unable to archive outputs for job: The tape library does not answer"
    )
    assert lesson.run(job) == "FINISHED"
    assert lesson.record(job)["blockedCount"] == 1
    waited = lesson.entered(job, "FINISHED")[0] - lesson.entered(job, "BLOCKED")[0]
    assert waited.total_seconds() >= 600
    assert lesson.struck() == [("job.archiving", "block")]
