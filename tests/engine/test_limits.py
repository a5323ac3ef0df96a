"""The longest that each phase of a job may take, by the clock and across restarts [job-lifecycle §9]."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from emulator.domain.states import JobState
from emulator.engine.step import Step
from emulator.settings import Settings
from tests.engine.bench import STORAGE, Bench, source
from tests.engine.doubles import InterposedHosts, ManualClock
from tests.engine.test_blocked import advance_until, staged, start, wait_for
from tests.job_samples import NOON

Make = Callable[..., Bench]
DAY = timedelta(days=1)
TOO_LATE = "JOBS_TIME_LIMIT Unable to {} job after 7 days. Job cancelled."


def furnished(benches: Make, **options: object) -> Bench:
    bench = benches(**({"clock": ManualClock(), "settings": Settings(workers=1)} | options))
    bench.furnish()
    staged(bench).now = bench.clock.now
    return bench


@pytest.mark.parametrize(
    ("state", "doing"),
    [
        ("PENDING", "stage inputs for"),
        ("PROCESSING_INPUTS", "stage inputs for"),
        ("STAGING_INPUTS", "stage inputs for"),
        ("STAGED", "submit"),
        ("STAGING_JOB", "submit"),
        ("SUBMITTING", "submit"),
    ],
)
@pytest.mark.parametrize(("away", "late"), [(6 * DAY, False), (8 * DAY, True)])
def test_what_waits_while_nobody_works(
    benches: Make, state: str, doing: str, away: timedelta, late: bool
) -> None:
    """An emulator that was down finds jobs in the middle of a phase."""
    bench = furnished(benches)
    job = bench.submit()
    with bench.store.write() as tx:
        tx.jobs.update(job.id, status=JobState(state))
        for passed in ("STAGED",) if doing == "submit" else ():
            bench.journal.record(
                tx,
                world=job.world,
                subject=job.id,
                kind="job",
                status=passed,
                description=JobState(passed).description,
                created_by=job.owner,
            )
    bench.close()
    again = benches(clock=ManualClock(NOON + away), settings=Settings(workers=1))
    staged(again).now = again.clock.now
    staged(again).work = lambda launch: Path(launch.work_dir).mkdir(parents=True, exist_ok=True)
    again.engine.start()
    assert again.engine.wait_idle(30)
    job = again.job(job.id)
    if not late:
        assert job.status == "FINISHED"
        return
    assert (job.status, job.last_status_message) == ("FAILED", TOO_LATE.format(doing))
    assert staged(again).launches == {}


@pytest.mark.parametrize("scale", [1.0, 7 * 24 * 60.0])
def test_the_limits_are_divided_by_the_time_scale(benches: Make, scale: float) -> None:
    bench = furnished(benches, settings=Settings(workers=1, time_scale=scale))
    job = bench.submit()
    bench.clock.advance(timedelta(minutes=2))  # type: ignore[attr-defined]
    job = bench.run(job)
    assert job.status == ("FINISHED" if scale == 1.0 else "FAILED")


def test_a_transfer_that_never_ends_is_cut_off(benches: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Inputs that come slowly: the limit is seen in the midst of the copy."""
    clock = ManualClock()
    bench = furnished(benches, clock=clock)
    bench.put(STORAGE, "data/input.txt", "12345")
    bench.close()

    def before(operation: str, path: str) -> None:
        if operation == "writer" and path.endswith("input.txt"):
            clock.advance(8 * DAY)

    bench = benches(clock=clock, settings=Settings(workers=1), hosts=InterposedHosts(bench.sandboxes, before))
    checks: list[JobState] = []
    real = Step.check_deadline

    def check(step: Step) -> None:
        checks.append(step.job.status)
        real(step)

    monkeypatch.setattr(Step, "check_deadline", check)
    job = bench.run(bench.submit(sources=(source("data/input.txt"),)))
    assert job.last_status_message == TOO_LATE.format("stage inputs for")
    assert bench.states(job.id)[-2:] == ["STAGING_INPUTS", "FAILED"]
    assert checks.count(JobState.STAGING_INPUTS) >= 2


def test_a_script_that_is_never_started_is_given_up(benches: Make) -> None:
    bench = furnished(benches)
    launcher = staged(bench)
    launcher.hold = True
    job = bench.submit(max_run_seconds=3600)
    start(bench, job.id)
    wait_for(bench, job.id, "QUEUED")
    clock = bench.clock
    assert isinstance(clock, ManualClock)
    advance_until(bench, lambda: clock.due() is not None, timedelta(0))
    assert clock.due() == NOON + 15 * DAY + timedelta(hours=1)
    clock.advance(15 * DAY)
    assert bench.job(job.id).status == "QUEUED"
    advance_until(bench, lambda: bench.job(job.id).status == "FAILED", timedelta(hours=1))
    found = bench.job(job.id)
    assert launcher.cancelled == [job.id]
    assert (found.remote_outcome, found.remote_started) == ("FAILED_SKIP_ARCHIVE", None)
    assert bench.states(job.id)[-3:] == ["QUEUED", "CLEANING_UP", "FAILED"]


def test_a_job_without_a_run_time_may_wait_for_ever(benches: Make) -> None:
    bench = furnished(benches)
    staged(bench).hold = True
    job = bench.submit(max_run_seconds=0)
    start(bench, job.id)
    wait_for(bench, job.id, "QUEUED")
    assert bench.clock.due() is None  # type: ignore[attr-defined]
