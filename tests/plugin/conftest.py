"""Projects of users, and a server that the runs of a worker share where a test is not about the server itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator.testing import OwnServer

SUITE = Path(__file__).with_name("small_suite.py")
# what else is installed here takes three quarters of each start
OTHERS = "-p no:schemathesis -p no:hypothesispytest -p no:anyio -p no:timeout"
SUITE_INI = """
def pytest_addoption(parser):
    parser.addini("turns", "how often each test is run", default="1")
"""


@pytest.fixture(scope="session")
def shared_server() -> Iterator[OwnServer]:
    with OwnServer() as server:
        yield server


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A folder of its own; nothing of this run's configuration reaches the runs in it."""
    for name in ("TAPIS_EMULATOR_URL", "PYTEST_XDIST_WORKER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTEST_ADDOPTS", OTHERS)
    pytester.makeini("[pytest]\n")
    return pytester


@pytest.fixture
def beside(
    project: pytest.Pytester, shared_server: OwnServer, monkeypatch: pytest.MonkeyPatch
) -> pytest.Pytester:
    """A project whose tests find the shared server by the environment."""
    monkeypatch.setenv("TAPIS_EMULATOR_URL", shared_server.url)
    return project
