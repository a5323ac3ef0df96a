"""docs/scenarios.md: what it shows is run, and what it lists is what there is."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from emulator.app import Emulator
from emulator.domain.clock import ClockMode, ClockSetting
from tests import scenario_page
from tests.live.serve_process import ServeProcess
from tests.real.waiting import wait_until
from tests.served import Api, served

JOB = {"name": "night", "appId": "classifier-1.0.0", "parameters": {"imagefile": "pictures/night-sky.png"}}
Arm = Callable[..., None]


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    # recovery from BLOCKED in a moment
    with served(tmp_path_factory.mktemp("emulator"), recovery_time_scale=10_000.0) as running:
        yield running


@pytest.fixture
def control(emulator: Emulator) -> Iterator[str]:
    url = f"{emulator.url}/_emulator/worlds/default/scenarios"
    yield url
    requests.delete(url, timeout=60).raise_for_status()


def arm(control: str, name: str, again: bool = False) -> None:
    query = {"again": "true"} if again else {}
    answer = requests.post(control, params=query, data=scenario_page.examples()[name], timeout=60)
    assert answer.status_code == 201, answer.text


def states(api: Api, job_id: str) -> list[str]:
    return [entry["status"] for entry in api.call("GET", f"jobs/v2/{job_id}/history")]


def test_busy_hour(emulator: Emulator, control: str) -> None:
    arm(control, "busy-hour")
    api = Api(emulator.url)
    assert [api.request("GET", "jobs/v2").status_code for _ in range(3)] == [503, 503, 200]


def test_too_many_requests(emulator: Emulator, control: str) -> None:
    student, other, admin = (Api(emulator.url, user) for user in ("student01", "student02", "admin"))
    arm(control, "too-many-requests")
    first = student.request("GET", "jobs/v2")
    assert first.status_code == 429 and first.headers["Retry-After"] == "3"
    assert [student.request("GET", "jobs/v2").status_code for _ in range(2)] == [429, 200]
    assert [other.request("GET", "jobs/v2").status_code for _ in range(3)] == [429, 429, 200]
    assert admin.request("GET", "jobs/v2").status_code == 200


def test_wait_for_me(emulator: Emulator, control: str) -> None:
    arm(control, "wait-for-me")
    api = Api(emulator.url)
    job_id = api.call("POST", "jobs/v2", json=JOB)["id"]

    def held() -> list[Any]:
        return list(requests.get(control, timeout=60).json()[0]["rules"][0]["holding"])

    wait_until(held, 60, "the job stands still")
    assert states(api, job_id)[-1] == "STAGED"
    assert requests.post(f"{control}/wait-for-me/release", timeout=60).json()["released"] == 1
    assert api.wait_for_job(job_id) == "FINISHED"


def test_shaky_storage(emulator: Emulator, control: str) -> None:
    api = Api(emulator.url)
    api.call("POST", "files/v2/media/testuser", files={"fileToUpload": ("notes.txt", b"x" * 1000)})
    clock = emulator.clocks.of("default")
    clock.change(ClockSetting(mode=ClockMode.FROZEN))
    try:
        arm(control, "shaky-storage")
        seen = []
        for _ in range(8):
            seen.append(api.request("GET", "files/v2/media/testuser/notes.txt").status_code == 200)
            end = clock.now() + timedelta(seconds=10)
            while timer := clock.leap(end):
                timer.action()
        assert seen == [True, False, False, False, True, False, False, False]
    finally:
        clock.change(ClockSetting(mode=ClockMode.REAL))


def test_from_bad_to_worse(emulator: Emulator, control: str) -> None:
    arm(control, "from-bad-to-worse")
    api = Api(emulator.url)
    job_id = api.call("POST", "jobs/v2", json=JOB | {"archive": True})["id"]
    assert api.wait_for_job(job_id) == "FAILED"
    seen = states(api, job_id)
    assert "BLOCKED" in seen and seen.index("BLOCKED") < seen.index("RUNNING") < seen.index("ARCHIVING")
    assert "No space left on device" in api.call("GET", f"jobs/v2/{job_id}")["lastStatusMessage"]


def test_bad_luck(emulator: Emulator, control: str) -> None:
    api = Api(emulator.url)

    def lesson() -> list[int]:
        return [api.request("GET", "profiles/v2/me").status_code for _ in range(30)]

    arm(control, "bad-luck")
    first = lesson()
    arm(control, "bad-luck", again=True)
    assert lesson() == first and set(first) == {200, 503} and first.count(503) < 20


def test_power_cut(tmp_path: Path) -> None:
    (tmp_path / "power-cut.yaml").write_text(scenario_page.examples()["power-cut"], encoding="utf-8")
    arguments = ("--port", "0", "--data-dir", str(tmp_path / "data"), "--scenario", "power-cut.yaml")
    with ServeProcess(tmp_path, *arguments) as server:
        job_id = Api(server.url).call("POST", "jobs/v2", json=JOB)["id"]
        wait_until(lambda: server.process.poll() is not None, 60, "the emulator is dead")
        assert server.process.returncode == -signal.SIGKILL
    with ServeProcess(tmp_path, *arguments) as server:
        assert Api(server.url).wait_for_job(job_id) == "FINISHED"


def test_every_example_is_run_here() -> None:
    names = {name.replace("-", "_") for name in scenario_page.examples()}
    assert len(names) >= 7 and {f"test_{name}" for name in names} <= set(globals())


def test_the_tables_are_those_of_the_catalog() -> None:
    written = scenario_page.PAGE.read_text(encoding="utf-8")
    assert written == scenario_page.page(), "python -m tests.scenario_page writes them anew"


def test_every_key_and_command_is_told() -> None:
    from emulator.cli.scenario import command
    from emulator.scenario.load import RULE_KEYS, SCENARIO_KEYS

    text = scenario_page.written()
    assert not [key for key in (*RULE_KEYS, *SCENARIO_KEYS) if f"`{key}`" not in text]
    told = {*re.findall(r"tapis-emulator scenario (\w+)", text), *re.findall(r"`scenario (\w+)", text)}
    assert set(command.commands) - told <= {"points", "actions"}
