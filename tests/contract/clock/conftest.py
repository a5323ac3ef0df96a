"""Worlds of one emulator, each with a port of its own, whose apps are simulated as a test says."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from emulator.app import Emulator
from tests.served import Api, served

START = "2026-03-01T10:00:00.000Z"
APP = "classifier-1.0.0"


class World(Api):
    """One world, over its own port; its clock by the control API of the ordinary one."""

    def __init__(self, control: Api, document: dict[str, Any]) -> None:
        super().__init__(next(iter(document["listeners"].values())))
        self.control = control
        self.name = str(document["name"])

    def own(self, method: str, path: str, expect: int = 200, **options: Any) -> Any:
        """A call to the control API below the world; its plain JSON."""
        response = self.control.request(method, f"_emulator/worlds/{self.name}/{path}", **options)
        assert response.status_code == expect, f"{method} {path}: {response.status_code} {response.text}"
        return response.json()

    def clock(self, **body: Any) -> dict[str, Any]:
        """Let time pass, or without words: show the clock."""
        found: dict[str, Any] = self.own("POST", "clock", json=body) if body else self.own("GET", "clock")
        return found

    def set_clock(self, **body: Any) -> dict[str, Any]:
        found: dict[str, Any] = self.own("PUT", "clock", json=body)
        return found

    def simulate(self, **document: Any) -> None:
        self.own("PUT", f"simulations/{APP}", expect=201, json=document)

    def submit(self, **more: Any) -> str:
        job = {"name": "timed", "appId": APP, "maxRunTime": "02:00:00", "archive": False}
        job |= {"parameters": {"imagefile": "pictures/forest.png"}} | more
        return str(self.call("POST", "jobs/v2", json=job)["id"])

    def job(self, job_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.call("GET", f"jobs/v2/{job_id}")
        return found

    def history(self, job_id: str) -> list[tuple[str, str]]:
        return [
            (entry["status"], entry["created"])
            for entry in self.call("GET", f"jobs/v2/{job_id}/history?limit=100")
        ]


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with served(tmp_path_factory.mktemp("data")) as running:
        yield running


@pytest.fixture(scope="module")
def control(emulator: Emulator) -> Api:
    return Api(emulator.url)


_NUMBERS = itertools.count(1)


def make(control: Api, **wanted: Any) -> World:
    body = {"name": f"timed-{next(_NUMBERS)}", "listener": True} | wanted
    response = control.request("POST", "_emulator/worlds", json=body)
    assert response.status_code == 201, response.text
    return World(control, response.json())


@pytest.fixture
def frozen(control: Api) -> World:
    return make(control, clock={"mode": "frozen", "start": START}, chance_seed=7)
