"""The played schedulers: pure decisions, and the queues of a launcher that follow them."""

import pytest

from emulator.domain.ports import RemoteState
from emulator.schedulers.simulated import Waiting, family, is_batch, local_job_id, startable
from tests.real.sandbox_machine import HOST, SandboxMachine

HOLD = 'while [ ! -e "$HOME/go" ]; do sleep 0.02; done\n'


@pytest.fixture
def machine(tmp_path):
    machine = SandboxMachine(tmp_path)
    yield machine
    machine.stop(end_scripts=True)


def waiting(*names: str, queue: int = -1, user: int = -1) -> list[Waiting]:
    """``alice.1`` is alice's first job."""
    return [
        Waiting(job_id=name, owner=name.split(".")[0], queue_limit=queue, user_limit=user) for name in names
    ]


@pytest.mark.parametrize(
    ("scheduler", "name", "batch"),
    [
        ("FORK", "FORK", False),
        ("UNKNOWN", "FORK", False),
        ("SLURM", "SLURM", True),
        ("CUSTOM_SLURM", "SLURM", True),
        ("CUSTOM_GRIDENGINE", "SGE", True),
        ("custom_pbs", "PBS", True),
        ("CONDOR", "CONDOR", True),
    ],
)
def test_families(scheduler, name, batch):
    assert family(scheduler) == name
    assert is_batch(scheduler) is batch


@pytest.mark.parametrize(
    ("scheduler", "expected"),
    [
        ("SLURM", "17"),
        ("LSF", "17"),
        ("SGE", "17"),
        ("CONDOR", "17"),
        ("LOADLEVELER", "17"),
        ("PBS", "17.login.test"),
        ("TORQUE", "17.login.test"),
        ("CUSTOM_MOAB", "17.login.test"),
    ],
)
def test_ids_as_the_schedulers_print_them(scheduler, expected):
    assert local_job_id(scheduler, 17, "login.test") == expected


def test_no_limits_start_everybody_in_order():
    assert startable(waiting("b.1", "a.1", "b.2"), ["c"]) == ["b.1", "a.1", "b.2"]


def test_a_full_queue_stops_everybody():
    assert startable(waiting("a.1", queue=2), ["b", "c"]) == []
    assert startable(waiting("a.1", "b.1", "c.1", queue=3), ["x"]) == ["a.1", "b.1"]


def test_users_over_their_limit_are_passed_over():
    line = waiting("a.1", "a.2", "b.1", "a.3", "b.2", user=1)
    assert startable(line, []) == ["a.1", "b.1"]
    assert startable(line, ["a"]) == ["b.1"]
    assert startable(line, ["a", "b"]) == []


def test_passing_over_does_not_use_up_places():
    assert startable(waiting("a.1", "a.2", "b.1", queue=3, user=1), ["a"]) == ["b.1"]


def test_queued_and_running_are_both_seen(machine):
    first = machine.launch("one", HOLD, scheduler="SLURM", queue="normal", queue_limit=1)
    second = machine.launch("two", "exit 0\n", scheduler="SLURM", queue="normal", queue_limit=1)
    other = machine.launch("three", "exit 0\n", scheduler="SLURM", queue="large", queue_limit=1)
    assert [machine.launcher.submit(launch) for launch in (first, second, other)] == ["1", "2", "3"]
    machine.wait(first, lambda report: report.state is RemoteState.RUNNING)
    assert machine.wait(other).succeeded, "queues do not wait for each other"
    assert machine.report(second).state is RemoteState.QUEUED
    assert machine.report(second).started is None
    (machine.home / "go").touch()
    assert machine.wait(first).succeeded
    report = machine.wait(second)
    assert report.succeeded
    assert report.started >= machine.report(first).ended
    assert machine.changes.count("two") == 2, "told of its start and of its end"


def test_a_user_over_the_limit_lets_others_pass(machine):
    held = machine.launch("a1", HOLD, scheduler="PBS", queue="q", queue_user_limit=1, owner="alice")
    waits = machine.launch("a2", "exit 0\n", scheduler="PBS", queue="q", queue_user_limit=1, owner="alice")
    passes = machine.launch("b1", "exit 0\n", scheduler="PBS", queue="q", queue_user_limit=1, owner="bob")
    for launch in (held, waits, passes):
        machine.launcher.submit(launch)
    assert machine.wait(passes).succeeded
    assert machine.report(waits).state is RemoteState.QUEUED
    machine.launcher.cancel(held, "")
    assert machine.wait(waits).succeeded


