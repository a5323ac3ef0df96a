"""A recipe of docs/ci.md: its commands as they stand, run by bash in a project of its own."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.live.serve_process import clean_environment

CHECKOUT = Path(__file__).resolve().parents[3]
PAGE = CHECKOUT / "docs" / "ci.md"
SUITE = """
def test_it_runs_a_job(tapis_world):
    job = tapis_world.submit(appId="classifier-1.0.0", parameters={"imagefile": "pictures/night-sky.png"})
    tapis_world.wait(job, "FINISHED", timeout=120)
    assert job.output("predictions.txt").startswith(b"night sky")


def test_another_user_is_told_apart(tapis_world):
    assert tapis_world.user("student01").call("GET", "profiles/v2/me")["username"] == "student01"


def test_webhooks_come_back(tapis_world):
    notification = {"url": tapis_world.webhooks.url, "event": "FINISHED"}
    parameters = {"imagefile": "pictures/night-sky.png"}
    job = tapis_world.submit(appId="classifier-1.0.0", parameters=parameters, notifications=[notification])
    assert tapis_world.webhooks.wait_for(timeout=120).json["id"] == job.id
"""
PUBLISHED = 6
"""Ports that the containers of the tests publish: the ordinary one, and those of listeners."""


def block(name: str) -> str:
    """The commands, or the program, of a recipe."""
    found = re.search(rf"<!-- run: {name} -->\n```\w+\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None, f"{PAGE} has no block {name}"
    return found[1]


def bash(commands: str, folder: Path, environment: Mapping[str, str], timeout: float = 300) -> str:
    """All that the commands print; AssertionError with it where one of them fails."""
    own = Path(sys.executable).parent
    path = f"{own}:/usr/local/bin:/usr/bin:/bin"
    done = subprocess.run(
        ["bash", "-e", "-x", "-o", "pipefail", "-c", commands],
        cwd=folder,
        env=clean_environment(folder) | {"PATH": path} | dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def project(folder: Path) -> Path:
    """A user's project: one file of tests, and this project's docs beside it."""
    (folder / "test_suite.py").write_text(SUITE, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    (folder / "docs").symlink_to(CHECKOUT / "docs")
    return folder
