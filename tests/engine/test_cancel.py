"""Cancelling: an accepted cancel ends the job as STOPPED, wherever it is, and leaves nothing running [§6]."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from emulator.domain.event import Event
from emulator.domain.ports import Launch
from emulator.domain.states import JobState
from emulator.domain.system import SystemStatus
from emulator.store import Transaction
from tests.engine.bench import EXECUTION, STORAGE, Bench, source
from tests.engine.doubles import ActingJournal, InterposedHosts, StagedLauncher
from tests.engine.test_course import CHAIN
from tests.real.waiting import wait_until

Make = Callable[..., Bench]


PASSED = ("STAGED", "CLEANING_UP")
"""A job leaves these in the transaction that brings it there: nobody comes between."""


@pytest.mark.parametrize("state", [state for state in CHAIN[:-1] if state not in PASSED])
def test_cancelled_as_it_enters_a_state(benches: Make, state: str) -> None:
    bench = benches(journal=ActingJournal)
    bench.furnish()
    bench.put(STORAGE, "data/input.txt", "12345")
    job = bench.submit(sources=(source("data/input.txt"),))

    def cancel(tx: Transaction, event: Event) -> None:
        if event.description == JobState(state).description:
            tx.jobs.update(event.subject, cancel_requested=True)
            tx.after_commit(lambda: bench.engine.wake(event.subject))

    if state == "PENDING":
        bench.cancel(job.id)
    bench.journal.inside = cancel  # type: ignore[attr-defined]
    job = bench.run(job)
    assert bench.states(job.id) == [*CHAIN[: CHAIN.index(state) + 1], "STOPPED"]
    assert job.ended is not None
    assert job.last_status_message.startswith(f"Transitioning from status {state} to STOPPED in phase ")
    launcher = bench.launcher
    assert isinstance(launcher, StagedLauncher)
    assert launcher.cancelled == ([job.id] if state in ("QUEUED", "RUNNING") else [])
    assert bench.real(STORAGE, job.plan.archive_path).exists() is False
    # files stay where they are
    staged = CHAIN.index(state) > CHAIN.index("STAGING_INPUTS")
    assert (bench.real(EXECUTION, job.plan.work_path) / "input.txt").exists() is staged


def test_a_cancel_that_comes_with_the_last_step_still_stops_the_job(benches: Make) -> None:
    bench = benches(journal=ActingJournal)
    bench.furnish()

    def work(launch: Launch) -> None:
        bench.cancel(launch.job_id)

    launcher = bench.launcher
    assert isinstance(launcher, StagedLauncher)
    launcher.work = work
    job = bench.run(bench.submit(archive=False))
    assert job.status == "STOPPED" and launcher.submits[job.id] == 1


@pytest.mark.parametrize("operation", ["reader", "writer"])
def test_a_transfer_stops_in_the_middle(benches: Make, operation: str) -> None:
    cancelled: list[str] = []

    def before(done: str, path: str) -> None:
        if done == operation and path.endswith("/second.bin") and not cancelled:
            cancelled.append(path)
            bench.cancel(job.id)

    bench = benches()
    bench.furnish()
    bench.close()
    bench = benches(hosts=InterposedHosts(bench.sandboxes, before))
    for name in ("first.bin", "second.bin", "third.bin"):
        bench.put(STORAGE, f"data/{name}", name * 1000)
    job = bench.submit(sources=(source("data"),))
    bench.run(job)
    assert bench.states(job.id)[-2:] == ["STAGING_INPUTS", "STOPPED"] and cancelled
    found = {path.name for path in (bench.real(EXECUTION, job.plan.work_path) / "data").iterdir()}
    assert found == {"first.bin"}


def test_archiving_stops_in_the_middle(benches: Make) -> None:
    def before(done: str, path: str) -> None:
        if done == "writer" and "/archive/" in path and path.endswith("/out.txt"):
            bench.cancel(job.id)

    bench = benches()
    bench.furnish()
    bench.close()
    bench = benches(hosts=InterposedHosts(bench.sandboxes, before))
    job = bench.submit()
    job = bench.run(job)
    assert bench.states(job.id)[-2:] == ["ARCHIVING", "STOPPED"]
    assert (job.archived, job.remote_outcome) == (False, "FINISHED")
    assert (bench.real(EXECUTION, job.plan.work_path) / "out.txt").exists()
    assert not (bench.real(STORAGE, job.plan.archive_path) / "out.txt").exists()


def test_a_script_that_runs_is_killed_once(bench: Bench) -> None:
    launcher = bench.launcher
    assert isinstance(launcher, StagedLauncher)
    launcher.hold = True
    job = bench.submit()
    bench.engine.start()
    bench.engine.wake(job.id)
    wait_until(lambda: bench.job(job.id).status == "QUEUED")
    launcher.start(job.id)
    wait_until(lambda: bench.job(job.id).status == "RUNNING")
    bench.cancel(job.id)
    assert bench.engine.wait_idle(30)
    job = bench.job(job.id)
    assert (job.status, job.remote_outcome) == ("STOPPED", None)
    assert launcher.cancelled == [job.id] and launcher.forgotten == [job.id]


def test_a_kill_that_fails_is_repeated_until_it_works(bench: Bench) -> None:
    launcher = bench.launcher
    assert isinstance(launcher, StagedLauncher)
    launcher.hold = True
    launcher.cancel_errors = [OSError("the scheduler is busy"), TimeoutError("no answer")]
    job = bench.submit()
    bench.engine.start()
    bench.engine.wake(job.id)
    wait_until(lambda: bench.job(job.id).status == "QUEUED")
    bench.cancel(job.id)
    assert bench.engine.wait_idle(30)
    assert bench.states(job.id)[-2:] == ["QUEUED", "STOPPED"]
    assert launcher.cancelled == [job.id] and launcher.cancel_errors == []


def test_cancelled_while_the_script_is_handed_over(bench: Bench) -> None:
    launcher = bench.launcher
    assert isinstance(launcher, StagedLauncher)
    launcher.work = lambda launch: bench.cancel(launch.job_id)
    job = bench.run(bench.submit())
    assert bench.states(job.id)[-2:] == ["QUEUED", "STOPPED"]
    assert launcher.submits[job.id] == 1 and launcher.cancelled == [job.id]


def test_a_blocked_job_is_stopped(bench: Bench) -> None:
    bench.change_system(EXECUTION, status=SystemStatus.DOWN)
    job = bench.submit()
    bench.engine.start()
    bench.engine.wake(job.id)
    wait_until(lambda: bench.job(job.id).status == "BLOCKED")
    bench.cancel(job.id)
    assert bench.engine.wait_idle(30)
    assert bench.states(job.id)[-2:] == ["BLOCKED", "STOPPED"]


def test_the_wish_survives_a_restart(benches: Make) -> None:
    bench = benches()
    bench.furnish()
    job = bench.submit()
    bench.cancel(job.id)
    bench.close()
    again = benches()
    again.engine.start()
    assert again.engine.wait_idle(30)
    assert again.states(job.id) == ["PENDING", "STOPPED"]
