"""Slurm's answers, recorded from 24.11, and the ugly ones [wrapper-templates §7.1, §8]."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from emulator.domain.ports import Completed, RemoteState
from emulator.schedulers.dialect import NoAnswer, Rejected, Standing, Unclear
from emulator.schedulers.dialects import dialect_for
from tests.unit.schedulers.recordings import framed_reply, launch, recorded

SLURM = dialect_for("CUSTOM_SLURM")
ALL = [str(number) for number in range(1, 30)]


def standings(*rows: str, ids: list[str] = ALL) -> dict[str, Standing]:
    return dict(SLURM.standings(framed_reply(*rows), ids))


def told(standing: Standing) -> tuple[str, str, int | None, int, str]:
    report = standing.report
    return report.state.value, report.scheduler_state, report.exit_code, report.signal, report.reason


def test_a_real_queue() -> None:
    """16 ok, 17 exit 3, 18 kill -9, 19 cancelled, 20 runs, 21 held, 22 never, 23 cancelled waiting, 24 waits."""
    known = SLURM.standings(recorded("slurm/status.answered"), [*ALL, "99999"])
    assert {job_id: told(standing) for job_id, standing in known.items()} == {
        "16": ("ENDED", "COMPLETED", 0, 0, ""),
        "17": ("ENDED", "FAILED", 3, 0, "NonZeroExitCode"),
        "18": ("ENDED", "FAILED", None, 9, "RaisedSignal:9(Killed)"),
        "19": ("ENDED", "CANCELLED", None, 15, ""),
        "20": ("RUNNING", "", None, 0, ""),
        "21": ("QUEUED", "", None, 0, "JobHeldUser"),
        "22": ("ENDED", "CANCELLED", None, 0, "DependencyNeverSatisfied"),
        "23": ("ENDED", "CANCELLED", None, 0, "JobHeldUser"),
        "24": ("QUEUED", "", None, 0, "Resources"),
    }
    assert [job_id for job_id, standing in known.items() if standing.hopeless] == ["22"]
    assert [job_id for job_id, standing in known.items() if standing.report.succeeded] == ["16"]
    ok, gone, waiting = (known[job_id].report for job_id in ("16", "23", "24"))
    assert (ok.started, ok.ended) == (
        datetime(2026, 11, 23, 4, 34, 13, tzinfo=UTC),
        datetime(2026, 11, 23, 4, 34, 14, tzinfo=UTC),
    )
    assert gone.started is None and gone.ended is not None
    assert waiting.started is None, "a planned start is none"


def test_what_the_controller_has_forgotten_is_in_its_log() -> None:
    known = SLURM.standings(recorded("slurm/status.forgotten"), ALL)
    assert {job_id: told(standing)[:4] for job_id, standing in known.items()} == {
        "1": ("ENDED", "COMPLETED", 0, 0),
        "2": ("ENDED", "FAILED", 3, 0),
        "3": ("ENDED", "FAILED", None, 9),
        "4": ("ENDED", "CANCELLED", None, 0),
    }


def test_a_real_time_limit() -> None:
    (standing,) = SLURM.standings(recorded("slurm/status.timeout"), ALL).values()
    assert standing.report.scheduler_state == "TIMEOUT"
    assert not standing.report.succeeded
    assert standing.report.started and standing.report.ended
    assert (standing.report.ended - standing.report.started).total_seconds() >= 60


def test_unknown_jobs_are_left_out() -> None:
    assert SLURM.standings(recorded("slurm/status.unknown"), ["99999"]) == {}


def test_the_log_of_the_controller_is_in_its_own_time() -> None:
    rows = ("@zone|-0600", "@log|7|COMPLETED|0:0|2026-11-22T22:34:13|2026-11-22T22:34:14|")
    assert standings(*rows)["7"].report.started == datetime(2026, 11, 23, 4, 34, 13, tzinfo=UTC)
    rows = ("@zone|-0600", "@past|7|COMPLETED|0:0|2026-11-22T22:34:13|2026-11-22T22:34:14|None|")
    assert standings(*rows)["7"].report.started == datetime(2026, 11, 22, 22, 34, 13, tzinfo=UTC)


@pytest.mark.parametrize(
    ("state", "code", "expected"),
    [
        ("CANCELLED by 1000", "0:0", ("CANCELLED", None, 0)),
        ("CANCELLED+", "0:15", ("CANCELLED", None, 15)),
        ("OUT_OF_ME+", "0:125", ("OUT_OF_MEMORY", None, 125)),
        ("NODE_FAIL", "0:0", ("NODE_FAIL", None, 0)),
        ("TIMEOUT", "0:0", ("TIMEOUT", None, 0)),
        ("PREEMPTED", "0:0", ("PREEMPTED", None, 0)),
        ("BOOT_FAIL", "", ("BOOT_FAIL", None, 0)),
        ("DEADLINE", "garbled", ("DEADLINE", None, 0)),
        ("COMPLETED", "", ("COMPLETED", 0, 0)),
        ("COMPLETED", "2:0", ("COMPLETED", 2, 0)),
        ("FAILED", "1:0", ("FAILED", 1, 0)),
    ],
)
def test_the_words_for_the_end(state: str, code: str, expected: tuple[str, int | None, int]) -> None:
    row = f"@past|5|{state}|{code}|2026-11-23T04:00:00|2026-11-23T04:00:05|None|"
    report = standings(row)["5"].report
    assert (report.scheduler_state, report.exit_code, report.signal) == expected
    assert report.succeeded == (expected == ("COMPLETED", 0, 0))


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("PENDING", "QUEUED"),
        ("CONFIGURING", "QUEUED"),
        ("REQUEUED", "QUEUED"),
        ("RUNNING", "RUNNING"),
        ("COMPLETING", "RUNNING"),
        ("RESIZING", "RUNNING"),
        ("SUSPENDED", "RUNNING"),
    ],
)
def test_the_words_of_the_living(state: str, expected: str) -> None:
    assert standings(f"@queue|5|{state}|N/A|N/A|None")["5"].report.state is RemoteState(expected)


def test_steps_arrays_and_garbled_rows_are_no_job_of_ours() -> None:
    rows = [
        "@past|5.batch|FAILED|1:0|a|b|c|",
        "@past|5_1|FAILED|1:0|a|b|c|",
        "@past|5|",
        "@queue|5",
        "@queue|5|ÜBERLAST|x|y|z",
        "@job|JobState=COMPLETED",
        "@past|5|NOT_A_STATE|0:0|a|b|c|",
    ]
    assert standings(*rows) == {}


def test_a_banner_before_and_windows_line_ends_change_nothing() -> None:
    whole = recorded("slurm/status.answered")
    noisy = Completed(
        0,
        "** Wartung: übermorgen **\r\n@queue|16|FAILED|a|b|c\r\n" + whole.stdout.replace("\n", "\r\n"),
        "squeue: warning: the clock is slow\nConnection refused by the license server\n",
    )
    assert SLURM.standings(noisy, ALL) == SLURM.standings(whole, ALL)


def test_half_a_reply_says_nothing() -> None:
    whole = recorded("slurm/status.answered").stdout
    for length in range(0, len(whole.rstrip()) - 1, 97):
        with pytest.raises(Unclear):
            SLURM.standings(Completed(0, whole[:length], ""), ALL)


@pytest.mark.parametrize("question", ["status.down", "find.down"])
def test_without_its_controller_there_is_no_answer(question: str) -> None:
    reply = recorded(f"slurm/{question}")
    with pytest.raises(NoAnswer, match="Unable to contact slurm controller"):
        if question == "status.down":
            SLURM.standings(reply, ALL)
        else:
            SLURM.found(reply, launch("SLURM", "fail"))


def test_another_failure_of_squeue_is_unclear() -> None:
    with pytest.raises(Unclear, match="Segmentation"):
        standings("Segmentation fault", "@failed")


def test_submission() -> None:
    assert SLURM.submit(launch("SLURM", "it's")) == "sbatch 'it'\"'\"'s.ipcexe'"
    assert SLURM.submitted(recorded("slurm/submit.answered")) == "20"
    words = "sbatch: warning: slow\nSubmitted batch job 7 on cluster c1\r\n"
    assert SLURM.submitted(Completed(0, words, "sbatch: hello\n")) == "7"
    with pytest.raises(Rejected, match="Invalid partition name specified"):
        SLURM.submitted(recorded("slurm/submit.partition"))
    with pytest.raises(NoAnswer, match="Unable to contact"):
        SLURM.submitted(recorded("slurm/submit.down"))
    with pytest.raises(NoAnswer):
        failed = "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation"
        SLURM.submitted(Completed(1, "", failed))
    with pytest.raises(Rejected, match="command not found"):
        SLURM.submitted(Completed(127, "", "bash: sbatch: command not found"))
    for code in (0, 1):
        with pytest.raises(Unclear):
            SLURM.submitted(Completed(code, "", ""))


def test_cancelling() -> None:
    assert SLURM.cancelled(recorded("slurm/cancel.answered"))
    assert SLURM.cancelled(recorded("slurm/cancel.unknown"))
    assert not SLURM.cancelled(
        Completed(1, "", "scancel: error: Kill job error on job id 7: Access/permission denied")
    )
    with pytest.raises(NoAnswer):
        SLURM.cancelled(recorded("slurm/cancel.down"))


def test_finding() -> None:
    reply = recorded("slurm/find.answered")
    assert SLURM.found(reply, launch("SLURM", "fail")) == "17"
    assert SLURM.found(reply, launch("SLURM", "fail", work_dir="/scratch/other")) == "17", "where links lead"
    rows = ["@here|/real/w", "@found|5|/real/w", "@found|11|/real/w/", "@found|12|/else|where"]
    assert SLURM.found(framed_reply(*rows), launch("SLURM", work_dir="/link")) == "11"
    assert SLURM.found(framed_reply(*rows[3:]), launch("SLURM", work_dir="/link")) is None
    assert SLURM.found(framed_reply("@id|4711", *rows), launch("SLURM")) == "4711", "its own word counts"
