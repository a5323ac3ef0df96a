"""docs/testing.md: all that it shows, run as a project's tests."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "testing.md"


def blocks(mark: str) -> list[str]:
    found = re.findall(rf"<!-- {mark} -->\n```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    return found


def test_the_tests_pass(beside: pytest.Pytester) -> None:
    beside.makepyfile(**{f"test_part_{number}": text for number, text in enumerate(blocks("run"))})
    tests = sum(text.count("def test_") for text in blocks("run"))
    beside.runpytest_subprocess("--strict-markers").assert_outcomes(passed=tests)


def test_the_program_runs(project: pytest.Pytester) -> None:
    (program,) = blocks("run: plain")
    done = project.runpython(project.makepyfile(plain=f"{program}\nprint(world.name)"))
    assert done.ret == 0


def test_every_block_is_run() -> None:
    shown = PAGE.read_text(encoding="utf-8").count("```python")
    assert len(blocks("run")) + len(blocks("run: plain")) == shown
