"""``kill -9`` at every instant: each script runs exactly once, and its end is found.

The victims are processes that hold a launcher and kill themselves with SIGKILL at their n-th file, program or
signal (``tests/real/launcher_victim.py``); n goes from 1 on until a victim gets through.
"""

from itertools import count

import pytest

from emulator.domain.ports import RemoteState
from emulator.runtimes import processes
from tests.real.launcher_victim import Victims
from tests.real.sandbox_machine import HOST, SandboxMachine
from tests.real.waiting import wait_until

BATCH_AND_FORK = pytest.mark.parametrize("scheduler", ["FORK", "SLURM"])
COUNT = 'echo "$AGAVE_LOG_FILE" >>"$HOME/ran"\n'


@pytest.fixture(scope="module")
def victims():
    victims = Victims()
    yield victims
    victims.close()


@pytest.fixture
def machine(tmp_path):
    machine = SandboxMachine(tmp_path)
    yield machine
    machine.stop(end_scripts=True)


def home(machine):
    return machine.directory / "hosts/tacc.prod" / HOST / "home/testuser"


def times_run(machine, job_id):
    ran = home(machine) / "ran"
    log = f"{machine.work_dir(job_id)}/.agave.log"
    return ran.read_text().split().count(log) if ran.exists() else 0


def alive(machine, job_id):
    return processes.members(-1, str(machine.spool / job_id))


def every_point(victims, machine, verb, text, **changes):
    """Kill a victim at each point of ``verb``; yields what it had answered. The job is called after the point."""
    for point in count(1):
        job = f"{verb}-{point}"
        told = victims.kill_one(
            directory=machine.directory, job=job, text=text, verb=verb, changes=changes, point=point
        )
        yield job, told["answer"]
        if told["end"]:
            return


@BATCH_AND_FORK
def test_killed_while_submitting(victims, machine, scheduler):
    text = COUNT + "sleep 0.05\nexit 7\n"
    points = 0
    for job, answered in every_point(victims, machine, "submit", text, scheduler=scheduler):
        points += 1
        launch = machine.launch(job, text, scheduler=scheduler)
        machine.restart()
        remote = machine.launcher.submit(launch)
        assert remote.isdigit()
        assert answered in ("", remote), "an answer that was given stays true"
        report = machine.wait(launch)
        assert (report.state, report.scheduler_state, report.exit_code) == (RemoteState.ENDED, "FAILED", 7)
        assert times_run(machine, job) == 1
        machine.restart()
        assert machine.report(launch).exit_code == 7
        assert machine.launcher.submit(launch) == remote
        machine.launcher.forget(launch)
    assert points > 15, "the victims were not killed where they should have been"
    machine.stop()
    assert [path.name for path in machine.spool.iterdir() if not path.name.startswith(".")] == []


@BATCH_AND_FORK
def test_killed_while_starting_again(victims, machine, scheduler):
    """A launcher that is killed while it takes up what a killed one has left."""
    text = COUNT + "while [ ! -e $HOME/go ]; do sleep 0.02; done\nexit 7\n"
    running = machine.launch("running", text, scheduler=scheduler, queue_limit=2)
    remote = machine.launcher.submit(running)
    machine.wait(running, lambda report: report.state is RemoteState.RUNNING)
    machine.stop()
    for job, _ in every_point(victims, machine, "start", text, scheduler=scheduler, queue_limit=2):
        assert job
    machine.restart()
    assert machine.launcher.submit(running) == remote
    (home(machine) / "go").touch()
    assert machine.wait(running).exit_code == 7
    assert times_run(machine, "running") == 1


@BATCH_AND_FORK
def test_killed_while_killing(victims, machine, scheduler):
    text = "touch ready\ntrap '' TERM\nsetsid sleep 1000 & sleep 1000\n"
    points = 0
    for point in count(1):
        launch = machine.launch(f"cancel-{point}", text, scheduler=scheduler)
        machine.restart()
        machine.launcher.submit(launch)
        wait_until((machine.work_dir(launch.job_id) / "ready").exists)
        machine.stop()
        told = victims.kill_one(
            directory=machine.directory,
            job=launch.job_id,
            text=text,
            verb="cancel",
            changes={"scheduler": scheduler},
            point=point,
        )
        points += 1
        machine.restart()
        if not (machine.spool / launch.job_id / "killed.json").exists():
            machine.launcher.cancel(launch, "")
        report = machine.wait(launch)
        assert (report.state, report.scheduler_state) == (RemoteState.ENDED, "CANCELLED")
        wait_until(lambda: not alive(machine, launch.job_id), what="the end of all processes")  # noqa: B023
        if told["end"] or points == 12:
            break
    assert points > 5
