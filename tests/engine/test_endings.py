"""How jobs end, and what becomes of their outputs [job-lifecycle §7]."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from emulator.domain.ports import Launch, RemoteReport, RemoteState
from emulator.domain.system import StorageConfig
from tests.engine.bench import EXECUTION, STORAGE, Bench, execution_system
from tests.engine.doubles import StagedLauncher, write_output
from tests.real.waiting import wait_until

WELL = RemoteReport(state=RemoteState.ENDED, scheduler_state="COMPLETED", exit_code=0)
BADLY = RemoteReport(state=RemoteState.ENDED, scheduler_state="FAILED", exit_code=3)
ARCHIVED = ["CLEANING_UP", "ARCHIVING"]
SKIPPED = ["CLEANING_UP"]


@pytest.fixture
def launcher(bench: Bench) -> StagedLauncher:
    assert isinstance(bench.launcher, StagedLauncher)
    return bench.launcher


@pytest.mark.parametrize(
    ("report", "archive", "on_app_error", "outcome", "path", "final"),
    [
        (WELL, True, False, "FINISHED", ARCHIVED, "FINISHED"),
        (WELL, True, True, "FINISHED", ARCHIVED, "FINISHED"),
        (WELL, False, False, "FINISHED", SKIPPED, "FINISHED"),
        (WELL, False, True, "FINISHED", SKIPPED, "FINISHED"),
        (BADLY, True, True, "FAILED", ARCHIVED, "FAILED"),
        (BADLY, True, False, "FAILED_SKIP_ARCHIVE", SKIPPED, "FAILED"),
        (BADLY, False, False, "FAILED", SKIPPED, "FAILED"),
        (BADLY, False, True, "FAILED", SKIPPED, "FAILED"),
    ],
)
def test_outcome_archive_and_end(
    bench: Bench,
    launcher: StagedLauncher,
    report: RemoteReport,
    archive: bool,
    on_app_error: bool,
    outcome: str,
    path: list[str],
    final: str,
) -> None:
    launcher.ending = report
    job = bench.run(bench.submit(archive=archive, archive_on_app_error=on_app_error))
    assert bench.states(job.id)[-len(path) - 1 :] == [*path, final]
    assert (job.status, job.remote_outcome, job.exit_code) == (final, outcome, report.exit_code)
    archived = path == ARCHIVED
    assert job.archived is archived
    assert bench.real(STORAGE, job.plan.archive_path).exists() is archived
    assert bench.real(EXECUTION, job.plan.work_path).exists() is not archived
    assert job.ended is not None and job.remote_ended is not None and job.ended >= job.remote_ended


FAILURES: list[tuple[str, dict[str, Any], str]] = [
    (
        "SLURM",
        {"scheduler_state": "TIMEOUT", "exit_code": 143, "signal": 15},
        "Slurm status TIMEOUT with user application return code: 0:0",
    ),
    (
        "CUSTOM_SLURM",
        {"scheduler_state": "FAILED", "exit_code": 3},
        "Slurm status FAILED with user application return code: 3:0",
    ),
    (
        "SLURM",
        {"scheduler_state": "OUT_OF_MEMORY", "exit_code": 137, "signal": 9},
        "Slurm status OUT_OF_MEMORY with user application return code: 0:9",
    ),
    (
        "FORK",
        {"scheduler_state": "TIMEOUT", "signal": 9},
        "Fork status TIMEOUT with user application return code: 137",
    ),
    (
        "FORK",
        {"scheduler_state": "FAILED", "exit_code": 1},
        "Fork status FAILED with user application return code: 1",
    ),
    ("PBS", {"scheduler_state": "CANCELLED"}, "PBS status CANCELLED with user application return code: 0"),
]


@pytest.mark.parametrize(("scheduler", "report", "text"), FAILURES)
@pytest.mark.parametrize("on_app_error", [False, True])
def test_the_reason_stays_in_the_status_message(
    bench: Bench,
    launcher: StagedLauncher,
    scheduler: str,
    report: dict[str, Any],
    text: str,
    on_app_error: bool,
) -> None:
    launcher.ending = RemoteReport(state=RemoteState.ENDED, **report)
    job = bench.run(bench.submit(scheduler=scheduler, archive_on_app_error=on_app_error))
    assert job.last_status_message == f"APPS_USER_APP_FAILURE Failure indicated by {text}"
    assert (job.failure_code, job.failure_reason) == ("APPS_USER_APP_FAILURE", f"Failure indicated by {text}")


def test_a_wrapper_that_calls_itself_a_failure(bench: Bench, launcher: StagedLauncher) -> None:
    launcher.work = lambda launch: write_output(launch, ".agave.failure", "")
    job = bench.run(bench.submit())
    assert (job.status, job.remote_outcome, job.exit_code) == ("FAILED", "FAILED_SKIP_ARCHIVE", 0)
    assert "Slurm status FAILED with user application return code: 0:0" in job.last_status_message


@pytest.mark.parametrize("archive_on_app_error", [False, True])
def test_a_lost_script_is_never_archived(
    bench: Bench, launcher: StagedLauncher, archive_on_app_error: bool
) -> None:
    launcher.ending = RemoteReport(state=RemoteState.LOST, reason="The machine was restarted.")
    job = bench.run(bench.submit(archive_on_app_error=archive_on_app_error))
    assert bench.states(job.id)[-3:] == ["QUEUED", "CLEANING_UP", "FAILED"]
    assert job.remote_outcome == "FAILED_SKIP_ARCHIVE"
    assert job.last_status_message == (
        "JOBS_MONITORING_FAILED The job was lost by the execution system. The machine was restarted."
    )


def test_a_script_that_was_cancelled_before_it_began(bench: Bench, launcher: StagedLauncher) -> None:
    launcher.hold = True
    job = bench.submit()
    launcher.work = lambda launch: None
    bench.engine.start()
    bench.engine.wake(job.id)
    wait_for_state(bench, job.id, "QUEUED")
    launcher.say(job.id, RemoteReport(state=RemoteState.ENDED, scheduler_state="CANCELLED"))
    assert bench.engine.wait_idle(30)
    assert bench.states(job.id)[-3:] == ["QUEUED", "CLEANING_UP", "FAILED"]
    assert bench.job(job.id).remote_started is None


def test_queued_and_running_are_seen_apart(bench: Bench, launcher: StagedLauncher) -> None:
    launcher.hold = True
    job = bench.submit()
    bench.engine.start()
    bench.engine.wake(job.id)
    wait_for_state(bench, job.id, "QUEUED")
    launcher.start(job.id)
    wait_for_state(bench, job.id, "RUNNING")
    assert bench.job(job.id).remote_started is not None and bench.job(job.id).remote_ended is None
    launcher.end(job.id)
    assert bench.engine.wait_idle(30)
    assert bench.job(job.id).status == "FINISHED"


def test_a_missing_wrapper(bench: Bench) -> None:
    bench.real(STORAGE, "apps/hello/wrapper.sh").unlink()
    job = bench.run(bench.submit())
    assert bench.states(job.id)[-2:] == ["STAGING_JOB", "FAILED"]
    assert job.last_status_message == (
        "JOBS_STAGING_FAILED The wrapper template wrapper.sh of app hello-1.0 is missing."
    )
    assert job.remote_outcome is None and job.ended is not None


def test_a_missing_app_directory(bench: Bench) -> None:
    bench.sandboxes.host("default", "corral.example.org").files.remove("/data/home/apps")
    job = bench.run(bench.submit())
    assert job.last_status_message == (
        "JOBS_STAGING_FAILED Unable to stage runtime assets: agave://corral/apps/hello does not exist."
    )


def test_a_job_that_fails_early_leaves_its_plan_alone(bench: Bench, launcher: StagedLauncher) -> None:
    with bench.store.read() as tx:
        app = tx.apps.get("default", "hello-1.0")
    assert app is not None
    job = bench.run(bench.submit(app=replace(app, template_path="../../../etc/passwd")))
    assert job.status == "FAILED" and "is missing" in job.last_status_message
    assert launcher.submits == {} and launcher.forgotten == []


def test_an_archive_inside_the_work_directory_is_refused(bench: Bench) -> None:
    job = bench.run(
        bench.submit(archive_system=EXECUTION, archive_path="/scratch/w/x", work_path="/scratch/w")
    )
    assert (job.status, job.remote_outcome, job.archived) == ("FAILED", "FINISHED", False)
    assert job.last_status_message.startswith(
        "JOBS_ARCHIVING_FAILED Unable to archive outputs for job: agave://"
    )
    assert bench.real(EXECUTION, job.plan.work_path).exists()


def test_an_archive_that_is_the_work_directory_is_refused(bench: Bench) -> None:
    job = bench.run(bench.submit(archive_system=EXECUTION, archive_path="/scratch/w", work_path="/scratch/w"))
    assert (job.status, job.archived) == ("FAILED", False)
    assert (bench.real(EXECUTION, "/scratch/w") / "out.txt").read_text(encoding="utf-8") == "hello\n"


def test_what_lies_in_the_archive_is_overwritten_or_left(bench: Bench) -> None:
    job = bench.submit(archive_path="results")
    bench.put(STORAGE, "results/out.txt", "of an earlier job")
    bench.put(STORAGE, "results/other.txt", "of mine")
    bench.real(STORAGE, "results").chmod(0o750)
    assert bench.run(job).status == "FINISHED"
    results = bench.real(STORAGE, "results")
    assert (results / "out.txt").read_text(encoding="utf-8") == "hello\n"
    assert (results / "other.txt").read_text(encoding="utf-8") == "of mine"
    assert results.stat().st_mode & 0o777 == 0o750


def test_an_output_that_cannot_be_archived_fails_the_job(bench: Bench) -> None:
    job = bench.submit()
    bench.put(STORAGE, f"{job.plan.archive_path}/out.txt/in the way", "a directory of that name")
    job = bench.run(job)
    assert (job.status, job.remote_outcome, job.archived) == ("FAILED", "FINISHED", False)
    assert job.last_status_message == (
        "JOBS_ARCHIVING_FAILED Unable to archive outputs for job: "
        f"agave://{EXECUTION}/{job.plan.work_path}/out.txt: Is a directory"
    )
    assert "Attempt 1 failed to archive job output." in [
        event.description[:39] for event in bench.history(job.id)
    ]


def test_a_failed_app_whose_archiving_fails_too_names_both(bench: Bench, launcher: StagedLauncher) -> None:
    launcher.ending = BADLY
    job = bench.submit(archive_on_app_error=True)
    bench.put(STORAGE, f"{job.plan.archive_path}/out.txt/in the way", "a directory of that name")
    message = bench.run(job).last_status_message
    assert message.startswith("APPS_USER_APP_FAILURE ") and "JOBS_ARCHIVING_FAILED" in message


def test_the_wrapper_may_add_to_the_manifest(bench: Bench, launcher: StagedLauncher) -> None:
    def work(launch: Launch) -> None:
        write_output(launch, "out.txt", "hello\n")
        for name in ("tmp/deep/scratch", "test/result.txt", "keep.txt"):
            path = bench.real(EXECUTION, job.plan.work_path) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(name, encoding="utf-8")
        with (bench.real(EXECUTION, job.plan.work_path) / ".agave.archive").open(
            "a", encoding="utf-8"
        ) as more:
            more.write("./tmp/\n.agave.log\r\n")

    launcher.work = work
    job = bench.submit()
    bench.run(job)
    archive = bench.real(STORAGE, job.plan.archive_path)
    names = {str(path.relative_to(archive)) for path in archive.rglob("*")}
    assert {"keep.txt", "test/result.txt", "out.txt"} <= names
    assert not names & {"tmp", "tmp/deep", ".agave.log", "test/test.sh", "wrapper.sh"}


@pytest.mark.parametrize("instead", [None, Path.mkdir, os.mkfifo])
def test_without_a_manifest_all_is_archived(
    bench: Bench, launcher: StagedLauncher, instead: Callable[[Path], None] | None
) -> None:
    def work(launch: Launch) -> None:
        write_output(launch, "out.txt", "hello\n")
        manifest = bench.real(EXECUTION, job.plan.work_path) / ".agave.archive"
        manifest.unlink()
        if instead is not None:
            instead(manifest)

    launcher.work = work
    job = bench.submit()
    bench.run(job)
    assert (bench.real(STORAGE, job.plan.archive_path) / "wrapper.sh").exists()
    notes = [event.description for event in bench.history(job.id)]
    assert "No archive file found. Entire job directory will be archived." in notes


def test_a_work_dir_below_home_on_a_fork_system(benches: Callable[..., Bench]) -> None:
    bench = benches()
    storage = StorageConfig(
        host="vm.example.org", port=22, protocol="SFTP", root_dir="/", home_dir="/home/me"
    )
    bench.furnish(
        execution_system(scratch_dir="", storage=storage, scheduler="FORK", execution_type="CLI", queues=())
    )
    job = bench.run(bench.submit(scheduler="FORK", queue=None))
    assert job.status == "FINISHED"
    assert job.plan.work_path.startswith(f"{job.owner}/job-")
    archive = bench.real(STORAGE, job.plan.archive_path)
    assert {"hello-world.out", "hello-world.err"} <= {path.name for path in archive.iterdir()}
    launcher = bench.launcher
    assert isinstance(launcher, StagedLauncher)
    launch = launcher.launches[job.id]
    assert launch.work_dir.endswith(f"/home/me/{job.plan.work_path}") and launch.home_dir.endswith("/home/me")


def wait_for_state(bench: Bench, job_id: str, state: str) -> None:
    wait_until(lambda: bench.job(job_id).status == state, what=f"{state} of {job_id}")
