"""Timers of the real clock."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from datetime import timedelta
from functools import partial

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


def test_timers_taken_back_are_not_kept_until_their_time(clock: RealClock) -> None:
    fired: queue.Queue[int] = queue.Queue()
    far = clock.now() + timedelta(days=1)
    for _ in range(2000):
        clock.call_at(far, lambda: fired.put(0))()
    for number in (1, 2, 3):
        clock.call_at(clock.now() + timedelta(milliseconds=10 * number), partial(fired.put, number))
    assert [fired.get(timeout=10) for _ in range(3)] == [1, 2, 3]
    assert len(clock._timers) < 300


def test_taking_back_what_has_gone_off_keeps_nothing(clock: RealClock) -> None:
    fired: queue.Queue[int] = queue.Queue()
    for number in range(500):
        take_back = clock.call_at(clock.now(), partial(fired.put, number))
        assert fired.get(timeout=10) == number
        take_back()
    assert len(clock._timers) < 300


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
