"""What a client submits is what the wrapper's shell gets: through the request, the store, the script and bash
[jobs §3.6, §3.7, wrapper-templates §4]."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.domain.app import AppInput, AppParameter
from emulator.schedulers.script import job_script
from tests.contract.job_submit.conftest import LOGIN_NODE, STORAGE, Desk

END = "END-OF-WHAT-WAS-SUBMITTED"
TEMPLATE = f"""cat <<'{END}' >text
${{text}}
{END}
cat <<'{END}' >several
${{several}}
{END}
cat <<'{END}' >name
${{data}}
{END}
printf '%s' ${{flag}} >flag
printf '%s' ${{yes}} >yes
printf '%s' ${{number}} >number
"""
HOSTILE = (
    "plain",
    "",
    " leading and trailing ",
    'it\'s "quoted"',
    "`id` $(id) ${HOME} $HOME $$ $? !! \\",
    "-rf --help -- -",
    "first\nsecond\r\nthird\n",
    "\n\n",
    "ünïcödé 日本 \U0001f600 \u202e",
    "\x01\x07\x1b[31m\x7f",
    "${text} ${data} ${AGAVE_JOB_ID} ${AGAVE_JOB_CALLBACK_FAILURE}",
    "\\1 \\g<0> & | ; > < * ? [a] {b} ~ #",
    "x" * 5_000,
)
texts = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=80)
texts = texts.filter(lambda text: END not in text)


@pytest.fixture(scope="module")
def shared_desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    desk = Desk(tmp_path_factory.mktemp("desk"))
    desk.add_app(
        "echoing",
        execution_system=LOGIN_NODE,
        execution_type="CLI",
        inputs=(AppInput(id="data"),),
        parameters=(
            AppParameter(id="text"),
            AppParameter(id="several", max_cardinality=-1, argument="-x ", show_argument=True),
            AppParameter(id="flag", type="flag", argument="--loud"),
            AppParameter(id="yes", type="bool"),
            AppParameter(id="number", type="number"),
        ),
    )
    yield desk
    desk.close()


def run(desk: Desk, folder: Path, **fields: Any) -> dict[str, str]:
    """Submit over HTTP, render the stored job's script, run it in bash; the answer: what the files hold."""
    job = desk.submitted(appId="echoing-1.0", archive=False, **fields)
    text = job_script(
        template=TEMPLATE,
        job=job,
        system=desk.system(LOGIN_NODE),
        work_dir=str(folder),
        base_url="http://localhost:8000",
    )
    script = folder / "job.ipcexe"
    script.write_bytes(text.encode())
    done = subprocess.run(["bash", str(script)], cwd=folder, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    read = {path.name: path.read_bytes().decode() for path in folder.iterdir()}
    assert read["my-job.err"] == "", "the shell has complained"
    return {name: read[name] for name in ("text", "several", "name", "flag", "yes", "number") if name in read}


@given(text=texts, several=st.lists(texts, min_size=1, max_size=3))
@settings(max_examples=60, deadline=None)
def test_any_text(
    shared_desk: Desk, tmp_path_factory: pytest.TempPathFactory, text: str, several: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("run")
    seen = run(shared_desk, folder, parameters={"text": text, "several": several})
    assert seen["text"] == text + "\n"
    assert seen["several"] == "-x " + " ".join(several) + "\n"


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_texts_that_shells_take_amiss(shared_desk: Desk, tmp_path: Path, text: str) -> None:
    seen = run(shared_desk, tmp_path, parameters={"text": text, "several": [text, text]})
    assert seen["text"] == text + "\n"
    assert seen["several"] == f"-x {text} {text}\n"


@pytest.mark.parametrize("text", [text for text in HOSTILE if text and "\n" not in text and len(text) < 200])
def test_names_of_files(shared_desk: Desk, tmp_path: Path, text: str) -> None:
    """An input that is called like that. Slashes and backslashes part paths, semicolons inputs."""
    name = re.sub(r"[/\\;]", "", text).strip()
    shared_desk.write(STORAGE, f"/data/{name}")
    seen = run(shared_desk, tmp_path, inputs={"data": f"agave://{STORAGE}//data/{quote(name, safe='')}"})
    assert seen["name"] == name + "\n"


@given(
    number=st.integers(-(10**15), 10**15) | st.floats(allow_nan=False, allow_infinity=False, width=32),
    yes=st.booleans(),
    flag=st.booleans(),
)
@settings(max_examples=25, deadline=None)
def test_numbers_and_truths(
    shared_desk: Desk, tmp_path_factory: pytest.TempPathFactory, number: float, yes: bool, flag: bool
) -> None:
    folder = tmp_path_factory.mktemp("run")
    seen = run(shared_desk, folder, parameters={"number": number, "yes": yes, "flag": flag})
    assert json.loads(seen["number"]) == number
    assert seen["yes"] == ("1" if yes else "0")
    assert seen["flag"] == ("--loud" if flag else "")


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "a\x00b"},
        {"parameters": {"text": "a\x00b"}},
        {"parameters": {"several": ["a", "b\x00"]}},
        {"inputs": {"data": "a\x00b"}},
        {"inputs": {"data": [f"agave://{STORAGE}/a%00b"]}},
        {"archivePath": "a\x00b", "archive": True},
    ],
    ids=str,
)
def test_no_null_reaches_a_shell(shared_desk: Desk, fields: dict[str, Any]) -> None:
    status, _ = shared_desk.refused(appId="echoing-1.0", **{"archive": False} | fields)
    assert status in (400, 403)


def test_more_than_a_request_may_hold(shared_desk: Desk) -> None:
    status, message = shared_desk.refused(appId="echoing-1.0", parameters={"text": "x" * 16_384})
    assert (status, message) == (400, "parameters must be less than 16384 characters.")
