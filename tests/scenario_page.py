"""docs/scenarios.md: its examples, and its second half, which is made from the catalog.

python -m tests.scenario_page
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from emulator.api.v2 import coverage
from emulator.domain.fault import FAMILIES
from emulator.scenario.actions import kinds, of_family
from emulator.scenario.catalog.kind import REQUIRED, ActionKind, Argument
from emulator.scenario.points import PointKind, Points

PAGE = Path(__file__).resolve().parents[1] / "docs" / "scenarios.md"
MARK = "<!-- from here on made by `python -m tests.scenario_page`; do not edit -->"
_EXAMPLE = re.compile(r"^```yaml\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_SHOWN = {"http": "requests", "job": "steps of a job's life", "transfer": "files on their way"} | {
    "host": "machines",
    "scheduler": "schedulers",
    "app": "the app",
    "notify": "notifications",
    "token": "tokens",
}


def written() -> str:
    """What stands above the mark."""
    return PAGE.read_text(encoding="utf-8").partition(MARK)[0]


def examples() -> dict[str, str]:
    """The complete scenarios of the page, by name."""
    texts = [text for text in _EXAMPLE.findall(written()) if text.startswith("name: ")]
    return {text.splitlines()[0].removeprefix("name: "): text for text in texts}


def page() -> str:
    """The whole text."""
    points = Points(coverage.summaries())
    return written() + "\n".join(
        [MARK, "", "## Points", "", *_points(points), "## Actions", *_actions(points)]
    )


def _points(points: Points) -> Iterator[str]:
    http = [
        point
        for point in points.all()
        if point.name.startswith("http.") and point.name != "http.unknown"  # a row of its own
    ]
    yield "| point | what is about to happen | what `when` can ask besides `world`, `operation` and `nth` |"
    yield "| --- | --- | --- |"
    yield (
        f"| `http.<operation>` | a request of one of the {len(http)} operations of [coverage.md](coverage.md), "
        f"for instance `http.jobs.submit` | {_words(http[0].facts)} |"
    )
    for point in points.all():
        if point not in http:
            yield f"| `{point.name}` | {point.text} | {_words(point.facts)} |"
    yield ""


def _actions(points: Points) -> Iterator[str]:
    everywhere = [kind for kind in kinds() if kind.points == ("*",)]
    yield from ("", "### Everywhere", "", *_table(everywhere, with_points=False))
    for family in FAMILIES:
        here = tuple(point for point in points.all() if point.name.startswith(f"{family}."))
        found = [kind for kind in of_family(here) if kind not in everywhere]
        yield from (f"### `{family}`: {_SHOWN[family]}", "", *_table(found, with_points=_differ(found, here)))


def _differ(found: list[ActionKind], here: tuple[PointKind, ...]) -> bool:
    return len(here) > 1 and any(kind.points != (f"{here[0].name.partition('.')[0]}.*",) for kind in found)


def _table(found: list[ActionKind], with_points: bool) -> Iterator[str]:
    yield f"| action |{' at |' if with_points else ''} what clients see | arguments |"
    yield f"| --- |{' --- |' if with_points else ''} --- | --- |"
    for kind in found:
        at = f" {_words(kind.points)} |" if with_points else ""
        arguments = "<br>".join(_argument(kind, name, each) for name, each in kind.args.items())
        yield f"| `{kind.name}` |{at} {kind.text} | {arguments} |".replace("  ", " ")
    yield ""


def _argument(kind: ActionKind, name: str, argument: Argument) -> str:
    words = [f"`{name}`: {argument.unit.value}"]
    if name == kind.main:
        words[0] = f"**`{name}`**: {argument.unit.value}"
    if argument.text:
        words.append(f", {argument.text}")
    choices = [str(each) for each in argument.choices if each != ""]
    if choices:
        words.append(f" ({', '.join(f'`{each}`' for each in choices)})")
    if argument.default not in (REQUIRED, None, "", False):
        words.append(f"; else `{argument.default}`")
    return "".join(words).replace("|", "\\|")


def _words(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
