"""What does not go by a world's clock: scripts that really run, clients that hang up, the program's end."""

from __future__ import annotations

import socket
import threading
from datetime import timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from emulator.app import Emulator
from tests.contract.clock.conftest import START, World, make, moment
from tests.live.own_app import register_cluster, register_script
from tests.real.waiting import wait_until
from tests.served import Api, served

UNTIL_THERE = 'while [ ! -e "{}" ]; do sleep 0.02; done\necho done > out.txt\n'


def real_app(world: World, marker: Path) -> str:
    register_cluster(world, "box")  # as the listener's user: a token would not last in a world that hurries
    return register_script(world, "real", "box", UNTIL_THERE.format(marker))


@pytest.mark.parametrize("clock", [{"mode": "frozen", "start": START}, {"mode": "scaled", "factor": 10_000}])
def test_a_real_script_is_waited_for_and_not_leapt_over(
    control: Api, tmp_path: Path, clock: dict[str, object]
) -> None:
    """In the scaled world hours go by meanwhile, far beyond the job's run time: that limit is real."""
    world = make(control, clock=clock)
    marker = tmp_path / "go on"
    job = world.submit(appId=real_app(world, marker), maxRunTime="00:10:00", parameters={})
    world.clock(run="job", job=job, until="RUNNING")
    answers: list[dict[str, object]] = []
    waiting = threading.Thread(target=lambda: answers.append(world.clock(run="job", job=job)))
    waiting.start()
    wait_until(lambda: "1 scripts that really run" in world.clock()["still"])
    if clock["mode"] == "frozen":
        assert world.clock()["now"] == START
    else:
        began = moment(str(world.clock()["now"]))
        wait_until(lambda: moment(str(world.clock()["now"])) > began + timedelta(hours=1))
    assert waiting.is_alive() and world.job(job)["status"] == "RUNNING"
    marker.touch()
    waiting.join(30)
    assert answers and answers[0]["reached"]
    shown = world.job(job)
    assert shown["status"] == "FINISHED", shown["lastStatusMessage"]
    order = [shown[name] for name in ("created", "remoteSubmitted", "remoteStarted", "remoteEnded", "ended")]
    assert [moment(each) for each in order] == sorted(moment(each) for each in order)
    told = [moment(when) for _, when in world.history(job)]
    assert told == sorted(told)
    assert moment(order[0]) <= told[0] and told[-1] <= moment(order[-1]) == moment(shown["lastUpdated"])
    if clock["mode"] == "frozen":
        assert set(order) == {order[0]} and moment(order[0]) == moment(START)


def test_advancing_leaps_over_a_real_script(frozen: World, tmp_path: Path) -> None:
    marker = tmp_path / "go on"
    job = frozen.submit(appId=real_app(frozen, marker), maxRunTime="00:10:00", parameters={})
    frozen.clock(run="job", job=job, until="RUNNING")
    passed = frozen.clock(advance="10d")
    assert passed["reached"] and passed["still"] == ["1 scripts that really run"]
    assert frozen.job(job)["status"] == "RUNNING"
    marker.touch()
    assert frozen.clock(run="job", job=job)["reached"]
    shown = frozen.job(job)
    assert shown["status"] == "FINISHED"
    assert moment(shown["ended"]) - moment(START) == timedelta(days=10)


def test_a_call_that_waits_ends_with_its_client_and_blocks_nobody(
    emulator: Emulator, frozen: World, tmp_path: Path
) -> None:
    marker = tmp_path / "go on"
    job = frozen.submit(appId=real_app(frozen, marker), maxRunTime="00:10:00", parameters={})
    where = urlsplit(emulator.url)
    body = f'{{"run": "job", "job": "{job}"}}'.encode()
    with socket.create_connection((where.hostname, where.port), 10) as client:
        client.sendall(
            f"POST /_emulator/worlds/{frozen.name}/clock HTTP/1.1\r\nHost: x\r\n".encode()
            + f"Content-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        wait_until(lambda: bool(emulator.timelapse._passages))
        assert frozen.job(job)["status"] == "RUNNING"
        assert frozen.clock(advance="1h")["reached"], "others may move the clock meanwhile"
    wait_until(lambda: not emulator.timelapse._passages)
    marker.touch()
    assert frozen.clock(run="job", job=job)["reached"]


def test_the_end_of_the_program_ends_calls_that_wait(tmp_path: Path) -> None:
    answers: list[object] = []
    with served(tmp_path) as emulator:
        world = make(Api(emulator.url), clock={"mode": "frozen", "start": START})
        job = world.submit(appId=real_app(world, tmp_path / "never"), maxRunTime="00:10:00", parameters={})

        def ask() -> None:
            try:
                answers.append(world.clock(run="job", job=job)["reached"])
            except (AssertionError, OSError) as error:
                answers.append(error)

        waiting = threading.Thread(target=ask)
        waiting.start()
        wait_until(lambda: bool(emulator.timelapse._passages))
        emulator.timelapse.stop()
        waiting.join(20)
        assert answers == [False]
        world.call("DELETE", f"jobs/v2/{job}")


def test_http_keeps_real_time(frozen: World) -> None:
    shown = frozen.request("GET", "jobs/v2").headers["Date"]
    real = moment(str(frozen.clock()["machine"]))
    assert abs(parsedate_to_datetime(shown) - real) < timedelta(minutes=1)


def test_a_scaled_world_hurries_by_itself(control: Api) -> None:
    world = make(control, clock={"mode": "scaled", "factor": 10_000})  # seven days are a minute
    world.simulate(queue_wait="1h", duration="20m")
    job = world.submit()
    assert world.clock(run="job", job=job)["reached"]
    shown = world.job(job)
    assert shown["status"] == "FINISHED"
    assert moment(shown["remoteStarted"]) - moment(shown["created"]) >= timedelta(hours=1)
    assert moment(shown["ended"]) - moment(shown["remoteStarted"]) >= timedelta(minutes=20)


def test_a_world_that_runs_can_be_put_ahead(control: Api) -> None:
    world = make(control)
    user = Api(world.url, "testuser")
    before = moment(str(world.clock()["now"]))
    assert world.clock(advance="5h")["reached"]
    assert moment(str(world.clock()["now"])) >= before + timedelta(hours=5)
    assert user.request("GET", "jobs/v2").status_code == 401
