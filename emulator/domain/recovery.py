"""When what a blocked job waits for is looked at again [job-lifecycle §5]."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

SYSTEM, APP, QUOTA, CONNECTION = "system", "app", "quota", "connection"

PAUSE = 60.0
"""Seconds between tests of systems, apps and quotas."""
STEPS = ((2, 10.0), (10, 20.0), (10, 60.0), (100, 120.0))
"""Tests of a connection: how many, and the seconds before each; more and more patient."""
LAST_STEP = 300.0
"""Seconds between all further ones."""


def next_test(condition: str | None, since: datetime, now: datetime, time_scale: float) -> datetime:
    """The next moment to test a condition that has blocked a job since ``since``.

    ``time_scale`` divides all times. The moments depend on nothing else, so a restart goes on in the same row.
    """
    # clocks count in microseconds: a moment that is only that far away has just been
    passed = max(0.0, (now - since).total_seconds() + 2e-6) * time_scale
    if condition == CONNECTION:
        moment = next(moment for moment in _stepwise(passed) if moment > passed)
    else:
        moment = PAUSE * (passed // PAUSE + 1)
    return since + timedelta(seconds=moment / time_scale)


def _stepwise(passed: float) -> Iterator[float]:
    """Seconds since the beginning, in order; from the first one near ``passed`` where steps no longer change."""
    moment = 0.0
    for count, seconds in STEPS:
        for _ in range(count):
            moment += seconds
            yield moment
    moment += LAST_STEP * max(0, int((passed - moment) // LAST_STEP))
    while True:
        moment += LAST_STEP
        yield moment
