"""The threads of the engine: one per job, none for jobs that wait, no wake lost, nothing silently stuck."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest

from emulator.domain.errors import TransitionError, Unavailable
from emulator.domain.event import Event
from emulator.domain.ports import Launch, RemoteReport
from emulator.domain.states import JobState, allowed
from emulator.engine import lifecycle, transitions, worker
from emulator.engine.outcome import Next
from emulator.engine.step import Signal, Step
from emulator.settings import Settings
from emulator.store import Transaction
from tests.engine.bench import STORAGE, Bench, source
from tests.engine.doubles import ActingJournal, InterposedHosts, StagedLauncher
from tests.engine.test_course import CHAIN
from tests.real.waiting import wait_until

pytestmark = pytest.mark.sample(2, of="module")

Make = Callable[..., Bench]


def staged(bench: Bench) -> StagedLauncher:
    assert isinstance(bench.launcher, StagedLauncher)
    return bench.launcher


def test_many_jobs_on_few_threads(benches: Make) -> None:
    bench = benches(settings=Settings(workers=3, recovery_time_scale=6000.0))
    bench.furnish()
    jobs = [bench.submit(name=f"job {number}") for number in range(25)]
    bench.engine.start()
    for job in jobs:
        bench.engine.wake(job.id)
    assert bench.engine.wait_idle(120)
    assert Counter(bench.job(job.id).status for job in jobs) == {"FINISHED": 25}
    assert staged(bench).submits == {job.id: 1 for job in jobs}


def test_jobs_that_wait_hold_no_thread(benches: Make) -> None:
    bench = benches(settings=Settings(workers=1))
    bench.furnish()
    staged(bench).hold = True
    jobs = [bench.submit() for _ in range(5)]
    bench.engine.start()
    for job in jobs:
        wait_until(lambda job=job: bench.job(job.id).status == "QUEUED")  # type: ignore[misc]
    for job in reversed(jobs):
        staged(bench).end(job.id)
    assert bench.engine.wait_idle(30)
    assert {bench.job(job.id).status for job in jobs} == {"FINISHED"}


def test_first_come_first_served_also_after_a_restart(benches: Make) -> None:
    bench = benches(settings=Settings(workers=1))
    bench.furnish()
    jobs = [bench.submit().id for _ in range(6)]
    with bench.store.write() as tx:
        for number, job_id in enumerate(reversed(jobs)):
            tx.jobs.update(job_id, accepted=bench.clock.now().replace(year=2026, month=1, day=1 + number))
    bench.engine.start()
    assert bench.engine.wait_idle(30)
    assert list(staged(bench).launches) == jobs[::-1]


def test_one_job_is_never_on_two_threads(benches: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Woken all the time from outside, each job is still walked by one thread at a time."""
    inside: set[str] = set()
    meetings: list[str] = []
    lock = threading.Lock()
    real = lifecycle.Journey.advance

    def advance(journey: lifecycle.Journey) -> lifecycle.Rest | None:
        with lock:
            if journey._job_id in inside:
                meetings.append(journey._job_id)
            inside.add(journey._job_id)
        try:
            return real(journey)
        finally:
            with lock:
                inside.discard(journey._job_id)

    monkeypatch.setattr(lifecycle.Journey, "advance", advance)
    bench = benches(settings=Settings(workers=4))
    bench.furnish()
    jobs = [bench.submit().id for _ in range(8)]
    bench.engine.start()
    over = threading.Event()

    def pester() -> None:
        while not over.is_set():
            for job_id in jobs:
                bench.engine.wake(job_id)

    thread = threading.Thread(target=pester)
    thread.start()
    try:
        wait_until(lambda: all(bench.job(job_id).status.terminal for job_id in jobs), timeout=60)
    finally:
        over.set()
        thread.join()
    assert meetings == []
    assert {bench.job(job_id).status for job_id in jobs} == {"FINISHED"}


