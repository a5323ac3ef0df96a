"""docs/coverage.md, made from the coverage table.

python -m tests.coverage_page
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from emulator.api.v2 import coverage
from emulator.api.v2.coverage.operation import Operation, State

PAGE = Path(__file__).resolve().parents[1] / "docs" / "coverage.md"
_HEAD = """# What of the v2 services is there

Made by `python -m tests.coverage_page` from the table in `emulator/api/v2/coverage`; do not edit. A running emulator
serves the same at `/_emulator/coverage`, and `tapis-emulator coverage` prints it.

An operation that is not implemented answers 501 in the envelope, with the reasons given here.
"""


def page() -> str:
    """The whole text."""
    return "\n".join([_HEAD, *_summary(), *(line for name in coverage.SERVICES for line in _service(name))])


def _summary() -> Iterator[str]:
    yield "| service | " + " | ".join(state.value for state in State) + " |"
    yield "| --- |" + " ---: |" * len(State)
    counts = coverage.counts()
    for service, found in counts.items():
        yield f"| {service} | " + " | ".join(str(found[state]) for state in State) + " |"
    totals = [sum(found[state] for found in counts.values()) for state in State]
    yield "| **all** | " + " | ".join(f"**{total}**" for total in totals) + " |"
    yield ""


def _service(service: str) -> Iterator[str]:
    yield f"## {service}"
    yield "| operation | request | state | called by | differences, and why |"
    yield "| --- | --- | --- | --- | --- |"
    for operation in coverage.operations():
        if operation.service == service:
            yield _row(operation)
    yield ""


def _row(operation: Operation) -> str:
    paths = "<br>".join(f"`{path}`" for path in operation.paths)
    state = "" if operation.state is State.IMPLEMENTED else f"**{operation.state.value}**"
    differences = "<br>".join(f"{each.what} *{each.why}*" for each in operation.differences)
    shown = (
        f"`{operation.name}`<br>{operation.summary}",
        f"{operation.verbs} {paths}",
        state or operation.state.value,
        ", ".join(operation.clients),
        differences.replace("|", "\\|"),
    )
    return "| " + " | ".join(shown) + " |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
