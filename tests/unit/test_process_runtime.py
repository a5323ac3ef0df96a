"""What the launcher stands on: the supervisor, process identities, waiting for ends, the spool."""

import os
import shutil
import signal
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from emulator.domain.ports import RemoteState
from emulator.engine.clock import RealClock
from emulator.runtimes import processes
from emulator.runtimes.images import image_for
from emulator.runtimes.process import ProcessRuntime
from emulator.runtimes.processes import Identity, Survey, identify
from emulator.runtimes.runtime import Command
from emulator.runtimes.spool import JobSpool, Spool
from emulator.runtimes.watcher import DescriptorWatcher, PatientWatcher, watcher
from tests.real.sandbox_machine import SandboxMachine
from tests.real.waiting import wait_until

SHELLS = [shell for shell in ("dash", "bash", "busybox") if shutil.which(shell)]
THIS_BOOT = processes.boot_id()


@pytest.fixture
def clock():
    clock = RealClock()
    yield clock
    clock.stop()


@pytest.fixture(params=[DescriptorWatcher, PatientWatcher])
def ends(request, clock):
    """Both ways of waiting."""
    watching = request.param() if request.param is DescriptorWatcher else PatientWatcher(clock)
    yield watching
    watching.stop()


@pytest.fixture
def spool(tmp_path):
    spool = Spool(tmp_path / "spool")
    spool.prepare()
    return spool


@pytest.fixture
def sleeper():
    child = subprocess.Popen(["sleep", "1000"])
    yield child
    child.kill()
    child.wait()


def command(spool, tmp_path, text, job="job"):
    """The script writes into ``<tmp>/work``."""
    work, place = tmp_path / "work", spool.job(job)
    work.mkdir(exist_ok=True)
    place.temporary.mkdir(parents=True)
    (work / "script").write_text(text)
    return Command(
        job=place,
        sandbox=tmp_path,
        script=work / "script",
        work_dir=work,
        stdout=work / "out",
        stderr=work / "err",
        environment={"PATH": os.environ["PATH"], processes.MARKER: str(place.path)},
        labels={},
    )


class Ends:
    """Collects what a runtime tells."""

    def __init__(self):
        self.told = []
        self._new = threading.Condition()

    def __call__(self, job_id, ending):
        with self._new:
            self.told.append((job_id, ending))
            self._new.notify_all()

    def wait(self, number=1):
        with self._new:
            assert self._new.wait_for(lambda: len(self.told) >= number, 60)
        return self.told[number - 1]


@pytest.fixture
def runtime(spool, clock, ends):
    told = Ends()
    runtime = ProcessRuntime(spool=spool, clock=clock, watcher=ends, on_end=told)
    runtime.told = told
    yield runtime
    runtime.stop()


# supervisor


def supervise(spool, cmd, shell="/bin/sh", supervisor=None, **options):
    places = [cmd.job.path, cmd.work_dir, cmd.stdout, cmd.stderr, cmd.script]
    interpreter = [shell, "sh"] if shell.endswith("busybox") else [shell]
    return subprocess.run(
        [*interpreter, supervisor or spool.tools / "supervisor.sh", *places, "process"],
        env=cmd.environment,
        capture_output=True,
        text=True,
        start_new_session=True,
        **options,
    )


@pytest.mark.parametrize("shell", SHELLS)
def test_the_supervisor_in_every_shell(spool, tmp_path, shell):
    cmd = command(spool, tmp_path, "echo $$; kill -TERM $PPID; kill -KILL $$\n")
    done = supervise(spool, cmd, shell=shutil.which(shell))
    assert done.returncode == 137
    assert done.stdout.strip() == cmd.job.script_pid() == cmd.stdout.read_text().strip()
    ending = cmd.job.exit()
    assert (ending.code, ending.signal, ending.out_of_memory) == (137, 9, False)
    assert cmd.job.supervisor().boot == THIS_BOOT


