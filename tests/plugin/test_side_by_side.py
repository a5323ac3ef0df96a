"""The same tests on one server by eight workers at once: nothing of one is seen in another."""

from __future__ import annotations

import pytest

from emulator.testing import OwnServer
from tests.plugin.conftest import SUITE, SUITE_INI

WORKERS = 8


def run(project: pytest.Pytester, server: OwnServer, turns: int) -> None:
    project.makeini(f"[pytest]\nturns = {turns}\n")
    project.makeconftest(SUITE_INI)
    project.makepyfile(test_small=SUITE.read_text(encoding="utf-8"))
    done = project.runpytest_subprocess(f"-n{WORKERS}")
    tests = SUITE.read_text(encoding="utf-8").count("\ndef test_")
    done.assert_outcomes(passed=tests * turns)
    left = {world["name"] for world in server.control("GET", "worlds")}
    assert left == {"default"}, "every world is gone with its test"


@pytest.mark.timeout(600)
def test_no_cross_talk(beside: pytest.Pytester, shared_server: OwnServer) -> None:
    run(beside, shared_server, turns=2)


@pytest.mark.campaign
@pytest.mark.timeout(3600)
def test_fifty_times_without_a_flake(beside: pytest.Pytester, shared_server: OwnServer) -> None:
    run(beside, shared_server, turns=50)
