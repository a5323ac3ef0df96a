"""Time, chance, processes, SQL and the environment have one home each (ruff's banned-api rules)."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.arch.sources import CHECKOUT, tool

ANYWHERE = "emulator/services/anywhere.py"
USES = {
    "SQL": ("from sqlalchemy import select\n\nselect()\n", "emulator/store/anywhere.py"),
    "processes": ("import subprocess\n\nsubprocess.run([])\n", "emulator/runtimes/anywhere.py"),
    "chance, random": ("import random\n\nrandom.random()\n", "emulator/engine/ids.py"),
    "chance, secrets": ("import secrets\n\nsecrets.token_hex()\n", "emulator/engine/ids.py"),
    "ids": ("from uuid import uuid4\n\nuuid4()\n", "emulator/engine/ids.py"),
    "time": ("import time\n\ntime.time()\n", "emulator/engine/clock.py"),
    "dates": ("from datetime import UTC, datetime\n\ndatetime.now(UTC)\n", "emulator/engine/clock.py"),
    "the environment": ("import os\n\nos.environ.get('HOME')\n", "emulator/settings.py"),
}


def test_nobody_uses_them_elsewhere() -> None:
    done = subprocess.run(
        [tool("ruff"), "check", "--select", "TID251", "--no-cache", "emulator"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"used outside its home:\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize("what", USES)
def test_the_rule_knows_the_home(what: str) -> None:
    code, home = USES[what]
    assert _banned(code, ANYWHERE), f"{what} may be used anywhere: pyproject.toml does not ban it"
    assert not _banned(code, home), f"{what} may not be used in its own home, {home}"


def _banned(code: str, path: str) -> list[str]:
    done = subprocess.run(
        [
            tool("ruff"),
            "check",
            "--select",
            "TID251",
            "--output-format",
            "json",
            "--stdin-filename",
            path,
            "-",
        ],
        cwd=CHECKOUT,
        input=code,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    return [finding["message"] for finding in json.loads(done.stdout)]
