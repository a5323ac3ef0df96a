"""Scripts through the launcher as processes: what they see, how they end, how they are killed."""

import os
import signal
import threading
from dataclasses import replace

import pytest

from emulator.domain.ports import RemoteState
from emulator.hosts.removal import remove_tree
from emulator.runtimes import processes
from tests.real.sandbox_machine import SandboxMachine
from tests.real.waiting import wait_until

BATCH_AND_FORK = pytest.mark.parametrize("scheduler", ["FORK", "SLURM"])


@pytest.fixture
def machine(tmp_path):
    machine = SandboxMachine(tmp_path)
    yield machine
    machine.stop(end_scripts=True)


def running(report):
    return report.state is RemoteState.RUNNING


def alive(machine, job_id):
    """Processes that carry the job's mark."""
    return processes.members(-1, str(machine.spool / job_id))


# what a script sees


def test_a_fork_script_has_its_process_id_as_its_remote_id(machine):
    launch = machine.launch("one", "echo $$; pwd\n")
    remote = machine.launcher.submit(launch)
    assert machine.wait(launch).succeeded
    assert machine.output(launch).split() == [remote, str(machine.work_dir("one"))]


@BATCH_AND_FORK
def test_output_and_errors_go_to_their_files(machine, scheduler):
    launch = machine.launch("one", "echo out; echo err >&2; cat\n", scheduler=scheduler)
    report = machine.run(launch)
    assert (report.scheduler_state, report.exit_code, report.signal) == ("COMPLETED", 0, 0)
    assert machine.output(launch) == "out\n"
    assert machine.output(launch, "job.err") == "err\n"


def test_a_header_that_redirects_itself_loses_nothing_from_before(machine):
    launch = machine.launch("one", "echo early\nexec >>job.out 2>>job.err\necho late\n")
    assert machine.run(launch).succeeded
    assert machine.output(launch) == "early\nlate\n"


def test_one_file_for_both_streams(machine):
    launch = machine.launch("one", "echo out; echo err >&2\n", stderr="/scratch/one/job.out")
    assert machine.run(launch).succeeded
    assert machine.output(launch) == "out\nerr\n"


def test_the_environment_is_that_of_a_login_and_nothing_of_ours(machine, monkeypatch):
    monkeypatch.setenv("SECRET_OF_THE_HOST", "xyzzy")
    launch = machine.launch("one", "env -0\n", environment={"FROM_THE_SYSTEM": "a b\n'c'"})
    assert machine.run(launch).succeeded
    seen = machine.variables(launch)
    home = machine.home
    assert (seen["HOME"], seen["USER"], seen["LOGNAME"]) == (str(home), "testuser", "testuser")
    assert home.is_dir()
    assert seen["LANG"] == "C.UTF-8"
    assert seen["FROM_THE_SYSTEM"] == "a b\n'c'"
    assert seen["PWD"] == str(machine.work_dir("one"))
    shell = {"PWD", "SHLVL", "_"}
    given = {"HOME", "USER", "LOGNAME", "LANG", "PATH", "TMPDIR", "BASH_ENV", "AGAVE_LOG_FILE"}
    assert set(seen) == shell | given | {"FROM_THE_SYSTEM", processes.MARKER}


def test_the_temporary_directory_is_the_jobs_own(machine):
    launch = machine.launch("one", 'mktemp -p "$TMPDIR"\n')
    assert machine.run(launch).succeeded
    assert machine.output(launch).startswith(str(machine.kept("one")))
    machine.launcher.forget(launch)
    assert not machine.kept("one").exists()


def test_a_temporary_directory_too_deep_to_remove_is_left_behind_and_keeps_nobody_from_starting(machine):
    dig = "import os; [(os.mkdir('d'), os.chdir('d')) for _ in range(1500)]"
    launch = machine.launch("one", f'cd "$TMPDIR" && python3 -c "{dig}"\n')
    assert machine.run(launch).succeeded
    with pytest.raises(OSError, match="too long"):
        machine.launcher.forget(launch)
    machine.restart()
    assert machine.run(machine.launch("two", "true\n")).succeeded
    spool = os.open(machine.spool, os.O_RDONLY)
    remove_tree(machine.kept("one").name, spool)  # pytest could not either
    os.close(spool)


