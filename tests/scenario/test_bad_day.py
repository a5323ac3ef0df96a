"""Several things go wrong together, by chance: the same in every run with the same seed, and nobody's job is lost."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
import urllib3

from emulator.testing import OwnServer, World
from tests.scenario.conftest import SIMULATED
from tests.scenario.lesson import JOB, TERMINAL, Lesson

pytestmark = pytest.mark.xdist_group("scenario-two")

JOBS = 6
PATIENCE = 20
REQUEST = JOB | {"batchQueue": "normal"}
"""To a queue with room for all: of jobs that a quota has blocked, not the seed decides which goes on first."""


def test_bad_day(server: OwnServer, begin: Callable[[World], Lesson]) -> None:
    """A student who tries again whenever a request fails brings all jobs to an end."""
    journals, ends = [], []
    for _ in range(2):
        with server.world("bad-day", seed=7, clock="frozen", simulated=SIMULATED) as world:
            lesson = begin(world)
            lesson.arm()
            jobs = [patiently(lesson, "ag.jobs.submit(body=body)['id']", body=REQUEST) for _ in range(JOBS)]
            for job in jobs:
                world.clock.run_until(job, TERMINAL)
            ends.append(
                [patiently(lesson, "ag.jobs.getStatus(jobId=job)['status']", job=job) for job in jobs]
            )
            lines = urllib3.request("GET", f"{server.url}/_emulator/worlds/bad-day/journal?form=lines")
            journals.append(lines.data)
    assert journals[0] == journals[1], "byte for byte"
    assert ends[0] == ends[1]
    assert set(ends[0]) <= {"FINISHED", "FAILED"} and ends[0].count("FINISHED") > JOBS / 2
    struck = [json.loads(line) for line in journals[0].splitlines()]
    assert len({each["rule"] for each in struck}) >= 4, "several things at once"


def patiently(lesson: Lesson, code: str, **names: object) -> str:
    """What a client has to do on such a day: the same again, a bounded number of times."""
    for _ in range(PATIENCE):
        outcome = lesson.get(code, **names)
        if not outcome.error:
            return str(outcome.answer)
        assert outcome.error == "AgaveException", outcome
        lesson.world.clock.advance("10s")
    raise AssertionError(f"{code}: {PATIENCE} times in vain, at last {outcome}")
