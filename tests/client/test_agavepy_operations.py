"""Every operation of agavepy's own resource list, called through the unmodified agavepy [clients §3]."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.real.clients import Clients
from tests.served import served

pytestmark = pytest.mark.xdist_group("agavepy-operations")

TOUR = Path(__file__).with_name("agavepy_tour.py")
OBJECT_FOR_LIST = "declares a list where the service answers one object, and takes that apart"
BROKEN = {
    "apps.getJobSubmissionForm": "declares no parameter for the app that its path names",
    "apps.listPermissionsForUser": OBJECT_FOR_LIST,
    "clients.getClientByName": OBJECT_FOR_LIST,
    "jobs.deletePermissionsForUser": "declares a parameter that its path does not have",
    "jobs.downloadOutput": "reads the file as an answer of the service and returns its `result`",
    "jobs.listPermissionsForUser": OBJECT_FOR_LIST,
    "meta.searchSchema": "declares one object where the service answers a list",
}
"""Operations that agavepy itself gets wrong."""
ABSENT = ("monitors.", "transforms.")
"""Services that the emulator has not: their operations answer 501, by name."""


@dataclass
class Tour:
    known: set[str]
    outcomes: dict[str, str]


@pytest.fixture(scope="module")
def tour(tmp_path_factory: pytest.TempPathFactory, clients: Clients) -> Iterator[Tour]:
    """One visit to all of them, as a tenant administrator: some are for administrators only."""
    home = tmp_path_factory.mktemp("home")
    with served(tmp_path_factory.mktemp("data"), default_user="admin") as emulator:
        environment = clients.environment(emulator.url, home)
        done = subprocess.run(
            [str(clients.python), "-W", "ignore", str(TOUR)],
            env=environment | {"TOUR_URL": emulator.url, "TOUR_USER": "admin"},
            cwd=home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    yield Tour(set(found["known"]), found["outcomes"])


def test_all_of_them_are_called(tour: Tour) -> None:
    assert len(tour.known) == 126
    assert tour.known == set(tour.outcomes)


def test_all_of_them_answer_rightly(tour: Tour) -> None:
    expected = {name for name in tour.outcomes if not name.startswith(ABSENT)} - set(BROKEN)
    wrong = {name: tour.outcomes[name] for name in sorted(expected) if tour.outcomes[name] != "right"}
    assert not wrong, json.dumps(wrong, indent=1)
    refused = {name: tour.outcomes[name] for name in BROKEN if "HTTPError" in tour.outcomes[name]}
    assert set(refused) <= {"jobs.deletePermissionsForUser"}, json.dumps(refused, indent=1)


def test_what_the_emulator_has_not_says_so(tour: Tour) -> None:
    absent = {name: text for name, text in tour.outcomes.items() if name.startswith(ABSENT)}
    assert absent
    for name, text in absent.items():
        assert "501" in text and name in text, (name, text)