@BATCH_AND_FORK
def test_a_script_that_removes_what_is_known_of_it_is_lost_and_not_run_again(machine, scheduler):
    launch = machine.launch(
        "one", f'echo ran >>"{machine.home}.ran"; rm -rf "${processes.MARKER}"\n', scheduler=scheduler
    )
    assert machine.run(launch).state is RemoteState.LOST
    assert machine.home.with_suffix(".ran").read_text() == "ran\n"
    machine.launcher.forget(launch)


def test_signals_have_their_defaults(machine):
    """Python's own exceptions do not reach scripts; what was ignored before Python (nohup) is `serve`'s affair."""
    launch = machine.launch("one", "exec grep -E 'Sig(Ign|Blk)' /proc/self/status\n")
    assert machine.run(launch).succeeded
    blocked, ignored = (int(mask, 16) for mask in machine.output(launch).split()[1::2])
    pythons = {number: 1 << (number - 1) for number in (signal.SIGPIPE, signal.SIGXFSZ)}
    inherited = [
        s for s in signal.valid_signals() if signal.getsignal(s) is signal.SIG_IGN and s not in pythons
    ]
    assert blocked == 0
    assert not ignored & sum(pythons.values())
    assert not ignored & ~sum(1 << (number - 1) for number in {*inherited, 32, 33})


@pytest.mark.parametrize(
    "call", ["module load tacc-singularity/2.6.0", "ml load tacc-singularity/2.6.0"], ids=["module", "ml"]
)
@pytest.mark.parametrize("shell", ["{}", "bash -c '{}'", "sh -c '{}'", "env -u BASH_ENV bash -c '{}'"])
def test_module_is_answered_and_logged(machine, shell, call):
    launch = machine.launch("one", "set -e\n" + shell.format(call) + "\n")
    assert machine.run(launch).succeeded, machine.output(launch, "job.err")
    log = machine.output(launch, ".agave.log")
    assert log.count("\n") == 1
    assert "module load tacc-singularity/2.6.0" in log


def test_a_real_module_command_of_the_system_wins(machine):
    launch = machine.launch("one", "module() { echo real; }\nmodule load x\n")
    assert machine.run(launch).succeeded
    assert machine.output(launch) == "real\n"
    assert not (machine.work_dir("one") / ".agave.log").exists()


def test_odd_names_reach_the_script_as_they_are(machine):
    folder = "/scratch/a 'b' $HOME \"c\" ü\n;d"
    machine.files.mkdir(folder)
    with machine.files.writer(f"{folder}/s.ipcexe") as file:
        file.write(b"pwd\n")
    launch = machine.launch(
        "one", script=f"{folder}/s.ipcexe", work_dir=folder, stdout=f"{folder}/o", stderr=f"{folder}/e"
    )
    assert machine.run(launch).succeeded
    with machine.files.reader(f"{folder}/o") as file:
        assert file.read().decode() == f"{machine.files.local_path(folder)}\n"


def test_paths_that_are_real_already_stay(machine):
    launch = machine.launch("one", "pwd\n")
    real = {
        name: str(machine.files.local_path(getattr(launch, name)))
        for name in ("script", "work_dir", "stdout", "stderr", "home_dir")
    }
    assert machine.run(machine.launch("one", "pwd\n", **real)).succeeded
    assert machine.output(launch).strip() == real["work_dir"]


# how it ends


