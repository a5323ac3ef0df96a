"""Every file of the library can be used as it is: it loads, tells what it does and what to type, and has a test."""

from __future__ import annotations

import ast
import json
import shlex
from pathlib import Path

import click
import pytest

from emulator.cli import main
from emulator.domain.scenario import Scenario
from tests.real.clients import Clients
from tests.scenario.library_page import PAGE, Entry, entries, page

ENTRIES = entries()
AT_LEAST = 25


def test_there_are_enough_and_the_page_tells_of_them() -> None:
    assert len(ENTRIES) >= AT_LEAST
    assert PAGE.read_text(encoding="utf-8") == page(), "python -m tests.scenario.library_page"


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.path.stem)
def test_a_file_is_named_told_of_and_short(entry: Entry) -> None:
    scenario: Scenario = entry.scenario
    assert scenario.name == entry.path.stem
    assert 60 < len(" ".join(scenario.description.split())) < 420, "what clients see, in a few lines"
    assert len(entry.teaches) > 60 and entry.commands
    assert not any(rule.name.startswith("rule ") for rule in scenario.rules), "the journal names rules"
    lines = entry.path.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 60 and max(map(len, lines)) <= 120


def test_what_is_to_be_typed_exists(clients: Clients) -> None:
    known = {tuple(command.split()) for command in clients.commands()}
    for entry in ENTRIES:
        for line in entry.commands:
            program, *words = shlex.split(line)
            if program == "tapis":
                assert any(tuple(words[:length]) in known for length in (2, 3)), f"{entry.path.name}: {line}"
            elif program == "tapis-emulator":
                assert _is_ours(words), f"{entry.path.name}: {line}"
            else:
                assert program == "curl" and "$EMULATOR" in line, f"{entry.path.name}: {line}"


def _is_ours(words: list[str]) -> bool:
    """Whether the command line has such a command, and takes these words for its arguments."""
    command: click.Command = main
    while isinstance(command, click.Group):
        found = command.get_command(click.Context(command), words[0] if words else "")
        if found is None:
            return False
        command, words = found, words[1:]
    try:
        command.make_context("", list(words), resilient_parsing=False)
    except click.UsageError:
        return False
    return True


def test_jobs_of_the_page_are_json() -> None:
    blocks = PAGE.read_text(encoding="utf-8").split("```json\n")[1:]
    assert len(blocks) == 3
    for block in blocks:
        assert json.loads(block.partition("```")[0])["appId"] == "classifier-1.0.0"


def test_each_is_driven_by_a_test() -> None:
    tested = {
        node.name
        for path in Path(__file__).parent.glob("test_*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef)
    }
    missing = [
        entry.path.stem for entry in ENTRIES if f"test_{entry.path.stem.replace('-', '_')}" not in tested
    ]
    assert not missing
