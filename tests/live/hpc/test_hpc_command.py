"""``tapis-emulator hpc up|status|down`` against a real engine, with real ssh and Slurm behind it."""

from __future__ import annotations

import re
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import docker
import pytest
import yaml

from emulator.domain.host_map import HostKind, parse_host_map
from tests.live.hpc.conftest import Hpc
from tests.real.waiting import wait_until

pytestmark = pytest.mark.sample(4, of="module")

SEEDED = "stampede2.tacc.example.org"
OF_THE_COURSE = "login1.cluster.example.org"
JOB_SECONDS = 60


def test_up_is_a_cluster_that_runs_jobs_and_down_leaves_nothing(
    hpc: Hpc, engine_client: docker.DockerClient
) -> None:
    said = hpc.run("up", "--port", "0")
    assert "Slurm with 1 compute node," in said
    mapped = yaml.safe_load(hpc.hosts.read_text())["hosts"]
    assert list(mapped) == [SEEDED, OF_THE_COURSE]
    job = hpc.ssh(
        "cd /scratch/testuser && sbatch --parsable -A TRAINING -p development --wrap 'exit 3'"
    ).strip()
    wait_until(lambda: "FAILED" in _accounted(hpc, job), JOB_SECONDS, "the job's end")
    assert hpc.ssh("scontrol -o show job " + job).count(" ExitCode=3:0 ") == 1
    status = hpc.run("status")
    assert "running" in status and SEEDED in status and re.search(r"development.* idle|c1", status)
    assert "is gone" in hpc.run("down")
    assert not hpc.hosts.exists()
    assert hpc.name not in [
        container.name for container in engine_client.containers.list(all=True, ignore_removed=True)
    ]
    assert hpc.try_run("status").returncode == 1


@pytest.mark.campaign
def test_what_it_says_to_type_next_is_what_works(hpc: Hpc) -> None:
    said = hpc.run("up", "--port", "0")
    commands = [line.split("#")[0].strip() for line in said.splitlines()]
    squeue = next(command for command in commands if command.endswith(" squeue"))
    assert f"-F '{hpc.data}/hpc/{hpc.name}/ssh_config' hpc" in squeue
    assert "JOBID" in hpc.ssh("squeue")
    submit = next(command for command in commands if command.startswith("tapis jobs submit -F "))
    assert Path(submit.removeprefix("tapis jobs submit -F ")).is_file()
    assert f"tapis-emulator hpc down --data-dir '{hpc.data}' --name {hpc.name}" in commands


@pytest.mark.campaign
def test_the_map_it_writes_is_one_the_emulator_reads(hpc: Hpc) -> None:
    hpc.run("up", "--port", "0", "--host", "*.example.org", "--host", "Login.Elsewhere")
    found = parse_host_map(yaml.safe_load(hpc.hosts.read_text())["hosts"], "hosts")
    for name in ("any.example.org", "login.elsewhere"):
        binding = found.find(name)
        assert binding.kind is HostKind.SSH and binding.machine is not None
        assert binding.machine.identity.complete
        assert Path(binding.machine.identity.key_file).stat().st_mode & 0o777 == 0o600
        assert binding.machine.host_key.startswith("ssh-ed25519 ")
    assert found.find(SEEDED) == binding
    assert found.find("other.org").kind is HostKind.SANDBOX


@pytest.mark.campaign
def test_up_again_changes_nothing(hpc: Hpc) -> None:
    hpc.run("up", "--port", "0", "--nodes", "2")
    job = hpc.ssh("sbatch --parsable --wrap 'sleep 600'").strip()
    before = hpc.hosts.read_bytes()
    assert "runs already: Slurm with 2 compute nodes" in hpc.run("up")
    assert hpc.hosts.read_bytes() == before
    assert job in hpc.ssh("squeue --noheader --format=%i").split()
    refused = hpc.try_run("up", "--nodes", "3")
    assert refused.returncode == 1 and "has 2 compute nodes" in refused.stderr


@pytest.mark.campaign
def test_two_at_once_start_one(hpc: Hpc, engine_client: docker.DockerClient) -> None:
    with ThreadPoolExecutor() as pool:
        said = list(pool.map(lambda _: hpc.run("up", "--port", "0"), range(2)))
    assert sorted("runs already: Slurm" in each for each in said) == [False, True]
    assert len(yaml.safe_load(hpc.hosts.read_text())["hosts"]) == 2