@BATCH_AND_FORK
@pytest.mark.parametrize(
    ("text", "code", "number"),
    [("exit 3", 3, 0), ("kill -9 $$", 137, 9), ("kill -SEGV $$", 139, 11), ("no-such-program", 127, 0)],
)
def test_exit_codes_and_signals(machine, scheduler, text, code, number):
    report = machine.run(machine.launch("one", text + "\n", scheduler=scheduler))
    assert (report.state, report.scheduler_state) == (RemoteState.ENDED, "FAILED")
    assert (report.exit_code, report.signal) == (code, number)
    assert not report.succeeded


@BATCH_AND_FORK
def test_times_are_in_order(machine, scheduler):
    before = machine.clock.now()
    launch = machine.launch("one", "exit 0\n", scheduler=scheduler)
    report = machine.run(launch)
    assert before <= report.started <= report.ended <= machine.clock.now()
    machine.restart()
    again = machine.report(launch)
    assert again.started == report.started
    assert again.started <= again.ended <= machine.clock.now()


def test_on_change_comes_from_a_thread_of_the_launchers(machine):
    threads = []
    machine.launcher._on_change = lambda job_id: threads.append((job_id, threading.current_thread()))
    launch = machine.launch("one", "exit 0\n")
    machine.launcher.submit(launch)
    wait_until(lambda: len(threads) == 2, what="start and end")
    assert {job_id for job_id, _ in threads} == {"one"}
    assert threading.current_thread() not in {thread for _, thread in threads}


@pytest.mark.parametrize(("missing", "message"), [("work_dir", "no work directory"), ("script", "no script")])
@BATCH_AND_FORK
def test_what_cannot_start_is_refused_and_leaves_nothing(machine, scheduler, missing, message):
    launch = machine.launch("one", "exit 0\n", scheduler=scheduler, **{missing: "/scratch/nowhere"})
    with pytest.raises(FileNotFoundError, match=message):
        machine.launcher.submit(launch)
    assert not machine.kept("one").exists()
    assert machine.report(launch).state is RemoteState.LOST


def test_a_directory_where_the_output_shall_go_is_a_failure_with_its_reason(machine):
    launch = machine.launch("one", "echo hello\n", stdout="/scratch")
    report = machine.run(launch)
    assert report.scheduler_state == "FAILED"
    assert "/scratch" in report.reason


def test_an_unknown_job_is_lost(machine):
    assert machine.report(machine.launch("never")).state is RemoteState.LOST
    machine.launcher.cancel(machine.launch("never"), "1")
    machine.launcher.forget(machine.launch("never"))


def test_a_job_id_that_is_a_path_is_refused(machine):
    with pytest.raises(ValueError, match="not a job id"):
        machine.launcher.submit(replace(machine.launch("one"), job_id="../../one"))


# background processes


def test_output_of_background_processes_is_complete_when_the_end_is_told(machine):
    text = 'exec > >(while read -r line; do sleep 0.2; echo "$line"; done >slow.out)\necho one\necho two\n'
    launch = machine.launch("one", text)
    assert machine.run(launch).succeeded
    assert machine.output(launch, "slow.out") == "one\ntwo\n"


def test_what_stays_in_the_background_is_killed_after_the_grace(machine):
    launch = machine.launch("one", "sleep 1000 &\necho $!\n")
    report = machine.run(launch)
    assert report.succeeded
    assert not alive(machine, "one")


# killing


@BATCH_AND_FORK
def test_the_time_limit_ends_a_script_and_all_it_started(machine, scheduler):
    text = "setsid sleep 1000 &\nsleep 1000 &\nsleep 1000\n"
    launch = machine.launch("one", text, scheduler=scheduler, max_run_seconds=1)
    report = machine.run(launch)
    assert (report.state, report.scheduler_state) == (RemoteState.ENDED, "TIMEOUT")
    assert (report.exit_code, report.signal) == (143, 15)
    assert "1 s" in report.reason
    wait_until(lambda: not alive(machine, "one"), what="the end of all processes")


