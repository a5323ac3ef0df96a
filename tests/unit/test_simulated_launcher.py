"""Simulated jobs by their launcher: what happens when, on a clock that stands still, and what a restart finds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from emulator.domain.clock import ClockMode, ClockSetting
from emulator.domain.ports import Launch, RemoteState
from emulator.domain.simulation import Play
from emulator.engine.clocks import WorldClocks
from emulator.hosts.sandbox import SandboxHosts
from emulator.runtimes.simulated.launcher import SimulatedLauncher

WORLD, HOST = "default", "login.cluster.test"
START = datetime(2026, 1, 1, tzinfo=UTC)


class Stage:
    """Launchers that come and go over one directory, and a world whose time passes when it is told to."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.hosts = SandboxHosts(directory / "hosts")
        self.files = self.hosts.host(WORLD, HOST).files
        self.clocks = WorldClocks()
        self.clocks.begin(WORLD, ClockSetting(mode=ClockMode.FROZEN, start=START))
        self.changes: list[str] = []
        self.numbers = 0
        self.launcher = self._launcher()

    def _launcher(self) -> SimulatedLauncher:
        return SimulatedLauncher(
            hosts=self.hosts,
            clocks=self.clocks,
            directory=self.directory / "simulated",
            next_number=self._next,
            on_change=self.changes.append,
        )

    def _next(self, world: str, host: str) -> int:
        self.numbers += 1
        return self.numbers

    def die(self, away: float = 0.0) -> None:
        """The program ends without a word, time passes, another one starts."""
        now = self.clocks.of(WORLD).now()
        self.clocks.begin(WORLD, ClockSetting(mode=ClockMode.FROZEN, start=now + timedelta(seconds=away)))
        self.launcher = self._launcher()
        self.launcher.start()

    def launch(self, name: str, play: Play | None = None, **changes: Any) -> Launch:
        folder = f"/scratch/{name}"
        self.files.mkdir(folder)
        launch = Launch(
            job_id=name,
            world=WORLD,
            host=HOST,
            system_id="cluster",
            app_id="app-1.0",
            owner="testuser",
            name="My job",
            scheduler="SLURM",
            script=f"{folder}/my-job.ipcexe",
            work_dir=folder,
            stdout=f"{folder}/my-job.out",
            stderr=f"{folder}/my-job.err",
            home_dir="/home",
            max_run_seconds=3600,
            queue="normal",
            play=play or Play(duration=10.0),
        )
        return replace(launch, **changes)

    def submit(self, name: str, play: Play | None = None, **changes: Any) -> Launch:
        launch = self.launch(name, play, **changes)
        self.launcher.submit(launch)
        return launch

    def pass_time(self, seconds: float) -> None:
        clock = self.clocks.of(WORLD)
        end = clock.now() + timedelta(seconds=seconds)
        while (timer := clock.leap(end)) is not None:
            timer.action()

    def leap(self, seconds: float) -> None:
        """The same, but every timer comes late: as where the machine was busy elsewhere."""
        clock = self.clocks.of(WORLD)
        now = clock.now() + timedelta(seconds=seconds)
        late = []
        while (timer := clock.leap(now)) is not None:
            late.append(timer)
        for timer in late:
            timer.action()

    def report(self, launch: Launch) -> Any:
        return self.launcher.report(launch, "")

    def state(self, launch: Launch) -> RemoteState:
        state: RemoteState = self.report(launch).state
        return state

    def times(self, launch: Launch) -> tuple[float | None, float | None]:
        """Seconds from the beginning to its start and to its end."""
        told = self.report(launch)
        return tuple(
            None if at is None else (at - START).total_seconds() for at in (told.started, told.ended)
        )  # type: ignore[return-value]

    def read(self, path: str) -> bytes:
        with self.files.reader(path) as stream:
            return stream.read()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path)
    yield stage
    stage.launcher.stop()
    stage.clocks.stop()


