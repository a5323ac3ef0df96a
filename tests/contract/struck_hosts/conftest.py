"""Jobs in worlds where rules strike at hosts, schedulers and apps; time passes only when a test says so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from emulator.app import Emulator
from tests.served import TERMINAL, Api, served


class Stage:
    """The default world of an emulator: its jobs as a client sees them, and its control API."""

    def __init__(self, emulator: Emulator) -> None:
        self.api = Api(emulator.url)
        self._root = f"{emulator.url}/_emulator/worlds/default"

    def control(self, method: str, path: str, expect: int = 200, **options: Any) -> Any:
        answer: requests.Response = self.api.session.request(
            method, f"{self._root}/{path}", timeout=60, **options
        )
        assert answer.status_code == expect, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()

    def arm(self, at: str, do: Any, name: str = "struck", **rule: Any) -> None:
        """One rule."""
        document = {"name": name, "rules": [{"name": "the rule", "at": at, "do": do, **rule}]}
        self.control("POST", "scenarios", 201, data=json.dumps(document))

    def release(self, name: str = "struck") -> None:
        self.control("POST", f"scenarios/{name}/release")

    def disarm(self) -> None:
        self.control("DELETE", "scenarios")

    def journal(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.control("GET", "journal")["strikes"]
        return found

    def submit(self, app: str = "emu-sleep-1.0", **changes: Any) -> str:
        body = {"name": "a job", "appId": app, "archive": False, **changes}
        return str(self.api.call("POST", "jobs/v2", json=body)["id"])

    def run(self, job_id: str, until: tuple[str, ...] = TERMINAL, limit: str = "30d") -> dict[str, Any]:
        """Let time pass until the job is there; the job then."""
        body = {"run": "job", "job": job_id, "until": list(until), "limit": limit}
        passed = self.control("POST", "clock", json=body)
        assert passed["reached"], passed
        return self.job(job_id)

    def advance(self, duration: str) -> None:
        self.control("POST", "clock", json={"advance": duration})

    def job(self, job_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.api.call("GET", f"jobs/v2/{job_id}")
        return found

    def states(self, job_id: str) -> list[str]:
        """As the history has them, each once in a row."""
        history = [entry["status"] for entry in self.api.call("GET", f"jobs/v2/{job_id}/history")]
        return [state for state, before in zip(history, [None, *history], strict=False) if state != before]

    def entered(self, job_id: str) -> dict[str, str]:
        """When it came into each state, by the history."""
        found: dict[str, str] = {}
        for entry in self.api.call("GET", f"jobs/v2/{job_id}/history"):
            found.setdefault(entry["status"], entry["created"])
        return found

    def held(self, name: str = "struck") -> list[dict[str, Any]]:
        """What the scenario holds."""
        rules = self.control("GET", f"scenarios/{name}")["rules"]
        return [held for rule in rules for held in rule["holding"]]

    def cancel(self, job_id: str) -> None:
        self.api.call("POST", f"jobs/v2/{job_id}", json={"action": "stop"})

    def output(self, job_id: str, name: str) -> bytes:
        answer = self.api.request("GET", f"jobs/v2/{job_id}/outputs/media/{name}")
        assert answer.status_code == 200, answer.text
        return answer.content


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with served(tmp_path_factory.mktemp("emulator")) as running:
        yield running


@pytest.fixture(scope="module")
def shared_stage(emulator: Emulator) -> Stage:
    stage = Stage(emulator)
    stage.control("PUT", "clock", json={"mode": "frozen"})
    return stage


@pytest.fixture
def stage(shared_stage: Stage) -> Iterator[Stage]:
    """Nothing is armed before and after."""
    yield shared_stage
    shared_stage.disarm()
    shared_stage.control("DELETE", "journal")
