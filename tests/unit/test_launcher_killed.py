"""``kill -9`` at every instant: each script runs exactly once, and its end is found.

The victims are processes that hold a launcher and kill themselves with SIGKILL at their n-th file, program or
signal (``tests/real/launcher_victim.py``); n goes from 1 on until a victim gets through.
"""

from itertools import count

import pytest

from emulator.domain.ports import RemoteState
from emulator.runtimes import processes
from tests.real.launcher_victim import Victims
from tests.real.sandbox_machine import OVER, SandboxMachine
from tests.real.waiting import wait_until

pytestmark = pytest.mark.sample(6, of="module")

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


def times_run(machine, job_id):
    ran = machine.home / "ran"
    log = f"{machine.work_dir(job_id)}/.agave.log"
    return ran.read_text().split().count(log) if ran.exists() else 0


def alive(machine, job_id):
    return processes.members(-1, str(machine.spool / job_id))


@BATCH_AND_FORK
def test_killed_while_submitting(victims, machine, scheduler):
    text = COUNT + "sleep 0.05\nexit 7\n"
    points = 0
    for point in count(1):
        points += 1
        job = f"job-{point}"
        launch = machine.launch(job, text, scheduler=scheduler)
        told = victims.kill_one(
            directory=machine.directory,
            job=job,
            text=text,
            verb="submit",
            changes={"scheduler": scheduler},
            point=point,
        )
        machine.restart()
        remote = machine.launcher.submit(launch)
        assert remote.isdigit()
        assert told["answer"] in ("", remote), "an answer that was given stays true"
        report = machine.wait(launch)
        assert (report.state, report.scheduler_state, report.exit_code) == (RemoteState.ENDED, "FAILED", 7)
        assert times_run(machine, job) == 1
        machine.restart()
        assert machine.report(launch).exit_code == 7
        assert machine.launcher.submit(launch) == remote
        machine.launcher.forget(launch)
        if told["end"]:
            break
    assert points > 15, "the victims were not killed where they should have been"
    machine.stop()
    assert [path.name for path in machine.spool.iterdir() if not path.name.startswith(".")] == []


def test_killed_while_starting_again(victims, machine):
    """A launcher that is killed while it takes up what a killed one has left."""
    text = COUNT + "while [ ! -e $HOME/go ]; do sleep 0.02; done\nexit 7\n"
    changes = {"scheduler": "SLURM", "queue_limit": 1}
    fork = machine.launch("fork", text)
    first, second = (machine.launch(name, text, **changes) for name in ("first", "second"))
    ids = [machine.launcher.submit(launch) for launch in (fork, first, second)]
    machine.wait(first, lambda report: report.state is RemoteState.RUNNING)
    machine.stop()
    points = 0
    for point in count(1):
        points += 1
        told = victims.kill_one(
            directory=machine.directory, job="first", text=text, verb="start", changes=changes, point=point
        )
        if told["end"]:
            break
    assert points > 15
    machine.restart()
    assert [machine.launcher.submit(launch) for launch in (fork, first, second)] == ids
    assert machine.report(second).state is RemoteState.QUEUED
    (machine.home / "go").touch()
    assert [machine.wait(launch).exit_code for launch in (fork, first, second)] == [7, 7, 7]
    assert [times_run(machine, name) for name in ("fork", "first", "second")] == [1, 1, 1]


@BATCH_AND_FORK
def test_killed_while_killing(victims, machine, scheduler):
    text = "setsid sleep 1000 & touch ready; sleep 1000\n"
    points = 0
    for point in count(1):
        points += 1
        launch = machine.launch(f"job-{point}", text, scheduler=scheduler)
        machine.restart()
        machine.launcher.submit(launch)
        wait_until((machine.work_dir(launch.job_id) / "ready").exists)
        machine.stop()
        told = victims.kill_one(
            directory=machine.directory, job=launch.job_id, text=text, verb="cancel", point=point
        )
        machine.restart()
        if not (machine.spool / launch.job_id / "killed.json").exists():
            machine.launcher.cancel(launch, "")  # it was not written down: the engine cancels again
        report = machine.wait(launch)
        assert (report.state, report.scheduler_state) == (RemoteState.ENDED, "CANCELLED")
        wait_until(lambda: not alive(machine, launch.job_id), what="the end of all processes")  # noqa: B023
        machine.launcher.forget(launch)
        if told["end"]:
            break
    assert points > 10


def test_killed_while_forgetting(victims, machine):
    text = COUNT + "exit 7\n"
    points = 0
    for point in count(1):
        points += 1
        launch = machine.launch(f"job-{point}", text, scheduler="SLURM")
        machine.restart()
        machine.run(launch)
        machine.stop()
        told = victims.kill_one(
            directory=machine.directory, job=launch.job_id, text=text, verb="forget", point=point
        )
        machine.restart()
        assert machine.report(launch).state in OVER
        machine.launcher.forget(launch)
        assert not (machine.spool / launch.job_id).exists()
        assert times_run(machine, launch.job_id) == 1
        if told["end"]:
            break
    assert points > 3
