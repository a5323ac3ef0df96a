"""The record that a script leaves of its own end, in real shells [wrapper-templates §8]."""

from __future__ import annotations

import os
import signal
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from emulator.domain.ports import RemoteReport, RemoteState
from emulator.schedulers.dialect import Unclear
from emulator.schedulers.exit_record import exit_record_trap, parse_exit_record
from tests.real.waiting import wait_until
from tests.unit.schedulers.questions import SHELLS


def start(body: str, directory: Path, shell: str, **environment: str) -> subprocess.Popen[bytes]:
    script = directory / "script"
    script.write_text(f"cd '{directory}'\n{exit_record_trap('SLURM')}\n{body}\n")
    return subprocess.Popen([shell, str(script)], env={**os.environ, **environment})


def record(directory: Path) -> RemoteReport:
    return parse_exit_record((directory / ".agave.exit").read_text())


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("body", "code", "told"),
    [
        ("true", 0, ("COMPLETED", 0, 0)),
        ("exit 3", 3, ("FAILED", 3, 0)),
        ("set -eu\nfalse\necho on", 1, ("FAILED", 1, 0)),
        ("sh -c 'kill -9 $$'", 137, ("FAILED", None, 9)),
        ("cd /\n(exit 5)\nexit", 5, ("FAILED", 5, 0)),
    ],
)
def test_the_end(body: str, code: int, told: tuple[str, int | None, int], tmp_path: Path, shell: str) -> None:
    before = datetime.now(UTC)
    process = start(body, tmp_path, shell, SLURM_JOB_ID="4711")
    assert process.wait(60) == code
    report = record(tmp_path)
    assert (report.scheduler_state, report.exit_code, report.signal) == told
    assert report.started and report.ended
    assert (report.ended - report.started).total_seconds() >= 0
    assert abs((report.started - before).total_seconds()) < 60
    assert (tmp_path / ".agave.exit").read_text().startswith("id 4711\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".agave.exit", "script"]


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    "number", [signal.SIGTERM, signal.SIGSEGV, signal.SIGABRT, signal.SIGALRM, signal.SIGXCPU]
)
def test_a_signal_is_no_success(number: signal.Signals, tmp_path: Path, shell: str) -> None:
    """Left to itself, bash would run the trap with the exit code of the command before."""
    process = start("touch ready\nwhile :; do sleep 0.05; done", tmp_path, shell)
    wait_until((tmp_path / "ready").exists)
    process.send_signal(number)
    assert process.wait(60) == 128 + number
    report = record(tmp_path)
    assert (report.scheduler_state, report.exit_code, report.signal) == ("FAILED", None, number)


def test_who_writes_it() -> None:
    assert exit_record_trap("FORK") == exit_record_trap("CUSTOM_CONDOR") == ""
    for scheduler, variable in {"PBS": "PBS_JOBID", "SGE": "JOB_ID", "CUSTOM_LSF": "LSB_JOBID"}.items():
        assert f'"${{{variable}-}}"' in exit_record_trap(scheduler)


def test_the_form_is_one_for_all() -> None:
    text = "id 7\nstarted 1795406400.5\nended 1795406460.%N\ncode 143\nend LIMIT\n"
    assert parse_exit_record(text.replace("\n", "\r\n")) == RemoteReport(
        state=RemoteState.ENDED,
        scheduler_state="TIMEOUT",
        signal=15,
        started=datetime.fromtimestamp(1795406400.5, UTC),
        ended=datetime.fromtimestamp(1795406460, UTC),
    )
    assert parse_exit_record("code 9\nend CANCELLED").scheduler_state == "CANCELLED"
    assert parse_exit_record("code 0\nend EXIT").succeeded
    assert not parse_exit_record("code 0\nend LIMIT").succeeded


@pytest.mark.parametrize(
    "text", ["", "code 0", "end EXIT", "code x\nend EXIT", "code ²\nend EXIT", "code 99999\nend EXIT", "\x00"]
)
def test_anything_else_is_unclear(text: str) -> None:
    with pytest.raises(Unclear):
        parse_exit_record(text)
