"""A job that goes well: its states, its history, its record and its files [job-lifecycle §3, §4, §11]."""

from __future__ import annotations

from tests.engine.bench import EXECUTION, STORAGE, Bench, source
from tests.engine.doubles import StagedLauncher

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


def test_a_job_with_an_input_goes_through_all_states(bench: Bench) -> None:
    bench.put(STORAGE, "data/in put.txt", "12345")
    job = bench.run(bench.submit(sources=(source("data/in put.txt"),)))
    assert bench.states(job.id) == CHAIN
    history = bench.history(job.id)
    assert len(history) == 15
    work, archive = f"agave://{EXECUTION}/{job.plan.work_path}", f"agave://{STORAGE}/{job.plan.archive_path}"
    progress = {event.description: event.progress for event in history if event.progress}
    assert list(progress) == [
        f"Job input copy in progress: agave://corral/data/in put.txt to {work}/in put.txt",
        "Fetching application assets from agave://corral/apps/hello",
        f"Staging runtime assets to {work}",
        f"Job archiving in progress: {work} to {archive}",
    ]
    first = next(iter(progress.values()))
    assert first is not None
    assert (first["total_files"], first["total_bytes"], first["total_bytes_transferred"]) == (1, 5, 5)
    assert first["uuid"].endswith("-009") and first["total_active_transfers"] == 0
    assert job.last_status_message == "Transitioning from status ARCHIVING to FINISHED in phase ARCHIVING."
    assert all(event.created_by == job.owner for event in history)


def test_the_record_of_a_finished_job(bench: Bench) -> None:
    job = bench.run(bench.submit())
    launcher = bench.launcher
    assert isinstance(launcher, StagedLauncher)
    assert bench.states(job.id) == [state for state in CHAIN if state != "STAGING_INPUTS"]
    assert job.remote_job_id == "1000" and job.remote_outcome == "FINISHED" and job.exit_code == 0
    assert job.archived and job.submit_retries == 0 and job.blocked_count == 0
    assert job.remote_status_checks >= 2 and job.last_status_check is not None
    times = [job.accepted, job.created, job.remote_submitted, job.remote_started, job.remote_ended, job.ended]
    assert None not in times and times == sorted(times, key=lambda time: time or job.accepted)
    assert launcher.submits[job.id] == 1 and launcher.forgotten == [job.id] and launcher.cancelled == []


def test_what_is_archived_and_what_is_left(bench: Bench) -> None:
    bench.put(STORAGE, "data/input.txt", "12345")
    job = bench.run(bench.submit(sources=(source("data/input.txt"),)))
    archive = bench.real(STORAGE, job.plan.archive_path)
    found = sorted(str(path.relative_to(archive)) for path in archive.rglob("*"))
    names = f"hello-world-{job.id}"
    assert found == sorted([".agave.log", "empty", f"{names}.err", f"{names}.out", "input.txt", "out.txt"])
    assert not bench.real(EXECUTION, job.plan.work_path).exists()


def test_the_work_directory_while_the_script_runs(bench: Bench) -> None:
    seen: dict[str, str] = {}

    def look(launch: object) -> None:
        work = bench.real(EXECUTION, job.plan.work_path)
        for path in work.rglob("*"):
            seen[str(path.relative_to(work))] = "" if path.is_dir() else path.read_text(encoding="utf-8")
        assert (work / "wrapper.sh").stat().st_mode & 0o777 == 0o755
        assert (work / "hello-world.ipcexe").stat().st_mode & 0o100

    launcher = bench.launcher
    assert isinstance(launcher, StagedLauncher)
    launcher.work = look
    job = bench.submit()
    bench.run(job)
    assert seen[".agave.log"] == "No startup script defined. Skipping...\n"
    assert sorted(seen[".agave.archive"].split()) == [
        ".agave.archive",
        ".agave.failure",
        "hello-world.ipcexe",
        "test/test.sh",
        "wrapper.sh",
    ]
    script = seen["hello-world.ipcexe"]
    assert script.startswith("#!/bin/bash\n#SBATCH -J hello-world\n")
    assert str(bench.real(EXECUTION, job.plan.work_path)) in script
    assert "test/test.sh" in seen and "empty" in seen
