"""Timers of the real clock."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest

from emulator.engine.clock import RealClock


@pytest.fixture
def clock() -> Iterator[RealClock]:
    made = RealClock()
    yield made
    made.stop()


def test_timers_go_off_in_the_order_of_their_times(clock: RealClock) -> None:
    fired: queue.Queue[str] = queue.Queue()
    now = clock.now()
    clock.call_at(now + timedelta(milliseconds=60), lambda: fired.put("later"))
    clock.call_at(now + timedelta(milliseconds=10), lambda: fired.put("sooner"))
    clock.call_at(now - timedelta(seconds=1), lambda: fired.put("past"))
    assert [fired.get(timeout=10) for _ in range(3)] == ["past", "sooner", "later"]


def test_a_timer_taken_back_stays_silent(clock: RealClock) -> None:
    fired: queue.Queue[str] = queue.Queue()
    take_back = clock.call_at(clock.now() + timedelta(milliseconds=50), lambda: fired.put("never"))
    take_back()
    clock.call_at(clock.now() + timedelta(milliseconds=80), lambda: fired.put("after"))
    assert fired.get(timeout=10) == "after"
    assert fired.empty()


def test_one_failing_action_does_not_stop_the_others(clock: RealClock) -> None:
    done = threading.Event()

    def fail() -> None:
        raise RuntimeError("a mistake")

    clock.call_at(clock.now(), fail)
    clock.call_at(clock.now() + timedelta(milliseconds=1), done.set)
    assert done.wait(10)


def test_times_are_whole_milliseconds_in_utc(clock: RealClock) -> None:
    now = clock.now()
    assert now.microsecond % 1000 == 0
    assert now.utcoffset() == timedelta(0)
