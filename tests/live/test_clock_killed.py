"""A world's clock, moved by the command, outlives ``kill -9``: also one in the middle of a leap."""

from __future__ import annotations

import threading
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import requests
from click.testing import CliRunner

from emulator.cli import main
from tests.contract.clock.conftest import START, World, make, moment
from tests.live.serve_process import ServeProcess
from tests.real.waiting import wait_until
from tests.served import Api


def clock(url: str, *words: str) -> str:
    done = CliRunner().invoke(main, ["clock", *words, "--world", "moved", "--url", url])
    assert done.exit_code == 0, done.output
    return done.output


def again(world: World, url: str) -> World:
    """The same world of another process."""
    control = Api(url)
    document = control.request("GET", f"_emulator/worlds/{world.name}").json()
    return World(control, document)


def test_kill_and_restart(tmp_path: Path) -> None:
    data = ["--port", "0", "--data-dir", str(tmp_path / "data")]
    with ServeProcess(tmp_path, *data) as first:
        world = make(Api(first.url), name="moved", clock={"mode": "frozen", "start": START}, chance_seed=7)
        world.simulate(queue_wait="47h", duration="1h")
        job = world.submit()
        assert clock(first.url, "advance", "10h").startswith("2026-03-01T20:00:00.000Z  frozen\n")
        first.kill()
    with ServeProcess(tmp_path, *data) as second:
        world = again(world, second.url)
        assert clock(second.url, "show").startswith("2026-03-01T20:00:00.000Z  frozen\n")
        assert world.job(job)["status"] == "QUEUED"
        world.own("POST", "scenarios", expect=201, data="name: s\nrules: [{at: job.submitting, do: block}]")
        blocked = world.submit()
        assert blocked != job

        def run() -> None:
            with suppress(requests.ConnectionError):
                world.clock(run="job", job=blocked)

        running = threading.Thread(target=run)
        running.start()
        wait_until(lambda: moment(world.clock()["now"]) - moment(START) > timedelta(hours=11))
        seen = moment(world.clock()["now"])
        second.kill()
        running.join(20)
    with ServeProcess(tmp_path, *data) as third:
        world = again(world, third.url)
        assert moment(world.clock()["now"]) >= seen
        world.own("DELETE", "scenarios")
        assert clock(third.url, "run", job, "--until", "RUNNING").startswith("2026-03-03T09:00:00.000Z")
        assert world.job(job)["status"] == "RUNNING"
        assert "still" not in clock(third.url, "run")
        assert {world.job(each)["status"] for each in (job, blocked)} == {"FINISHED"}
        told = [moment(when) for _, when in world.history(job)]
        assert told == sorted(told)
        assert clock(third.url, "set", "x60").split()[1] == "x60"
        refused = CliRunner().invoke(
            main, ["clock", "set", "frozen", "--start", START, "--world", "moved", "--url", third.url]
        )
        assert refused.exit_code == 1 and "time does not go back" in refused.output
