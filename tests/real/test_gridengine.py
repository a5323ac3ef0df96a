"""A real Grid Engine: what it does with jobs, and what is left of them when its daemons go."""

import os
from collections.abc import Iterator

import pytest

from tests.real.docker_engine import Engine
from tests.real.gridengine import GridEngine
from tests.real.gridengine import gridengine as running_gridengine
from tests.real.waiting import wait_until

pytestmark = pytest.mark.campaign


@pytest.fixture(scope="module")
def own(docker_engine: Engine) -> Iterator[GridEngine]:
    """A cell of this module's own, whose daemons may be taken away."""
    with running_gridengine(docker_engine, f"faults-{os.getpid()}") as box:
        yield box


def submit(box: GridEngine, name: str, body: str, *options: str) -> tuple[str, str]:
    """The job's number and its directory."""
    directory = f"/scratch/{name}-{os.getpid()}"
    box.exec("install", "-d", "-o", "tapis", directory)
    box.write(f"{directory}/job.sh", f"#!/bin/bash\n{body}\n")
    asked = ["qsub", "-terse", "-wd", directory, *options, f"{directory}/job.sh"]
    return box.exec(*asked, user="tapis").strip(), directory


def state(box: GridEngine, job: str) -> str:
    rows = [line.split() for line in box.jobs().splitlines()[2:]]
    return next((row[4] for row in rows if row[0] == job), "gone")


def ended(box: GridEngine, job: str) -> dict[str, str]:
    wait_until(lambda: box.accounting(job), 60, f"the accounting of job {job}")
    return box.accounting(job)


@pytest.mark.parametrize("queue", ["all.q", "normal"])
def test_a_job_runs_in_its_queue_and_its_exit_code_is_accounted(gridengine: GridEngine, queue: str) -> None:
    job, directory = submit(
        gridengine, f"code-{queue}", "id -un; [[ -n $BASH ]] && exit 3", "-q", queue, "-o", "out"
    )
    record = ended(gridengine, job)
    assert (record["exit_status"], record["failed"], record["qname"]) == ("3", "0", queue)
    assert gridengine.exec("cat", f"{directory}/out") == "tapis\n"


def test_time_limit_is_enforced(gridengine: GridEngine) -> None:
    job, _ = submit(gridengine, "time", "sleep 600", "-l", "h_rt=0:0:1")
    record = ended(gridengine, job)
    assert record["exit_status"].startswith("137")
    assert "h_rt" in record["failed"]


def test_memory_limit_is_enforced(gridengine: GridEngine) -> None:
    fill = "tail /dev/zero; echo ended with $?"
    job, directory = submit(gridengine, "memory", fill, "-l", "h_vmem=64M", "-o", "out", "-j", "y")
    ended(gridengine, job)
    said = gridengine.exec("cat", f"{directory}/out")
    assert "memory exhausted" in said and "ended with 1" in said


def test_a_running_job_is_deleted(gridengine: GridEngine) -> None:
    job, _ = submit(gridengine, "delete", "trap '' TERM; sleep 600; sleep 600")
    wait_until(lambda: state(gridengine, job) == "r", what="the job to run")
    gridengine.exec("qdel", job, user="tapis")
    assert ended(gridengine, job)["exit_status"].startswith("137")
    assert state(gridengine, job) == "gone"


def test_a_job_that_cannot_start_stands_in_error(gridengine: GridEngine) -> None:
    job, _ = submit(gridengine, "error", "true", "-o", "/no/such/directory/out")
    wait_until(lambda: state(gridengine, job) == "Eqw", what="the error state")
    gridengine.exec("qdel", job, user="tapis")
    wait_until(lambda: state(gridengine, job) == "gone")


def test_a_drained_queue_starts_nothing_until_it_is_opened(own: GridEngine) -> None:
    running, _ = submit(own, "before", "sleep 600")
    wait_until(lambda: state(own, running) == "r", what="the first job to run")
    own.drain()
    waiting, _ = submit(own, "meanwhile", "exit 3")
    reason = f'queue instance "{"all.q"}@gridengine" dropped because it is disabled'
    wait_until(lambda: reason in own.exec("qstat", "-j", waiting), what="the scheduler to have looked at it")
    assert (state(own, running), state(own, waiting)) == ("r", "qw")
    own.undrain()
    assert ended(own, waiting)["exit_status"] == "3"
    own.end_all_jobs()
    assert state(own, running) == "gone"


def test_jobs_outlive_the_qmaster(own: GridEngine) -> None:
    job, directory = submit(own, "outlive", "until [ -e go ]; do sleep 0.1; done; exit 3")
    wait_until(lambda: state(own, job) == "r", what="the job to run")
    own.stop_scheduler()
    code, said = own.try_exec("qstat", user="tapis")
    assert code and "unable to send message to qmaster" in said
    own.write(f"{directory}/go", "")
    own.start_scheduler()
    assert ended(own, job)["exit_status"] == "3"
    again, _ = submit(own, "again", "true")
    assert ended(own, again)["exit_status"] == "0"
