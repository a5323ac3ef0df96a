"""docs/failure-by-input.md: every row of its table, driven through a served port, while the clock stands still."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from emulator.app import Emulator
from tests.contract.struck_hosts.conftest import Stage
from tests.served import Api

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "failure-by-input.md").read_text(encoding="utf-8")
APPS = yaml.safe_load((ROOT / "fixtures" / "reserved" / "apps.yaml").read_text(encoding="utf-8"))
ROWS = re.findall(r"^\| `(emu-[^`]+)` \|.*\|([^|]*)\| ([A-Z]+) \| `([^`]+)` \|$", PAGE, re.MULTILINE)


def test_the_page_has_every_app_with_every_parameter() -> None:
    assert [row[0] for row in ROWS] == list(APPS)
    for app, parameters, _, _ in ROWS:
        assert set(re.findall(r"`([a-z_]+)`", parameters)) == set(APPS[app].get("parameters", {})), app


def test_no_listing_shows_them_before_somebody_names_them(emulator: Emulator) -> None:
    """The first test of the module's emulator that touches apps."""
    stage = Stage(emulator)
    listed = [app["id"] for app in stage.api.call("GET", "apps/v2")]
    assert listed == ["classifier-1.0.0"]
    assert stage.api.call("GET", "apps/v2/emu-silent-1.0")["label"] == "Writes nothing"
    assert [app["id"] for app in stage.api.call("GET", "apps/v2")] == ["emu-silent-1.0", *listed]
    stage.api.refused("GET", "apps/v2/emu-unheard-of-1.0", 404)


@pytest.mark.parametrize(("app", "_parameters", "status", "message"), ROWS, ids=[row[0] for row in ROWS])
def test_a_job_of_it_ends_as_the_page_says(
    stage: Stage, app: str, _parameters: str, status: str, message: str
) -> None:
    job = stage.run(stage.submit(app, archive=True))
    assert (job["status"], job["lastStatusMessage"][-len(message) :]) == (status, message)


def test_parameters_are_heard(stage: Stage) -> None:
    job = stage.run(stage.submit("emu-fails-1.0", parameters={"exit_code": 42, "message": "ünlucky"}))
    assert job["lastStatusMessage"].endswith("42:0")
    assert stage.output(job["id"], f"a-job-{job['id']}.err") == "ünlucky\n".encode()
    job = stage.run(
        stage.submit("emu-writes-1.0", archive=True, parameters={"size": "2MB", "message": "a b"})
    )
    assert stage.output(job["id"], "results/message.txt") == b"a b\n"
    assert len(stage.output(job["id"], "results/data.bin")) == 2_000_000
    job = stage.run(
        stage.submit("emu-archiving-fails-1.0", archive=True, parameters={"message": "It is full"})
    )
    assert job["lastStatusMessage"].endswith("It is full")
    assert stage.output(job["id"], "result.txt") == b"the result\n"


def test_parameters_that_make_no_sense_fail_the_job_with_the_field(stage: Stage) -> None:
    job = stage.run(stage.submit("emu-fails-1.0", parameters={"exit_code": 999}))
    assert job["lastStatusMessage"] == (
        "JOBS_SUBMIT_FAILED The simulation of emu-fails-1.0: exit_code: expected a whole number from 0 to 255, "
        "not '999'"
    )
    job = stage.run(stage.submit("emu-writes-1.0", parameters={"size": "9999999TB"}))
    assert job["status"] == "FAILED" and "outputs: results/data.bin" in job["lastStatusMessage"]


def test_a_world_of_its_own_has_them_too_also_for_many_at_once(emulator: Emulator) -> None:
    stage = Stage(emulator)
    answer = stage.api.session.post(
        f"{emulator.url}/_emulator/listeners", json={"world": "another", "create": True}, timeout=60
    )
    assert answer.status_code == 201, answer.text
    another = Api(answer.json()["url"])
    job = {"name": "a job", "appId": "emu-killed-1.0", "archive": False}
    with ThreadPoolExecutor(8) as pool:
        jobs = list(pool.map(lambda _: another.call("POST", "jobs/v2", json=job)["id"], range(8)))
    assert len(set(jobs)) == 8
    assert [app["id"] for app in another.call("GET", "apps/v2")] == ["emu-killed-1.0", "classifier-1.0.0"]
    assert {another.wait_for_job(job_id) for job_id in jobs} == {"FAILED"}


def test_one_that_cannot_be_put_in_place_now_is_there_later(stage: Stage, emulator: Emulator) -> None:
    answer = stage.api.session.post(
        f"{emulator.url}/_emulator/listeners", json={"world": "third", "create": True}, timeout=60
    )
    third = Api(answer.json()["url"])
    rule = {"name": "struck", "rules": [{"at": "host.connect", "do": "unreachable", "times": 1}]}
    armed = stage.api.request("POST", "_emulator/worlds/third/scenarios", json=rule)
    assert armed.status_code == 201, armed.text
    assert "No route to host" in third.refused("GET", "apps/v2/emu-lost-1.0", 412)
    assert third.call("GET", "apps/v2/emu-lost-1.0")["id"] == "emu-lost-1.0"