@pytest.mark.parametrize("shell", SHELLS)
def test_the_supervisor_where_there_is_no_proc(spool, tmp_path, shell):
    text = (spool.tools / "supervisor.sh").read_text().replace("/proc/", "/nowhere/")
    other = spool.tools / "elsewhere.sh"
    other.write_text(text)
    cmd = command(spool, tmp_path, "echo $$; exit 3\n")
    done = supervise(spool, cmd, shell=shutil.which(shell), supervisor=other)
    assert done.returncode == cmd.job.exit().code == 3
    assert done.stdout.strip() == cmd.job.script_pid() == cmd.stdout.read_text().strip()
    assert cmd.job.supervisor().start == "-"


def test_of_many_supervisors_one_runs_the_script(spool, tmp_path):
    cmd = command(spool, tmp_path, "echo ran >>ran; sleep 0.1; exit 4\n")
    with ThreadPoolExecutor(8) as pool:
        codes = [done.returncode for done in pool.map(lambda _: supervise(spool, cmd), range(8))]
    assert sorted(codes) == [4] + [75] * 7
    assert (cmd.work_dir / "ran").read_text() == "ran\n"
    assert cmd.job.exit().code == 4


def test_a_supervisor_that_comes_after_a_cancel_runs_nothing(spool, tmp_path):
    cmd = command(spool, tmp_path, "touch ran\n")
    assert cmd.job.take_claim()
    assert supervise(spool, cmd).returncode == 75
    assert not (cmd.work_dir / "ran").exists()
    assert cmd.job.supervisor() is None
    assert not cmd.job.take_claim()


def test_a_supervisor_whose_job_was_removed_runs_nothing_and_says_so(spool, tmp_path):
    cmd = command(spool, tmp_path, "touch ran\n")
    cmd.job.remove()
    done = supervise(spool, cmd)
    assert done.returncode == 75
    assert "cannot write" in done.stderr
    assert not (cmd.work_dir / "ran").exists()


def test_nobody_listening_does_not_harm(spool, tmp_path):
    cmd = command(spool, tmp_path, "sleep 0.1; yes | head -1; exit 6\n")
    reading, writing = os.pipe()
    os.close(reading)
    places = [cmd.job.path, cmd.work_dir, cmd.stdout, cmd.stderr, cmd.script]
    done = subprocess.run(
        ["/bin/sh", spool.tools / "supervisor.sh", *places, "process"], env=cmd.environment, stdout=writing
    )
    os.close(writing)
    assert done.returncode == cmd.job.exit().code == 6
    assert cmd.stdout.read_text() == "y\n", "the script has the usual SIGPIPE"


# identities


def test_an_identity_names_one_process(sleeper):
    identity = identify(sleeper.pid)
    assert identity.is_alive("")
    assert not Identity(identity.pid, str(int(identity.start) - 1), identity.boot).is_alive("")
    assert not Identity(identity.pid, identity.start, "another boot").is_alive("")
    sleeper.kill()
    wait_until(lambda: not identity.is_alive(""), what="the zombie to count as ended")
    sleeper.wait()
    assert identify(sleeper.pid) is None


def test_without_a_start_time_the_command_line_tells(sleeper):
    assert Identity(sleeper.pid).is_alive("1000")
    assert not Identity(sleeper.pid).is_alive("supervisor")
    sleeper.kill()
    sleeper.wait()
    assert not Identity(sleeper.pid).is_alive("")


