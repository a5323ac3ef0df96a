"""A frozen world with a seed does the same every time, to the byte, whatever the threads do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.contract.clock.conftest import START, World, make
from tests.served import Api, served

_SCENARIO = """
name: now-and-then
rules:
  - at: job.submitting
    do: block
    chance: 0.5
    times: 5
    until: +3h
  - at: notify.deliver
    do: drop
    chance: 0.3
"""


def a_day(world: World) -> None:
    """Jobs that end at the same moments, subscriptions, an import, a scenario with chances, tokens, a postit."""
    user = Api(world.url, "testuser")
    world.simulate(queue_wait="20m", duration="1h")
    world.own("POST", "scenarios", expect=201, data=_SCENARIO)
    hook = f"{world.control.url}/_emulator/worlds/{world.name}/webhooks/told"
    user.call("POST", "files/v2/media/testuser", 202, files={"fileToUpload": ("a.txt", b"1")})
    jobs = []
    for number in range(4):
        jobs.append(
            world.submit(
                name=f"job {number}", notifications=[{"url": hook, "event": "QUEUED", "persistent": True}]
            )
        )
        user.call("GET", "files/v2/history/testuser/a.txt")
        world.clock(advance="1m")
    user.call("POST", f"jobs/v2/{jobs[3]}", json={"action": "stop"})
    user.call("POST", "postits/v2", json={"url": f"{world.url}/jobs/v2", "lifetime": 3600, "maxUses": 5})
    assert world.clock(run="job", job=jobs[0])["reached"]
    passed = world.clock(run="idle")
    assert passed["still"] == []
    assert {world.job(job)["status"] for job in jobs} == {"FINISHED", "STOPPED"}


def log_of(world: World) -> str:
    told: dict[str, Any] = {
        "events": world.own("GET", "events?limit=1000"),
        "journal": world.own("GET", "journal"),
        "webhooks": [
            {name: value for name, value in each.items() if name in ("received", "path", "body", "json")}
            for each in _items(world.own("GET", "webhooks"))
        ],
        "jobs": world.call("GET", "jobs/v2?limit=100&filter=id,name,status,created,ended,remoteJobId"),
        "clock": world.clock()["now"],
    }
    return json.dumps(told, indent=1).replace(world.url, "URL").replace(world.control.url, "CONTROL")


def _items(answer: Any) -> list[dict[str, Any]]:
    return answer if isinstance(answer, list) else next(v for v in answer.values() if isinstance(v, list))


def lived(directory: Path, seed: int) -> str:
    with served(directory) as emulator:
        world = make(
            Api(emulator.url), name="twin", clock={"mode": "frozen", "start": START}, chance_seed=seed
        )
        a_day(world)
        return log_of(world)


def test_two_runs_with_one_seed_leave_the_same_log(tmp_path: Path) -> None:
    first, second = lived(tmp_path / "1", 7), lived(tmp_path / "2", 7)
    assert first.splitlines() == second.splitlines()
    assert first == second


_BLOCKED = """
name: no-room
rules:
  - at: job.staged
    do: {block: {condition: quota}}
    until: +3m
"""


def what_happened_at_the_same_moments(control: Api, name: str) -> list[Any]:
    world = make(control, name=name, clock={"mode": "frozen", "start": START}, chance_seed=7)
    world.simulate(queue_wait="20m", duration="1h")
    world.own("POST", "scenarios", expect=201, data=_BLOCKED)
    order = [world.submit(name=f"job {number}") for number in range(4)]
    passed = world.clock(run="idle")
    struck = [order.index(entry["facts"]["job"]) for entry in _items(world.own("GET", "journal?limit=1000"))]
    events = [
        (order.index(event["subject"]), event["status"], event["created"])
        for event in _items(world.own("GET", "events?limit=1000&kind=job"))
    ]
    return [passed["timers"], struck, events]


def test_what_comes_at_the_same_moment_comes_in_the_same_order(control: Api) -> None:
    first = what_happened_at_the_same_moments(control, "same-1")
    assert first == what_happened_at_the_same_moments(control, "same-2")
    assert first[1] == [0, 1, 2, 3] * 3
