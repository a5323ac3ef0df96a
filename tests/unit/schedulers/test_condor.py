"""HTCondor's answers, recorded from 23.9, and the ugly ones [wrapper-templates §2.2, §7.1]."""

from __future__ import annotations

import shlex
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from emulator.domain.ports import Completed, RemoteState
from emulator.schedulers.dialect import NoAnswer, Rejected, Unclear
from emulator.schedulers.dialects import dialect_for
from emulator.schedulers.dialects.condor import _ATTRIBUTES
from tests.unit.schedulers.questions import SHELLS, ask
from tests.unit.schedulers.recordings import framed_reply, launch, recorded

CONDOR = dialect_for("CUSTOM_CONDOR")
IDS = [str(number) for number in range(1, 30)]


def row(**attributes: object) -> str:
    values: dict[str, object] = dict.fromkeys(_ATTRIBUTES, "")
    values |= {"ClusterId": 7, "ExitBySignal": "false", "EnteredCurrentStatus": 1795408471}
    return "@job|" + "|".join(str(value) for value in (values | attributes).values())


def told(*rows: str) -> tuple[str, str, int | None, int, bool]:
    standing = CONDOR.standings(framed_reply(*rows), ["7"])["7"]
    report = standing.report
    return report.state.value, report.scheduler_state, report.exit_code, report.signal, standing.hopeless


def test_a_real_pool() -> None:
    """15 ok, 16 exit 3, 17 kill -9, 18 over its time, 19 runs, 20 over its memory, 21 fits nowhere, 22 removed."""
    known = CONDOR.standings(recorded("condor/status.answered"), [*IDS, "99999"])
    assert {
        job_id: (one.report.state.value, one.report.scheduler_state, one.report.exit_code, one.report.signal)
        for job_id, one in known.items()
    } == {
        "15": ("ENDED", "COMPLETED", 0, 0),
        "16": ("ENDED", "FAILED", 3, 0),
        "17": ("ENDED", "FAILED", None, 9),
        "18": ("ENDED", "TIMEOUT", None, 15),
        "19": ("RUNNING", "", None, 0),
        "20": ("ENDED", "OUT_OF_MEMORY", None, 0),
        "21": ("QUEUED", "", None, 0),
        "22": ("ENDED", "CANCELLED", None, 0),
    }
    assert [job_id for job_id, one in known.items() if one.hopeless] == ["20"]
    assert [job_id for job_id, one in known.items() if one.report.succeeded] == ["15"]
    assert known["20"].report.reason == "Error from slot1_3@htcondor: memory usage exceeded request_memory"
    assert known["19"].report.started == datetime.fromtimestamp(1795408469, UTC)
    over = known["18"].report
    assert over.started and over.ended and 1.5 < (over.ended - over.started).total_seconds() < 5


def test_a_job_that_is_held_because_it_failed_has_ended_and_is_to_be_removed() -> None:
    policy = {"JobStatus": 5, "HoldReasonCode": 3, "HoldReason": "The job attribute OnExitHold …"}
    assert told(row(**policy, ExitCode=3)) == ("ENDED", "FAILED", 3, 0, True)
    by_signal = row(**policy, ExitBySignal="true", ExitSignal=9)
    assert told(by_signal) == ("ENDED", "FAILED", None, 9, True)


@pytest.mark.parametrize(
    ("hold", "word"), [(34, "OUT_OF_MEMORY"), (46, "TIMEOUT"), (47, "TIMEOUT"), (13, "FAILED"), (6, "FAILED")]
)
def test_other_holds_are_hopeless_too(hold: int, word: str) -> None:
    held = row(JobStatus=5, HoldReasonCode=hold, HoldReason="why | not")
    assert told(held) == ("ENDED", word, None, 0, True)


@pytest.mark.parametrize(("started", "state"), [("", "QUEUED"), (1795408469, "RUNNING")])
def test_what_people_hold_people_release(started: object, state: str) -> None:
    for code in (1, 15):
        held = row(JobStatus=5, HoldReasonCode=code, JobStartDate=started)
        assert told(held) == (state, "", None, 0, False)


def test_removed_after_it_was_held_for_failing_is_how_it_failed() -> None:
    removed = row(JobStatus=3, LastHoldReasonCode=3, ExitCode=3, RemoveReason="PeriodicRemove …")
    assert told(removed) == ("ENDED", "FAILED", 3, 0, False)
    assert told(row(JobStatus=3, ExitCode=143)) == ("ENDED", "CANCELLED", None, 0, False)


