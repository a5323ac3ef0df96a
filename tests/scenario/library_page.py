"""docs/scenario-library.md, made from the files of the library.

python -m tests.scenario.library_page      writes the page

A file begins with a comment, ``# For teachers:`` and what the scenario teaches, then ``# Try it:`` and what to type.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from pathlib import Path

from emulator.api.v2 import coverage
from emulator.domain.scenario import Scenario
from emulator.scenario.load import read_scenario
from emulator.scenario.points import Points

CHECKOUT = Path(__file__).parent.parent.parent
FOLDER = CHECKOUT / "scenarios"
PAGE = CHECKOUT / "docs" / "scenario-library.md"
POINTS = Points(coverage.summaries())
_TEACHERS, _TRY = "# For teachers: ", "# Try it:"

_HEAD = """\
# The library of scenarios

Ways in which jobs, files, tokens and messages really fail, ready to be armed by name:

    tapis-emulator scenario arm NAME            now, in the world of the ordinary port
    tapis-emulator scenario arm NAME --dry-run  what it would do
    tapis-emulator serve --scenario NAME        from the start
    tapis-emulator scenario journal             what it did
    tapis-emulator scenario disarm NAME         all is well again

Each is one short file in `scenarios/`: copy it, change it, arm yours by its file name. The language is in
[scenarios.md](scenarios.md). Times are the world's: `tapis-emulator clock advance 48h` lets 48 hours pass at once,
`clock set x60` makes an hour a minute; a clock that is to stand still in between is `clock set frozen`. Where a lesson
needs a job that takes its time, the app is simulated; `tapis-emulator simulate remove classifier-1.0.0` lets it run
again.

`$EMULATOR`, and where the clients find it, is set by `eval "$(tapis-emulator env)"`; `$TOKEN`, which some want,
is the one that `tapis` has got last: `TOKEN=$(jq -r .access_token $TAPIS_CACHE_DIR/current)`.

The commands below want a job. `job.json` is any; the course's own is `fixtures/course/job.json`, and this one needs no
set-up:

```json
{"name": "lesson", "appId": "classifier-1.0.0", "archive": true, "archiveSystem": "tacc.corral",
 "parameters": {"imagefile": "pictures/night-sky.png"}}
```

`job-with-input.json` brings a file along (a picture of yours, after
`tapis files upload agave://tacc.corral/home/testuser mine.png`):

```json
{"name": "lesson", "appId": "classifier-1.0.0", "archive": true, "archiveSystem": "tacc.corral",
 "parameters": {"imagefile": "mine.png"}, "inputs": {"picture": "agave://tacc.corral/testuser/mine.png"}}
```

`job-with-message.json` tells of each change by e-mail (`tapis-emulator mailbox` shows it); a `url` that begins with
`http` makes it a webhook:

```json
{"name": "lesson", "appId": "classifier-1.0.0", "archive": true, "archiveSystem": "tacc.corral",
 "parameters": {"imagefile": "pictures/night-sky.png"},
 "notifications": [{"url": "testuser@example.org", "event": "*", "persistent": true}]}
```
"""


@dataclass(frozen=True)
class Entry:
    """A file of the library. ``teaches`` is prose, ``commands`` what a teacher types."""

    path: Path
    scenario: Scenario
    teaches: str
    commands: tuple[str, ...]


def entries() -> list[Entry]:
    """All, by name. Raises BadScenario, and AssertionError where the comment at the head is not as it is to be."""
    return [_entry(path) for path in sorted(FOLDER.glob("*.yaml"))]


def _entry(path: Path) -> Entry:
    text = path.read_text(encoding="utf-8")
    head = text.partition("\nname: ")[0]
    assert head.startswith(_TEACHERS), f"{path.name} begins with `{_TEACHERS}`"
    prose, found, commands = head.removeprefix(_TEACHERS).partition(f"\n#\n{_TRY}\n")
    assert found, f"{path.name}: `{_TRY}` follows after an empty line of comment"
    return Entry(
        path=path,
        scenario=read_scenario(text, path.name, POINTS),
        teaches=" ".join(line.removeprefix("#").strip() for line in prose.splitlines()),
        commands=tuple(line.removeprefix("#").strip() for line in commands.splitlines()),
    )


def page() -> str:
    """The whole page."""
    all_of_them = entries()
    rows = [
        f"| [{name}](#{name}) | {_cell(each.scenario.description)} | {_cell(each.teaches)} |"
        for each in all_of_them
        for name in (each.scenario.name,)
    ]
    table = "\n".join(["| name | what clients see | what it teaches |", "| --- | --- | --- |", *rows])
    return "\n".join([_HEAD, table, *(_section(entry) for entry in all_of_them)])


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _section(entry: Entry) -> str:
    typed = textwrap.indent("\n".join(entry.commands), "    ")
    return f"\n### {entry.scenario.name}\n\n[{entry.path.name}](../scenarios/{entry.path.name})\n\n{typed}\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
