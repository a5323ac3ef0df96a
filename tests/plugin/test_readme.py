"""README, "In tests": the test that is shown, in a new project, with the plugin as it is installed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.live.serve_process import clean_environment
from tests.plugin.conftest import OTHERS

CHECKOUT = Path(__file__).resolve().parents[2]


def shown(name: str) -> str:
    text = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    found = re.search(rf"<!-- tests: {name} -->\n```python\n(.*?)```", text, re.DOTALL)
    assert found is not None
    return found[1]


def test_it_is_five_lines() -> None:
    assert len(shown("pytest").strip().splitlines()) == 5


@pytest.mark.parametrize("workers", [(), pytest.param(("-n", "2"), marks=pytest.mark.campaign)])
def test_it_passes(tmp_path: Path, workers: tuple[str, ...]) -> None:
    (tmp_path / "test_night.py").write_text(shown("pytest"), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *workers],
        cwd=tmp_path,
        env=clean_environment(tmp_path) | {"PYTEST_ADDOPTS": OTHERS},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0 and "1 passed" in done.stdout, done.stdout + done.stderr
