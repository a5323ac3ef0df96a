"""Every action at hosts, schedulers and apps, on simulated jobs, while the clock stands still: what a client sees."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from tests.contract.struck_hosts.conftest import Stage

pytestmark = pytest.mark.sample(2)

FAILURE = "APPS_USER_APP_FAILURE Failure indicated by Slurm status"
THRICE = "JOBS_SUBMIT_FAILED Unable to submit job after 3 attempts. Job cancelled."
REFUSED = "sbatch: error: Batch job submission failed: Requested node configuration is not available"
HERE: dict[str, Any] = {"when": {"host": "stampede2*"}}
"""At the execution system: the storage system is touched by requests too."""

BLOCKS = [
    ("host.connect", "unreachable", "PROCESSING_INPUTS"),
    ("host.connect", "refuse-login", "PROCESSING_INPUTS"),
    ("host.exec", "drop", "SUBMITTING"),
    ("host.exec", "timeout", "SUBMITTING"),
    ("scheduler.submit", "unreachable", "SUBMITTING"),
    ("scheduler.submit", "lose-id", "SUBMITTING"),
    ("scheduler.status", "unreachable", "QUEUED"),
]


@pytest.mark.parametrize(("at", "do", "state"), BLOCKS)
def test_what_passes_blocks_the_job_which_recovers(stage: Stage, at: str, do: str, state: str) -> None:
    stage.arm(at, do, times=3, **HERE)
    job = stage.run(stage.submit(), ("BLOCKED",))
    assert " to BLOCKED in phase" in job["lastStatusMessage"]
    job = stage.run(job["id"])
    assert job["status"] == "FINISHED", job["lastStatusMessage"]
    states = stage.states(job["id"])
    assert states[states.index("BLOCKED") - 1] == states[states.index("BLOCKED") + 1] == state
    assert len(stage.journal()) == (1 if do == "lose-id" else 3)


@pytest.mark.parametrize(
    ("at", "do", "message"),
    [
        ("scheduler.submit", "reject", f"{THRICE} {REFUSED}"),
        ("scheduler.submit", {"reject": "sbatch: no such partition"}, f"{THRICE} sbatch: no such partition"),
        ("host.exec", {"exit": {"code": 3, "message": "disk quota exceeded"}}, "disk quota exceeded"),
    ],
)
def test_what_lasts_fails_the_job_in_its_words(stage: Stage, at: str, do: Any, message: str) -> None:
    stage.arm(at, do, **HERE)
    job = stage.run(stage.submit())
    assert job["status"] == "FAILED"
    assert message in job["lastStatusMessage"]


def test_a_submission_that_is_refused_twice_is_taken_the_third_time(stage: Stage) -> None:
    stage.arm("scheduler.submit", "reject", times=2)
    job = stage.run(stage.submit())
    assert (job["status"], job["submitRetries"]) == ("FINISHED", 2)
    notes = [e["description"] for e in stage.api.call("GET", f"jobs/v2/{job['id']}/history")]
    assert [n for n in notes if n.startswith("Attempt")] == [
        f"Attempt {n} failed to submit job. {REFUSED}" for n in (1, 2)
    ]


@pytest.mark.parametrize(
    ("do", "word", "code"),
    [
        ("node-fail", "NODE_FAIL", "0:0"),
        ("preempt", "PREEMPTED", "0:0"),
        ("time-limit", "TIMEOUT", "0:0"),
        ("out-of-memory", "OUT_OF_MEMORY", "0:9"),
    ],
)
@pytest.mark.parametrize("queued", [0, 60])
def test_a_scheduler_ends_the_script_and_says_so(
    stage: Stage, do: str, word: str, code: str, queued: int
) -> None:
    stage.arm("scheduler.status", do, times=1)
    job = stage.run(stage.submit(parameters={"seconds": 600, "queue_seconds": queued}))
    assert job["status"] == "FAILED"
    assert job["lastStatusMessage"] == f"{FAILURE} {word} with user application return code: {code}"
    assert job["remoteOutcome"] == "FAILED"
    assert job["remoteStarted"] == job["remoteEnded"]
    assert stage.states(job["id"])[-4:] == ["QUEUED", "RUNNING", "CLEANING_UP", "FAILED"]


def test_a_rule_whose_time_comes_while_the_script_runs_is_met(stage: Stage) -> None:
    """Nothing happens to the script by itself: its scheduler is asked now and then while rules listen."""
    stage.arm("scheduler.status", "node-fail", times=1, **{"from": "+10m"})
    job = stage.run(stage.submit(parameters={"seconds": 86400}, maxRunTime="30:00:00"))
    assert job["lastStatusMessage"].startswith(f"{FAILURE} NODE_FAIL")
    assert 600 <= _seconds(job["remoteEnded"]) - _seconds(job["remoteStarted"]) <= 670


def test_a_job_that_the_scheduler_forgets_is_failed(stage: Stage) -> None:
    stage.arm("scheduler.status", "lose-job", times=1)
    job = stage.run(stage.submit(archive=True))
    assert job["status"] == "FAILED" and job["remoteOutcome"] == "FAILED_SKIP_ARCHIVE"
    assert job["lastStatusMessage"].startswith("JOBS_MONITORING_FAILED The job was lost")


def test_a_reply_that_makes_no_sense_is_asked_for_again(stage: Stage) -> None:
    stage.arm("scheduler.status", "garble", times=3)
    job = stage.run(stage.submit())
    assert (job["status"], job["failedStatusChecks"]) == ("FINISHED", 3)
    assert "BLOCKED" not in stage.states(job["id"])


def test_a_scheduler_that_lags_tells_old_news(stage: Stage) -> None:
    stage.arm("scheduler.status", {"lag": "1h"}, times=1)
    job_id = stage.submit(parameters={"seconds": 5})
    stage.advance("59m")
    assert stage.job(job_id)["status"] == "QUEUED"
    job = stage.run(job_id)
    assert job["status"] == "FINISHED"
    assert _seconds(job["remoteEnded"]) - _seconds(job["remoteStarted"]) == 5
    assert _seconds(job["remoteStarted"]) - _seconds(job["accepted"]) < 60, "it began at once"
    entered = stage.entered(job_id)
    for state in ("RUNNING", "CLEANING_UP"):
        assert _seconds(entered[state]) - _seconds(entered["QUEUED"]) == pytest.approx(3600, abs=60), (
            "nobody knew before the news came"
        )


def test_a_lag_is_over_when_it_is_released(stage: Stage) -> None:
    stage.arm("scheduler.status", {"lag": "48h"}, times=1)
    job_id = stage.submit(parameters={"seconds": 5})
    stage.advance("1h")
    assert stage.job(job_id)["status"] == "QUEUED"
    stage.release()
    assert stage.run(job_id, limit="1h")["status"] == "FINISHED"


def test_a_queue_is_held_for_a_time(stage: Stage) -> None:
    stage.arm("scheduler.submit", {"hold-queue": "48h"}, times=1)
    job_id = stage.submit(parameters={"seconds": 5})
    stage.advance("47h")
    assert stage.job(job_id)["status"] == "QUEUED"
    assert stage.job(job_id)["remoteJobId"].isdecimal()
    job = stage.run(job_id)
    assert job["status"] == "FINISHED"
    assert _seconds(job["remoteStarted"]) - _seconds(job["remoteSubmitted"]) == pytest.approx(
        48 * 3600, abs=1
    )


def test_a_held_queue_is_released_early(stage: Stage) -> None:
    stage.arm("scheduler.submit", {"hold-queue": "48h"}, times=1)
    job_id = stage.submit()
    stage.advance("1h")
    stage.release()
    job = stage.run(job_id, limit="1h")
    assert job["status"] == "FINISHED"


def test_a_job_in_a_held_queue_can_be_stopped(stage: Stage) -> None:
    stage.arm("scheduler.submit", {"hold-queue": "48h"})
    job_id = stage.submit()
    stage.run(job_id, ("QUEUED",))
    assert [held["facts"]["job"] for held in stage.held()] == [job_id]
    stage.cancel(job_id)
    assert stage.run(job_id, limit="1m")["status"] == "STOPPED"
    assert stage.held() == []


def test_a_cancel_that_is_refused_is_tried_until_it_is_not(stage: Stage) -> None:
    stage.arm("scheduler.cancel", "reject", times=2)
    job_id = stage.submit(parameters={"seconds": 3600})
    stage.run(job_id, ("RUNNING",))
    stage.cancel(job_id)
    assert stage.run(job_id, limit="10m")["status"] == "STOPPED"
    assert len(stage.journal()) == 2


def test_a_job_whose_cancel_is_refused_for_ever_runs_to_its_end(stage: Stage) -> None:
    stage.arm("scheduler.cancel", "reject")
    job_id = stage.submit(parameters={"seconds": 30})
    stage.run(job_id, ("RUNNING",))
    stage.cancel(job_id)
    stage.advance("10s")
    assert stage.job(job_id)["status"] == "RUNNING"
    stage.disarm()
    assert stage.run(job_id)["status"] == "STOPPED"


def test_a_cancel_that_is_ignored_stops_the_job_and_not_its_script(stage: Stage) -> None:
    stage.arm("scheduler.cancel", "ignore", times=1)
    job_id = stage.submit(parameters={"seconds": 30})
    stage.run(job_id, ("RUNNING",))
    stage.cancel(job_id)
    assert stage.run(job_id, limit="1m")["status"] == "STOPPED"
    stage.advance("1h")
    assert stage.job(job_id)["status"] == "STOPPED"


@pytest.mark.parametrize(
    ("do", "status", "end"),
    [
        ({"exit": 3}, "FAILED", "FAILED with user application return code: 3:0"),
        ({"exit": 0}, "FINISHED", ""),
        ("signal", "FAILED", "FAILED with user application return code: 0:9"),
        ({"signal": 11}, "FAILED", "FAILED with user application return code: 0:11"),
        ("hang", "FAILED", "TIMEOUT with user application return code: 0:0"),
        ({"flood": "1MiB"}, "FINISHED", ""),
        ("silent", "FINISHED", ""),
    ],
)
def test_an_app_does_something_else(stage: Stage, do: Any, status: str, end: str) -> None:
    stage.arm("app.run", do)
    job = stage.run(stage.submit("emu-writes-1.0", maxRunTime="00:10:00"))
    assert job["status"] == status, job["lastStatusMessage"]
    assert job["lastStatusMessage"].endswith(end)
    said = stage.output(job["id"], f"a-job-{job['id']}.out")
    assert len(said) == (1 << 20 if "flood" in str(do) else 0 if do == "silent" else len("hello\n"))
    names = [f["name"] for f in stage.api.call("GET", f"jobs/v2/{job['id']}/outputs/listings")]
    assert "results" not in names


def test_an_app_says_why_it_ends(stage: Stage) -> None:
    stage.arm("app.run", {"exit": {"code": 2, "message": "no licence left"}})
    job = stage.run(stage.submit("emu-writes-1.0"))
    assert stage.output(job["id"], f"a-job-{job['id']}.err") == b"no licence left\n"


@pytest.mark.parametrize(
    "at", ["host.connect", "host.exec", "scheduler.submit", "scheduler.status", "app.run"]
)
def test_a_delay_anywhere_only_takes_its_time(stage: Stage, at: str) -> None:
    stage.arm(at, {"delay": "10m"}, times=1, **HERE)
    job = stage.run(stage.submit())
    assert job["status"] == "FINISHED"
    assert 600 <= _seconds(job["ended"]) - _seconds(job["accepted"]) < 700


@pytest.mark.parametrize(
    "at", ["host.connect", "host.exec", "scheduler.submit", "scheduler.status", "app.run"]
)
def test_a_hold_anywhere_lasts_until_it_is_released_and_can_be_stopped(stage: Stage, at: str) -> None:
    stage.arm(at, "hold", times=1, **HERE)
    job_id = stage.submit()
    stage.advance("6h")
    assert stage.job(job_id)["status"] not in ("FINISHED", "BLOCKED", "FAILED")
    stage.release()
    assert stage.run(job_id)["status"] == "FINISHED"
    stage.arm(at, "hold", name="another", **HERE)
    job_id = stage.submit()
    stage.advance("1h")
    stage.cancel(job_id)
    stage.disarm()
    assert stage.run(job_id, limit="10m")["status"] == "STOPPED"


def test_a_cancel_is_delayed_by_its_own_time(stage: Stage) -> None:
    stage.arm("scheduler.cancel", {"delay": "20s"})
    job_id = stage.submit(parameters={"seconds": 3600})
    stage.run(job_id, ("RUNNING",))
    stage.cancel(job_id)
    stage.advance("10s")
    assert stage.job(job_id)["status"] == "RUNNING"
    assert stage.run(job_id, limit="11s")["status"] == "STOPPED"


def test_rules_know_who_is_at_work_on_a_host(stage: Stage) -> None:
    """The job, its app and its user are known where its files are touched."""
    stage.arm("host.connect", "unreachable", when={"app": "emu-fails-*", "job_name": "unlucky"}, times=1)
    lucky, unlucky = stage.submit("emu-fails-1.0"), stage.submit("emu-fails-1.0", name="unlucky")
    for job_id in (lucky, unlucky):
        stage.run(job_id)
    assert "BLOCKED" not in stage.states(lucky) and "BLOCKED" in stage.states(unlucky)
    facts = stage.journal()[0]["facts"]
    assert (facts["job"], facts["user"]) == (unlucky, "testuser")


def test_the_files_api_meets_the_same_hosts(stage: Stage) -> None:
    stage.arm("host.connect", "unreachable", when={"host": "corral*"}, times=1)
    listing = "files/v2/listings/system/tacc.corral/testuser"
    assert "No route to host" in stage.api.refused("GET", listing, 412)
    stage.api.call("GET", listing)
    stage.disarm()
    stage.arm("host.connect", "refuse-login", when={"host": "corral*"}, times=1)
    assert "Authentication failed" in stage.api.refused("GET", listing, 412)


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment.replace("Z", "+00:00")).timestamp()
