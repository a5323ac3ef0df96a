"""Scripts in real containers: the same promises as for processes, and nothing left behind."""

import os
from datetime import timedelta

import pytest

from emulator.domain.ports import RemoteState
from emulator.runtimes import scheduler as played_scheduler
from tests.live.docker.containers import HOLD, containers, nothing_is_left, running
from tests.real.launcher_victim import Victims
from tests.real.sandbox_machine import SandboxMachine
from tests.real.waiting import wait_until

pytestmark = [pytest.mark.xdist_group("docker"), pytest.mark.sample(3, of="module")]
BATCH_AND_FORK = pytest.mark.parametrize("scheduler", ["FORK", "SLURM"])


@BATCH_AND_FORK
@pytest.mark.parametrize(
    ("text", "code", "number"),
    [("exit 0", 0, 0), ("exit 3", 3, 0), ("kill -9 $$", 137, 9), ("no-such-program", 127, 0)],
)
def test_exit_codes_and_signals(machine, engine_api, scheduler, text, code, number):
    launch = machine.launch("one", text + "\n", scheduler=scheduler)
    assert machine.launcher.submit(launch) == "1"
    report = machine.wait(launch)
    assert (report.state, report.exit_code, report.signal) == (RemoteState.ENDED, code, number)
    assert report.scheduler_state == ("FAILED" if code else "COMPLETED")
    machine.launcher.forget(launch)
    nothing_is_left(engine_api, machine)


def test_what_a_script_sees(machine):
    text = "pwd; id -u; id -g; module load x; echo err >&2; mktemp; touch $HOME/here; env -0 >env\n"
    launch = machine.launch("one", text)
    assert machine.run(launch).succeeded
    work_dir = machine.work_dir("one")
    pwd, uid, gid, temporary = machine.output(launch).split()
    assert pwd == str(work_dir)
    assert (int(uid), int(gid)) == (os.getuid(), os.getgid())
    assert temporary.startswith(str(machine.kept("one") / "tmp"))
    assert machine.output(launch, "job.err") == "err\n"
    assert "module load x" in machine.output(launch, ".agave.log")
    assert (machine.home / "here").exists(), "the sandbox is the same inside and outside"
    seen = dict(entry.split("=", 1) for entry in machine.output(launch, "env").split("\0") if entry)
    assert seen["HOME"] == str(machine.home)
    assert os.environ["PATH"] not in seen["PATH"], "PATH is the image's"


def test_an_image_with_bash_runs_scripts_with_bash(
    tmp_path, prefix, docker_engine, python_image, monkeypatch
):
    monkeypatch.setenv("DOCKER_HOST", docker_engine.host)
    machine = SandboxMachine(
        tmp_path, prefix, runtime="docker", docker_image=python_image, docker_network="none"
    )
    launch = machine.launch("one", 'words=(a b); echo "${words[1]}"; ml load y; python3 -c "print(6 * 7)"\n')
    assert machine.run(launch).succeeded
    assert machine.output(launch).split() == ["b", "42"]
    assert "load y" in machine.output(launch, ".agave.log")
    machine.stop()


def test_other_apps_run_as_processes(machine, engine_api):
    launch = machine.launch("one", HOLD, system_id="another")
    machine.launcher.submit(launch)
    assert not containers(engine_api, machine)
    machine.launcher.cancel(launch, "")
    machine.wait(launch)


@BATCH_AND_FORK
def test_the_time_limit(machine, engine_api, scheduler):
    text = "sleep 1000 & sleep 1000\n"
    launch = machine.launch("one", text, scheduler=scheduler, max_run_seconds=1)
    report = machine.run(launch)
    assert (report.state, report.scheduler_state) == (RemoteState.ENDED, "TIMEOUT")
    assert (report.exit_code, report.signal) == (143, 15)
    nothing_is_left(engine_api, machine)


@BATCH_AND_FORK
def test_cancel(machine, engine_api, scheduler):
    launch = machine.launch("one", HOLD, scheduler=scheduler)
    remote = machine.launcher.submit(launch)
    machine.wait(launch, running)
    machine.launcher.cancel(launch, remote)
    assert machine.wait(launch).scheduler_state == "CANCELLED"
    nothing_is_left(engine_api, machine)


