"""Jobs whose scripts really run: through the product's own launcher."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from emulator.domain.system import StorageConfig
from tests.engine.bench import EXECUTION, STORAGE, Bench, execution_system, source
from tests.engine.crash import real_launcher
from tests.real.waiting import wait_until

Make = Callable[..., Bench]


def outputs(bench: Bench, job_id: str) -> dict[str, str]:
    """Name to text of what was archived."""
    archive = bench.real(STORAGE, bench.job(job_id).plan.archive_path)
    return {path.name: path.read_text(encoding="utf-8") for path in archive.iterdir() if path.is_file()}


def test_a_script_reads_its_inputs_and_its_outputs_are_archived(benches: Make, tmp_path: Path) -> None:
    bench = benches(real_launcher(tmp_path))
    bench.furnish(wrapper="#!/bin/sh\nsort numbers.txt > sorted.txt\necho done\necho oops >&2\n")
    bench.put(STORAGE, "data/numbers.txt", "3\n1\n2\n")
    job = bench.run(bench.submit(sources=(source("data/numbers.txt"),)))
    assert job.status == "FINISHED", job.last_status_message
    found = outputs(bench, job.id)
    assert found["sorted.txt"] == "1\n2\n3\n"
    assert found[f"hello-world-{job.id}.out"] == "done\n" and found[f"hello-world-{job.id}.err"] == "oops\n"


def test_the_exit_code_decides(benches: Make, tmp_path: Path) -> None:
    bench = benches(real_launcher(tmp_path))
    bench.furnish(wrapper="#!/bin/sh\nexit 3\n")
    job = bench.run(bench.submit())
    assert (job.status, job.remote_outcome, job.exit_code) == ("FAILED", "FAILED_SKIP_ARCHIVE", 3)
    assert job.last_status_message == (
        "APPS_USER_APP_FAILURE Failure indicated by Slurm status FAILED with user application return code: 3:0"
    )


def test_a_fork_job_shows_the_files_of_the_service(benches: Make, tmp_path: Path) -> None:
    bench = benches(real_launcher(tmp_path))
    storage = StorageConfig(
        host="vm.example.org", port=22, protocol="SFTP", root_dir="/", home_dir="/home/me"
    )
    bench.furnish(
        execution_system(storage=storage, scheduler="FORK", execution_type="CLI", queues=()),
        wrapper="echo hello\n",
    )
    job = bench.run(bench.submit(scheduler="FORK", queue=None, archive=False))
    work = bench.real(EXECUTION, job.plan.work_path)
    stem = "hello-world"
    names = {path.name for path in work.iterdir() if path.is_file()}
    assert names == {
        "wrapper.sh",
        f"{stem}.ipcexe",
        f"{stem}.out",
        f"{stem}.err",
        f"{stem}.pid",
        ".agave.log",
        ".agave.archive",
    }
    assert (work / f"{stem}.out").read_text(encoding="utf-8") == "hello\n"
    assert (work / f"{stem}.pid").read_text(encoding="utf-8").strip() == job.remote_job_id


def test_a_time_limit_ends_the_script(benches: Make, tmp_path: Path) -> None:
    bench = benches(real_launcher(tmp_path))
    bench.furnish(wrapper="#!/bin/sh\necho begun\nexec sleep 600\n")
    job = bench.run(bench.submit(max_run_seconds=1))
    assert job.last_status_message.startswith(
        "APPS_USER_APP_FAILURE Failure indicated by Slurm status TIMEOUT with user application return code: 0:0"
    )


def test_cancelling_kills_the_script(benches: Make, tmp_path: Path) -> None:
    bench = benches(real_launcher(tmp_path))
    bench.furnish(wrapper="#!/bin/sh\necho begun > begun.txt\nsleep 600\n")
    job = bench.submit()
    bench.engine.start()
    begun = bench.real(EXECUTION, job.plan.work_path) / "begun.txt"
    wait_until(begun.exists)
    bench.cancel(job.id)
    assert bench.engine.wait_idle(30)
    assert bench.job(job.id).status == "STOPPED" and begun.exists()


def test_the_startup_script_is_sourced_before(benches: Make, tmp_path: Path) -> None:
    bench = benches(real_launcher(tmp_path))
    bench.furnish(
        execution_system(startup_script="${SYSTEM_HOME_DIR}/.startup for ${AGAVE_JOB_OWNER}"),
        wrapper='#!/bin/sh\necho "colour: $COLOUR" > out.txt\nexit $CODE\n',
    )
    bench.put(EXECUTION, "/home/.startup for testuser", "echo starting up\nexport COLOUR=red CODE=0\n")
    job = bench.run(bench.submit())
    assert job.status == "FINISHED", job.last_status_message
    found = outputs(bench, job.id)
    assert found["out.txt"] == "colour: red\n" and found[".agave.log"] == "starting up\n"
    assert ".agave.submit" not in found


def test_a_startup_script_that_is_missing_is_only_logged(benches: Make, tmp_path: Path) -> None:
    bench = benches(real_launcher(tmp_path))
    bench.furnish(execution_system(startup_script="/etc/none.sh"))
    job = bench.run(bench.submit())
    assert job.status == "FINISHED"
    assert outputs(bench, job.id)[".agave.log"].endswith("/etc/none.sh: No such file or directory\n")
