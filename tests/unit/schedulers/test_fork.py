"""Scripts on hosts without a scheduler: real shells, real processes [wrapper-templates §7, §8]."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from emulator.domain.ports import Completed, Launch, RemoteReport, RemoteState
from emulator.schedulers.dialect import Rejected, Unclear
from emulator.schedulers.dialects import dialect_for
from emulator.schedulers.exit_record import parse_exit_record
from tests.real.waiting import wait_until
from tests.unit.schedulers.questions import SHELLS
from tests.unit.schedulers.recordings import framed_reply, launch

pytestmark = pytest.mark.sample(2, of="module")

FORK = dialect_for("FORK")
HIDE = ("setsid", "perl", "python3")
"""What the supervisor can be detached with."""
TOOLS = (
    "sh",
    "cat",
    "grep",
    "sed",
    "tr",
    "awk",
    "getconf",
    "date",
    "sleep",
    "mkdir",
    "mv",
    "rm",
    "ln",
    "touch",
)


OWN = os.getpid()
"""Part of how long things sleep here, so that they are known among those of other test runs."""


@dataclass
class LoginHost:
    """Commands by one shell, and the scripts that were started with them."""

    shell: str
    place: Path
    path: str = os.environ["PATH"]
    started: list[str] = field(default_factory=list)

    def run(self, command: str, work_dir: str = "/") -> Completed:
        done = subprocess.run(
            [
                shutil.which(self.shell) or self.shell,
                "-c",
                f"cd {shlex.quote(work_dir)} || exit 1\n{command}",
            ],
            env={**os.environ, "PATH": self.path},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )
        return Completed(done.returncode, done.stdout, done.stderr)

    def script(self, body: str, limit: int = 0, name: str = "it's a $HOME `dir` é") -> Launch:
        work = self.place / name
        work.mkdir()
        asked = launch("FORK", work_dir=str(work), max_run_seconds=limit)
        script = work / "job.ipcexe"
        script.write_text(f"#!/bin/sh\nexec 2>job.err 1>job.out\n{body}\n")
        script.chmod(0o755)
        return asked

    def submit(self, asked: Launch) -> str:
        pid = FORK.submitted(self.run(FORK.submit(asked), asked.work_dir))
        self.started.append(pid)
        return pid

    def alive(self, pid: str) -> bool:
        known = FORK.standings(self.run(FORK.status([pid, "4194305"])), [pid, "4194305"])
        return pid in known and known[pid].report.state is RemoteState.RUNNING

    def record(self, asked: Launch, pid: str) -> RemoteReport:
        wait_until(lambda: not self.alive(pid), what=f"script {pid} to end")
        return parse_exit_record(Path(asked.work_dir, ".agave.exit").read_text())


@pytest.fixture
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LoginHost]:
    host = LoginHost(getattr(request, "param", SHELLS[0]), tmp_path)
    yield host
    for pid in filter(host.alive, set(host.started)):
        host.run(FORK.cancel(pid))


def told(report: RemoteReport) -> tuple[str, int | None, int]:
    return report.scheduler_state, report.exit_code, report.signal


def still_there(mark: str) -> list[str]:
    """Commands that are running with these words."""
    done = subprocess.run(["pgrep", "-fx", mark], capture_output=True, text=True)
    return [pid for pid in done.stdout.split() if "Z" not in Path(f"/proc/{pid}/stat").read_text().split()[2]]


@pytest.mark.parametrize("host", SHELLS, indirect=True)
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("true", ("COMPLETED", 0, 0)),
        ("exit 3", ("FAILED", 3, 0)),
        ("kill -9 $$", ("FAILED", None, 9)),
        ("trap 'exit 9' EXIT; exec sh -c 'exit 4'", ("FAILED", 4, 0)),
        ("not-a-command", ("FAILED", 127, 0)),
    ],
)
def test_the_end_of_a_script(host: LoginHost, body: str, expected: tuple[str, int | None, int]) -> None:
    asked = host.script(f"pwd; echo trouble >&2\n{body}", limit=600 + OWN)
    pid = host.submit(asked)
    report = host.record(asked, pid)
    assert told(report) == expected
    assert report.started and report.ended and report.started <= report.ended
    work = Path(asked.work_dir)
    assert (work / "job.out").read_text() == f"{work}\n"
    assert (work / "job.err").read_text().startswith("trouble\n")
    left = {path.name for path in work.iterdir()} - {"job.ipcexe", "job.out", "job.err"}
    assert left == {".agave.exit", ".agave.submission"}
    assert not still_there(f"sleep {600 + OWN}"), "the timer goes too"


def test_a_script_outlives_the_connection(host: LoginHost) -> None:
    asked = host.script("while [ ! -e go ]; do sleep 0.05; done; exit 5")
    pid = host.submit(asked)  # the shell has ended
    assert host.alive(pid)
    assert os.getsid(int(pid)) == int(pid), "a session of its own"
    started = FORK.standings(host.run(FORK.status([pid])), [pid])[pid].report.started
    Path(asked.work_dir, "go").touch()
    report = host.record(asked, pid)
    assert told(report) == ("FAILED", 5, 0)
    assert started and report.started and abs((report.started - started).total_seconds()) < 3


def test_two_submissions_run_once(host: LoginHost) -> None:
    asked = host.script("echo ran >> ran; while [ ! -e go ]; do sleep 0.05; done")
    with ThreadPoolExecutor(4) as pool:
        pids = set(pool.map(lambda _: host.submit(asked), range(4)))
    assert len(pids) == 1
    (pid,) = pids
    assert FORK.found(host.run(FORK.find(asked)), asked) == pid
    Path(asked.work_dir, "go").touch()
    host.record(asked, pid)
    assert host.submit(asked) == pid, "not after its end either"
    assert FORK.found(host.run(FORK.find(asked)), asked) == pid
    assert Path(asked.work_dir, "ran").read_text() == "ran\n"


def test_what_was_never_submitted_is_not_found(host: LoginHost) -> None:
    asked = host.script("true")
    assert FORK.found(host.run(FORK.find(asked)), asked) is None


@pytest.mark.parametrize(
    "body",
    [
        f"sleep 301.{OWN} & sleep 302.{OWN}",
        f"trap '' TERM; setsid sleep 303.{OWN} & while :; do sleep 1; done",
    ],
    ids=["meek", "stubborn"],
)
def test_the_time_limit(host: LoginHost, body: str) -> None:
    asked = host.script(body, limit=1)
    report = host.record(asked, host.submit(asked))
    assert report.scheduler_state == "TIMEOUT" and report.signal in (9, 15)
    assert not report.succeeded
    assert not still_there(rf"sleep 30[123]\.{OWN}")


def test_what_a_script_leaves_in_the_background_goes_with_it(host: LoginHost) -> None:
    asked = host.script(f"setsid sleep 314.{OWN} & (sleep 315.{OWN} &) ; exit 0")
    assert host.record(asked, host.submit(asked)).succeeded
    assert not still_there(rf"sleep 31[45]\.{OWN}")


def test_cancelling_ends_all_that_was_started(host: LoginHost) -> None:
    asked = host.script(
        f"trap '' TERM; setsid sleep 305.{OWN} & (setsid sh -c 'sleep 306.{OWN}' &)\n"
        f"touch ready; sleep 307.{OWN}; sleep 308.{OWN}"
    )
    pid = host.submit(asked)
    wait_until(Path(asked.work_dir, "ready").exists)
    assert FORK.cancelled(host.run(FORK.cancel(pid)))
    assert not host.alive(pid)
    assert host.record(asked, pid).scheduler_state == "CANCELLED"
    assert not still_there(rf"sleep 30[5678]\.{OWN}")
    assert FORK.cancelled(host.run(FORK.cancel(pid))), "twice"


def test_a_supervisor_that_was_killed_leaves_no_record_and_cancelling_ends_the_rest(host: LoginHost) -> None:
    asked = host.script(f"setsid sleep 309.{OWN} & touch ready; sleep 310.{OWN}")
    pid = host.submit(asked)
    wait_until(Path(asked.work_dir, "ready").exists)
    os.kill(int(pid), signal.SIGKILL)
    wait_until(lambda: not host.alive(pid))
    assert not Path(asked.work_dir, ".agave.exit").exists()
    assert FORK.cancelled(host.run(FORK.cancel(pid)))
    assert not still_there(rf"sleep 3(09|10)\.{OWN}")


def test_a_process_that_is_no_supervisor_is_let_alone(host: LoginHost) -> None:
    """Its number may have been given to another program."""
    with subprocess.Popen(["sleep", "311"], start_new_session=True) as stranger:
        try:
            assert not host.alive(str(stranger.pid))
            assert FORK.cancelled(host.run(FORK.cancel(str(stranger.pid))))
            assert stranger.poll() is None
        finally:
            stranger.kill()


@pytest.mark.parametrize("hidden", [HIDE[:1], HIDE[:2], HIDE])
def test_hosts_without_setsid(host: LoginHost, hidden: tuple[str, ...], tmp_path: Path) -> None:
    """perl or python3 does instead; with none of them what was started is still known by its environment."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in (*TOOLS, *HIDE):
        # the interpreter itself: what is called python3 may be a script for bash
        found = str(Path(sys.executable).resolve()) if name == "python3" else shutil.which(name)
        if found and name not in hidden:
            (tools / name).symlink_to(found)
    host.path = str(tools)
    asked = host.script(f"sleep 312.{OWN} & touch ready; sleep 313.{OWN}", name="plain")
    pid = host.submit(asked)
    wait_until(Path(asked.work_dir, "ready").exists)
    assert host.alive(pid)
    assert FORK.cancelled(host.run(FORK.cancel(pid)))
    assert not host.alive(pid)
    assert not still_there(rf"sleep 31[23]\.{OWN}")


def test_a_work_directory_that_is_gone_is_refused_in_words(host: LoginHost) -> None:
    asked = host.script("true")
    reply = host.run(FORK.submit(asked), "/proc")
    with pytest.raises(Rejected, match=r"\.agave\.submission"):
        FORK.submitted(reply)


def test_a_script_that_cannot_be_run_says_why(host: LoginHost) -> None:
    asked = host.script("true")
    Path(asked.script).unlink()
    assert told(host.record(asked, host.submit(asked))) == ("FAILED", 127, 0)
    assert "job.ipcexe" in Path(asked.stderr).read_text()


def test_an_answer_is_a_line_of_digits() -> None:
    assert FORK.submitted(Completed(0, "[1] 99\nWelcome to node 7\n4711\r\n", "")) == "4711"
    with pytest.raises(Rejected, match="No space left"):
        FORK.submitted(Completed(1, "sh: 1: No space left on device\n", ""))
    with pytest.raises(Unclear):
        FORK.submitted(Completed(0, "", ""))
    assert FORK.standings(framed_reply("@alive|7|", "@alive|x|1", "@alive|8|1795406400"), ["7"])["7"]
