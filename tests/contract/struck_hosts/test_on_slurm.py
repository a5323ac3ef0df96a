"""The same rules where a real Slurm runs the scripts, entered by ssh; and jobs that are played beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract.struck_hosts.conftest import Stage
from tests.live.own_app import register_cluster, register_script
from tests.real.cluster import ACCOUNT, SlurmCluster
from tests.real.waiting import wait_until
from tests.served import Api, served

pytestmark = pytest.mark.campaign

SYSTEM = "struck.cluster"
HOST = f"{SYSTEM}.example.org"
HERE: dict[str, Any] = {"when": {"host": HOST}}
COUNTING = 'echo ran >> "$HOME/struck-runs"; echo done\n'
LONG = "sleep 600\n"


@pytest.fixture(scope="module")
def stage(slurm: SlurmCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    access = slurm.access
    hosts = {HOST: f"ssh://{access.host}:{access.port}"}
    with served(tmp_path_factory.mktemp("slurm"), hosts=hosts) as emulator:
        stage = Stage(emulator)
        key = Path(access.key_file)
        auth = {
            "type": "SSHKEYS",
            "username": ACCOUNT,
            "publicKey": key.with_suffix(".pub").read_text(encoding="utf-8"),
            "privateKey": key.read_text(encoding="utf-8"),
        }
        place = {"host": HOST, "port": 22, "auth": auth}
        queue = {"name": "normal", "default": True, "maxJobs": 50, "maxUserJobs": 50, "maxNodes": 2}
        queue |= {"maxProcessorsPerNode": 2, "maxMemoryPerNode": "2GB", "maxRequestedTime": "01:00:00"}
        register_cluster(
            stage.api,
            SYSTEM,
            executionType="HPC",
            scheduler="SLURM",
            scratchDir="/scratch/tapis",
            workDir="/scratch/tapis",
            queues=[queue],
            login={**place, "protocol": "SSH"},
            storage={**place, "protocol": "SFTP", "rootDir": "/", "homeDir": f"/home/{ACCOUNT}"},
        )
        for name, script in (("counting", COUNTING), ("long", LONG), ("played", "exit 1\n")):
            register_script(stage.api, name, SYSTEM, script, executionType="HPC")
        yield stage


@pytest.fixture(autouse=True)
def nothing_armed(stage: Stage) -> Iterator[None]:
    yield
    stage.disarm()


def runs(slurm: SlurmCluster) -> int:
    """How often the counting script has run since the last call."""
    path = f"/home/{ACCOUNT}/struck-runs"
    return slurm.try_exec("sh", "-c", f"cat {path} 2>/dev/null; rm -f {path}")[1].count("ran")


def queued(slurm: SlurmCluster, job: dict[str, Any]) -> str:
    """What squeue says of it; empty when it says nothing."""
    return slurm.try_exec("squeue", "-h", "-j", job["remoteJobId"], "-o", "%T %r")[1].strip()


@pytest.mark.parametrize(
    ("at", "do"),
    [
        ("scheduler.submit", "lose-id"),
        ("host.exec", "drop"),
        ("host.exec", "timeout"),
        ("host.connect", "unreachable"),
    ],
)
def test_what_passes_blocks_the_job_and_it_runs_once(
    stage: Stage, slurm: SlurmCluster, at: str, do: str
) -> None:
    runs(slurm)
    stage.arm(at, do, times=1, **HERE)
    job_id = stage.submit("counting-1.0")
    assert stage.api.wait_for_job(job_id) == "FINISHED", stage.job(job_id)
    assert "BLOCKED" in stage.states(job_id)
    assert runs(slurm) == 1


@pytest.mark.parametrize(("do", "word"), [("node-fail", "NODE_FAIL"), ("preempt", "PREEMPTED")])
def test_a_script_is_really_killed(stage: Stage, slurm: SlurmCluster, do: str, word: str) -> None:
    job_id = stage.submit("long-1.0")
    stage.api.wait_for_job(job_id, ("RUNNING",))
    stage.arm("scheduler.status", do, times=1)
    assert stage.api.wait_for_job(job_id) == "FAILED"
    job = stage.job(job_id)
    assert f"Slurm status {word}" in job["lastStatusMessage"]
    wait_until(lambda: not queued(slurm, job).startswith("RUNNING"))


def test_a_held_script_is_held_by_slurm_itself(stage: Stage, slurm: SlurmCluster) -> None:
    runs(slurm)
    stage.arm("scheduler.submit", {"hold-queue": "48h"}, times=1)
    job_id = stage.submit("counting-1.0")
    stage.api.wait_for_job(job_id, ("QUEUED",))
    assert queued(slurm, stage.job(job_id)) == "PENDING JobHeldUser"
    stage.release()
    assert stage.api.wait_for_job(job_id) == "FINISHED"
    assert runs(slurm) == 1


@pytest.mark.parametrize(
    ("do", "status", "end"),
    [({"exit": 3}, "FAILED", "3:0"), ({"signal": 11}, "FAILED", "0:11"), ("silent", "FINISHED", "")],
)
def test_another_script_really_runs(
    stage: Stage, slurm: SlurmCluster, do: Any, status: str, end: str
) -> None:
    runs(slurm)
    stage.arm("app.run", do)
    job_id = stage.submit("counting-1.0")
    assert stage.api.wait_for_job(job_id) == status
    assert stage.job(job_id)["lastStatusMessage"].endswith(end)
    assert runs(slurm) == 0


def test_a_refusal_is_in_slurms_words(stage: Stage) -> None:
    stage.arm("scheduler.submit", "reject")
    job_id = stage.submit("counting-1.0")
    assert stage.api.wait_for_job(job_id) == "FAILED"
    assert "sbatch: error: Batch job submission failed" in stage.job(job_id)["lastStatusMessage"]


def test_what_is_played_lies_on_the_cluster_and_never_meets_slurm(stage: Stage, slurm: SlurmCluster) -> None:
    stage.control(
        "PUT", "simulations/played-1.0", 201, json={"outputs": {"a/b.txt": "played"}, "stdout": "hi\n"}
    )
    job_id = stage.submit("played-1.0")
    assert stage.api.wait_for_job(job_id) == "FINISHED", stage.job(job_id)
    assert stage.output(job_id, "a/b.txt") == b"played"
    work = stage.job(job_id)["workPath"]
    assert slurm.exec("cat", f"{work}/a/b.txt").strip() == "played"
    assert Api(stage.api.url).call("GET", f"jobs/v2/{job_id}")["remoteJobId"]
