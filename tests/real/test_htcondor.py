"""A real HTCondor pool: what it does with jobs, and what is left of them when its daemons go."""

import os
from collections.abc import Iterator

import pytest

from tests.real.docker_engine import Engine
from tests.real.htcondor import HTCondor
from tests.real.htcondor import htcondor as running_htcondor
from tests.real.waiting import wait_until

pytestmark = pytest.mark.campaign

RUNNING, HELD = "2", "5"


@pytest.fixture(scope="module")
def own(docker_engine: Engine) -> Iterator[HTCondor]:
    """A pool of this module's own, whose daemons may be taken away."""
    with running_htcondor(docker_engine, f"faults-{os.getpid()}") as box:
        yield box


def submit(box: HTCondor, name: str, body: str, **options: object) -> tuple[str, str]:
    """The job's number and its directory."""
    directory = f"/scratch/{name}-{os.getpid()}"
    box.exec("install", "-d", "-o", "tapis", directory)
    box.write(f"{directory}/job.sh", f"#!/bin/bash\n{body}\n")
    lines = {
        "initialdir": directory,
        "executable": f"{directory}/job.sh",
        "output": "out",
        "log": "log",
        **options,
    }
    described = "".join(f"{key} = {value}\n" for key, value in lines.items())
    box.write(f"{directory}/job.submit", f"{described}queue 1\n", 0o644)
    said = box.exec("condor_submit", "-terse", f"{directory}/job.submit", user="tapis")
    return said.split()[0], directory


def state(box: HTCondor, job: str) -> str:
    rows = [line.split() for line in box.jobs().splitlines()]
    return next((row[1] for row in rows if row[0] == job), "gone")


def ended(box: HTCondor, job: str, *attributes: str) -> list[str]:
    wait_until(lambda: box.history(job, "JobStatus"), 60, f"the history of job {job}")
    return box.history(job, *attributes)


def test_a_job_runs_as_its_user_and_its_exit_code_stands_in_the_history(htcondor: HTCondor) -> None:
    job, directory = submit(htcondor, "code", "id -un; exit 3")
    assert ended(htcondor, job, "JobStatus", "ExitCode", "ExitBySignal") == ["4", "3", "false"]
    assert htcondor.exec("cat", f"{directory}/out") == "tapis\n"
    assert "return value 3" in htcondor.exec("cat", f"{directory}/log")


def test_more_memory_than_asked_for_holds_the_job(htcondor: HTCondor) -> None:
    fill = "content=$(head -c 150M /dev/zero | tr '\\0' x); sleep 600"
    job, _ = submit(htcondor, "memory", fill, request_memory=64)
    wait_until(lambda: state(htcondor, job) == HELD, 60, "the job to be held")
    reason = htcondor.exec("condor_q", job, "-af", "HoldReason")
    assert "memory usage exceeded request_memory" in reason
    htcondor.exec("condor_rm", job, user="tapis")
    assert ended(htcondor, job, "JobStatus") == ["3"]


def test_a_running_job_is_removed_even_when_it_ignores_the_asking(htcondor: HTCondor) -> None:
    job, directory = submit(htcondor, "remove", "trap '' TERM; touch begun; while :; do sleep 1; done")
    wait_until(lambda: state(htcondor, job) == RUNNING, what="the job to run")
    htcondor.exec("condor_rm", job, user="tapis")
    assert ended(htcondor, job, "JobStatus") == ["3"]
    assert "aborted" in htcondor.exec("cat", f"{directory}/log")


def test_a_drained_machine_starts_nothing_until_it_is_opened(own: HTCondor) -> None:
    running, _ = submit(own, "before", "sleep 600")
    wait_until(lambda: state(own, running) == RUNNING, what="the first job to run")
    own.drain()
    waiting, _ = submit(own, "meanwhile", "exit 3")
    wait_until(
        lambda: own.exec("condor_q", waiting, "-af", "LastRejMatchReason").strip() not in ("", "undefined")
    )
    assert (state(own, running), state(own, waiting)) == (RUNNING, "1")
    own.undrain()
    assert ended(own, waiting, "ExitCode") == ["3"]
    own.end_all_jobs()
    assert state(own, running) == "gone"


def test_jobs_outlive_the_schedd(own: HTCondor) -> None:
    go = f"/scratch/go-{os.getpid()}"
    job, directory = submit(own, "outlive", f"echo once; until [ -e {go} ]; do sleep 0.1; done; exit 3")
    wait_until(lambda: state(own, job) == RUNNING, what="the job to run")
    own.stop_scheduler()
    code, said = own.try_exec("condor_q", user="tapis")
    assert code and "address for schedd" in said
    own.write(go, "")
    own.start_scheduler()
    assert ended(own, job, "ExitCode") == ["3"]
    assert own.exec("cat", f"{directory}/out") == "once\n"
    again, _ = submit(own, "again", "true")
    assert ended(own, again, "ExitCode") == ["0"]
