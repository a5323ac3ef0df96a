"""What the cluster in a box promises to systems, jobs and people: accounts, places, limits, modules, accounting."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import paramiko
import pytest

from emulator.resources import fixtures
from tests.real.box import CommandFailed
from tests.real.cluster import SlurmCluster, slurm_cluster
from tests.real.docker_engine import Engine
from tests.real.waiting import wait_until

pytestmark = pytest.mark.campaign

SYSTEMS = ("seeds/tacc.stampede2.json", "course/execution-system.json")
JOB_SECONDS = 180


# one worker takes daemons and nodes away, and brings them back, test after test
ALONE = pytest.mark.xdist_group("cluster-faults")


@pytest.fixture(scope="module")
def breakable(docker_engine: Engine, slurm_image_name: str) -> Iterator[SlurmCluster]:
    """A cluster that no other test uses, whose nodes and daemons may be taken away."""
    with slurm_cluster(docker_engine, f"faults-{os.getpid()}", nodes=2) as cluster:
        yield cluster


@pytest.mark.parametrize("file", SYSTEMS)
def test_a_systems_own_login_and_places_are_there(slurm: SlurmCluster, file: str) -> None:
    system = _system(file)
    login = system["login"]["auth"]
    with _login(slurm, login["username"], login["password"]) as client:
        for place in (system["storage"]["homeDir"], system["scratchDir"], system["workDir"]):
            directory = f"{place}/{uuid.uuid4()}"
            assert _says(client, f"mkdir {directory} && echo x > {directory}/f && cat {directory}/f") == "x\n"


@pytest.mark.parametrize("file", SYSTEMS)
def test_a_systems_queues_take_jobs_up_to_their_limits(slurm: SlurmCluster, file: str) -> None:
    for queue in _system(file)["queues"]:
        asked = [
            f"--partition={queue['name']}",
            f"--time={queue['maxRequestedTime']}",
            f"--ntasks-per-node={queue['maxProcessorsPerNode']}",
            f"--mem={queue['maxMemoryPerNode'].removesuffix('B')}",
            *queue["customDirectives"].split(),
        ]
        slurm.exec("sbatch", "--test-only", "--wrap=true", *asked, user="testuser")
        code, said = slurm.try_exec("sbatch", "--wrap=true", *asked, "--time=9-00:00:00", user="testuser")
        assert code and "Requested time limit is invalid" in said


def test_service_accounts_work_in_each_others_places(slurm: SlurmCluster) -> None:
    for account in ("tapis", "tg-emulator"):
        for place in ("/home", "/scratch", "/work"):
            slurm.exec("mkdir", f"{place}/testuser/{uuid.uuid4()}", user=account)
    with pytest.raises(CommandFailed):
        slurm.exec("mkdir", "/opt/x", user="tapis")


def test_a_wrong_password_and_root_are_kept_out_and_nobody_is_locked_out(slurm: SlurmCluster) -> None:
    for user, password in [("tapis", "wrong")] * 5 + [("root", slurm.access.password), ("nobody", "")]:
        with pytest.raises(paramiko.AuthenticationException), _login(slurm, user, password):
            pass
    with _login(slurm, "tapis", slurm.access.password) as client:
        assert _says(client, "id -un") == "tapis\n"


def test_modules_are_there_by_ssh_and_in_jobs(slurm: SlurmCluster) -> None:
    asked = "module load python3/3.9.7 && module list 2>&1 && python3 -c 'print(6 * 7)'"
    with _login(slurm, "tapis", slurm.access.password) as client:
        assert "python3/3.9.7" in _says(client, asked)
    out = _ran(slurm, "#!/bin/bash\n" + asked)
    assert "python3/3.9.7" in out and "42" in out
    assert "unknown" in _ran(slurm, "#!/bin/bash\nmodule load nosuch/1 2>&1")


def test_the_course_app_asks_for_modules_that_are_there(slurm: SlurmCluster) -> None:
    wanted = json.loads((fixtures() / "course" / "app.json").read_text())["modules"]
    assert wanted
    _ran(slurm, "\n".join(["#!/bin/bash -e", *(f"module {each}" for each in wanted)]))


def test_accounting_agrees_with_the_job(slurm: SlurmCluster) -> None:
    job = _submitted(slurm, "#!/bin/bash\nexit 7", "--job-name=täst-'x'")
    wait_until(lambda: slurm.accounting(job), JOB_SECONDS, "the job in the log")
    line = slurm.exec("sacct", "-c", "-n", "-P", "-o", "JobID,State", "-j", job, user="testuser")
    assert line.strip() == f"{job}|FAILED"
    shown, accounted = slurm.shown(job), slurm.accounting(job)
    assert shown["ExitCode"] == accounted["ExitCode"] == "7:0"
    assert shown["EndTime"] == accounted["EndTime"] and shown["StartTime"] == accounted["StartTime"]


def test_a_job_over_its_memory_is_ended(slurm: SlurmCluster) -> None:
    script = "#!/bin/bash\npython3 -c 'x = b\"x\" * (300 << 20); import time; time.sleep(600)'"
    job = _submitted(slurm, script, "--mem=100M")
    wait_until(lambda: slurm.accounting(job), JOB_SECONDS, "the job's end")
    assert slurm.accounting(job)["ExitCode"] == "0:9"
    assert "exceeded memory limit" in slurm.exec("cat", f"/scratch/tapis/{job}.out")


def test_a_job_over_its_time_is_ended(slurm: SlurmCluster) -> None:
    job = _submitted(slurm, "#!/bin/bash\ntrap '' TERM\nwhile :; do sleep 600; done")
    _wait_for_state(slurm, job, "RUNNING")
    slurm.expire(job)
    wait_until(lambda: slurm.accounting(job), 90, "the job's end")
    assert slurm.accounting(job)["JobState"] == "TIMEOUT"


@ALONE
def test_a_job_gives_way_to_a_better_queue(breakable: SlurmCluster) -> None:
    lesser = _submitted(breakable, "#!/bin/bash\nsleep 600", "--partition=flex", "--exclusive", "-N2")
    _wait_for_state(breakable, lesser, "RUNNING")
    better = _submitted(breakable, "#!/bin/bash\ntrue", "--partition=normal", "--exclusive", "-N2")
    wait_until(lambda: breakable.accounting(better), JOB_SECONDS, "the better job's end")
    assert breakable.accounting(lesser)["JobState"] == "PREEMPTED"
    assert breakable.accounting(better)["JobState"] == "COMPLETED"


@ALONE
def test_a_node_that_crashes_takes_its_jobs_and_comes_back(breakable: SlurmCluster) -> None:
    lost = _submitted(breakable, "#!/bin/bash\nsleep 600", "--nodelist=c1")
    spared = _submitted(breakable, "#!/bin/bash\nsleep 600", "--nodelist=c2")
    for job in (lost, spared):
        _wait_for_state(breakable, job, "RUNNING")
    breakable.crash_node("c1")
    wait_until(lambda: breakable.accounting(lost), JOB_SECONDS, "the job to be given up")
    assert breakable.accounting(lost)["JobState"] == "NODE_FAIL"
    assert breakable.shown(spared)["JobState"] == "RUNNING"
    breakable.start_nodes()
    breakable.end_all_jobs()
    assert _ran(breakable, "#!/bin/bash\necho $SLURMD_NODENAME", "--nodelist=c1") == "c1\n"


@ALONE
def test_drained_nodes_let_no_job_start(breakable: SlurmCluster) -> None:
    breakable.drain()
    job = _submitted(breakable, "#!/bin/bash\ntrue")
    reason = ("squeue", "--noheader", f"--jobs={job}", "--format=%r")
    wait_until(lambda: "drain" in breakable.exec(*reason).lower(), JOB_SECONDS, "the reason")
    assert breakable.shown(job)["JobState"] == "PENDING"
    breakable.undrain()
    wait_until(lambda: breakable.accounting(job), JOB_SECONDS, "the job's end")


@ALONE
def test_jobs_outlive_slurmctld(breakable: SlurmCluster) -> None:
    job = _submitted(breakable, "#!/bin/bash\nuntil [ -e go ]; do sleep 0.05; done", "--chdir=/scratch/tapis")
    _wait_for_state(breakable, job, "RUNNING")
    breakable.stop_scheduler()
    code, said = breakable.try_exec("squeue", user="tapis")
    assert code and "Unable to contact slurm controller" in said
    breakable.exec("touch", "/scratch/tapis/go", user="tapis")
    breakable.start_scheduler()
    wait_until(lambda: breakable.accounting(job), JOB_SECONDS, "the job's end")
    assert breakable.accounting(job)["JobState"] == "COMPLETED"


@ALONE
def test_sshd_can_be_taken_away_paused_and_brought_back(breakable: SlurmCluster) -> None:
    for away, back in ((breakable.stop_sshd, breakable.start_sshd), (breakable.pause, breakable.resume)):
        away()
        assert not breakable.greets()
        back()
        with _login(breakable, "tapis", breakable.access.password) as client:
            assert _says(client, "echo here") == "here\n"


def test_a_container_runs_inside_a_job(slurm: SlurmCluster) -> None:
    """With charliecloud, from an unpacked root: user namespaces are allowed."""
    root = f"/scratch/tapis/{uuid.uuid4()}"
    out = _ran(
        slurm,
        f"""#!/bin/bash -e