def test_it_waits_runs_and_ends_at_the_moments_it_says(stage: Stage) -> None:
    job = stage.submit("one", Play(queue_wait=30, duration=12.5))
    assert stage.state(job) is RemoteState.QUEUED
    stage.pass_time(29.999)
    assert stage.state(job) is RemoteState.QUEUED and stage.changes == []
    stage.pass_time(0.001)
    assert stage.state(job) is RemoteState.RUNNING and stage.changes == ["one"]
    stage.pass_time(100)
    assert stage.times(job) == (30, 42.5) and stage.changes == ["one", "one"]
    told = stage.report(job)
    assert told.succeeded and told.by_world


def test_without_wait_and_duration_it_is_over_when_it_is_taken(stage: Stage) -> None:
    job = stage.submit("one", Play())
    assert stage.report(job).succeeded and stage.changes == []


def test_again_for_the_same_job_it_is_the_same(stage: Stage) -> None:
    launch = stage.launch("one")
    assert stage.launcher.submit(launch) == stage.launcher.submit(launch) == "1"
    assert stage.launcher.submit(stage.launch("two", scheduler="PBS")) == f"2.{HOST}"


@pytest.mark.parametrize(
    ("play", "word", "code", "signal"),
    [
        (Play(exit_code=3), "FAILED", 3, 0),
        (Play(signal=9), "FAILED", 137, 9),
        (Play(scheduler_state="NODE_FAIL"), "NODE_FAIL", None, 0),
        (Play(scheduler_state="OUT_OF_MEMORY"), "OUT_OF_MEMORY", 137, 9),
        (Play(scheduler_state="PREEMPTED", exit_code=1), "PREEMPTED", 1, 0),
        (Play(duration=3601.0), "TIMEOUT", 143, 15),
        (Play(duration=None), "TIMEOUT", 143, 15),
    ],
)
def test_ends_are_told_as_a_scheduler_would(
    stage: Stage, play: Play, word: str, code: int | None, signal: int
) -> None:
    job = stage.submit("one", play)
    stage.pass_time(4000)
    told = stage.report(job)
    assert (told.state, told.scheduler_state) == (RemoteState.ENDED, word)
    assert (told.exit_code, told.signal) == (code, signal)
    assert (told.ended - told.started).total_seconds() == (3600 if word == "TIMEOUT" else 0)


def test_one_that_the_scheduler_forgets_is_lost(stage: Stage) -> None:
    assert stage.state(stage.submit("one", Play(scheduler_state="LOST"))) is RemoteState.LOST


def test_the_scheduler_refuses_in_the_words_that_were_declared(stage: Stage) -> None:
    with pytest.raises(OSError, match=r"^sbatch: error: no$"):
        stage.submit("one", Play(reject="sbatch: error: no"))
    assert stage.state(stage.launch("one")) is RemoteState.LOST


# queues


def test_a_queue_starts_as_many_as_it_may_in_the_order_they_came(stage: Stage) -> None:
    jobs = [stage.submit(name, queue_limit=2) for name in ("one", "two", "three", "four", "five")]
    assert [stage.state(job) for job in jobs].count(RemoteState.RUNNING) == 2
    stage.pass_time(100)
    assert [stage.times(job) for job in jobs] == [(0, 10), (0, 10), (10, 20), (10, 20), (20, 30)]


def test_an_owner_with_enough_jobs_is_passed_over(stage: Stage) -> None:
    mine = [stage.submit(name, queue_user_limit=1) for name in ("one", "two")]
    theirs = stage.submit("three", owner="admin", queue_user_limit=1)
    stage.pass_time(100)
    assert [stage.times(job) for job in (*mine, theirs)] == [(0, 10), (10, 20), (0, 10)]


def test_a_wait_in_the_queue_keeps_nobody_else_waiting(stage: Stage) -> None:
    slow = stage.submit("slow", Play(queue_wait=100, duration=10), queue_limit=1)
    quick = stage.submit("quick", Play(duration=10), queue_limit=1)
    stage.pass_time(200)
    assert (stage.times(quick), stage.times(slow)) == ((0, 10), (100, 110))


