"""What a run of the campaign has shown, as the page docs/campaign.md: made by the run itself."""

from __future__ import annotations

import os
import platform
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.live.faults.case import Case
from tests.live.faults.cases import BACKENDS, CASES

PAGE = Path(__file__).parents[3] / "docs" / "campaign.md"
HEADINGS = ("backend", "fault", "step", "result", "ended", "lastStatusMessage", "seconds")
_BY_ID = {case.id: case for case in CASES}
_ID = re.compile(r"\[(?P<id>[^\]]+?)\](@\S+)?$")
_LONGEST = 160

NOT_TRIED = (
    "PBS/TORQUE, LSF, LoadLeveler, Cobalt and Moab: no package of theirs can be had here; their commands and answers"
    " are tested against recorded and written-out outputs only.",
    "A cluster of several machines, and several login nodes before one file system: a box is one machine.",
    "Networks that lose, delay or reorder packets. Connections are held back and cut.",
    "A machine that loses its power: daemons and nodes are killed, file systems live on.",
    "FORK has neither a scheduler that could be stopped nor nodes that could be drained.",
    "A lost execution host of Grid Engine: in its box the qmaster is on the same machine.",
    "The sandboxes are not reached by ssh, so that no sshd can be taken away from them.",
)


@dataclass
class Result:
    """One test: ``outcome`` is passed, failed, skipped or fails as known; ``why`` for all but the first."""

    name: str
    outcome: str = "not run"
    seconds: float = 0.0
    why: str = ""
    properties: dict[str, str] = field(default_factory=dict)


class Report:
    """A pytest plugin of the controlling process."""

    def __init__(self, folders: Sequence[str]) -> None:
        self._folders = folders
        self._begun = datetime.now(UTC)
        self._load = os.getloadavg()[0]
        self.results: dict[str, Result] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        result = self.results.setdefault(report.nodeid, Result(report.nodeid))
        result.seconds += report.duration
        result.properties |= {name: str(value) for name, value in report.user_properties}
        if report.when == "call" or report.outcome != "passed":
            result.outcome, result.why = _judged(report, result)

    def page(self) -> str:
        """The page as Markdown."""
        cases = {_id_of(name): result for name, result in self.results.items() if "test_fault[" in name}
        others = [
            result for name, result in self.results.items() if not re.search(r"test_fault\[|test_page", name)
        ]
        parts = [
            *_head(self._begun, self._load, self.results.values()),
            "## Faults",
            "",
            *_case_table(cases),
            *_other_tables(others),
            *_troubles(self.results),
            "## Not tried",
            "",
            *(f"- {line}" for line in NOT_TRIED),
        ]
        return "\n".join(parts) + "\n"


def named_cases(page: str) -> set[tuple[str, str, str]]:
    """Backend, fault and step of every line of the page's table of faults."""
    table = page.partition("## Faults")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    return {(row[0], row[1], row[2]) for row in rows if len(row) >= 3 and row[0] in BACKENDS}


def _judged(report: pytest.TestReport, before: Result) -> tuple[str, str]:
    known = str(getattr(report, "wasxfail", ""))
    if known and report.outcome == "skipped":
        return "fails as known", known
    if report.outcome == "passed":
        return before.outcome if before.outcome in ("failed", "skipped") else "passed", before.why
    if report.outcome == "skipped":
        said = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        return "skipped", said
    complaints = re.findall(r"^E +(.*)$", str(report.longrepr), re.MULTILINE)
    return "failed", (complaints[0] if complaints else str(report.longrepr)[-300:])


def _id_of(name: str) -> str:
    found = _ID.search(name)
    return found["id"] if found else name


def _head(begun: datetime, load: float, results: Iterable[Result]) -> list[str]:
    results = list(results)
    counted = Counter(result.outcome for result in results)
    minutes = (datetime.now(UTC) - begun).total_seconds() / 60
    versions = sorted({result.properties["version"] for result in results if "version" in result.properties})
    return [
        "# The campaign",
        "",
        "Every fault in every step on every backend, the suite that all backends share, and the large cells, against"
        " real machines. This page is written by `make campaign` itself, whatever came out of it.",
        "",
        f"Begun {begun:%Y-%m-%d %H:%M} UTC, {minutes:.0f} minutes. "
        + ", ".join(f"{number} {outcome}" for outcome, number in sorted(counted.items()))
        + ".",
        "",
        f"Machine: {os.cpu_count()} cores, {_memory()} GiB of memory, {_system()}, Linux {platform.release()},"
        f" Python {platform.python_version()}, load {load:.1f} at the start.",
        "",
        *(f"- {version}" for version in versions),
        "",
        "Each case of a fault asserts: the job's last state and what `lastStatusMessage` says; that it was BLOCKED, and"
        " why, where the fault lasts; that the app has started once, counted outside its work directory; that the"
        " bytes of what was under way are right; and that neither a process, an entry of the scheduler's queue, a"
        " work directory nor an unfinished file is left. Seconds include the waits of the schedulers themselves.",
        "",
    ]


def _memory() -> int:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return platform.platform()


def _case_table(found: dict[str, Result]) -> list[str]:
    lines = [_row(HEADINGS), _row(["---"] * len(HEADINGS))]
    for case in CASES:
        result = found.get(case.id, Result(case.id))
        lines.append(_row(_case_cells(case, result)))
    return [*lines, ""]


def _case_cells(case: Case, result: Result) -> list[str]:
    said = result.properties
    return [
        case.backend,
        case.fault,
        case.step,
        result.outcome,
        said.get("status", ""),
        _short(said.get("message", "")),
        f"{result.seconds:.1f}",
    ]


def _other_tables(results: list[Result]) -> list[str]:
    lines = []
    for title, folder in (("Large cells", "tests/live/faults"), ("The shared suite", "tests/live/backends")):
        mine = [result for result in results if result.name.startswith(folder)]
        lines += [f"## {title}", "", _row(["test", "result", "seconds", "measured"]), _row(["---"] * 4)]
        for result in mine:
            name = _plain(result.name).partition("::")[2].replace("::", " ")
            measured = result.properties.get("measured", "")
            lines.append(_row([f"`{name}`", result.outcome, f"{result.seconds:.1f}", measured]))
        lines.append("")
    return lines


def _troubles(results: dict[str, Result]) -> list[str]:
    lines = ["## What did not pass", ""]
    for name, result in results.items():
        if result.outcome != "passed":
            lines.append(f"- `{_plain(name)}` {result.outcome}: {_short(result.why, 400)}")
    return [*lines, *([] if len(lines) > 2 else ["Nothing."]), ""]


def _plain(name: str) -> str:
    """Without the group that a worker was given it for."""
    return re.sub(r"@\S+$", "", name)


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def _short(text: str, longest: int = _LONGEST) -> str:
    text = " ".join(text.split())
    return text if len(text) <= longest else text[: longest - 1] + "…"
