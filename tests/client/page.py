"""The page docs/clients.md: every command of the real tapis-cli, and what came of running it here.

It is made by the test run itself: ``pytest tests/client --clients-page`` writes it, and every run of the whole
folder fails when the page says something else than what was run.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.real.clients import RUNS, Run, clients

PAGE = Path(__file__).parents[2] / "docs" / "clients.md"
FOLDER = "tests/client"
SERVICES = ("apps", "auth", "files", "jobs", "meta", "notifications", "postits", "profiles", "systems")
START, END = "<!-- made by the tests: begin -->", "<!-- made by the tests: end -->"

NEEDS_MORE = {
    "apps deploy": "builds and pushes an image to Docker Hub before it talks to Tapis",
    "apps init": "fetches its templates from GitHub",
}
"""Commands that no test runs, with what they need."""

BROKEN = {
    "files pems show": "asks for a path relative to the home directory, whichever was given",
    "jobs pems show": "asks agavepy's `meta` for an operation that it does not have",
}
"""Commands that are broken in the client itself: a test shows how."""

ELSEWHERE = {"test_course_on_cluster"}
"""Modules that the page leaves out: where there is no Docker engine they are not run, and it is to be the same."""


@dataclass
class Row:
    """One command: how often it ended well, and the test modules that ran it."""

    succeeded: int = 0
    modules: set[str] = field(default_factory=set)


def command_of(arguments: Sequence[str], commands: Iterable[str]) -> str | None:
    """The command that a command line calls: the longest whose words it begins with."""
    matching = [name for name in commands if list(arguments[: len(name.split())]) == name.split()]
    return max(matching, key=len, default=None)


def rows(runs: Iterable[Run], commands: Iterable[str]) -> dict[str, Row]:
    """What was run, by command."""
    found: dict[str, Row] = defaultdict(Row)
    for run in runs:
        name = command_of(run.arguments, commands)
        module = Path(run.test.partition("::")[0]).stem
        # what a shared fixture runs belongs to whichever test came first: no place to name
        called = run.test.endswith("(call)")
        if name is None or not run.test.startswith(FOLDER) or (called and module in ELSEWHERE):
            continue
        found[name].succeeded += run.code == 0
        if called:
            found[name].modules.add(module)
    return dict(found)


def table(found: dict[str, Row], commands: Iterable[str]) -> str:
    """The page's table, one line for each command of the services."""
    lines = ["| command | here | shown by |", "| --- | --- | --- |"]
    for name in _of_services(commands):
        row = found.get(name)
        modules = ", ".join(f"`{module}`" for module in sorted(row.modules)) if row else ""
        lines.append(f"| `tapis {name}` | {_state(name, row)} | {modules or ('set-up' if row else '–')} |")
    return "\n".join(lines) + "\n"


def _state(name: str, row: Row | None) -> str:
    if name in NEEDS_MORE:
        return f"not run: it {NEEDS_MORE[name]}"
    if name in BROKEN:
        return f"broken in the client: {BROKEN[name]}"
    if row is None:
        return "**not run**"
    return "works" if row.succeeded else "**fails**"


def problems(found: dict[str, Row], commands: Iterable[str]) -> list[str]:
    """Commands that nobody ran, or that never ended well."""
    wrong = []
    for name in _of_services(commands):
        if name in NEEDS_MORE:
            continue
        row = found.get(name)
        if row is None:
            wrong.append(f"tapis {name} is run by no test")
        elif not row.succeeded and name not in BROKEN:
            wrong.append(f"tapis {name} never ended well")
    return wrong


def _of_services(commands: Iterable[str]) -> list[str]:
    return [name for name in commands if name.split()[0] in SERVICES]


class Recorder:
    """The pytest plugin that gathers the runs of all workers and holds the page to them."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._runs: list[Run] = []

    def pytest_testnodedown(self, node: Any) -> None:
        """A worker of pytest-xdist has ended: what it ran came with its farewell."""
        for run in json.loads(getattr(node, "workeroutput", {}).get("tapis_runs", "[]")):
            self._runs.append(Run(tuple(run["arguments"]), run["code"], run["test"]))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if hasattr(self._config, "workeroutput"):
            self._config.workeroutput["tapis_runs"] = json.dumps([asdict(run) for run in RUNS])
            return
        writes = self._config.getoption("--clients-page")
        if not writes and (exitstatus != 0 or not self._whole_folder()):
            return
        commands = clients().commands()
        found = rows([*self._runs, *RUNS], commands)
        wrong = problems(found, commands)
        page = PAGE.read_text(encoding="utf-8")
        head, _, rest = page.partition(START)
        made = head + START + "\n" + table(found, commands) + END + rest.partition(END)[2]
        if writes:
            PAGE.write_text(made, encoding="utf-8")
        elif made != page:
            wrong.append(f"{PAGE.name} is not what was run: write it with pytest {FOLDER} --clients-page")
        if wrong:
            reporter = self._config.pluginmanager.get_plugin("terminalreporter")
            if reporter is not None:
                reporter.write_line("\n" + "\n".join(wrong), red=True)
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _whole_folder(self) -> bool:
        """Whether nothing was left out: no choice of tests, and the folder or all of them asked for."""
        option = self._config.option
        chosen = option.keyword or option.markexpr or getattr(option, "lf", False) or option.collectonly
        asked = {argument.rstrip("/") for argument in self._config.args}
        return not chosen and bool(asked & {"tests", FOLDER})
