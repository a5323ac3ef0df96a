"""Schedulers that cannot be run here, by what their manuals say that they print [wrapper-templates §7.1, §8]."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from emulator.domain.ports import Completed
from emulator.schedulers.dialect import NoAnswer, Rejected, Unclear
from emulator.schedulers.dialects import dialect_for
from tests.unit.schedulers.questions import SHELLS, ask
from tests.unit.schedulers.recordings import launch, recorded

Told = tuple[str, str, int | None, int]
STARTED = datetime(2026, 11, 23, 4, 0, 10, tzinfo=UTC)

SEVERAL: dict[str, tuple[str, str, dict[str, Told]]] = {
    "PBS": (
        "qstat",
        "pbs/qstat.several",
        {
            "101.pbs01": ("ENDED", "COMPLETED", 0, 0),
            "102.pbs01": ("ENDED", "FAILED", 3, 0),
            "103.pbs01": ("ENDED", "TIMEOUT", None, 0),
            "104.pbs01": ("ENDED", "FAILED", None, 9),
            "105.pbs01": ("ENDED", "CANCELLED", None, 0),
            "106.pbs01": ("RUNNING", "", None, 0),
            "107.pbs01": ("QUEUED", "", None, 0),
        },
    ),
    "TORQUE": (
        "qstat",
        "torque/qstat.several",
        {
            "201.torque": ("ENDED", "COMPLETED", 0, 0),
            "202.torque": ("ENDED", "TIMEOUT", None, 0),
            "203.torque": ("ENDED", "FAILED", None, 15),
            "204.torque": ("RUNNING", "", None, 0),
        },
    ),
    "LSF": (
        "bjobs",
        "lsf/bjobs.several",
        {
            "301": ("ENDED", "COMPLETED", 0, 0),
            "302": ("ENDED", "FAILED", 3, 0),
            "303": ("ENDED", "TIMEOUT", None, 12),
            "304": ("ENDED", "OUT_OF_MEMORY", None, 9),
            "305": ("ENDED", "CANCELLED", None, 2),
            "306": ("RUNNING", "", None, 0),
            "307": ("QUEUED", "", None, 0),
        },
    ),
    "LOADLEVELER": (
        "llq",
        "loadleveler/llq.several",
        {
            "c94n16.401": ("ENDED", "COMPLETED", 0, 0),
            "c94n16.402": ("ENDED", "FAILED", 3, 0),
            "c94n16.403": ("RUNNING", "", None, 0),
            "c94n16.404": ("QUEUED", "", None, 0),
        },
    ),
    "COBALT": (
        "qstat",
        "cobalt/qstat.several",
        {
            "501": ("RUNNING", "", None, 0),
            "502": ("QUEUED", "", None, 0),
            "503": ("QUEUED", "", None, 0),
        },
    ),
}


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("scheduler", SEVERAL)
def test_one_command_tells_of_many_jobs(scheduler: str, tmp_path: Path, shell: str) -> None:
    command, recording, expected = SEVERAL[scheduler]
    dialect, asked = dialect_for(scheduler), [*expected, "999.gone"]
    reply = ask(dialect.status(asked), {command: recorded(recording)}, tmp_path, shell)
    known = dialect.standings(reply, asked)
    assert {
        job_id: (one.report.state.value, one.report.scheduler_state, one.report.exit_code, one.report.signal)
        for job_id, one in known.items()
    } == expected
    for job_id, told in expected.items():
        assert known[job_id].report.succeeded == (told[1:3] == ("COMPLETED", 0))
    first = known[next(iter(expected))].report
    assert first.started == STARTED
    if first.ended:
        assert (first.ended - STARTED).total_seconds() == 2
    cut = Completed(0, reply.stdout[: len(reply.stdout) // 2], "")
    with pytest.raises(Unclear):
        dialect.standings(cut, asked)


def test_dates_without_a_year_are_in_the_past(tmp_path: Path) -> None:
    lsf = dialect_for("LSF")
    rows = Completed(0, "306|RUN|-|Nov 23 04:00 L|-|-\n307|RUN|-|Dec 31 23:59|-|-\n", "")
    commands = {"bjobs": rows, "date": "echo 2026-11-23T04:10:00"}
    known = lsf.standings(ask(lsf.status(["306", "307"]), commands, tmp_path, "sh"), ["306", "307"])
    assert known["306"].report.started == datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
    assert known["307"].report.started == datetime(2025, 12, 31, 23, 59, tzinfo=UTC)


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("scheduler", "command", "recording"),
    [
        ("PBS", "qstat", "pbs/qstat.down"),
        ("MOAB", "qstat", "pbs/qstat.down"),
        ("LSF", "bjobs", "lsf/bjobs.down"),
        ("LOADLEVELER", "llq", "loadleveler/llq.down"),
        ("COBALT", "qstat", "cobalt/qstat.down"),
    ],
)
def test_without_its_daemon_there_is_no_answer(
    scheduler: str, command: str, recording: str, tmp_path: Path, shell: str
) -> None:
    dialect = dialect_for(scheduler)
    commands = {command: recorded(recording), "qselect": recorded(recording)}
    with pytest.raises(NoAnswer):
        dialect.standings(ask(dialect.status(["1"]), commands, tmp_path, shell), ["1"])
    asked = launch(scheduler)
    with pytest.raises(NoAnswer):
        dialect.found(ask(dialect.find(asked), commands, tmp_path, shell), asked)
    with pytest.raises(NoAnswer):
        dialect.cancelled(recorded(recording))


def test_nothing_to_report_is_no_failure(tmp_path: Path) -> None:
    dialect = dialect_for("LOADLEVELER")
    reply = ask(dialect.status(["c94n16.999"]), {"llq": recorded("loadleveler/llq.nothing")}, tmp_path, "sh")
    assert dialect.standings(reply, ["c94n16.999"]) == {}


@pytest.mark.parametrize(
    ("scheduler", "said", "job_id"),
    [
        ("PBS", "123.pbs01.example.org\n", "123.pbs01.example.org"),
        ("PBS", "Version 2.0 of the cluster\n123[].pbs01\n", "123[].pbs01"),
        ("TORQUE", "7.torque\r\n", "7.torque"),
        ("MOAB", "7\n", "7"),
        ("LSF", "Job <301> is submitted to queue <normal>.\n", "301"),
        ("LSF", "Job <301> is submitted to default queue <normal>.\n", "301"),
        ("LOADLEVELER", 'llsubmit: The job "c94n16.401" has been submitted.\n', "c94n16.401"),
        ("LOADLEVELER", "401.c94n16\n", "401.c94n16"),
        ("COBALT", "501\n", "501"),
    ],
)
def test_ids(scheduler: str, said: str, job_id: str) -> None:
    assert dialect_for(scheduler).submitted(Completed(0, said, "a warning\n")) == job_id


@pytest.mark.parametrize(
    ("scheduler", "recording", "error"),
    [
        ("PBS", "pbs/qsub.down", NoAnswer),
        ("PBS", "pbs/qsub.queue", Rejected),
        ("LSF", "lsf/bsub.queue", Rejected),
        ("LSF", "lsf/bjobs.down", NoAnswer),
    ],
)
def test_refusals(scheduler: str, recording: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        dialect_for(scheduler).submitted(recorded(recording))


def test_submitting_as_the_service_does() -> None:
    for scheduler, command in {
        "PBS": "qsub 'it'\"'\"'s.ipcexe'",
        "TORQUE": "qsub 'it'\"'\"'s.ipcexe'",
        "LSF": "bsub < 'it'\"'\"'s.ipcexe'",
    }.items():
        assert dialect_for(scheduler).submit(launch(scheduler, "it's")) == command
    cobalt = dialect_for("COBALT").submit(launch("COBALT", nodes=2, max_run_seconds=61, queue="default"))
    assert cobalt.startswith("qsub --mode script -n 2 -t 2 -q default --jobname job --cwd '/scratch/w é x'")


@pytest.mark.parametrize("shell", SHELLS)
def test_finding_by_the_work_directory(tmp_path: Path, shell: str) -> None:
    commands = {"qselect": "echo 101.pbs01; echo 102.pbs01", "qstat": recorded("pbs/qstat.several")}
    for place, job_id in {
        "/scratch/w é x": "101.pbs01",
        "/scratch/with,comma": "102.pbs01",
        "/x": None,
    }.items():
        pbs, asked = dialect_for("PBS"), launch("PBS", work_dir=place)
        assert pbs.found(ask(pbs.find(asked), commands, tmp_path, shell), asked) == job_id
    lsf, asked = dialect_for("LSF"), launch("LSF")
    commands = {"bjobs": "echo '301|/scratch/w é x|-'; echo '302|/x|/scratch/w é x'; echo '303|/x|-'"}
    assert lsf.found(ask(lsf.find(asked), commands, tmp_path, shell), asked) == "302"
    loadleveler = dialect_for("LOADLEVELER")
    commands = {"llq": recorded("loadleveler/llq.several")}
    assert loadleveler.found(ask(loadleveler.find(asked), commands, tmp_path, shell), asked) == "c94n16.401"
    cobalt = dialect_for("COBALT")
    commands = {"qstat": recorded("cobalt/qstat.several")}
    assert cobalt.found(ask(cobalt.find(asked), commands, tmp_path, shell), asked) == "501"


def test_cancelling_what_has_ended() -> None:
    assert dialect_for("PBS").cancelled(recorded("pbs/qdel.finished"))
    assert dialect_for("LSF").cancelled(Completed(255, "", "Job <301>: Job has already finished\n"))
    assert not dialect_for("PBS").cancelled(Completed(159, "", "qdel: Unauthorized Request 101.pbs01\n"))


def test_there_are_no_other_schedulers() -> None:
    with pytest.raises(ValueError, match="NQS"):
        dialect_for("NQS")
    for name in ("LSF", "LOADLEVELER", "PBS", "CONDOR", "TORQUE", "MOAB", "SLURM"):
        assert dialect_for(f"CUSTOM_{name}") is dialect_for(name)
    assert dialect_for("CUSTOM_GRIDENGINE") is dialect_for("SGE")
    assert dialect_for("UNKNOWN") is dialect_for("FORK")
