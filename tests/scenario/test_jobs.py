"""What goes wrong with jobs at schedulers, on nodes and in apps: what clients see of it and what is written down."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.scenario.lesson import Lesson

pytestmark = pytest.mark.xdist_group("scenario-two")

APP_FAILED = (
    "APPS_USER_APP_FAILURE Failure indicated by Slurm status {} with user application return code: {}"
)


def test_queue_of_48_hours(lesson: Lesson) -> None:
    lesson.arm()
    job = lesson.submit()
    lesson.run(job, "QUEUED")
    assert lesson.tapis_json("jobs", "status", job)["status"] == "QUEUED"
    lesson.world.clock.advance("47h")
    assert lesson.status(job) == "QUEUED"
    assert lesson.run(job) == "FINISHED"
    (queued,), (running,) = lesson.entered(job, "QUEUED"), lesson.entered(job, "RUNNING")
    assert running - queued == timedelta(hours=48, minutes=5), "48 hours, and the wait of its own"
    assert lesson.entered(job, "FINISHED")[0] - running == timedelta(minutes=10)
    assert lesson.struck() == [("scheduler.submit", "hold-queue")]


def test_scheduler_rejects(lesson: Lesson) -> None:
    lesson.arm()
    job = lesson.submit()
    assert lesson.run(job) == "FAILED"
    words = "sbatch: error: Batch job submission failed: Invalid account or account/partition combination specified"
    assert lesson.attempts(job) == [f"Attempt {n} failed to submit job. {words}" for n in (1, 2, 3)]
    message = f"JOBS_SUBMIT_FAILED Unable to submit job after 3 attempts. Job cancelled. {words}"
    assert lesson.message(job) == message
    assert lesson.struck() == [("scheduler.submit", "reject")] * 3


def test_scheduler_too_busy(lesson: Lesson) -> None:
    lesson.arm()
    jobs = [lesson.submit(), lesson.submit()]
    for job in jobs:
        assert lesson.run(job) == "FINISHED"
        assert len(lesson.attempts(job)) == 2
        assert all(text.endswith("Socket timed out on send/recv operation") for text in lesson.attempts(job))
        assert lesson.record(job)["submitRetries"] == 2
    assert lesson.struck() == [("scheduler.submit", "reject")] * 4


def test_job_id_lost(real_lesson: Lesson) -> None:
    """The script is really run: once."""
    lesson = real_lesson
    lesson.arm()
    job = lesson.submit()
    lesson.world.wait(job, "FINISHED", 120)
    states = lesson.states(job)
    assert states[states.index("BLOCKED") - 1 :][:3] == ["SUBMITTING", "BLOCKED", "SUBMITTING"]
    assert lesson.record(job)["blockedCount"] == 1
    assert b"night sky" in lesson.output(job, "predictions.txt")
    assert lesson.record(job)["remoteJobId"] == "1", "its host has never taken another"
    assert lesson.struck() == [("scheduler.submit", "lose-id")]


def test_scheduler_forgets(lesson: Lesson) -> None:
    lesson.arm()
    job = lesson.submit()
    assert lesson.run(job) == "FAILED"
    assert lesson.message(job).startswith("JOBS_MONITORING_FAILED The job was lost by the execution system.")
    assert lesson.record(job)["remoteOutcome"] == "FAILED_SKIP_ARCHIVE"
    assert lesson.states(job)[-3:] == ["QUEUED", "CLEANING_UP", "FAILED"]
    assert ("scheduler.status", "lose-job") in lesson.struck()


def test_scheduler_talks_nonsense(lesson: Lesson) -> None:
    lesson.arm()
    job = lesson.submit()
    assert lesson.run(job) == "FINISHED"
    record = lesson.record(job)
    assert (record["failedStatusChecks"], record["blockedCount"]) == (3, 0)
    assert record["remoteStatusChecks"] > 0
    assert lesson.struck() == [("scheduler.status", "garble")] * 3


def test_scheduler_lags(lesson: Lesson) -> None:
    lesson.arm()
    job = lesson.submit()
    lesson.world.clock.advance("9m")
    assert lesson.status(job) == "QUEUED", "its app has been running for four minutes"
    assert lesson.run(job) == "FINISHED"
    ended = lesson.entered(job, "CLEANING_UP")[0] - lesson.entered(job, "QUEUED")[0]
    assert ended == timedelta(minutes=15), "the app did not wait for the news"
    assert lesson.struck() == [("scheduler.status", "lag")]


def test_node_dies(lesson: Lesson) -> None:
    lesson.arm()
    job = lesson.submit()
    assert lesson.run(job) == "FAILED"
    assert lesson.message(job) == APP_FAILED.format("NODE_FAIL", "0:0")
    again = lesson.tapis_json("jobs", "resubmit", job)["id"]
    assert again != job and lesson.run(again) == "FINISHED"
    assert lesson.struck() == [("scheduler.status", "node-fail")]


def test_preempted_and_resubmitted(lesson: Lesson) -> None:
    lesson.arm()
    ends, job = [], lesson.submit()
    for _ in range(3):
        ends.append(lesson.run(job))
        last, job = job, lesson.resubmit(job)
        if ends[-1] == "FAILED":
            assert lesson.message(last) == APP_FAILED.format("PREEMPTED", "0:0")
    assert ends == ["FAILED", "FAILED", "FINISHED"]
    assert lesson.struck() == [("scheduler.status", "preempt")] * 2


def test_time_limit_exceeded(lesson: Lesson) -> None:
    lesson.arm()
    job = lesson.submit()
    assert lesson.run(job) == "FAILED"
    assert lesson.message(job) == APP_FAILED.format("TIMEOUT", "0:0")
    assert lesson.record(job)["remoteOutcome"] == "FAILED_SKIP_ARCHIVE"
    assert lesson.output(job, ".out") == b"pictures/night-sky.png\n", "what it had said by then"
    assert "predictions.txt" not in lesson.outputs(job)
    assert ("scheduler.status", "time-limit") in lesson.struck()


def test_out_of_memory(lesson: Lesson) -> None:
    lesson.arm()
    job = lesson.submit()
    assert lesson.run(job) == "FAILED"
    assert lesson.message(job) == APP_FAILED.format("OUT_OF_MEMORY", "0:9")
    assert ("scheduler.status", "out-of-memory") in lesson.struck()


def test_app_fails(real_lesson: Lesson) -> None:
    lesson = real_lesson
    lesson.arm()
    job = lesson.submit()
    lesson.world.wait(job, "FAILED", 120)
    assert lesson.message(job) == APP_FAILED.format("FAILED", "3:0")
    assert lesson.output(job, ".err").decode().strip() == "ValueError: the picture is empty"
    assert "predictions.txt" not in lesson.outputs(job)
    assert lesson.struck() == [("app.run", "exit")]


def test_app_segfaults(real_lesson: Lesson) -> None:
    lesson = real_lesson
    lesson.arm()
    job = lesson.submit()
    lesson.world.wait(job, "FAILED", 120)
    assert lesson.message(job) == APP_FAILED.format("FAILED", "0:11")
    assert lesson.struck() == [("app.run", "signal")]


def test_app_hangs(lesson: Lesson) -> None:
    lesson.arm()
    waits, stopped = lesson.submit(maxRunTime="00:30:00"), lesson.submit()
    assert lesson.run(stopped, "RUNNING") == "RUNNING"
    assert lesson.tapis("jobs", "cancel", stopped).returncode == 0
    assert lesson.run(stopped) == "STOPPED"
    assert lesson.run(waits) == "FAILED"
    assert lesson.message(waits) == APP_FAILED.format("TIMEOUT", "0:0")
    ran = lesson.entered(waits, "CLEANING_UP")[0] - lesson.entered(waits, "RUNNING")[0]
    assert ran == timedelta(minutes=30)
    assert lesson.struck() == [("app.run", "hang")] * 2


def test_app_writes_nothing(lesson: Lesson) -> None:
    lesson.arm()
    job = lesson.submit()
    assert lesson.run(job) == "FINISHED"
    assert lesson.output(job, ".out") == lesson.output(job, ".err") == b""
    assert "predictions.txt" not in lesson.outputs(job)
    assert lesson.struck() == [("app.run", "silent")]


def test_app_floods_its_log(lesson: Lesson) -> None:
    lesson.arm()
    job = lesson.submit()
    assert lesson.run(job) == "FINISHED"
    listed = lesson.get("ag.jobs.listOutputs(jobId=job, filePath='/')", job=job).result
    (log,) = (entry for entry in listed if entry["name"].endswith(".out"))
    assert log["length"] == 5 * 1024 * 1024 == len(lesson.output(job, ".out"))
    assert lesson.struck() == [("app.run", "flood")]


def test_connection_drops_mid_command(lesson: Lesson) -> None:
    lesson.arm()
    job = lesson.submit()
    assert lesson.run(job) == "FINISHED"
    states = lesson.states(job)
    assert states[states.index("BLOCKED") - 1 :][:3] == ["SUBMITTING", "BLOCKED", "SUBMITTING"]
    assert lesson.record(job)["remoteJobId"] == "1"
    assert lesson.struck() == [("host.exec", "drop")]


def test_quota_reached(lesson: Lesson) -> None:
    lesson.arm()
    job = lesson.submit()
    lesson.run(job, "BLOCKED")
    assert lesson.message(job) == (
        "Transitioning from status SUBMITTING to BLOCKED in phase SUBMITTING. "
        "System tacc.stampede2 is currently at maximum capacity for concurrent active jobs."
    )
    assert lesson.run(job) == "FINISHED"
    waited = lesson.entered(job, "SUBMITTING")[1] - lesson.entered(job, "BLOCKED")[0]
    assert timedelta(minutes=30) <= waited < timedelta(minutes=32)
    assert lesson.struck() == [("job.submitting", "block")]


def test_cancel_is_ignored(lesson: Lesson) -> None:
    lesson.arm()
    job = lesson.submit()
    lesson.run(job, "RUNNING")
    lesson.world.job(job).cancel()
    assert lesson.run(job) == "STOPPED"
    assert "predictions.txt" not in lesson.outputs(job)
    lesson.world.clock.advance("10m")
    assert lesson.output(job, "predictions.txt") == b"night sky 0.97\n", "it ran on"
    assert lesson.struck() == [("scheduler.cancel", "ignore")]


def test_wait_for_the_teacher(lesson: Lesson) -> None:
    armed = lesson.arm()
    jobs = [lesson.submit(), lesson.submit()]
    lesson.world.clock.advance("1h")
    assert [lesson.status(job) for job in jobs] == ["STAGED", "STAGED"]
    assert armed.release() == 2
    assert [lesson.run(job) for job in jobs] == ["FINISHED", "FINISHED"]
    assert lesson.struck() == [("job.staged", "hold")] * 2