def test_a_script_that_ends_in_time_is_not_touched(machine):
    launch = machine.launch("one", "exit 0\n", max_run_seconds=1)
    assert machine.run(launch).succeeded
    late = machine.launch("two", "sleep 1.5\n")
    assert machine.run(late).succeeded, "and nobody else is, when the first one's time would be up"
    assert machine.report(launch).succeeded


@BATCH_AND_FORK
def test_cancel(machine, scheduler):
    launch = machine.launch("one", "setsid sleep 1000 &\nsleep 1000\n", scheduler=scheduler)
    remote = machine.launcher.submit(launch)
    machine.wait(launch, running)
    machine.launcher.cancel(launch, remote)
    report = machine.wait(launch)
    assert (report.state, report.scheduler_state) == (RemoteState.ENDED, "CANCELLED")
    wait_until(lambda: not alive(machine, "one"), what="the end of all processes")
    machine.launcher.cancel(launch, remote)
    assert machine.report(launch) == report


def test_a_script_that_ignores_term_is_killed(machine):
    launch = machine.launch("one", "trap '' TERM\ntouch ready\nwhile :; do sleep 0.05; done\n")
    machine.launcher.submit(launch)
    wait_until((machine.work_dir("one") / "ready").exists)
    machine.launcher.cancel(launch, "")
    report = machine.wait(launch)
    assert (report.scheduler_state, report.exit_code, report.signal) == ("CANCELLED", 137, 9)


def test_a_script_that_answers_term_may_tidy_up(machine):
    launch = machine.launch("one", "trap 'touch tidy; exit 0' TERM\ntouch ready\nsleep 1000 & wait\n")
    machine.launcher.submit(launch)
    wait_until((machine.work_dir("one") / "ready").exists)
    machine.launcher.cancel(launch, "")
    report = machine.wait(launch)
    assert (report.scheduler_state, report.exit_code) == ("CANCELLED", 0)
    assert not report.succeeded
    assert (machine.work_dir("one") / "tidy").exists()


def test_forgetting_a_running_script_kills_it_and_removes_its_records(machine):
    launch = machine.launch("one", "sleep 1000\n")
    machine.launcher.submit(launch)
    machine.launcher.forget(launch)
    wait_until(lambda: not machine.kept("one").exists())
    assert not alive(machine, "one")
    assert machine.report(launch).state is RemoteState.LOST


def test_scripts_end_with_a_launcher_that_keeps_nothing(machine):
    launches = [machine.launch(f"job{n}", "trap '' TERM\nsleep 1000\n") for n in range(3)]
    for launch in launches:
        machine.launcher.submit(launch)
    machine.stop(end_scripts=True)
    assert [alive(machine, launch.job_id) for launch in launches] == [[], [], []]


def test_somebody_else_kills_the_supervisor(machine):
    launch = machine.launch("one", "sleep 1000\n")
    machine.launcher.submit(launch)
    supervisor = int((machine.kept("one") / "claim").read_text().split()[0])
    os.kill(supervisor, signal.SIGKILL)
    report = machine.wait(launch)
    assert (report.state, report.scheduler_state) == (RemoteState.ENDED, "FAILED")
    assert (report.exit_code, report.signal) == (137, 9)
    assert not alive(machine, "one"), "what it leaves does not go on unseen"


# many


@pytest.mark.slow
def test_two_hundred_at_once_without_a_thread_for_each(machine):
    text = 'echo "$1" >>"$HOME/ran"; while [ ! -e "$HOME/go" ]; do sleep 0.5; done; exit 5\n'
    launches = [machine.launch(f"job{n}", text, scheduler="SLURM" if n % 2 else "FORK") for n in range(200)]
    before = threading.active_count()
    ids = {machine.launcher.submit(launch) for launch in launches}
    assert len(ids) == 200
    for launch in launches:
        machine.wait(launch, running)
    assert threading.active_count() - before <= 4
    home = machine.home
    (home / "go").touch()
    assert {machine.wait(launch).exit_code for launch in launches} == {5}
    assert (home / "ran").read_text().count("\n") == 200