@pytest.mark.campaign
def test_two_nodes_share_a_job(hpc: Hpc) -> None:
    hpc.run("up", "--port", "0", "--nodes", "2")
    work = "srun --label sh -c 'echo $SLURMD_NODENAME' > nodes"
    job = hpc.ssh(f'cd /scratch/tapis && sbatch --parsable -N 2 -n 2 --wrap "{_escaped(work)}"').strip()
    wait_until(lambda: "COMPLETED" in _accounted(hpc, job), JOB_SECONDS, "the job's end")
    assert sorted(line.split()[1] for line in hpc.ssh("cat /scratch/tapis/nodes").splitlines()) == [
        "c1",
        "c2",
    ]


@pytest.mark.campaign
@pytest.mark.parametrize("crash", ["kill", "pause", "stop"])
def test_up_after_a_crash_brings_it_back(hpc: Hpc, engine_client: docker.DockerClient, crash: str) -> None:
    hpc.run("up", "--port", "0")
    hpc.ssh("echo kept > /work/tapis/file")
    getattr(engine_client.containers.get(hpc.name), crash)()
    assert hpc.try_run("status").returncode == 1
    assert "is up" in hpc.run("up")
    assert hpc.ssh("cat /work/tapis/file") == "kept\n"
    job = hpc.ssh("sbatch --parsable --wrap true").strip()
    wait_until(lambda: "COMPLETED" in _accounted(hpc, job), JOB_SECONDS, "the job's end")


@pytest.mark.campaign
def test_status_tells_what_is_wrong_inside(hpc: Hpc, engine_client: docker.DockerClient) -> None:
    hpc.run("up", "--port", "0")
    engine_client.containers.get(hpc.name).exec_run(["cluster", "stop", "slurmctld"])
    ill = hpc.try_run("status")
    assert ill.returncode == 1 and "slurm" in ill.stderr + ill.stdout


def test_a_port_that_is_taken_is_named_and_nothing_is_left(
    hpc: Hpc, engine_client: docker.DockerClient
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        refused = hpc.try_run("up", "--port", str(port))
    assert refused.returncode == 1
    assert f"port {port} of 127.0.0.1 is taken" in refused.stderr and "--port 0" in refused.stderr
    assert not hpc.hosts.exists()
    assert hpc.name not in [
        container.name for container in engine_client.containers.list(all=True, ignore_removed=True)
    ]
    hpc.run("up", "--port", str(port))
    assert hpc.ssh("hostname") == "login1\n"


@pytest.mark.campaign
def test_lines_of_others_stay_and_are_not_overruled(hpc: Hpc) -> None:
    hpc.data.mkdir()
    own = f"hosts:   # mine\n    {SEEDED}: ssh://me@real.example.net\n    # a comment\n"
    hpc.hosts.write_text(own)
    refused = hpc.try_run("up", "--port", "0")
    assert refused.returncode == 1 and SEEDED in refused.stderr and "real.example.net" in refused.stderr
    hpc.run("up", "--port", "0", "--host", OF_THE_COURSE)
    assert list(yaml.safe_load(hpc.hosts.read_text())["hosts"]) == [OF_THE_COURSE, SEEDED]
    hpc.run("down")
    assert hpc.hosts.read_text() == own


def test_a_container_of_somebody_else_is_left_alone(
    hpc: Hpc, engine_client: docker.DockerClient, busybox_image: str
) -> None:
    other = engine_client.containers.create(busybox_image, name=hpc.name)
    try:
        for command in ("up", "down", "status"):
            refused = hpc.try_run(command)
            assert refused.returncode == 1 and "is no cluster" in refused.stderr
        assert engine_client.containers.get(hpc.name).id == other.id
    finally:
        other.remove()


@pytest.mark.parametrize("command", ["up", "status", "down"])
@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("unix:///nowhere/docker.sock", "no Docker engine answers at unix:///nowhere/docker.sock"),
        ("tcp://192.0.2.1:2375", "an engine on this machine"),
        ("nonsense", "nonsense"),
    ],
)
def test_without_an_engine_it_says_so(tmp_path: Path, command: str, address: str, reason: str) -> None:
    refused = Hpc(tmp_path, {}).try_run(command, DOCKER_HOST=address)
    assert refused.returncode == 1
    assert reason in refused.stderr and "Traceback" not in refused.stderr


@pytest.mark.parametrize("name", ["", "x", "../x", "a b", "-x", "a\nb"])
def test_a_name_that_can_be_none_is_refused(tmp_path: Path, name: str) -> None:
    refused = Hpc(tmp_path, {}, name=name).try_run("up")
    assert refused.returncode == 2 and "letters" in refused.stderr


def _accounted(hpc: Hpc, job: str) -> str:
    return hpc.ssh(f"sacct -c --noheader --parsable2 --format=JobID,State --jobs={job}")


def _escaped(text: str) -> str:
    """For the inside of double quotes in a shell."""
    return re.sub(r'(["$`\\])', r"\\\1", text)
