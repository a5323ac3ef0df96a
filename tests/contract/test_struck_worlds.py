"""What scenarios keep waiting, in worlds whose clocks are moved, and in worlds that are reset under its hands."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from emulator.app import Emulator
from tests.contract.clock.conftest import START, World, make, moment
from tests.real.waiting import wait_until
from tests.served import Api, served

STORAGE = "tacc.corral"


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with served(tmp_path_factory.mktemp("emulator")) as running:
        yield running


@pytest.fixture
def control(emulator: Emulator) -> Api:
    return Api(emulator.url)


@pytest.fixture
def frozen(control: Api) -> World:
    return make(control, clock={"mode": "frozen", "start": START}, chance_seed=7)


def arm(world: World, *rules: str) -> None:
    text = "name: test\nrules:\n" + "".join(f"- {rule}\n" for rule in rules)
    world.own("POST", "scenarios", expect=201, data=text)


def strikes(world: World) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = world.own("GET", "journal")["strikes"]
    return found


def test_waits_of_every_kind_take_no_time(frozen: World) -> None:
    frozen.simulate(duration="1s")
    arm(
        frozen,
        "{at: job.staging_job, do: {delay: 1h}}",
        "{at: transfer.file, when: {path: '*/wrapper.sh'}, do: {delay: 2h}, times: once}",
        "{at: job.queued, do: {block: {for: 3h}}}",
        "{at: notify.deliver, do: {delay: 20h}, times: once}",
    )
    mailed = [{"url": "somebody@example.org", "event": "STAGING_JOB"}]
    job = frozen.submit(notifications=mailed)
    passed = frozen.clock(run="job", job=job)
    assert passed["reached"], passed
    shown = frozen.job(job)
    assert shown["status"] == "FINISHED"
    took = moment(shown["ended"]) - moment(START)
    assert timedelta(hours=6) <= took < timedelta(hours=6, minutes=2), "the block ends with a test"
    assert [strike["action"] for strike in strikes(frozen)] == ["delay", "delay", "delay", "block"]
    passed = frozen.clock(run="idle")
    assert moment(passed["now"]) - moment(START) >= timedelta(hours=20)
    assert len(frozen.own("GET", "mailbox")) == 1


def test_a_slow_upload_goes_by_the_clock_that_is_moved(frozen: World) -> None:
    arm(frozen, "{at: transfer.file, do: {slow: 1B/s}}")
    answers: list[int] = []

    def send() -> None:
        files = {"fileToUpload": ("slow.txt", b"x" * 120)}
        path = f"files/v2/media/system/{STORAGE}/"
        answers.append(frozen.request("POST", path, files=files).status_code)

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    wait_until(lambda: len(strikes(frozen)) == 1, what="the strike")

    def through() -> bool:
        frozen.clock(advance="10s")
        return bool(answers)

    wait_until(through, what="the upload")
    thread.join(30)
    assert answers == [202]
    assert moment(frozen.clock()["now"]) - moment(START) >= timedelta(seconds=120)


def test_a_world_that_is_reset_waits_for_nobody(control: Api) -> None:
    world = make(control)
    world.simulate(duration="1ms")
    files = {"fileToUpload": ("there.txt", b"content")}
    path = f"files/v2/media/system/{STORAGE}/"
    world.call("POST", path, files=files)
    arm(
        world,
        "{at: job.staging_job, when: {job_name: step}, do: hold}",
        "{at: transfer.file, when: {job_name: file}, do: {slow: 1B/s}}",
        "{at: transfer.file, when: {path: '*/there.txt'}, do: {slow: 1B/s}}",
        "{at: transfer.file, when: {path: '*/import.txt'}, do: hold}",
        "{at: notify.deliver, do: hold}",
    )
    told = [{"url": "somebody@example.org", "event": "*", "persistent": True}]
    world.submit(name="step", notifications=told)
    world.submit(name="file")
    world.call(
        "POST", path, 202, json={"urlToIngest": f"agave://{STORAGE}/there.txt", "fileName": "import.txt"}
    )
    answers: list[int] = []
    thread = threading.Thread(
        target=lambda: answers.append(world.request("POST", path, files=files).status_code), daemon=True
    )
    thread.start()
    wait_until(lambda: len(strikes(world)) >= 5, what="all to wait")
    before = threading.active_count()
    world.own("POST", "reset")
    thread.join(30)
    assert answers and answers[0] == 503
    wait_until(lambda: threading.active_count() < before, what="the threads to go")
    assert world.own("GET", "scenarios") == []
    world.simulate(duration="1ms")
    assert world.wait_for_job(world.submit(name="step")) == "FINISHED"


def test_a_world_that_is_deleted_waits_for_nobody(control: Api) -> None:
    world = make(control)
    world.simulate(duration="1ms")
    arm(world, "{at: job.running, do: hold}", "{at: transfer.file, do: {delay: 1h}}")
    world.submit()
    wait_until(lambda: len(strikes(world)) >= 1, what="the strike")
    response = control.request("DELETE", f"_emulator/worlds/{world.name}")
    assert response.status_code == 200, response.text