def test_a_script_that_ignores_term_is_killed(machine, engine_api):
    launch = machine.launch("one", "trap '' TERM\ntouch ready\nwhile :; do sleep 0.1; done\n")
    machine.launcher.submit(launch)
    wait_until((machine.work_dir("one") / "ready").exists)
    machine.launcher.cancel(launch, "")
    report = machine.wait(launch)
    assert (report.scheduler_state, report.exit_code, report.signal) == ("CANCELLED", 137, 9)
    nothing_is_left(engine_api, machine)


def test_forgetting_a_running_script_kills_it(machine, engine_api):
    launch = machine.launch("one", HOLD)
    machine.launcher.submit(launch)
    machine.launcher.forget(launch)
    wait_until(lambda: not machine.kept("one").exists())
    nothing_is_left(engine_api, machine)


@BATCH_AND_FORK
def test_out_of_memory(tmp_path, prefix, settings, docker_engine, engine_api, monkeypatch, scheduler):
    monkeypatch.setenv("DOCKER_HOST", docker_engine.host)
    machine = SandboxMachine(tmp_path, prefix, docker_limit_memory=True, **settings)
    text = "head -c 200000000 /dev/zero | tail -n 1 >/dev/null\n"
    launch = machine.launch("one", text, scheduler=scheduler, memory_per_node=0.03)
    report = machine.run(launch)
    assert (report.state, report.scheduler_state) == (RemoteState.ENDED, "OUT_OF_MEMORY")
    assert (report.exit_code, report.signal) == (137, 9)
    machine.restart()
    assert machine.report(launch).scheduler_state == "OUT_OF_MEMORY"
    nothing_is_left(engine_api, machine)
    machine.stop()


def test_an_image_that_cannot_be_had_is_refused_with_the_reason(machine, settings):
    settings["images"]["broken-*"] = "no-such-registry.invalid/image:1"
    launch = machine.launch("one", "exit 0\n", app_id="broken-1.0")
    with pytest.raises(OSError, match=r"no-such-registry\.invalid/image:1") as caught:
        machine.launcher.submit(launch)
    assert not isinstance(caught.value, ConnectionError)
    assert not machine.kept("one").exists()


@pytest.fixture
def empty_image(engine_api, tmp_path):
    empty = tmp_path / "empty.tar"
    empty.write_bytes(bytes(10240))
    name, tag = "tapis-emulator-empty", str(os.getpid())
    engine_api.import_image_from_file(str(empty), repository=name, tag=tag)
    yield f"{name}:{tag}"
    engine_api.remove_image(f"{name}:{tag}", force=True)


def test_an_image_without_a_shell_is_refused_with_the_reason(machine, engine_api, settings, empty_image):
    settings["images"]["empty-*"] = empty_image
    launch = machine.launch("one", "exit 0\n", app_id="empty-1.0")
    with pytest.raises(OSError, match="/bin/sh") as caught:
        machine.launcher.submit(launch)
    assert not isinstance(caught.value, ConnectionError)
    machine.launcher.forget(launch)
    nothing_is_left(engine_api, machine)


def test_a_queued_script_that_cannot_start_ends_with_the_reason(
    machine, engine_api, settings, empty_image, monkeypatch
):
    monkeypatch.setattr(played_scheduler, "START_PAUSE", timedelta(seconds=0.1))
    settings["images"]["empty-*"] = empty_image
    launch = machine.launch("one", "exit 0\n", app_id="empty-1.0", scheduler="SLURM")
    report = machine.run(launch)
    assert (report.state, report.scheduler_state) == (RemoteState.ENDED, "NODE_FAIL")
    assert "/bin/sh" in report.reason
    nothing_is_left(engine_api, machine)


@BATCH_AND_FORK
def test_a_container_that_ends_before_the_supervisor_begins(
    machine, settings, engine_api, monkeypatch, scheduler
):
    """As where an engine in a virtual machine does not see our directories."""
    monkeypatch.setattr(played_scheduler, "START_PAUSE", timedelta(seconds=0.1))
    launch = machine.launch("one", "exit 0\n", scheduler=scheduler)
    machine.launcher.start()
    (machine.spool / ".tools/supervisor.sh").unlink()
    machine.launcher.submit(launch)
    report = machine.wait(launch)
    assert (report.state, report.scheduler_state) == (RemoteState.ENDED, "NODE_FAIL")
    assert "exit code 2" in report.reason or "exit code 127" in report.reason
    nothing_is_left(engine_api, machine)


