"""BLOCKED: what a job waits for, how it goes on, and when it is over for good [job-lifecycle §5]."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from emulator.domain.event import Event
from emulator.domain.ports import RemoteReport, RemoteState
from emulator.domain.states import JobState
from emulator.domain.system import Queue, SystemStatus
from emulator.settings import Settings
from emulator.store import Transaction
from tests.engine.bench import EXECUTION, STORAGE, WORLD, Bench, execution_system, source, storage_system
from tests.engine.doubles import ActingJournal, InterposedHosts, ManualClock, StagedLauncher
from tests.engine.test_course import CHAIN
from tests.real.waiting import wait_until

pytestmark = pytest.mark.sample(2)

Make = Callable[..., Bench]


def staged(bench: Bench) -> StagedLauncher:
    assert isinstance(bench.launcher, StagedLauncher)
    return bench.launcher


def start(bench: Bench, *job_ids: str) -> None:
    bench.engine.start()
    for job_id in job_ids:
        bench.engine.wake(job_id)


def wait_for(bench: Bench, job_id: str, state: str) -> None:
    wait_until(lambda: bench.job(job_id).status == state, what=state)


TOUCHED = [
    ("PROCESSING_INPUTS", EXECUTION),
    ("PROCESSING_INPUTS", "inputs"),
    ("STAGING_INPUTS", "inputs"),
    ("STAGED", "deployment"),
    ("STAGING_JOB", "deployment"),
    ("STAGING_JOB", EXECUTION),
    ("SUBMITTING", EXECUTION),
    ("QUEUED", EXECUTION),
    ("RUNNING", EXECUTION),
    ("ARCHIVING", "archive"),
    ("ARCHIVING", EXECUTION),
]
UNUSABLE: list[tuple[dict[str, Any], str]] = [
    ({"status": SystemStatus.MAINTENANCE}, "is currently MAINTENANCE."),
    ({"available": False}, "is not currently available."),
]


@pytest.mark.parametrize(("state", "system_id"), TOUCHED)
@pytest.mark.parametrize(("change", "words"), UNUSABLE, ids=["status", "available"])
def test_a_system_that_goes_away_as_a_job_enters_a_state(
    benches: Make, state: str, system_id: str, change: dict[str, Any], words: str
) -> None:
    bench, job_id = prepared(benches)

    def take_away(tx: Transaction, event: Event) -> None:
        if event.description == JobState(state).description and not bench.job(job_id).blocked_count:
            found = tx.systems.get(WORLD, system_id)
            assert found is not None
            tx.systems.save(replace(found, **change))

    bench.journal.inside = take_away  # type: ignore[attr-defined]
    start(bench, job_id)
    wait_for(bench, job_id, "BLOCKED")
    job = bench.job(job_id)
    at = "STAGING_JOB" if state == "STAGED" else state
    assert (job.blocked_from, job.blocked_condition, job.blocked_count) == (at, "system", 1)
    assert job.last_status_message.startswith(f"Transitioning from status {at} to BLOCKED in phase ")
    assert job.last_status_message.endswith(f" System {system_id} {words}")
    bench.change_system(system_id, status=SystemStatus.UP, available=True)
    assert bench.engine.wait_idle(30)
    cut = CHAIN.index(at) + 1
    assert bench.states(job_id) == [*CHAIN[:cut], "BLOCKED", *CHAIN[cut - 1 :]]
    assert staged(bench).submits[job_id] == 1
    assert bench.job(job_id).blocked_from is None


def prepared(benches: Make) -> tuple[Bench, str]:
    """A job that has its input, its app and its archive on a system each."""
    bench = benches(journal=ActingJournal)
    app = bench.furnish()
    with bench.store.write() as tx:
        for name in ("inputs", "deployment", "archive"):
            tx.systems.add(storage_system(name), {})
    bench.put("deployment", "apps/hello/wrapper.sh", "true\n")
    bench.put("inputs", "data/input.txt", "12345")
    job = bench.submit(
        app=replace(app, deployment_system="deployment"),
        archive_system="archive",
        sources=(source("data/input.txt", "inputs"),),
    )
    return bench, job.id


@pytest.mark.parametrize(
    ("state", "system_id"), [(s, i) for s, i in TOUCHED if (s, i) != ("STAGED", "deployment")]
)
def test_a_system_that_is_erased_fails_the_job(benches: Make, state: str, system_id: str) -> None:
    bench, job_id = prepared(benches)

    def erase(tx: Transaction, event: Event) -> None:
        if event.description == JobState(state).description:
            found = tx.systems.get(WORLD, system_id)
            assert found is not None
            tx.systems.erase(found)

    bench.journal.inside = erase  # type: ignore[attr-defined]
    job = bench.run(bench.job(job_id))
    assert bench.states(job_id)[-2:] == [state, "FAILED"]
    assert job.last_status_message == f"JOBS_SYSTEM_NOT_FOUND The system {system_id} no longer exists."
    assert staged(bench).cancelled == ([job_id] if state in ("QUEUED", "RUNNING") else [])


def test_an_app_that_is_disabled_and_comes_back(bench: Bench) -> None:
    with bench.store.write() as tx:
        app = tx.apps.get(WORLD, "hello-1.0")
        assert app is not None
        tx.apps.save(replace(app, available=False))
    job = bench.submit()
    start(bench, job.id)
    wait_for(bench, job.id, "BLOCKED")
    assert bench.job(job.id).blocked_condition == "app"
    with bench.store.write() as tx:
        tx.apps.save(app)
    assert bench.engine.wait_idle(30)
    assert bench.job(job.id).status == "FINISHED"


def test_a_condition_that_clears_while_another_holds(bench: Bench) -> None:
    bench.change_system(EXECUTION, available=False)
    job = bench.submit()
    start(bench, job.id)
    wait_for(bench, job.id, "BLOCKED")
    with bench.store.write() as tx:
        app = tx.apps.get(WORLD, "hello-1.0")
        assert app is not None
        tx.apps.save(replace(app, available=False))
    bench.change_system(EXECUTION, available=True)
    wait_until(lambda: bench.job(job.id).blocked_count == 2, 30, "the app to be what the job waits for")
    blocked = bench.job(job.id)
    assert (blocked.status, blocked.blocked_condition) == ("BLOCKED", "app")
    assert blocked.last_status_message.endswith(" App hello-1.0 is not currently available.")
    with bench.store.write() as tx:
        tx.apps.save(app)
    assert bench.engine.wait_idle(30)
    waited = ["PROCESSING_INPUTS", "BLOCKED", "PROCESSING_INPUTS", "BLOCKED", "PROCESSING_INPUTS"]
    assert bench.states(job.id)[1:6] == waited
    assert bench.states(job.id)[-1] == "FINISHED"


def test_an_app_that_is_deleted_before_it_was_brought_over(bench: Bench) -> None:
    job = bench.submit()
    with bench.store.write() as tx:
        tx.apps.erase(job.plan.app)
    job = bench.run(job)
    assert job.last_status_message == "JOBS_APP_NOT_FOUND The app hello-1.0 no longer exists."


def test_an_app_that_is_deleted_while_its_job_runs_does_no_harm(bench: Bench) -> None:
    job = bench.submit()

    def erase(_launch: object) -> None:
        with bench.store.write() as tx:
            tx.apps.erase(job.plan.app)

    staged(bench).work = erase
    assert bench.run(job).status == "FINISHED"


@pytest.mark.parametrize(
    ("limits", "owners", "text"),
    [
        (
            {"max_system_jobs": 1},
            ("one", "two", "three"),
            f"System {EXECUTION} is currently at maximum capacity for concurrent active jobs.",
        ),
        (
            {"max_system_jobs_per_user": 1},
            ("one", "one", "one"),
            f"User one has reached their quota for concurrent active jobs on {EXECUTION}",
        ),
        (
            {"queues": (Queue(name="normal", default=True, max_jobs=1),)},
            ("one", "two", "three"),
            f"System {EXECUTION} is currently at maximum capacity for concurrent active jobs on the normal "
            f"queue of {EXECUTION}.",
        ),
        (
            {"queues": (Queue(name="normal", default=True, max_jobs=5, max_user_jobs=1),)},
            ("one", "one", "one"),
            f"User one has reached their quota for concurrent active jobs on the normal queue of {EXECUTION}",
        ),
    ],
)
def test_quotas_are_never_exceeded(
    benches: Make, limits: dict[str, Any], owners: tuple[str, ...], text: str
) -> None:
    bench = benches(settings=Settings(workers=4, recovery_time_scale=6000.0))
    bench.furnish(execution_system(**limits))
    launcher = staged(bench)
    launcher.hold = True
    jobs = [bench.submit(owner=owner).id for owner in owners]
    start(bench, *jobs)
    done: list[str] = []
    while len(done) < len(jobs):
        wait_until(lambda: [job_id for job_id in launcher.launches if job_id not in done])
        (out,) = [job_id for job_id in launcher.launches if job_id not in done]
        waiting = [job_id for job_id in jobs if job_id not in [*done, out]]
        for job_id in waiting:
            wait_for(bench, job_id, "BLOCKED")
            assert bench.job(job_id).last_status_message.endswith(text)
            assert bench.job(job_id).blocked_from == "STAGED"
        done.append(out)
        launcher.end(out)
    assert bench.engine.wait_idle(30)
    assert {bench.job(job_id).status for job_id in jobs} == {"FINISHED"}
    assert launcher.submits == dict.fromkeys(jobs, 1)


def test_another_users_quota_does_not_hold_mine(benches: Make) -> None:
    bench = benches()
    bench.furnish(execution_system(max_system_jobs_per_user=1))
    staged(bench).hold = True
    mine, yours = bench.submit(owner="me").id, bench.submit(owner="you").id
    start(bench, mine, yours)
    wait_for(bench, mine, "QUEUED")
    wait_for(bench, yours, "QUEUED")


def test_a_connection_that_comes_back(benches: Make) -> None:
    down: list[str] = ["down"]

    def before(_operation: str, path: str) -> None:
        if down and "/home/data" in path:
            raise ConnectionRefusedError(111, "Connection refused")
        if down and path == "/":
            raise TimeoutError(110, "Connection timed out")

    bench = benches()
    bench.furnish()
    bench.put(STORAGE, "data/input.txt", "12345")
    bench.close()
    bench = benches(hosts=InterposedHosts(bench.sandboxes, before))
    job = bench.submit(sources=(source("data/input.txt"),))
    start(bench, job.id)
    wait_for(bench, job.id, "BLOCKED")
    job = bench.job(job.id)
    assert job.blocked_condition == "connection"
    assert job.last_status_message.endswith("Unable to stage job inputs: Connection refused")
    down.clear()
    assert bench.engine.wait_idle(30)
    assert bench.job(job.id).status == "FINISHED" and bench.job(job.id).blocked_count == 1


def test_a_scheduler_that_does_not_answer_is_waited_for(bench: Bench) -> None:
    staged(bench).refusals = [ConnectionError("no answer")]
    job = bench.run(bench.submit())
    assert bench.states(job.id)[-6:] == ["SUBMITTING", *CHAIN[-5:]]
    assert "BLOCKED" in bench.states(job.id)
    assert (job.status, job.submit_retries, job.blocked_count) == ("FINISHED", 0, 1)


def test_submission_is_tried_three_times(bench: Bench) -> None:
    staged(bench).refusals = [OSError(22, "Invalid account"), OSError(22, "Invalid account")]
    job = bench.run(bench.submit())
    assert (job.status, job.submit_retries) == ("FINISHED", 2)
    notes = [event.description for event in bench.history(job.id) if event.status == "SUBMITTING"]
    assert notes == [
        "Submitting job to execution system",
        "Attempt 1 failed to submit job. Invalid account",
        "Attempt 2 failed to submit job. Invalid account",
    ]


def test_a_submission_that_fails_three_times(bench: Bench) -> None:
    staged(bench).refusals = [OSError(22, "Invalid account")] * 3
    job = bench.run(bench.submit())
    assert job.last_status_message == (
        "JOBS_SUBMIT_FAILED Unable to submit job after 3 attempts. Job cancelled. Invalid account"
    )
    assert staged(bench).submits == {} and bench.states(job.id)[-2:] == ["SUBMITTING", "FAILED"]


def test_status_checks_that_fail_are_counted_and_repeated(bench: Bench) -> None:
    staged(bench).report_errors = [OSError(5, "garbled"), OSError(5, "garbled")]
    job = bench.run(bench.submit())
    assert (job.status, job.failed_status_checks) == ("FINISHED", 2)


def advance_until(bench: Bench, condition: Callable[[], bool], step: timedelta) -> None:
    """Let a manual clock run, as long as the engine has nothing else to do."""
    clock = bench.clock
    assert isinstance(clock, ManualClock)

    def passed() -> bool:
        if not condition() and clock.due() is not None:
            clock.advance(step)
        return condition()

    wait_until(passed)


def test_a_job_that_is_blocked_for_too_long_fails(benches: Make) -> None:
    bench = benches(clock=ManualClock(), settings=Settings(workers=1))
    bench.furnish()
    bench.change_system(EXECUTION, status=SystemStatus.DOWN)
    job = bench.submit()
    start(bench, job.id)
    wait_for(bench, job.id, "BLOCKED")
    advance_until(bench, lambda: bench.job(job.id).status == "FAILED", timedelta(hours=12))
    job = bench.job(job.id)
    assert job.last_status_message == (
        "JOBS_TIME_LIMIT Unable to stage inputs for job after 7 days. Job cancelled."
    )
    assert job.created is not None and job.ended is not None and job.ended - job.created >= timedelta(days=7)


@pytest.mark.parametrize(
    ("state", "doing"), [("STAGING_JOB", "submit job"), ("ARCHIVING", "archive outputs for job")]
)
def test_later_phases_have_limits_of_their_own(benches: Make, state: str, doing: str) -> None:
    bench = benches(clock=ManualClock(), settings=Settings(workers=1), journal=ActingJournal)
    bench.furnish()
    launcher = staged(bench)
    launcher.now = bench.clock.now

    def take_away(tx: Transaction, event: Event) -> None:
        if event.description == JobState(state).description:
            found = tx.systems.get(WORLD, EXECUTION)
            assert found is not None
            tx.systems.save(replace(found, status=SystemStatus.DOWN))

    bench.journal.inside = take_away  # type: ignore[attr-defined]
    job = bench.submit()
    start(bench, job.id)
    wait_for(bench, job.id, "BLOCKED")
    advance_until(bench, lambda: bench.job(job.id).status == "FAILED", timedelta(hours=12))
    assert bench.job(job.id).last_status_message == (
        f"JOBS_TIME_LIMIT Unable to {doing} after 7 days. Job cancelled."
    )


def test_a_script_that_outlives_its_limit_is_given_up(benches: Make) -> None:
    bench = benches(clock=ManualClock(), settings=Settings(workers=1))
    bench.furnish()
    launcher = staged(bench)
    launcher.hold, launcher.now = True, bench.clock.now
    job = bench.submit(max_run_seconds=3600)
    start(bench, job.id)
    wait_for(bench, job.id, "QUEUED")
    launcher.start(job.id)
    wait_for(bench, job.id, "RUNNING")
    wait_until(lambda: bench.clock.due() is not None)  # type: ignore[attr-defined]
    bench.clock.advance(timedelta(hours=24))  # type: ignore[attr-defined]
    assert bench.job(job.id).status == "RUNNING"
    advance_until(bench, lambda: bench.job(job.id).status == "FAILED", timedelta(hours=1))
    job = bench.job(job.id)
    assert launcher.cancelled == [job.id]
    assert (job.remote_outcome, job.failure_code) == ("FAILED_SKIP_ARCHIVE", "JOBS_MONITORING_FAILED")


def test_monitoring_is_given_up_after_an_hour_of_failed_checks(benches: Make) -> None:
    bench = benches(clock=ManualClock(), settings=Settings(workers=1))
    bench.furnish()
    launcher = staged(bench)
    launcher.hold, launcher.now = True, bench.clock.now
    launcher.report_errors = [OSError(5, "garbled")] * 10000
    job = bench.submit()
    start(bench, job.id)
    advance_until(bench, lambda: bench.job(job.id).status == "FAILED", timedelta(minutes=10))
    job = bench.job(job.id)
    assert (job.remote_outcome, job.failure_code) == ("FAILED_SKIP_ARCHIVE", "JOBS_MONITORING_FAILED")
    assert job.failed_status_checks >= 2


def test_a_blocked_job_goes_on_after_a_restart(benches: Make) -> None:
    bench = benches()
    bench.furnish()
    bench.change_system(EXECUTION, status=SystemStatus.DOWN)
    job = bench.submit()
    start(bench, job.id)
    wait_for(bench, job.id, "BLOCKED")
    bench.close()
    again = benches()
    again.change_system(EXECUTION, status=SystemStatus.UP)
    again.engine.start()
    assert again.engine.wait_idle(30)
    assert again.job(job.id).status == "FINISHED"


def test_the_limit_of_the_launch_is_scaled(benches: Make) -> None:
    bench = benches(settings=replace(Settings(workers=1), time_scale=1000.0))
    bench.furnish()
    job = bench.submit(max_run_seconds=90)
    unlimited = bench.submit(max_run_seconds=0)
    bench.run(job)
    launches = staged(bench).launches
    assert launches[job.id].max_run_seconds == 1 and launches[unlimited.id].max_run_seconds == 0


def test_a_report_of_requeueing_changes_nothing(bench: Bench) -> None:
    launcher = staged(bench)
    launcher.hold = True
    job = bench.submit()
    start(bench, job.id)
    wait_for(bench, job.id, "QUEUED")
    launcher.start(job.id)
    wait_for(bench, job.id, "RUNNING")
    checks = bench.job(job.id).remote_status_checks
    launcher.say(job.id, RemoteReport(state=RemoteState.QUEUED))
    wait_until(lambda: bench.job(job.id).remote_status_checks > checks)
    assert bench.job(job.id).status == "RUNNING"