def test_a_queued_script_is_cancelled_without_having_run(machine):
    held = machine.launch("one", HOLD, scheduler="SLURM", queue_limit=1)
    queued = machine.launch("two", "touch ran\n", scheduler="SLURM", queue_limit=1)
    machine.launcher.submit(held)
    machine.launcher.submit(queued)
    machine.launcher.cancel(queued, "2")
    report = machine.report(queued)
    assert (report.state, report.scheduler_state) == (RemoteState.ENDED, "CANCELLED")
    assert (report.exit_code, report.started) == (None, None)
    machine.restart()
    assert machine.report(queued).scheduler_state == "CANCELLED"
    machine.launcher.cancel(held, "1")
    machine.wait(held)
    assert not (machine.work_dir("two") / "ran").exists()


def test_lines_and_numbers_survive_a_restart(machine):
    held = machine.launch("z-first", HOLD, scheduler="TORQUE", queue="q", queue_limit=1)
    text = 'echo "$PBS_JOBID" >>"$HOME/order"\n'
    later = [
        machine.launch(name, text, scheduler="TORQUE", queue="q", queue_limit=1) for name in ("y", "x", "w")
    ]
    ids = [machine.launcher.submit(launch) for launch in (held, *later)]
    assert ids == [f"{n}.{HOST}" for n in (1, 2, 3, 4)]
    machine.wait(held, lambda report: report.state is RemoteState.RUNNING)
    machine.restart()
    assert [machine.report(launch).state for launch in later] == [RemoteState.QUEUED] * 3
    assert machine.launcher.submit(later[0]) == ids[1], "the same job has the same id"
    home = machine.home
    (home / "go").touch()
    for launch in later:
        assert machine.wait(launch).succeeded
    assert (home / "order").read_text().split() == ids[1:]
    for launch in (held, *later):
        machine.launcher.forget(launch)
    machine.restart()
    fresh = machine.launch("fresh", "exit 0\n", scheduler="TORQUE")
    assert machine.launcher.submit(fresh) == f"5.{HOST}"


def test_a_script_in_the_queue_whose_work_dir_goes_fails_with_the_reason(machine):
    held = machine.launch("one", HOLD, scheduler="SLURM", queue_limit=1)
    queued = machine.launch("two", "exit 0\n", scheduler="SLURM", queue_limit=1)
    machine.launcher.submit(held)
    machine.launcher.submit(queued)
    machine.files.remove("/scratch/two")
    machine.launcher.cancel(held, "1")
    report = machine.wait(queued)
    assert (report.state, report.scheduler_state) == (RemoteState.ENDED, "FAILED")
    assert "/scratch/two" in report.reason


@pytest.mark.parametrize(
    ("scheduler", "expected"),
    [
        (
            "SLURM",
            {
                "SLURM_JOB_ID": "1",
                "SLURM_JOB_NAME": "job",
                "SLURM_NNODES": "2",
                "SLURM_NTASKS": "8",
                "SLURM_CPUS_ON_NODE": "4",
                "SLURM_JOB_PARTITION": "normal",
                "SLURM_SUBMIT_HOST": HOST,
            },
        ),
        (
            "CUSTOM_PBS",
            {"PBS_JOBID": f"1.{HOST}", "PBS_NUM_PPN": "4", "PBS_QUEUE": "normal", "PBS_NP": "8"},
        ),
        ("SGE", {"JOB_ID": "1", "NSLOTS": "8", "NHOSTS": "2", "QUEUE": "normal"}),
        ("LSF", {"LSB_JOBID": "1", "LSB_QUEUE": "normal", "LSB_DJOB_NUMPROC": "8"}),
        ("LOADLEVELER", {"LOADL_STEP_ID": f"{HOST}.1.0", "LOADL_STEP_CLASS": "normal"}),
        ("COBALT", {"COBALT_JOBID": "1", "COBALT_JOBSIZE": "2"}),
        ("CONDOR", {"CONDOR_ID": "1.0"}),
    ],
)
def test_variables_of_the_schedulers(machine, scheduler, expected):
    launch = machine.launch("one", "env -0\n", scheduler=scheduler, queue="normal", processors=8, nodes=2)
    assert machine.run(launch).succeeded
    seen = machine.variables(launch)
    assert expected.items() <= seen.items()


def test_the_node_file_has_a_line_for_each_processor(machine):
    launch = machine.launch("one", 'cat "$PBS_NODEFILE"\n', scheduler="PBS", processors=4, nodes=2)
    assert machine.run(launch).succeeded
    assert machine.output(launch).split() == [HOST] * 4
