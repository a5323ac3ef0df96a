"""When a blocked job's condition is looked at again [job-lifecycle §5]."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.domain.recovery import APP, CONNECTION, QUOTA, SYSTEM, next_test
from tests.job_samples import NOON

STEPWISE = [10] * 2 + [20] * 10 + [60] * 10 + [120] * 100 + [300] * 50


@pytest.mark.parametrize("condition", [SYSTEM, APP, QUOTA])
def test_systems_apps_and_quotas_are_tested_every_minute(condition: str) -> None:
    later = NOON + timedelta(days=3)
    assert next_test(condition, NOON, later, 1.0) == later + timedelta(minutes=1)
    assert next_test(condition, NOON, later, 60.0) == later + timedelta(seconds=1)
    between = NOON + timedelta(seconds=90)  # a restart, or a look for another reason
    assert next_test(condition, NOON, between, 1.0) == NOON + timedelta(minutes=2)


@pytest.mark.parametrize("scale", [1.0, 60.0])
def test_connections_are_tested_more_and_more_patiently(scale: float) -> None:
    now, waits = NOON, []
    for _ in STEPWISE:
        following = next_test(CONNECTION, NOON, now, scale)
        waits.append(round((following - now).total_seconds() * scale, 3))
        now = following
    assert waits == STEPWISE


@given(st.sampled_from([CONNECTION, QUOTA]), st.floats(0, 10**8), st.sampled_from([1.0, 60.0, 6000.0]))
def test_a_restart_goes_on_in_the_same_row(condition: str, passed: float, scale: float) -> None:
    now = NOON + timedelta(seconds=passed)
    following = next_test(condition, NOON, now, scale)
    assert now < following <= now + timedelta(seconds=300 / scale, microseconds=2)