mkdir -p {root}/{{bin,dev,etc,home,lib,lib64,mnt,opt,proc,root,run,srv,sys,tmp,usr,var}}
touch {root}/etc/{{passwd,group,hosts,resolv.conf}}
cp /bin/bash {root}/bin/bash
for file in $(ldd /bin/bash | grep -o '/lib[^ ]*'); do cp --parents -L $file {root}; done
ch-run {root} -- /bin/bash -c 'echo inside; [ -e /etc/slurm ] || echo alone'
""",
    )
    assert out == "inside\nalone\n"


def test_the_small_singularity_is_on_the_path_of_jobs(slurm: SlurmCluster) -> None:
    out = _ran(
        slurm, "#!/bin/bash -e\nmodule load tacc-singularity\nsingularity --version\napptainer --version"
    )
    assert len(out.splitlines()) == 2


def _system(file: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((fixtures() / Path(file)).read_text(encoding="utf-8"))
    return found


@contextmanager
def _login(cluster: SlurmCluster, user: str, password: str) -> Iterator[paramiko.SSHClient]:
    with paramiko.SSHClient() as client:
        client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
        client.connect(
            cluster.access.host,
            cluster.access.port,
            user,
            password,
            look_for_keys=False,
            allow_agent=False,
            banner_timeout=30,
        )
        key = client.get_host_keys().lookup(f"[{cluster.access.host}]:{cluster.access.port}")
        assert key is not None
        yield client


def _says(client: paramiko.SSHClient, command: str) -> str:
    _, out, err = client.exec_command(command, timeout=JOB_SECONDS)
    said = out.read().decode()
    assert out.channel.recv_exit_status() == 0, said + err.read().decode()
    return said


def _submitted(cluster: SlurmCluster, script: str, *options: str) -> str:
    command = ["sbatch", "--parsable", "--output=/scratch/tapis/%j.out", *options]
    return cluster.exec(*command, user="tapis", stdin=script).strip()


def _ran(cluster: SlurmCluster, script: str, *options: str) -> str:
    """What a job printed, that has to succeed."""
    job = _submitted(cluster, script, *options)
    wait_until(lambda: cluster.accounting(job), JOB_SECONDS, "the job's end")
    said = cluster.exec("cat", f"/scratch/tapis/{job}.out")
    assert cluster.accounting(job)["ExitCode"] == "0:0" or "unknown" in said, said
    return said


def _wait_for_state(cluster: SlurmCluster, job: str, state: str) -> None:
    wait_until(lambda: cluster.shown(job)["JobState"] == state, JOB_SECONDS, f"job {job} to be {state}")
