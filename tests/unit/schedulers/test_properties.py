"""Whatever a scheduler says: an answer, or one of the documented exceptions; and names are never more than names."""

from __future__ import annotations

import shlex
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.domain.ports import Completed
from emulator.schedulers.dialect import NoAnswer, Rejected, Unclear
from emulator.schedulers.dialects import dialect_for
from emulator.schedulers.dialects.replies import BEGIN, END, plain
from emulator.schedulers.exit_record import parse_exit_record
from tests.unit.schedulers.recordings import DIRECTORY, launch

SCHEDULERS = ["COBALT", "CONDOR", "FORK", "LOADLEVELER", "LSF", "PBS", "SGE", "SLURM", "TORQUE"]
IDS = ["7", "12", "7.server", "c94n16.401"]
MARKS = "@queue @job @past @log @zone @found @here @id @record @end @living @number @error @alive @now @row @ @failed"
PIECES = [
    *(f"{mark}|" for mark in MARKS.split()),
    *(
        "7",
        "12",
        "|",
        "\n",
        "\t",
        " = ",
        ": ",
        "0:0",
        "3:9",
        "CANCELLED+",
        "job_state",
        "Exit_status",
        "Status",
    ),
    *("<?xml version='1.0'?>", "<job_list>", "</job_list>", "<state>r</state>", "&x;", "JobState=", "9" * 40),
    *(
        "Job Id: 7.server",
        "Job Step Id: c94n16.401.0",
        "JobID: 7",
        "²",
        "٣",
        "jobnumber 7",
        "failed 37 :",
        "=====" * 2,
    ),
    *("1795406400", "99999999999", "Mon Nov 23 04:00:00 0000", "Feb 29 04:00", "2026-11-23T99:00:00", "-/-"),
    *("0001-01-01T00:00:00", "9999-12-31T23:59:59", "+9999", "@zone|-9999\n", "\x1b[31m", "\x00", "\r\n"),
]
RECORDINGS = [path.read_text() for path in sorted(DIRECTORY.glob("*/*.txt"))]
texts = st.one_of(
    st.text(max_size=300),
    st.lists(st.sampled_from(PIECES), max_size=40).map("".join),
    st.tuples(
        st.sampled_from(RECORDINGS), st.integers(0, 5000), st.integers(0, 5000), st.text(max_size=5)
    ).map(lambda cut: cut[0][: cut[1]] + cut[3] + cut[0][cut[2] :]),
)
replies = st.builds(
    Completed,
    st.sampled_from([0, 1, 127, 255]),
    st.one_of(texts, texts.map(lambda text: f"{BEGIN}\n{text}\n{END} 0\n")),
    st.one_of(st.just(""), texts),
)


@pytest.mark.parametrize("scheduler", SCHEDULERS)
@settings(max_examples=60, deadline=None)
@given(reply=replies)
def test_no_answer_is_too_strange(scheduler: str, reply: Completed) -> None:
    dialect, asked = dialect_for(scheduler), launch(scheduler)
    with suppress(Rejected, NoAnswer, Unclear):
        assert dialect.submitted(reply)
    with suppress(NoAnswer, Unclear):
        assert dialect.found(reply, asked) != ""
    with suppress(NoAnswer, Unclear):
        known = dialect.standings(reply, IDS)
        assert set(known) <= set(IDS)
        for standing in known.values():
            if standing.report.succeeded:
                assert standing.report.signal == 0 and not standing.hopeless
    with suppress(NoAnswer, Unclear):
        dialect.cancelled(reply)


@settings(max_examples=100, deadline=None)
@given(text=texts)
def test_no_record_is_too_strange(text: str) -> None:
    with suppress(Unclear):
        parse_exit_record(text)
    assert "\n" not in plain(text) and "\x1b" not in plain(text)


names = st.text(st.characters(exclude_characters="\x00/", exclude_categories=["Cs"]), min_size=1, max_size=30)


@pytest.mark.parametrize("scheduler", SCHEDULERS)
@settings(max_examples=8, deadline=None)
@given(name=names, work_dir=names, job_id=names)
def test_names_are_words_to_the_shell(scheduler: str, name: str, work_dir: str, job_id: str) -> None:
    """Every question is shell that parses, whatever the names in it."""
    dialect = dialect_for(scheduler)
    asked = launch(scheduler, name, work_dir=f"/{work_dir}")
    questions = [
        dialect.submit(asked),
        dialect.find(asked),
        dialect.status([job_id, "7"]),
        dialect.cancel(job_id),
    ]
    script = "\n".join(f"( {question}\n)" for question in questions)
    checked = subprocess.run(["sh", "-n"], input=script.encode(), capture_output=True, timeout=60)
    assert checked.returncode == 0, (script, checked.stderr)


@pytest.mark.parametrize("scheduler", [one for one in SCHEDULERS if one not in ("CONDOR", "FORK")])
@settings(max_examples=8, deadline=None)
@given(name=names)
def test_the_script_is_handed_over_by_its_own_name(scheduler: str, name: str) -> None:
    command = dialect_for(scheduler).submit(launch(scheduler, script=f"/w/{name}"))
    assert any(word.removeprefix("./") == name for word in shlex.split(command.removesuffix("; fi")))


def test_nothing_of_a_name_is_run(tmp_path: Path) -> None:
    trap = f"'; touch {tmp_path}/run; `touch {tmp_path}/run` $(touch {tmp_path}/run)\n touch {tmp_path}/run"
    for scheduler in SCHEDULERS:
        dialect = dialect_for(scheduler)
        asked = launch(scheduler, work_dir=f"{tmp_path}/{trap}")
        for question in (dialect.find(asked), dialect.status([trap]), dialect.cancel(trap)):
            subprocess.run(["sh", "-c", question], cwd=tmp_path, capture_output=True, timeout=60)
        subprocess.run(["sh", "-c", dialect.submit(asked)], cwd=tmp_path, capture_output=True, timeout=60)
    assert not (tmp_path / "run").exists()
