"""What job containers may do and who they are: limits, networks, users, and rights on this machine."""

import os

import pytest

from emulator.runtimes.docker_container import ContainerPlan, User
from emulator.runtimes.docker_engine import EngineNature
from emulator.settings import BadSetting, Settings
from tests.live.docker.containers import HOLD, nothing_is_left
from tests.real.launcher_victim import Victims
from tests.real.sandbox_machine import SandboxMachine
from tests.real.waiting import wait_until

pytestmark = [pytest.mark.xdist_group("docker"), pytest.mark.sample(2, of="module")]
only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to others")


@pytest.fixture
def machine_with(tmp_path, prefix, docker_engine, settings, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", docker_engine.host)
    made = []

    def make(**changes):
        made.append(SandboxMachine(tmp_path, prefix, **(settings | changes)))
        return made[-1]

    yield make
    for machine in made:
        machine.stop(end_scripts=True)


def test_a_container_has_no_powers(machine):
    text = (
        "grep -E '^(CapEff|CapBnd|NoNewPrivs)' /proc/self/status\ntouch $HOME/mine && chmod 600 $HOME/mine\n"
    )
    launch = machine.launch("one", text)
    assert machine.run(launch).succeeded
    status = dict(line.split(":\t") for line in machine.output(launch).splitlines())
    assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0
    assert status["NoNewPrivs"] == "1"


def test_the_network_of_an_app_or_system(machine_with):
    machine = machine_with(docker_network="bridge", docker_networks={"shy-*": "none"})
    text = "ls /sys/class/net\n"
    shy, open_one = machine.launch("one", text, app_id="shy-1.0"), machine.launch("two", text)
    assert machine.run(shy).succeeded
    assert machine.run(open_one).succeeded
    assert machine.output(shy).split() == ["lo"]
    assert "eth0" in machine.output(open_one).split()


@pytest.mark.parametrize(("asked", "on"), [(1, True), (10_000, True), (1, False)])
def test_processors(machine_with, engine_api, asked, on):
    machine = machine_with(docker_limit_processors=on)
    launch = machine.launch("one", HOLD, processors=asked)
    machine.launcher.submit(launch)
    limit = engine_api.inspect_container(f"tapis-{launch.job_id}")["HostConfig"]["NanoCpus"]
    assert limit == (min(asked, engine_api.info()["NCPU"]) * 10**9 if on else 0)
    (machine.home / "go").touch()
    assert machine.wait(launch).succeeded


@only_root
def test_another_user(machine_with, engine_api, tmp_path):
    machine = machine_with(docker_user="2001:2002")
    text = 'id -u; id -g; cat input/data; echo more >>input/data; echo x >"$HOME/kept"; mkdir d; : >d/out; mktemp\n'
    launch = machine.launch("one", text)
    machine.files.mkdir(f"{launch.work_dir}/input")
    with machine.files.writer(f"{launch.work_dir}/input/data") as file:
        file.write(b"staged\n")
    outside = tmp_path / "outside"
    outside.touch()
    (machine.work_dir("one") / "link").symlink_to(outside)
    report = machine.run(launch)
    assert report.succeeded, machine.output(launch, "job.err")
    assert machine.output(launch).split()[:3] == ["2001", "2002", "staged"]
    made = machine.work_dir("one") / "d/out"
    assert (made.stat().st_uid, made.stat().st_gid) == (2001, 2002)
    assert outside.stat().st_uid == os.getuid(), "links are not followed"
    machine.launcher.forget(launch)
    assert not machine.kept("one").exists()
    machine.files.remove(launch.work_dir)
    nothing_is_left(engine_api, machine)


def test_users_of_kinds_of_engines(tmp_path):
    ordinary, rootless = EngineNature(False, False, 2), EngineNature(True, False, 2)
    plan = ContainerPlan(Settings(), "x", tmp_path)
    assert plan.user(ordinary) == User(os.getuid(), os.getgid())
    assert plan.user(rootless) == User(0, 0), "who is root inside is the engine's user outside"


@pytest.mark.parametrize("text", ["me", "1:", "1:2:3", "-1", "1 2", "²"])
def test_a_user_is_written_in_numbers(text, tmp_path):
    with pytest.raises(BadSetting, match=r"engine\.docker_user"):
        ContainerPlan(Settings(docker_user=text), "x", tmp_path)


def test_only_root_gives_files_away(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(BadSetting, match="runs as root"):
        ContainerPlan(Settings(docker_user="4711"), "x", tmp_path)


@pytest.mark.parametrize(
    ("options", "rootless", "remapped"),
    [
        (["name=seccomp,profile=default", "name=rootless", "name=cgroupns"], True, False),
        (["name=seccomp", "name=userns"], False, True),
        ([], False, False),
        (None, False, False),
    ],
)
def test_the_nature_of_an_engine(options, rootless, remapped):
    nature = EngineNature.of({"SecurityOptions": options, "NCPU": 4})
    assert nature == EngineNature(rootless, remapped, 4)


def test_podman_says_otherwise_that_it_is_rootless():
    """As podman 4.3 answers at its compatible socket."""
    nature = EngineNature.of(
        {"SecurityOptions": ["name=seccomp,profile=default"], "Rootless": True, "NCPU": 2}
    )
    assert nature.rootless


@pytest.mark.slow
@pytest.mark.parametrize("verb", [pytest.param("cancel", marks=pytest.mark.campaign), "forget"])
def test_killed_while_it_ends_a_script(machine, settings, docker_engine, engine_api, verb):
    """``kill -9`` before each request to the engine, and at moments in between: nothing is left to run."""
    victims = Victims(DOCKER_HOST=docker_engine.host)
    instants = [{"point": point, "counted": ["http.client.send"]} for point in range(1, 6)]
    instants += [{"after": 0.1 * step} for step in range(5)]
    for number, instant in enumerate(instants):
        launch = machine.launch(f"job-{number}", HOLD)
        machine.launcher.submit(launch)
        wait_until((machine.kept(f"job-{number}") / "pid").exists)
        machine.stop()
        victims.kill_one(
            directory=machine.directory,
            job=f"job-{number}",
            prefix=machine.prefix,
            text=HOLD,
            verb=verb,
            settings=settings,
            **instant,
        )
        machine.restart()
        machine.launcher.cancel(launch, "")
        if verb == "cancel":
            assert machine.wait(launch).scheduler_state == "CANCELLED"
        machine.launcher.forget(launch)
        wait_until(lambda n=number: not machine.kept(f"job-{n}").exists(), what=f"the end of {instant}")
    victims.close()
    nothing_is_left(engine_api, machine)
