"""kill -9 at every point of a job's life: the next start finishes every job and runs no script twice [§10]."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from emulator.runtimes.launcher import SandboxLauncher
from tests.engine.bench import EXECUTION, STORAGE, Bench, source
from tests.engine.crash import real_launcher
from tests.engine.test_course import CHAIN

pytestmark = pytest.mark.sample(8)

ROOT = Path(__file__).parent.parent.parent
POINTS = [
    *(f"inside:{state}" for state in CHAIN[1:]),
    *(f"after:{state}" for state in CHAIN[1:]),
    "files:mkdir:-hello-world",
    "files:writer:/input.txt",
    "files:writer:/wrapper.sh",
    "files:writer:/.agave.archive",
    "files:writer:/hello-world.ipcexe",
    "before:submit",
    "behind:submit",
    "before:report",
    "behind:report",
    "files:writer:/out.txt",
    "files:remove:-hello-world",
    "before:forget",
    "behind:forget",
]
WRAPPER = "#!/bin/sh\necho ${AGAVE_JOB_ID} >> %s\ncat input.txt > out.txt\n"


def run_until_killed(directory: Path, point: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.engine.crash", str(directory), point],
        cwd=ROOT,
        timeout=120,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, f"{point} was not reached: {done.stdout}{done.stderr}"


def finish(directory: Path) -> Bench:
    """The next start, until all jobs have ended."""
    bench = Bench(directory, real_launcher(directory))
    bench.engine.start()
    assert bench.engine.wait_idle(60), [bench.job(job_id) for job_id in active(bench)]
    return bench


def active(bench: Bench) -> list[str]:
    with bench.store.read() as tx:
        return tx.jobs.active_ids()


def close(bench: Bench) -> None:
    assert isinstance(bench.launcher, SandboxLauncher)
    bench.close()
    bench.launcher.stop()


@pytest.mark.parametrize("point", POINTS)
def test_killed_at(tmp_path: Path, point: str) -> None:
    runs = tmp_path / "runs"
    bench = Bench(tmp_path, real_launcher(tmp_path))
    bench.furnish(wrapper=WRAPPER % runs)
    bench.put(STORAGE, "data/input.txt", "the input\n")
    jobs = [bench.submit(sources=(source("data/input.txt"),)).id for _ in range(3)]
    close(bench)
    run_until_killed(tmp_path, point)
    bench = finish(tmp_path)
    for job_id in jobs:
        job = bench.job(job_id)
        assert job.status == "FINISHED", job.last_status_message
        assert bench.states(job_id) == CHAIN
        assert len([event for event in bench.history(job_id) if event.progress]) == 4
        archive = bench.real(STORAGE, job.plan.archive_path)
        assert (archive / "out.txt").read_text(encoding="utf-8") == "the input\n"
        assert (archive / "input.txt").read_text(encoding="utf-8") == "the input\n"
        assert not bench.real(EXECUTION, job.plan.work_path).exists()
    assert sorted(runs.read_text(encoding="utf-8").split()) == sorted(jobs)
    close(bench)
    left = [path.name for path in (tmp_path / "spool").iterdir() if not path.name.startswith(".")]
    assert left == []


@pytest.mark.parametrize(
    "point", ["after:SUBMITTING", "behind:submit", "after:QUEUED", "before:cancel", "behind:cancel"]
)
def test_killed_and_cancelled(tmp_path: Path, point: str) -> None:
    """A cancel that was accepted before the crash is kept, and nothing is left running."""
    runs = tmp_path / "runs"
    bench = Bench(tmp_path, real_launcher(tmp_path))
    bench.furnish(wrapper=f"#!/bin/sh\necho ${{AGAVE_JOB_ID}} >> {runs}\nexec sleep 600\n")
    job = bench.submit()
    close(bench)
    if point.endswith("cancel"):
        run_until_killed(tmp_path, "after:RUNNING")
        wish(tmp_path, job.id)
        run_until_killed(tmp_path, point)
    else:
        run_until_killed(tmp_path, point)
        wish(tmp_path, job.id)
    bench = finish(tmp_path)
    assert bench.job(job.id).status == "STOPPED"
    close(bench)
    processes = subprocess.run(["ps", "-A", "-o", "args="], capture_output=True, text=True, check=True).stdout
    assert job.id not in processes


def wish(directory: Path, job_id: str) -> None:
    bench = Bench(directory, real_launcher(directory))
    bench.cancel(job_id)
    close(bench)