def test_a_survey_finds_sessions_and_marks(tmp_path):
    text = (
        "env -u TAPIS_EMULATOR_JOB sleep 1000 & echo $!\n"
        "setsid sleep 1000 & echo $!\n"
        "env -u TAPIS_EMULATOR_JOB setsid sleep 1000 & echo $!\n"
        "echo; wait\n"
    )
    leader = subprocess.Popen(
        ["bash", "-c", text],
        env=os.environ | {processes.MARKER: str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    plain, own_session, lost = (int(leader.stdout.readline()) for _ in range(3))
    try:
        leader.stdout.readline()
        for pid in (plain, own_session, lost):  # each has become what it shall be
            wait_until(lambda: Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"sleep"))  # noqa: B023
        assert Survey().members(leader.pid, str(tmp_path)) == sorted({plain, own_session})
        assert Survey().members(leader.pid, "another job") == [], "the id alone is not trusted"
        assert Survey(by_ps=True).members(leader.pid, "setsid sleep") == [plain]
        assert Survey(by_ps=True).members(leader.pid, "another job") == []
    finally:
        processes.signal_all([leader.pid, plain, own_session, lost], signal.SIGKILL)
        leader.wait()
        leader.stdout.close()


# waiting


def test_this_system_waits_by_descriptors(clock):
    best = watcher(clock)
    assert isinstance(best, DescriptorWatcher)
    best.stop()


def test_the_end_of_a_child_and_of_a_stranger(ends, sleeper):
    child, stranger = threading.Event(), threading.Event()
    ends.watch_child(sleeper, child.set)
    assert ends.watch(identify(sleeper.pid), "", stranger.set)
    assert not child.is_set()
    assert not stranger.is_set()
    sleeper.kill()
    assert child.wait(60)
    sleeper.wait()
    assert stranger.wait(60)


def test_what_is_gone_is_not_waited_for(ends, sleeper):
    identity = identify(sleeper.pid)
    assert not ends.watch(Identity(identity.pid, "1", identity.boot), "", pytest.fail)
    sleeper.kill()
    sleeper.wait()
    assert not ends.watch(identity, "", pytest.fail)


def test_nothing_is_told_after_the_stop(ends, sleeper):
    told = threading.Event()
    assert ends.watch(identify(sleeper.pid), "", told.set)
    ends.stop()
    sleeper.kill()
    sleeper.wait()
    assert not told.wait(1)


# runtime


def test_a_script_runs_and_its_end_is_told(runtime, spool, tmp_path):
    cmd = command(spool, tmp_path, "echo hello; exit 9\n")
    runtime.start(cmd)
    assert cmd.job.script_pid().isdigit(), "known when start returns"
    job_id, ending = runtime.told.wait()
    assert (job_id, ending.code, cmd.job.exit().code) == ("job", 9, 9)
    assert cmd.stdout.read_text() == "hello\n"


def test_no_zombies_are_left(runtime, spool, tmp_path):
    cmd = command(spool, tmp_path, "exit 0\n")
    runtime.start(cmd)
    supervisor = cmd.job.supervisor()
    runtime.told.wait()
    assert identify(supervisor.pid) != supervisor


def test_a_second_start_waits_for_the_first(runtime, spool, tmp_path):
    cmd = command(spool, tmp_path, "echo ran >>ran; while [ ! -e go ]; do sleep 0.02; done; exit 5\n")
    places = [cmd.job.path, cmd.work_dir, cmd.stdout, cmd.stderr, cmd.script]
    first = subprocess.Popen(
        ["/bin/sh", spool.tools / "supervisor.sh", *places, "process"],
        env=cmd.environment,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    wait_until(cmd.job.script_pid)
    runtime.start(cmd)
    assert runtime.told.told == []
    (cmd.work_dir / "go").touch()
    first.wait()
    runtime.told.wait()
    assert cmd.job.exit().code == 5
    assert (cmd.work_dir / "ran").read_text() == "ran\n"


def test_an_unfinished_claim_is_looked_at_again(runtime, spool, tmp_path, sleeper):
    job = spool.job("job")
    job.path.mkdir()
    (job.path / "claim").touch()
    assert runtime.adopt(job)
    identity = identify(sleeper.pid)
    (job.path / "claim").write_text(f"{identity.pid} {identity.start} {identity.boot}\n")
    sleeper.kill()
    sleeper.wait()
    runtime.told.wait()


@pytest.mark.parametrize("claim", ["{pid} 1 {boot}", "{pid} {start} another-boot", "cancelled"])
def test_the_claim_of_somebody_gone_is_not_waited_for(runtime, spool, sleeper, claim):
    job = spool.job("job")
    job.path.mkdir()
    identity = identify(sleeper.pid)
    text = claim.format(pid=identity.pid, start=identity.start, boot=identity.boot)
    (job.path / "claim").write_text(text + "\n")
    assert not runtime.adopt(job)
    runtime.kill(job)
    assert sleeper.poll() is None, "whoever has the process id now is left alone"


# what a restart makes of a spool that has seen something worse than kill -9


@pytest.fixture
def machine(tmp_path):
    machine = SandboxMachine(tmp_path)
    yield machine
    machine.stop(end_scripts=True)


def test_a_machine_that_was_restarted_has_lost_its_scripts(machine):
    launch = machine.launch("one", "sleep 1000\n", scheduler="SLURM")
    machine.launcher.submit(launch)
    machine.wait(launch, lambda report: report.state is RemoteState.RUNNING)
    machine.stop(end_scripts=True)
    (machine.spool / "one/exit").unlink(missing_ok=True)
    (machine.spool / "one/killed.json").unlink()
    claim = (machine.spool / "one/claim").read_text().split()
    (machine.spool / "one/claim").write_text(f"{claim[0]} {claim[1]} boot-of-yesterday\n")
    machine.restart()
    report = machine.report(launch)
    assert report.state is RemoteState.LOST
    assert "restarted" in report.reason
    assert report.started is not None


def test_a_record_that_cannot_be_read_is_left_alone_and_runs_nothing_twice(machine, caplog):
    launch = machine.launch("one", "echo ran >>ran; exit 3\n")
    machine.run(launch)
    (machine.spool / "one/intent.json").write_text("{")
    machine.restart()
    assert "one" in caplog.text
    assert machine.report(launch).state is RemoteState.LOST
    machine.launcher.submit(launch)
    assert machine.wait(launch).exit_code == 3
    assert machine.output(launch, "ran") == "ran\n"


def test_a_job_that_was_never_taken_leaves_nothing(machine):
    (machine.spool / "half/tmp").mkdir(parents=True)
    machine.launcher.start()
    assert not (machine.spool / "half").exists()


def test_time_limits_hold_across_a_restart(machine):
    launch = machine.launch("one", "sleep 1000\n", max_run_seconds=2)
    machine.launcher.submit(launch)
    machine.restart()
    report = machine.wait(launch)
    assert (report.state, report.scheduler_state) == (RemoteState.ENDED, "TIMEOUT")


def test_an_unusable_spool_refuses_and_a_later_submission_runs(machine):
    launch = machine.launch("one", "echo ran >>ran\n")
    machine.spool.mkdir(parents=True)
    (machine.spool / "one").write_text("a file where the job's directory would be")
    with pytest.raises(OSError, match="one"):
        machine.launcher.submit(launch)
    (machine.spool / "one").unlink()
    assert machine.run(launch).succeeded
    assert machine.output(launch, "ran") == "ran\n"


def test_lines_that_are_not_whole_are_not_believed(tmp_path):
    job = JobSpool(tmp_path)
    for name in ("exit", "claim", "pid"):
        (tmp_path / name).write_text("exit 0 0" if name == "exit" else "12")
    assert (job.exit(), job.supervisor(), job.script_pid()) == (None, None, "")
    assert job.being_claimed()


# images


@pytest.mark.parametrize(
    ("app", "system", "expected"),
    [
        ("blast-1.0", "any", "blast:1"),
        ("blast-2.0", "any", "blast:other"),
        ("blast-2.0", "docker.host", "blast:other"),
        ("other-1", "docker.host", "debian"),
        ("other-1", "hpc.one", "hpc"),
        ("other-1", "elsewhere", ""),
    ],
)
def test_images_by_app_then_system(app, system, expected):
    images = {"*.one": "hpc", "blast-*": "blast:other", "blast-1.0": "blast:1", "docker.host": "debian"}
    assert image_for(app, system, images, "process", "") == expected


def test_the_default_image():
    assert image_for("a", "s", {}, "docker", "busybox") == "busybox"
    assert image_for("a", "s", {}, "process", "busybox") == ""
    with pytest.raises(OSError, match=r"engine\.docker_image"):
        image_for("a", "s", {}, "docker", "")