def test_the_scripts_record_tells_times_but_not_what_the_pool_knows_better() -> None:
    record = [
        "@record|7",
        "id 7",
        "started 1795408000.5",
        "ended 1795408002",
        "code 143",
        "end LIMIT",
        "@end",
    ]
    over = row(JobStatus=5, HoldReasonCode=3, ExitCode=143)
    assert told(over, *record)[:2] == ("ENDED", "TIMEOUT")
    evicted_before = row(JobStatus=5, HoldReasonCode=13, HoldReason="Transfer input files failure")
    assert told(evicted_before, *record)[:2] == ("ENDED", "FAILED")
    assert told(row(JobStatus=2), *record)[:2] == ("RUNNING", "")
    assert told(over, "@record|7", "rubbish", "@end")[:2] == ("ENDED", "FAILED")


@pytest.mark.parametrize("shell", SHELLS)
def test_the_queue_is_asked_first_then_history(tmp_path: Path, shell: str) -> None:
    work = tmp_path / "w é"
    work.mkdir()
    (work / ".agave.exit").write_text("id 8\nstarted 1\nended 2\ncode 0\nend EXIT\n")
    ended = row(ClusterId=8, JobStatus=4, ExitCode=0)
    commands = {
        "condor_q": f"echo '{row(JobStatus=2)}'; echo '@place|7|{tmp_path}'",
        "condor_history": f"case $* in *'7 8'*) exit 1 ;; *) echo '{ended}'; echo '@place|8|{work}' ;; esac",
    }
    known = CONDOR.standings(ask(CONDOR.status(["7", "8"]), commands, tmp_path, shell), ["7", "8"])
    assert known["7"].report.state is RemoteState.RUNNING
    assert known["8"].report.succeeded
    assert known["8"].report.ended == datetime.fromtimestamp(2, UTC)


@pytest.mark.parametrize("shell", SHELLS)
def test_one_that_leaves_the_queue_meanwhile_is_asked_for_once(tmp_path: Path, shell: str) -> None:
    """A held job is removed by the pool: the record is found although a second question would find nothing."""
    (tmp_path / ".agave.exit").write_text("id 7\nstarted 1\nended 2\ncode 143\nend LIMIT\n")
    held = row(JobStatus=5, HoldReasonCode=3, ExitCode=143)
    once = f"mkdir {tmp_path}/asked 2>/dev/null && {{ echo '{held}'; echo '@place|7|{tmp_path}'; }}; :"
    commands = {"condor_q": once, "condor_history": "exit 1"}
    known = CONDOR.standings(ask(CONDOR.status(["7"]), commands, tmp_path, shell), ["7"])
    assert known["7"].report.scheduler_state == "TIMEOUT"


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("situation", ["schedd_down", "all_daemons_down", "schedd_hangs_timeout_30s"])
def test_without_its_schedd_there_is_no_answer(situation: str, tmp_path: Path, shell: str) -> None:
    commands = {
        "condor_q": recorded(f"condor/condor_q_format.{situation}"),
        "condor_history": recorded("condor/condor_history.schedd_down"),
    }
    with pytest.raises(NoAnswer):
        CONDOR.standings(ask(CONDOR.status(["25"]), commands, tmp_path, shell), ["25"])


@pytest.mark.parametrize("name", ["cancel.down", "condor_rm.schedd_down", "condor_rm.all_daemons_down"])
def test_without_its_schedd_nothing_is_cancelled(name: str) -> None:
    with pytest.raises(NoAnswer):
        CONDOR.cancelled(recorded(f"condor/{name}"))


def test_cancelling() -> None:
    for name in ("cancel.answered", "cancel.unknown", "condor_rm.twice", "condor_rm.ended", "condor_rm.held"):
        assert CONDOR.cancelled(recorded(f"condor/{name}")), name
    refused = Completed(1, "", "Permission denied\nCouldn't find/remove all jobs in cluster 7\n")
    assert not CONDOR.cancelled(refused)