def test_a_wake_during_a_step_is_not_lost(bench: Bench) -> None:
    """The script ends while the engine still writes down that it has been queued."""
    launcher = staged(bench)
    launcher.hold = True
    real = launcher.report

    def report(launch: Launch, remote_job_id: str) -> RemoteReport:
        answer = real(launch, remote_job_id)
        if answer.state == "QUEUED":
            launcher.end(launch.job_id)  # told while the old answer is on its way
        return answer

    launcher.report = report  # type: ignore[method-assign]
    assert bench.run(bench.submit()).status == "FINISHED"


def test_a_mistake_in_a_step_fails_the_job_with_a_reason(
    benches: Make, caplog: pytest.LogCaptureFixture
) -> None:
    def before(operation: str, path: str) -> None:
        if operation == "reader" and path.endswith("wrapper.sh"):
            raise ZeroDivisionError("a mistake of ours")

    bench = benches()
    bench.furnish()
    bench.close()
    bench = benches(hosts=InterposedHosts(bench.sandboxes, before))
    with caplog.at_level(logging.ERROR):
        job = bench.run(bench.submit())
    assert job.last_status_message == "JOBS_INTERNAL_ERROR ZeroDivisionError: a mistake of ours"
    assert bench.states(job.id)[-2:] == ["STAGING_JOB", "FAILED"]
    assert "ZeroDivisionError" in caplog.text and "Traceback" in caplog.text