def test_timers_that_come_late_leave_the_same_times_behind(stage: Stage) -> None:
    plays = [Play(queue_wait=wait, duration=run) for wait, run in ((0, 7), (3, 5), (1, 20), (0, 1), (30, 2))]
    jobs = [stage.submit(f"job{n}", play, queue_limit=2) for n, play in enumerate(plays)]
    stage.leap(1000)
    late = [stage.times(job) for job in jobs]
    again = [stage.submit(f"again{n}", play, queue="other", queue_limit=2) for n, play in enumerate(plays)]
    stage.pass_time(1000)
    in_time = [stage.times(job) for job in again]
    assert late == [(a - 1000, b - 1000) for a, b in in_time if a is not None and b is not None]


def test_fork_knows_no_queue(stage: Stage) -> None:
    jobs = [stage.submit(name, scheduler="FORK", queue="", queue_limit=1) for name in ("one", "two")]
    assert {stage.state(job) for job in jobs} == {RemoteState.RUNNING}
    assert stage.read("/scratch/one/my-job.pid") == b"1\n"


# cancelling


@pytest.mark.parametrize("after", [0, 35, 45])
def test_it_can_be_cancelled_wherever_it_stands(stage: Stage, after: float) -> None:
    job = stage.submit("one", Play(queue_wait=30, duration=10, outputs={"late.txt": "x"}))
    stage.pass_time(after)
    stage.launcher.cancel(job, "1")
    told = stage.report(job)
    stage.launcher.cancel(job, "1")
    stage.pass_time(1000)
    assert stage.report(job) == told
    assert told.scheduler_state == ("COMPLETED" if after == 45 else "CANCELLED")
    assert (told.started is None) is (after == 0)
    assert stage.files.exists("/scratch/one/late.txt") is (after == 45)
    assert stage.clocks.of(WORLD).next_awaited() is None


def test_a_cancelled_one_makes_room(stage: Stage) -> None:
    first, second, third = (stage.submit(name, queue_limit=1) for name in ("one", "two", "three"))
    stage.launcher.cancel(second, "")
    stage.pass_time(4)
    stage.launcher.cancel(first, "")
    assert stage.changes == ["two", "one", "three"]
    stage.pass_time(100)
    assert stage.times(third) == (4, 14)


def test_one_that_is_forgotten_leaves_nothing(stage: Stage) -> None:
    job = stage.submit("one", queue_limit=1)
    other = stage.submit("two", queue_limit=1)
    stage.launcher.forget(job)
    assert stage.state(job) is RemoteState.LOST
    assert stage.state(other) is RemoteState.RUNNING
    stage.launcher.forget(other)
    assert list((stage.directory / "simulated").iterdir()) == []
    stage.launcher.forget(other)


def test_a_world_that_begins_anew_has_no_jobs(stage: Stage) -> None:
    job = stage.submit("one", queue_limit=1)
    stage.launcher.forget_world("another")
    assert stage.state(job) is RemoteState.RUNNING
    stage.launcher.forget_world(WORLD)
    assert stage.state(job) is RemoteState.LOST
    assert stage.state(stage.submit("two", queue_limit=1)) is RemoteState.RUNNING
    stage.die()
    assert stage.state(job) is RemoteState.LOST


def test_what_is_held_goes_when_it_is_released(stage: Stage) -> None:
    job = stage.submit("one", Play(queue_wait=5, duration=10), held=True)
    stage.pass_time(1000)
    stage.die()
    assert stage.state(job) is RemoteState.QUEUED
    stage.launcher.release(job, "1")
    stage.launcher.release(job, "1")
    stage.pass_time(1000)
    assert stage.times(job) == (1005, 1015)
    other = stage.submit("two", held=True)
    stage.launcher.cancel(other, "")
    stage.launcher.release(other, "")
    assert stage.report(other).scheduler_state == "CANCELLED"


# files


