"""docs/scenario-library.md as a teacher types it: lessons whose commands need time to pass, line by line."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator

import pytest
from click.testing import CliRunner

from emulator.cli import main
from tests.client.conftest import Page
from tests.client.desk import desk_of
from tests.real.clients import Clients
from tests.scenario import library_page
from tests.scenario.lesson import JOB

LESSONS = {
    "cancel-is-ignored": ["STOPPED", "predictions.txt"],
    "app-hangs": ["RUNNING", "Slurm status TIMEOUT"],
    "storage-down-for-ten-minutes": ["412] PRECONDITION FAILED", "BLOCKED", "FINISHED"],
    "storage-flaps": ["412] PRECONDITION FAILED", "BLOCKED", "FINISHED"],
}
"""What the pupils are to see, in this order."""


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, clients: Clients) -> Iterator[Page]:
    with desk_of("testuser", tmp_path_factory.mktemp("desk"), clients) as desk:
        (desk.folder / "job.json").write_text(json.dumps(JOB), encoding="utf-8")
        yield desk


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param(
            entry,
            id=entry.path.stem,
            marks=() if entry.path.stem == "cancel-is-ignored" else pytest.mark.campaign,
        )
        for entry in library_page.entries()
        if entry.path.stem in LESSONS
    ],
)
def test_a_lesson_goes_as_it_is_typed(desk: Page, entry: library_page.Entry) -> None:
    name = entry.path.stem
    lines = list(entry.commands)
    if not any("scenario arm" in line for line in lines):
        lines.insert(0, f"tapis-emulator scenario arm {name}")
    said, job = "", ""
    for line in lines:
        program, *words = shlex.split(line.replace("JOB", job))
        if words[:2] == ["jobs", "submit"]:
            job = desk.tapis_json(*words)["id"]
        elif program == "tapis":
            done = desk.clients.tapis(words, desk.environment)
            said += done.stdout + done.stderr
        else:
            assert CliRunner().invoke(main, [*words, "--url", desk.emulator.url]).exit_code == 0, line
    CliRunner().invoke(main, ["scenario", "disarm", "--all", "--url", desk.emulator.url])
    for seen in LESSONS[name]:
        assert seen in said, said
        said = said.partition(seen)[2]
