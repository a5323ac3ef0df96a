"""Grid Engine's answers, recorded from 8.1.9, and the ugly ones [wrapper-templates §7.1, §8]."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from emulator.domain.ports import Completed, RemoteState
from emulator.schedulers.dialect import NoAnswer, Rejected, Unclear
from emulator.schedulers.dialects import dialect_for
from emulator.schedulers.dialects.sge_accounting import accounts, ended
from tests.unit.schedulers.questions import SHELLS, ask
from tests.unit.schedulers.recordings import framed_reply, launch, recorded

SGE = dialect_for("SGE")
RECORDED = [*(str(number) for number in range(1, 14)), "17", "999"]


def test_a_real_cell() -> None:
    """What was submitted: ok, exit 3, KILL, TERM, over time, memory, held, no directory, and others."""
    known = SGE.standings(recorded("sge/status.answered"), RECORDED)
    told = {
        job_id: (one.report.state.value, one.report.scheduler_state, one.report.exit_code, one.report.signal)
        for job_id, one in known.items()
    }
    assert told == {
        "1": ("ENDED", "COMPLETED", 0, 0),
        "2": ("ENDED", "FAILED", 3, 0),
        "3": ("ENDED", "FAILED", None, 9),
        "4": ("ENDED", "FAILED", None, 9),
        "5": ("ENDED", "FAILED", None, 15),
        "7": ("ENDED", "TIMEOUT", None, 9),
        "8": ("ENDED", "FAILED", 2, 0),
        "9": ("QUEUED", "", None, 0),
        "10": ("ENDED", "Eqw", None, 0),
        "11": ("ENDED", "FAILED", 127, 0),
        "12": ("ENDED", "COMPLETED", 0, 0),
        "13": ("ENDED", "COMPLETED", 0, 0),
        "17": ("RUNNING", "", None, 0),
    }
    assert known["1"].report.started == datetime(2026, 11, 23, 4, 20, 10, tzinfo=UTC), "not in Chicago's time"
    assert known["7"].report.reason == "qmaster enforced h_rt, h_cpu, or h_vmem limit"
    assert [job_id for job_id, one in known.items() if one.hopeless] == ["10"]
    assert "can't chdir to /nonexistent: No such file or directory" in known["10"].report.reason
    assert [job_id for job_id, one in known.items() if one.report.succeeded] == ["1", "12", "13"]


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("situation", "expected"),
    [
        ("over_time_limit", ("ENDED", "TIMEOUT")),
        ("killed_by_signal", ("ENDED", "FAILED")),
        ("done_ok", ("ENDED", "COMPLETED")),
        ("deleted_while_waiting", None),
    ],
)
def test_the_question_falls_back_to_accounting(
    situation: str, expected: tuple[str, str] | None, tmp_path: Path, shell: str
) -> None:
    account = recorded(f"sge/qacct_j.{situation}")
    job_id = next(
        (line.split()[1] for line in account.stdout.splitlines() if line.startswith("jobnumber")), "25"
    )
    commands = {"qstat": recorded("sge/qstat_ext_urg_xml.nothing"), "qacct": account}
    known = SGE.standings(ask(SGE.status([job_id]), commands, tmp_path, shell), [job_id])
    told = {
        one: (standing.report.state.value, standing.report.scheduler_state) for one, standing in known.items()
    }
    assert told == ({job_id: expected} if expected else {})


@pytest.mark.parametrize("shell", SHELLS)
def test_without_its_master_there_is_no_answer_and_accounting_is_not_asked(
    tmp_path: Path, shell: str
) -> None:
    commands = {"qstat": recorded("sge/qstat_ext_urg_xml.master_down"), "qacct": "touch asked"}
    with pytest.raises(NoAnswer, match="unable to send message to qmaster"):
        SGE.standings(ask(SGE.status(["1"]), commands, tmp_path, shell), ["1"])
    assert not (tmp_path / "asked").exists()


@pytest.mark.parametrize("question", ["status", "find", "submit", "cancel"])
def test_every_question_notices_that_the_master_is_gone(question: str) -> None:
    reply = recorded(f"sge/{question}.down")
    with pytest.raises(NoAnswer):
        {
            "status": lambda: SGE.standings(reply, ["1"]),
            "find": lambda: SGE.found(reply, launch("SGE")),
            "submit": lambda: SGE.submitted(reply),
            "cancel": lambda: SGE.cancelled(reply),
        }[question]()


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        *((word, RemoteState.QUEUED) for word in ("qw", "w", "hqw", "hRwq", "Rqw")),
        *(
            (word, RemoteState.RUNNING)
            for word in ("r", "t", "R", "Rr", "Rt", "s", "S", "T", "ts", "dr", "Rs")
        ),
        *((word, RemoteState.ENDED) for word in ("Eqw", "Ehqw", "EhRqw")),
    ],
)
def test_states(state: str, expected: RemoteState) -> None:
    xml = "<?xml version='1.0'?><job_info><queue_info><job_list state='x'><JB_job_number>7</JB_job_number>"
    xml += f"<state>{state}</state></job_list></queue_info></job_info>"
    standing = SGE.standings(framed_reply("@living", xml), ["7"])["7"]
    assert standing.report.state is expected
    assert standing.hopeless == (expected is RemoteState.ENDED)


def test_what_is_no_xml_is_unclear() -> None:
    for rows in (["@living", "Segmentation fault"], ["@living", "<?xml version='1.0'?><job_info>"], []):
        with pytest.raises(Unclear):
            SGE.standings(framed_reply(*rows), ["7"])


def account(**changes: str) -> dict[str, str]:
    values = {
        "start_time": "11/22/2026 22:20:10.250",
        "end_time": "Sun Nov 22 22:20:21 2026",
        "failed": "0",
        "exit_status": "0",
        "category": "-l h_rt=10,h_vmem=60M",
        "maxvmem": "10.000MB",
    }
    return values | changes


@pytest.mark.parametrize(
    ("changes", "word", "code", "signal"),
    [
        ({}, "COMPLETED", 0, 0),
        ({"exit_status": "1"}, "FAILED", 1, 0),
        ({"exit_status": "137 (Killed)", "failed": "100 : assumedly after job"}, "TIMEOUT", None, 9),
        (
            {"exit_status": "137 (Killed)", "failed": "100 : assumedly after job", "category": "NONE"},
            "FAILED",
            None,
            9,
        ),
        ({"exit_status": "137", "failed": "100 : x", "maxvmem": "59.9MB"}, "OUT_OF_MEMORY", None, 9),
        ({"exit_status": "1", "maxvmem": "59.9MB"}, "OUT_OF_MEMORY", 1, 0),
        ({"start_time": "-/-", "end_time": "-/-"}, "CANCELLED", None, 0),
        ({"start_time": "-/-", "failed": "26 : opening input/output file"}, "FAILED", None, 0),
        ({"exit_status": "", "failed": "x"}, "FAILED", None, 0),
    ],
)
def test_accounts(changes: dict[str, str], word: str, code: int | None, signal: int) -> None:
    report = ended(account(**changes))
    assert (report.scheduler_state, report.exit_code, report.signal) == (word, code, signal)
    if "start_time" not in changes:
        assert report.started == datetime(2026, 11, 22, 22, 20, 10, 250000, tzinfo=UTC)


def test_of_several_accounts_of_a_job_the_last_counts() -> None:
    rows = ["=====", "jobnumber 7", "exit_status 1", "=====", "jobnumber 7", "exit_status 0"]
    assert accounts(rows)["7"]["exit_status"] == "0"


def test_submission() -> None:
    assert SGE.submit(launch("SGE")) == "qsub job.ipcexe"
    assert SGE.submitted(recorded("sge/submit.answered")) == "16"
    assert SGE.submitted(Completed(0, 'Your job-array 7.1-3:1 ("ä b") has been submitted\n', "")) == "7"
    with pytest.raises(Rejected, match='unknown queue "nopart"'):
        SGE.submitted(recorded("sge/submit.queue"))


def test_cancelling() -> None:
    for name in ("cancel.answered", "cancel.unknown", "qdel.twice", "qdel.unknown", "qdel.ended"):
        assert SGE.cancelled(recorded(f"sge/{name}")), name


def test_finding() -> None:
    reply = recorded("sge/find.answered")
    assert SGE.found(reply, launch("SGE", "long")) == "17"
    elsewhere = Completed(0, reply.stdout.replace("@here|/scratch/w é x", "@here|/x"), "")
    assert SGE.found(elsewhere, launch("SGE", "long", work_dir="/x")) is None
    strangers = Completed(0, reply.stdout.replace("@me|tapis", "@me|somebody"), "")
    assert SGE.found(strangers, launch("SGE", "long")) is None
    assert SGE.found(recorded("sge/find.unknown"), launch("SGE", "nothere")) is None