def test_what_it_says_and_leaves_is_there_when_it_is_told(stage: Stage) -> None:
    play = Play(duration=10, stdout="höllo\n", stderr=100, outputs={"a/b/c.txt": "text", "big": 300_000})
    job = stage.submit("one", play)
    assert stage.state(job) is RemoteState.RUNNING
    assert stage.read("/scratch/one/my-job.out") == "höllo\n".encode()
    assert len(stage.read("/scratch/one/my-job.err")) == 100
    assert not stage.files.exists("/scratch/one/a")
    stage.pass_time(10)
    assert stage.state(job) is RemoteState.ENDED
    assert stage.read("/scratch/one/a/b/c.txt") == b"text"
    big = stage.read("/scratch/one/big")
    assert len(big) == 300_000 and len(set(big[i : i + 63] for i in range(0, 6300, 63))) == 1


def test_one_that_fails_leaves_its_outputs_too_but_not_one_whose_time_was_up(stage: Stage) -> None:
    failed = stage.submit("one", Play(exit_code=1, outputs={"out.txt": ""}))
    late = stage.submit("two", Play(duration=None, outputs={"out.txt": ""}))
    stage.pass_time(4000)
    for job in (failed, late):
        assert stage.state(job) is RemoteState.ENDED
    assert stage.files.exists("/scratch/one/out.txt") and not stage.files.exists("/scratch/two/out.txt")


def test_a_link_in_the_work_directory_leads_nowhere_else(stage: Stage) -> None:
    launch = stage.launch("one", Play(outputs={"link/gone.txt": "x"}))
    real = stage.files.local_path("/scratch/one")
    assert real is not None
    (real / "link").symlink_to("/home")
    stage.files.mkdir("/home")
    stage.launcher.submit(launch)
    with pytest.raises(OSError):
        stage.report(launch)
    assert not stage.files.exists("/home/gone.txt")


def test_a_work_directory_that_is_gone_is_an_error_of_the_machine(stage: Stage) -> None:
    job = stage.submit("one", Play())
    stage.files.remove("/scratch/one")
    with pytest.raises(FileNotFoundError):
        stage.report(job)


# restarts


@pytest.mark.parametrize("away", [0, 15, 60])
def test_a_restart_goes_on_with_everybody(stage: Stage, away: float) -> None:
    """Whatever the time away, each has started and ended when it would have."""
    ended = stage.submit("ended", Play(duration=1))
    cancelled = stage.submit("cancelled", Play(duration=50))
    stage.launcher.cancel(cancelled, "")
    jobs = [stage.submit(f"job{n}", Play(duration=10), queue_limit=1, queue="q") for n in range(3)]
    later = stage.submit("later", Play(queue_wait=20, duration=5))
    stage.pass_time(5)
    stage.die(away)
    assert stage.launcher.submit(jobs[0]) == "3"
    stage.pass_time(100)
    assert stage.times(ended) == (0, 1)
    assert stage.report(cancelled).scheduler_state == "CANCELLED"
    assert [stage.times(job) for job in jobs] == [(0, 10), (10, 20), (20, 30)]
    assert stage.times(later) == (20, 25)


def test_a_record_that_cannot_be_read_harms_nobody_else(stage: Stage) -> None:
    job = stage.submit("one")
    (stage.directory / "simulated" / "two.json").write_text('{"launch"')
    stage.die()
    assert stage.state(job) is RemoteState.RUNNING


def test_a_full_disk_takes_no_job(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    running = stage.submit("one", queue_limit=2)

    def full(*_: object, **__: object) -> int:
        raise OSError(28, "No space left on device")

    launch = stage.launch("two", queue_limit=2)
    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_text", full)
        with pytest.raises(OSError, match="No space left"):
            stage.launcher.submit(launch)
        with pytest.raises(OSError, match="No space left"):
            stage.launcher.cancel(running, "")
    assert stage.state(running) is RemoteState.RUNNING
    assert stage.launcher.submit(launch) == "3"
    stage.pass_time(10)
    assert (stage.times(running), stage.times(launch)) == ((0, 10), (0, 10))