@pytest.mark.parametrize("state", CHAIN[1:])
def test_a_store_that_fails_once_loses_nothing(
    benches: Make, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    monkeypatch.setattr(lifecycle, "STORE_PAUSE", timedelta(milliseconds=10))
    bench = benches(journal=ActingJournal)
    bench.furnish()
    bench.put(STORAGE, "data/input.txt", "x")
    failures: list[str] = []

    def fail(_tx: Transaction, event: Event) -> None:
        if event.description == JobState(state).description and not failures:
            failures.append(state)
            raise OSError("database or disk is full")

    bench.journal.inside = fail  # type: ignore[attr-defined]
    job = bench.run(bench.submit(sources=(source("data/input.txt"),)))
    assert failures == [state]
    assert bench.states(job.id) == CHAIN and len(staged(bench).launches) == 1
    assert len([event for event in bench.history(job.id) if event.progress]) == 4


@pytest.mark.parametrize(
    "doing",
    [
        "Job input copy in progress",
        "Fetching application assets",
        "Staging runtime assets",
        "Job archiving in progress",
    ],
)
def test_a_store_that_fails_in_the_middle_of_a_step_has_it_repeated(
    benches: Make, monkeypatch: pytest.MonkeyPatch, doing: str
) -> None:
    monkeypatch.setattr(lifecycle, "STORE_PAUSE", timedelta(milliseconds=10))
    bench = benches(journal=ActingJournal)
    bench.furnish()
    bench.put(STORAGE, "data/input.txt", "x")
    failures: list[str] = []

    def fail(_tx: Transaction, event: Event) -> None:
        if event.description.startswith(doing) and not failures:
            failures.append(doing)
            raise Unavailable("The emulator's database does not work: database or disk is full")

    bench.journal.inside = fail  # type: ignore[attr-defined]
    job = bench.run(bench.submit(sources=(source("data/input.txt"),)))
    assert failures == [doing]
    assert bench.states(job.id) == CHAIN and len(staged(bench).launches) == 1


def test_a_job_that_cannot_even_be_read_is_looked_at_again(
    benches: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "BROKEN_PAUSE", timedelta(milliseconds=10))
    bench = benches()
    bench.furnish()
    job = bench.submit()
    real, failures = bench.store.read, [OSError("the disk is gone"), OSError("the disk is gone")]
    bench.engine.start()
    assert bench.engine.wait_idle(30)
    broken = bench.submit()

    def read() -> object:
        if failures:
            raise failures.pop()
        return real()

    monkeypatch.setattr(bench.store, "read", read)
    bench.engine.wake(broken.id)
    assert bench.engine.wait_idle(30)
    monkeypatch.undo()
    assert bench.job(broken.id).status == bench.job(job.id).status == "FINISHED"


def test_stopping_interrupts_transfers_and_the_next_start_repeats_them(benches: Make) -> None:
    stopper: list[threading.Thread] = []

    def before(operation: str, path: str) -> None:
        if operation == "reader" and path.endswith("/b.txt") and not stopper:
            stopper.append(threading.Thread(target=bench.engine.stop))
            stopper[0].start()
            wait_until(bench.engine._closing.is_set)

    bench = benches()
    bench.furnish()
    bench.close()
    bench = benches(hosts=InterposedHosts(bench.sandboxes, before))
    for name in ("a", "b", "c"):
        bench.put(STORAGE, f"data/{name}.txt", name)
    job = bench.submit(sources=(source("data"),))
    bench.engine.start()
    wait_until(lambda: stopper and stopper[0].ident)  # it is in the list before it is started
    stopper[0].join(30)
    assert not stopper[0].is_alive()
    assert bench.job(job.id).status == "STAGING_INPUTS"
    bench.close()
    again = benches()
    again.engine.start()
    assert again.engine.wait_idle(30)
    assert again.states(job.id) == CHAIN
    assert len([event for event in again.history(job.id) if event.progress]) == 4


def test_a_step_that_does_not_listen_is_left_behind(benches: Make, caplog: pytest.LogCaptureFixture) -> None:
    go_on, entered = threading.Event(), threading.Event()

    def before(operation: str, path: str) -> None:
        if operation == "reader" and path.endswith("/input.txt"):
            entered.set()
            go_on.wait(60)

    bench = benches()
    bench.furnish()
    bench.put(STORAGE, "data/input.txt", "x")
    bench.close()
    bench = benches(hosts=InterposedHosts(bench.sandboxes, before))
    job = bench.submit(sources=(source("data/input.txt"),))
    bench.engine.start()
    assert entered.wait(30)
    bench.engine.stop(timeout=0.05)
    assert f"job {job.id}: its step did not end in time" in caplog.text
    go_on.set()
    wait_until(lambda: not bench.engine._running)
    assert bench.job(job.id).status == "STAGING_INPUTS"


def test_after_stopping_nothing_is_taken(bench: Bench) -> None:
    bench.engine.start()
    bench.engine.stop()
    job = bench.submit()
    bench.engine.wake(job.id)
    assert bench.engine.wait_idle(1) and bench.job(job.id).status == "PENDING"


def test_wait_idle_says_when_it_gives_up(bench: Bench) -> None:
    staged(bench).hold = True
    job = bench.submit()
    bench.engine.start()
    wait_until(lambda: bench.job(job.id).status == "QUEUED")
    assert bench.engine.wait_idle(0.05) is False


@pytest.mark.parametrize("current", [state for state in JobState if state is not JobState.ACCEPTED])
def test_the_law_is_kept_by_the_one_place_that_writes_states(bench: Bench, current: JobState) -> None:
    for following in JobState:
        job = bench.submit()
        with bench.store.write() as tx:
            tx.jobs.update(job.id, status=current, blocked_from=JobState.STAGED)
        before, entries = bench.job(job.id), len(bench.history(job.id))
        step = Step(bench.engine._tools, before, Signal(threading.Event()), 0)
        if allowed(current, following, JobState.STAGED):
            assert transitions.move(bench.engine._tools, step, Next(state=following)).status is following
            assert len(bench.history(job.id)) == entries + 1
        else:
            with pytest.raises(TransitionError):
                transitions.move(bench.engine._tools, step, Next(state=following))
            assert bench.job(job.id) == before and len(bench.history(job.id)) == entries


def test_a_state_that_was_changed_behind_the_engines_back_is_not_overwritten(bench: Bench) -> None:
    job = bench.submit()
    step = Step(bench.engine._tools, job, Signal(threading.Event()), 0)
    with bench.store.write() as tx:
        tx.jobs.update(job.id, status=JobState.FAILED)
    with pytest.raises(TransitionError, match="is no longer PENDING"):
        transitions.move(bench.engine._tools, step, Next(state=JobState.PROCESSING_INPUTS))
