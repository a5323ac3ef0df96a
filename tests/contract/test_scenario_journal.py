"""Two runs with the same seed: the same journal, byte for byte, whatever the threads do meanwhile."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import requests

from emulator.app import Emulator
from tests.served import Api

BAD_DAY = """
name: bad-day
rules:
  - {name: busy, at: http.*, when: {user: "student*"}, chance: 40%, do: {status: 503}}
  - {name: broken connections, at: job.staging_job, chance: 1/2, do: {block: connection}, times: 2, per: job}
  - {name: bad apps, at: app.run, chance: 30%, do: {exit: 3}}
  - {name: slow queue, at: scheduler.submit, chance: 50%, do: {hold-queue: 10m}}
  - {name: lost messages, at: notify.deliver, when: {event: FINISHED}, chance: 50%, do: drop}
"""
JOB = {"appId": "classifier-1.0.0", "parameters": {"imagefile": "pictures/night-sky.png"}, "archive": False}
STUDENTS = ("student01", "student02", "student03", "student04")


def journal(url: str, seed: int) -> str:
    """What a bad day of a class brings, told as lines; the class begins anew for it."""
    world = f"{url}/_emulator/worlds"
    wanted = {"name": "class", "chance_seed": seed, "clock": "frozen", "simulated": True, "listener": True}
    made = requests.post(world, json=wanted, timeout=60).json()
    listener, world = made["url"], f"{world}/class"
    people = [Api(listener, student) for student in STUDENTS]
    assert requests.post(f"{world}/scenarios", data=BAD_DAY, timeout=60).status_code == 201
    hook = {"url": f"{world}/webhooks/class", "event": "FINISHED", "persistent": True}
    for number in range(4):
        # one after the other: the order of submission is what the ids are drawn by
        Api(listener).call("POST", "jobs/v2", json=JOB | {"name": f"job {number}", "notifications": [hook]})

    def read(person: Api) -> list[int]:
        return [person.request("GET", f"{what}/v2").status_code for what in ("jobs", "apps", "systems") * 4]

    with ThreadPoolExecutor(4) as pool:
        assert {503} < {status for found in pool.map(read, people) for status in found}
    moved = requests.post(f"{world}/clock", json={"run": "idle"}, timeout=120)
    assert moved.status_code == 200 and not moved.json()["still"], moved.text
    lines = requests.get(f"{world}/journal", params={"form": "lines"}, timeout=60).text
    assert requests.delete(world, timeout=60).status_code == 200
    return lines


def test_the_same_seed_brings_the_same_day(emulator: Emulator) -> None:
    first, second, other = (journal(emulator.url, seed) for seed in (5, 5, 6))
    assert first == second
    for rule in ("busy", "broken connections", "bad apps", "slow queue", "lost messages"):
        assert f'"rule": "{rule}"' in first, first
    assert other != first