def test_submission() -> None:
    assert CONDOR.submitted(recorded("condor/submit.answered")) == "24"
    assert CONDOR.submitted(recorded("condor/condor_submit.accepted_with_warning")).isdigit()
    for name in ("submit.down", "condor_submit.schedd_down", "condor_submit.all_daemons_down"):
        with pytest.raises(NoAnswer):
            CONDOR.submitted(recorded(f"condor/{name}"))
    for name in ("submit.missing", "condor_submit.bad_syntax", "condor_submit.no_executable"):
        with pytest.raises(Rejected, match="ERROR"):
            CONDOR.submitted(recorded(f"condor/{name}"))


@pytest.mark.parametrize("shell", SHELLS)
def test_everything_but_its_own_files_is_packed(tmp_path: Path, shell: str) -> None:
    work = tmp_path / "it's a $HOME `dir` é"
    (work / "in put").mkdir(parents=True)
    for name in ("job.ipcexe", "in put/x", ".hidden", "-n", "runtime.log", ".agave.archive", "job.submit"):
        (work / name).write_text("old\n")
    asked = launch("CONDOR", work_dir=str(work), max_run_seconds=60)
    submit = CONDOR.submit(asked)
    reply = _submit_in(work, submit, tmp_path, shell)
    assert CONDOR.submitted(reply) == "5"
    assert _submit_in(work, submit, tmp_path, shell).code == 0, "again"
    listed = subprocess.run(
        ["tar", "-tzf", str(work / "transfer.tar.gz")], capture_output=True, text=True, check=True
    ).stdout.split("\n")
    names = {name.removeprefix("./") for name in listed if name}
    assert names == {"job.ipcexe", "in put/", "in put/x", ".hidden", "-n", ".agave.archive", "job.submit"}
    manifest = (work / ".agave.archive").read_text()
    assert manifest.count("transfer.tar.gz") == manifest.count("transfer_wrapper.sh") == 1


def _submit_in(work: Path, submit: str, tmp_path: Path, shell: str) -> Completed:
    """The submit file's name, and what is added to it, are looked at by the stand-in."""
    accept = (
        'for last; do :; done; [ "$last" = job.submit ] || exit 9; echo "1 job(s) submitted to cluster 5."'
    )
    return ask(f"cd {shlex.quote(str(work))}\n{submit}", {"condor_submit": accept}, tmp_path, shell)


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("shared", [True, False])
def test_the_wrapper_runs_the_script_where_its_files_are(shared: bool, tmp_path: Path, shell: str) -> None:
    """In the work directory where that is shared, else in a copy, which then holds what is new or changed."""
    work, scratch = tmp_path / "w é", tmp_path / "scratch"
    work.mkdir()
    scratch.mkdir()
    (work / "input").write_text("data")
    script = work / "job.ipcexe"
    script.write_text(
        '#!/bin/sh\ncd "${AGAVE_RUN_DIR:-$PWD}"\nmkdir -p o/p\ncat input > o/p/q\necho more >> input\nexit 3\n'
    )
    script.chmod(0o755)
    (work / ".agave.archive").touch()
    _submit_in(work, CONDOR.submit(launch("CONDOR", work_dir=str(work))), tmp_path, shell)
    if not shared:
        (work / ".agave.submission" / "token").write_text("another job")
    (scratch / "transfer.tar.gz").write_bytes((work / "transfer.tar.gz").read_bytes())
    done = subprocess.run(
        [shell, str(work / "transfer_wrapper.sh")], cwd=scratch, capture_output=True, timeout=60
    )
    assert done.returncode == 3, done.stderr
    place = work if shared else scratch / "agave-work"
    assert (place / "o/p/q").read_text() == "data"
    assert "\ncode 3\n" in (place / ".agave.exit").read_text()
    kept = sorted(path.name for path in (scratch / "agave-work").iterdir())
    assert kept == ([] if shared else [".agave.exit", "input", "o"])


def test_finding() -> None:
    reply = recorded("condor/find.answered")
    mine = "/scratch/c é 'big1795408468"
    assert CONDOR.found(reply, launch("CONDOR", "big", work_dir=mine)) == "21"
    with pytest.raises(NoAnswer):
        CONDOR.found(recorded("condor/find.down"), launch("CONDOR"))


def test_half_a_row_is_no_job() -> None:
    assert CONDOR.standings(framed_reply("@job|7|2|", "@job|", "@record|7", "@end"), ["7"]) == {}
    with pytest.raises(Unclear):
        CONDOR.standings(Completed(0, "@job|7|4|0", ""), ["7"])
