"""job.<step>: what scenarios do at each step of a job's life, and what its record, history and files say then."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from emulator.domain.job import Job
from emulator.domain.ports import Launch
from emulator.settings import Settings
from tests.engine.bench import EXECUTION, STORAGE, WORLD
from tests.engine.struck import StruckBench, struck_bench
from tests.engine.test_course import CHAIN as WITHOUT_INPUT
from tests.real.waiting import wait_until

pytestmark = pytest.mark.sample(2)

CHAIN = [*WITHOUT_INPUT]
if "STAGING_INPUTS" not in CHAIN:
    CHAIN.insert(CHAIN.index("STAGED"), "STAGING_INPUTS")
STEPS = [state for state in CHAIN if state != "FINISHED"]

INPUTS, ASSETS = "Unable to stage job inputs:", "Unable to stage runtime assets:"
WORDS = {
    "PENDING": "JOBS_INTERNAL_ERROR {}",
    "PROCESSING_INPUTS": f"JOBS_STAGING_FAILED {INPUTS} {{}}",
    "STAGING_INPUTS": f"JOBS_STAGING_FAILED {INPUTS} {{}}",
    "STAGED": "JOBS_INTERNAL_ERROR {}",
    "STAGING_JOB": f"JOBS_STAGING_FAILED {ASSETS} {{}}",
    "SUBMITTING": "JOBS_SUBMIT_FAILED Unable to submit job after 3 attempts. Job cancelled. {}",
    "QUEUED": "JOBS_MONITORING_FAILED The job was lost by the execution system. {}",
    "RUNNING": "JOBS_MONITORING_FAILED The job was lost by the execution system. {}",
    "CLEANING_UP": "JOBS_INTERNAL_ERROR {}",
    "ARCHIVING": "JOBS_ARCHIVING_FAILED Unable to archive outputs for job: {}",
}
"""How each step tells of what has ended it [job-lifecycle §7]."""


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[StruckBench]:
    with struck_bench(tmp_path) as made:
        yield made


def point(state: str) -> str:
    return f"job.{state.lower()}"


Made = tuple[StruckBench, dict[str, Job]]


def at_every_step(bench: StruckBench, do: str, **more: object) -> dict[str, Job]:
    """A job for each step, that meets a rule there; by its step."""
    jobs = {}
    for state in STEPS:
        bench.arm(point(state), do, name=state.lower(), when=f"{{job_name: at-{state}}}", **more)
        jobs[state] = bench.wake(bench.with_input(name=f"at-{state}"))
    return jobs


def strikes_of(bench: StruckBench, job: Job) -> list[int]:
    return [strike.number for strike in bench.struck() if strike.facts["job"] == job.id]


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    with struck_bench(tmp_path_factory.mktemp("failed")) as bench:
        yield bench, at_every_step(bench, "{fail: the moon is full}", times=1)


@pytest.mark.parametrize("state", STEPS)
def test_fail(failed: Made, state: str) -> None:
    bench, jobs = failed
    job = bench.end(jobs[state])
    assert (job.status, job.last_status_message) == ("FAILED", WORDS[state].format("the moon is full"))
    reached = CHAIN[: CHAIN.index(state) + 1]
    gone = ["CLEANING_UP"] if state in ("QUEUED", "RUNNING") else []
    assert bench.states(job.id) == [*reached, *gone, "FAILED"]
    assert strikes_of(bench, job) == [1]
    out = state in ("SUBMITTING", "QUEUED", "RUNNING")
    assert bench.staged.cancelled.count(job.id) == (1 if out else 0)
    began = CHAIN.index(state) > CHAIN.index("PROCESSING_INPUTS")
    assert bench.real(EXECUTION, job.plan.work_path).exists() is began, "what was there stays"
    assert not bench.real(STORAGE, job.plan.archive_path).exists()
    assert job.struck is None


def test_fail_keeps_the_outcome_of_the_app(bench: StruckBench) -> None:
    bench.arm("job.archiving", "fail")
    job = bench.run(bench.submit())
    assert (job.status, job.remote_outcome, job.archived) == ("FAILED", "FINISHED", False)
    assert job.last_status_message == WORDS["ARCHIVING"].format("Input/output error")
    assert (bench.real(EXECUTION, job.plan.work_path) / "out.txt").exists()
    bench.disarm()
    bench.arm("job.staged", "{fail: {code: JOBS_QUOTA, message: no more}}")
    assert bench.run(bench.submit()).last_status_message == "JOBS_QUOTA no more"


def test_submission_that_fails_has_three_attempts(failed: Made) -> None:
    bench, jobs = failed
    job = bench.end(jobs["SUBMITTING"])
    assert bench.notes(job) == [
        "Attempt 1 failed to submit job. the moon is full",
        "Attempt 2 failed to submit job. the moon is full",
        "Attempt 3 failed to submit job. the moon is full",
    ]
    assert job.id not in bench.staged.submits


@pytest.fixture(scope="module")
def blocked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    with struck_bench(tmp_path_factory.mktemp("blocked")) as bench:
        yield bench, at_every_step(bench, "block", times=2)


@pytest.mark.parametrize("state", STEPS)
def test_block_as_often_as_it_strikes(blocked: Made, state: str) -> None:
    """Two strikes: the job is BLOCKED by the first, stays so by the second, and goes on."""
    bench, jobs = blocked
    job = bench.end(jobs[state])
    cut = CHAIN.index(state) + 1
    assert bench.states(job.id) == [*CHAIN[:cut], "BLOCKED", *CHAIN[cut - 1 :]]
    assert (job.status, job.blocked_count, job.blocked_from) == ("FINISHED", 1, None)
    assert strikes_of(bench, job) == [1, 2]
    assert job.id in bench.staged.launches
    assert (bench.real(STORAGE, job.plan.archive_path) / "out.txt").exists()


REASONS = [
    ("system", "", f"System {EXECUTION} is not currently available."),
    ("app", "", "App hello-1.0 is not currently available."),
    ("quota", "", f"System {EXECUTION} is currently at maximum capacity for concurrent active jobs."),
    ("connection", "", "Unable to archive outputs for job: Connection refused"),
    ("connection", "the cable is out", "Unable to archive outputs for job: the cable is out"),
    ("system", "down for the night", "down for the night"),
]


def test_block_says_what_it_waits_for(bench: StruckBench) -> None:
    for condition, message, reason in REASONS:
        bench.arm("job.archiving", f"{{block: {{condition: {condition}, message: '{message}'}}}}")
        before = len(bench.struck())
        job = bench.wake(bench.submit())
        blocked = bench.wait_for(job, "BLOCKED")
        assert blocked.last_status_message == (
            f"Transitioning from status ARCHIVING to BLOCKED in phase ARCHIVING. {reason}"
        )
        assert (blocked.blocked_condition, blocked.blocked_from) == (condition, "ARCHIVING")
        bench.wait_for_strikes(before + 3)
        assert bench.job(job.id).status == "BLOCKED", "every test meets the rule again"
        bench.disarm()
        assert bench.end(job).status == "FINISHED"
        assert bench.states(job.id).count("BLOCKED") == 1


def test_a_quota_that_blocks_late_loses_no_script(bench: StruckBench) -> None:
    bench.arm("job.submitting", "{block: quota}", times=1, name="one")
    bench.arm("job.queued", "{block: quota}", times=1, name="two")
    bench.arm("job.running", "{block: quota}", times=1, name="three")
    job = bench.run(bench.submit())
    assert (job.status, job.blocked_count, len(bench.staged.launches)) == ("FINISHED", 3, 1)


def test_block_for_a_time(tmp_path: Path) -> None:
    with struck_bench(tmp_path, settings=Settings(workers=1, recovery_time_scale=1.0)) as bench:
        bench.freeze()
        bench.arm("job.staging_inputs", "{block: {for: 10m}}")
        job = bench.wake(bench.with_input())
        bench.wait_for(job, "BLOCKED")
        bench.engine_rests()
        bench.advance(9 * 60)
        bench.engine_rests()
        assert bench.job(job.id).status == "BLOCKED"
        bench.advance(5 * 60)
        assert bench.end(job).status == "FINISHED"
        assert bench.states(job.id).count("BLOCKED") == 1
        assert len(bench.struck()) == 1, "what a rule has stopped it does not stop again"


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    """Ten jobs that are held, and one thread."""
    with struck_bench(tmp_path_factory.mktemp("held"), settings=Settings(workers=1)) as bench:
        jobs = at_every_step(bench, "hold")
        bench.wait_for_strikes(len(STEPS))
        other = bench.wake(bench.with_input(name="other"))
        assert bench.end(other).status == "FINISHED", "no thread is taken"
        yield bench, jobs


@pytest.mark.parametrize("state", STEPS)
def test_hold_ends_by_release(held: Made, state: str) -> None:
    bench, jobs = held
    job = jobs[state]
    assert bench.job(job.id).status == state
    for _ in range(3):  # it is looked at, and neither asked nor let go
        bench.engine.wake(job.id)
    bench.armory.release(WORLD, state.lower())
    assert bench.end(job).status == "FINISHED"
    assert bench.states(job.id) == CHAIN and strikes_of(bench, job) == [1]


@pytest.fixture(scope="module", params=["hold", "{delay: 2h}"])
def waiting(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Made]:
    with struck_bench(tmp_path_factory.mktemp("waiting")) as bench:
        bench.freeze()
        jobs = at_every_step(bench, request.param)
        bench.wait_for_strikes(len(STEPS))
        yield bench, jobs


@pytest.mark.parametrize("state", STEPS)
def test_a_cancel_does_not_wait(waiting: Made, state: str) -> None:
    bench, jobs = waiting
    job = jobs[state]
    bench.cancel(job.id)
    assert bench.end(job).status == "STOPPED"
    assert bench.states(job.id) == [*CHAIN[: CHAIN.index(state) + 1], "STOPPED"]
    assert bench.staged.cancelled.count(job.id) == (1 if state in ("QUEUED", "RUNNING") else 0)
    wait_until(lambda: job.id not in bench.held(), what="the job to be held no more")
    with bench.store.read() as tx:
        assert job.id not in {stop.occasion.job for stop in tx.scenarios.stops()}, "nor after a restart"


@pytest.fixture(scope="module")
def delayed(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[StruckBench, dict[str, Job], datetime]]:
    """After 47 of 48 hours nothing has moved; after the last one all have ended."""
    with struck_bench(tmp_path_factory.mktemp("delayed")) as bench:
        bench.freeze()
        began = bench.clocks.of(WORLD).now()
        jobs = at_every_step(bench, "{delay: 48h}")
        bench.wait_for_strikes(len(STEPS))
        bench.engine_rests()
        bench.advance(47 * 3600)
        bench.engine_rests()
        assert [bench.job(jobs[state].id).status for state in STEPS] == STEPS
        bench.advance(3600)
        yield bench, jobs, began


@pytest.mark.parametrize("state", STEPS)
def test_delay_by_the_clock_of_the_world(
    delayed: tuple[StruckBench, dict[str, Job], datetime], state: str
) -> None:
    bench, jobs, began = delayed
    job = bench.end(jobs[state])
    assert job.status == "FINISHED" and strikes_of(bench, job) == [1]
    assert job.ended is not None and (job.ended - began).total_seconds() == 48 * 3600


def test_a_hold_outlives_a_restart(tmp_path: Path) -> None:
    with struck_bench(tmp_path) as bench:
        bench.arm("job.staging_job", "hold", times=1)
        job = bench.wake(bench.with_input())
        bench.wait_for_strikes(1)
        bench.wait_for(job, "STAGING_JOB")
    again = StruckBench(tmp_path)
    again.engine.start()
    other = again.wake(again.submit())
    assert again.end(other).status == "FINISHED"
    assert again.job(job.id).status == "STAGING_JOB"
    again.armory.release(WORLD)
    assert again.end(job).status == "FINISHED" and len(again.struck()) == 1
    again.close()


def test_a_block_outlives_a_restart(tmp_path: Path) -> None:
    with struck_bench(tmp_path) as bench:
        bench.arm("job.archiving", "block")
        job = bench.wake(bench.with_input())
        bench.wait_for(job, "BLOCKED")
    again = StruckBench(tmp_path)
    before = len(again.struck())
    again.engine.start()
    again.wait_for_strikes(before + 2)
    assert again.job(job.id).status == "BLOCKED"
    again.disarm()
    assert again.end(job).status == "FINISHED"
    again.close()


def test_a_step_that_is_repeated_asks_again(bench: StruckBench) -> None:
    """What blocks it is real; the step that is entered once more is an occasion of its own."""
    bench.staged.refusals = [ConnectionError("no answer")]
    bench.arm("job.submitting", "{fail: the second time}", when="{nth: 2}")
    job = bench.run(bench.submit())
    assert job.last_status_message == WORDS["SUBMITTING"].format("the second time")
    assert bench.states(job.id)[-4:] == ["SUBMITTING", "BLOCKED", "SUBMITTING", "FAILED"]


def test_a_hold_ends_with_the_seven_days(tmp_path: Path) -> None:
    with struck_bench(tmp_path) as bench:
        bench.freeze()
        job = bench.with_input()
        bench.arm("job.staging_inputs", "hold")
        bench.wake(job)
        bench.wait_for_strikes(1)
        bench.engine_rests()
        bench.advance(7 * 24 * 3600)
        assert bench.end(job).last_status_message == (
            "JOBS_TIME_LIMIT Unable to stage inputs for job after 7 days. Job cancelled."
        )


# archiving


def outputs(bench: StruckBench) -> tuple[Job, list[str] | None]:
    """A job with four outputs, at its end; and which of them are in its archive, None where there is none."""

    def work(launch: Launch) -> None:
        for name in ("a.txt", "b.log", "c.txt", "d.log"):
            Path(launch.work_dir, name).write_text(name, encoding="utf-8")

    bench.staged.work = work
    job = bench.run(bench.submit())
    archive = bench.real(STORAGE, job.plan.archive_path)
    if not archive.exists():
        return job, None
    return job, sorted(path.name for path in archive.iterdir() if path.name[1] == ".")


@pytest.mark.parametrize(
    ("do", "arrived"),
    [
        ("{partial: {arrive: '*.txt'}}", ["a.txt", "c.txt"]),
        ("{partial: {arrive: 'b.*'}}", ["b.log"]),
        ("{partial: {arrive: 'nothing'}}", []),
        ("{partial: 0}", []),
    ],
)
def test_partial(bench: StruckBench, do: str, arrived: list[str]) -> None:
    bench.arm("job.archiving", do)
    job, there = outputs(bench)
    assert there == arrived
    assert job.status == "FAILED" and job.remote_outcome == "FINISHED"
    assert job.last_status_message.startswith(
        f"JOBS_ARCHIVING_FAILED Unable to archive outputs for job: agave://{EXECUTION}/"
    )
    assert job.last_status_message.endswith(": Input/output error")
    assert len([note for note in bench.notes(job) if note.startswith("Attempt ")]) == 3
    work = bench.real(EXECUTION, job.plan.work_path)
    assert {"a.txt", "b.log", "c.txt", "d.log"} <= {path.name for path in work.iterdir()}


def test_partial_by_share(bench: StruckBench) -> None:
    bench.arm("job.archiving", "{partial: {share: 50%, message: the tape is full}}")
    job, there = outputs(bench)
    assert there is not None
    archive = bench.real(STORAGE, job.plan.archive_path)
    work = bench.real(EXECUTION, job.plan.work_path)
    came = [path for path in archive.rglob("*") if path.is_file()]
    progress = next(e.progress for e in bench.history(job.id) if e.progress and e.status == "ARCHIVING")
    assert len(came) == progress["total_files"] // 2 > 0
    assert job.last_status_message.endswith(": the tape is full")
    assert work.exists()


def test_refuse(bench: StruckBench) -> None:
    bench.arm("job.archiving", "refuse", times=1)
    job, there = outputs(bench)
    assert there is None
    assert job.status == "FAILED" and not job.archived
    assert job.last_status_message.startswith("JOBS_ARCHIVING_FAILED Unable to archive outputs for job: ")
    assert job.last_status_message.endswith("Permission denied")
    assert (bench.real(EXECUTION, job.plan.work_path) / "a.txt").exists()


def test_refuse_in_its_own_words(bench: StruckBench) -> None:
    bench.arm("job.archiving", "{refuse: quota of corral exceeded}")
    job, _there = outputs(bench)
    assert job.last_status_message.endswith("quota of corral exceeded")


def test_many_jobs_at_once_are_asked_once_each(tmp_path: Path) -> None:
    with struck_bench(tmp_path, settings=Settings(workers=4, recovery_time_scale=6000.0)) as bench:
        bench.arm("job.*", "{delay: 1ms}", chance=0.5)
        jobs = [bench.wake(bench.submit()) for _ in range(8)]
        assert all(bench.end(job).status == "FINISHED" for job in jobs)

        told = [(entry.facts["job"], entry.point) for entry in bench.struck()]
        assert told and len(told) == len(set(told))