def test_limits_of_a_queue_hold_for_containers(machine):
    held, waits = (machine.launch(name, HOLD, scheduler="SLURM", queue_limit=1) for name in ("one", "two"))
    machine.launcher.submit(held)
    machine.launcher.submit(waits)
    machine.wait(held, running)
    assert machine.report(waits).state is RemoteState.QUEUED
    (machine.home / "go").touch()
    assert machine.wait(waits).succeeded


# restarts


@BATCH_AND_FORK
def test_a_restart_finds_running_and_waiting_scripts(machine, engine_api, scheduler):
    text = 'echo ran >>"$HOME/ran"\n' + HOLD + "exit 7\n"
    first, second = (
        machine.launch(name, text, scheduler=scheduler, queue_limit=1) for name in ("one", "two")
    )
    ids = [machine.launcher.submit(launch) for launch in (first, second)]
    machine.wait(first, running)
    machine.restart()
    assert [machine.launcher.submit(launch) for launch in (first, second)] == ids
    assert machine.wait(first, running).started is not None
    (machine.home / "go").touch()
    assert [machine.wait(launch).exit_code for launch in (first, second)] == [7, 7]
    assert (machine.home / "ran").read_text() == "ran\nran\n"
    nothing_is_left(engine_api, machine)


def test_the_end_of_a_script_that_nobody_watched_is_found(machine, engine_api):
    launch = machine.launch("one", HOLD + "exit 7\n")
    machine.launcher.submit(launch)
    machine.stop()
    (machine.home / "go").touch()
    nothing_is_left(engine_api, machine)
    machine.restart()
    report = machine.wait(launch)
    assert (report.state, report.exit_code) == (RemoteState.ENDED, 7)


def test_a_container_that_somebody_removed_is_lost(machine, engine_api):
    launch = machine.launch("one", HOLD)
    machine.launcher.submit(launch)
    machine.wait(launch, running)
    wait_until((machine.kept("one") / "claim").exists)
    machine.stop()
    engine_api.remove_container(f"tapis-{launch.job_id}", force=True)
    machine.restart()
    assert machine.wait(launch).state is RemoteState.LOST


def test_a_container_that_somebody_killed_has_failed(machine, engine_api):
    launch = machine.launch("one", HOLD)
    machine.launcher.submit(launch)
    wait_until((machine.kept("one") / "pid").exists)
    engine_api.kill(f"tapis-{launch.job_id}")
    report = machine.wait(launch)
    assert (report.scheduler_state, report.exit_code, report.signal) == ("FAILED", 137, 9)


def test_orphans_are_removed_by_the_next_start(machine, engine_api):
    launch = machine.launch("one", HOLD)
    machine.launcher.submit(launch)
    machine.wait(launch, running)
    machine.stop()
    (machine.kept("one") / "intent.json").unlink()
    machine.restart()
    nothing_is_left(engine_api, machine)


@pytest.mark.parametrize("scheduler", ["FORK", pytest.param("SLURM", marks=pytest.mark.campaign)])
@pytest.mark.slow
def test_killed_at_any_request(machine, settings, docker_engine, engine_api, scheduler):
    """``kill -9`` before each request to the engine, and at moments in between."""
    victims = Victims(DOCKER_HOST=docker_engine.host)
    text = 'echo "$AGAVE_LOG_FILE" >>"$HOME/ran"\nexit 7\n'
    instants = [{"point": point, "counted": ["http.client.send"]} for point in range(1, 9)]
    instants += [{"after": 0.05 * step} for step in range(10)]
    for number, instant in enumerate(instants):
        launch = machine.launch(f"job-{number}", text, scheduler=scheduler)
        changes = {"scheduler": scheduler}
        told = victims.kill_one(
            directory=machine.directory,
            job=f"job-{number}",
            prefix=machine.prefix,
            text=text,
            verb="submit",
            changes=changes,
            settings=settings,
            **instant,
        )
        machine.restart()
        remote = machine.launcher.submit(launch)
        assert told["answer"] in ("", remote)
        assert machine.wait(launch).exit_code == 7
        machine.launcher.forget(launch)
    victims.close()
    ran = (machine.home / "ran").read_text().split()
    assert ran == [f"{machine.work_dir(f'job-{n}')}/.agave.log" for n in range(len(instants))]
    nothing_is_left(engine_api, machine)
