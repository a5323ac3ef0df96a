"""Looks that are left out because nothing has changed: nobody can tell, whatever happens meanwhile."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta

from emulator.domain.clock import ClockMode, ClockSetting, ClockState
from emulator.domain.ports import Retest
from emulator.domain.recovery import QUOTA, next_test
from emulator.engine.activity import Activity
from emulator.engine.world_clock import WorldClock
from tests.engine.doubles import ManualClock
from tests.job_samples import NOON

MINUTE = timedelta(minutes=1)


class Place:
    """What several wait for, each looking every minute; each look is written down, and so is who got it."""

    def __init__(self, *, sleeping: bool, mode: ClockMode = ClockMode.FROZEN) -> None:
        self.stamp = object()
        self.free = 0
        self.looks = 0
        self.got: list[tuple[str, datetime]] = []
        state = ClockState(mode=mode, world=NOON, machine=NOON)
        stamp: Callable[[], object] = (lambda: self.stamp) if sleeping else object
        self.machine = ManualClock()
        self.clock = WorldClock("w", self.machine, Activity(), state, lambda _state: None, stamp)

    def written(self, free: int = 0) -> None:
        self.free += free
        self.stamp = object()

    def wait(self, name: str, turn: int, latest: datetime | None = None) -> None:
        self._look(name, turn, self.clock.now(), latest)

    def _look(self, name: str, turn: int, since: datetime, latest: datetime | None) -> None:
        now, stamp = self.clock.now(), self.stamp
        self.looks += 1
        if latest is not None and now >= latest:
            self.got.append((f"{name} never", now))
            self.written()
        elif self.free:
            self.got.append((name, now))
            self.written(free=-1)
        else:
            self.clock.call_at(
                next_test(QUOTA, since, now, 1.0),
                lambda: self._look(name, turn, since, latest),
                retest=Retest(
                    key="place",
                    stamp=stamp,
                    again=lambda at: next_test(QUOTA, since, at - timedelta(milliseconds=1), 1.0),
                    latest=latest,
                    turn=turn,
                ),
            )

    def pass_to(self, moment: datetime) -> None:
        with self.clock.led():
            while (timer := self.clock.leap(moment)) is not None or self.clock.now() < moment:
                if timer is not None:
                    timer.run()


def _played(seed: int, *, sleeping: bool) -> Place:
    """A working day in which people come to wait, places become free, and other things are written."""
    draw, place = random.Random(seed), Place(sleeping=sleeping)
    for number in range(12):
        late = None if draw.random() < 0.5 else place.clock.now() + draw.random() * timedelta(hours=5)
        place.wait(f"job {number}", number, late)
        for _ in range(draw.randrange(3)):
            when = place.clock.now() + draw.choice((timedelta(seconds=draw.randrange(9000)), 3 * MINUTE))
            free = draw.choice((0, 0, 1, 2))
            place.clock.call_at(when, lambda free=free: place.written(free))  # type: ignore[misc]
        place.pass_to(place.clock.now() + draw.choice((timedelta(seconds=draw.randrange(4000)), MINUTE)))
        if draw.random() < 0.3:
            place.written(free=1)  # by a request, while time stands still
    place.pass_to(NOON + timedelta(hours=8))
    return place


def test_nobody_can_tell_that_looks_were_left_out() -> None:
    looks = [0, 0]
    for seed in range(12):
        slept, looked = _played(seed, sleeping=True), _played(seed, sleeping=False)
        assert slept.got == looked.got, f"seed {seed}"
        looks = [looks[0] + slept.looks, looks[1] + looked.looks]
    assert looks[0] < looks[1] / 5


def test_a_clock_that_is_set_going_calls_those_who_sleep() -> None:
    place = Place(sleeping=True)
    place.wait("one", 1)
    place.pass_to(NOON + 90 * MINUTE)
    assert place.looks == 1
    assert place.clock.next_awaited() == NOON + 91 * MINUTE
    place.clock.change(ClockSetting(mode=ClockMode.SCALED, factor=60))
    place.written(free=1)
    place.machine.advance(timedelta(seconds=2))
    assert [name for name, _when in place.got] == ["one"]


def test_by_a_clock_that_runs_one_looks_for_all_who_wait_for_the_same() -> None:
    place = Place(sleeping=True, mode=ClockMode.REAL)
    for turn, name in enumerate(("one", "two", "three")):
        place.wait(name, turn, NOON + 150 * MINUTE if name == "three" else None)
    place.machine.advance(90 * MINUTE)
    assert place.looks == 3, "those that they begin with"
    place.written()
    place.machine.advance(30 * MINUTE)
    assert place.looks == 4
    place.written(free=1)
    place.machine.advance(MINUTE)
    assert place.got == [("one", NOON + 121 * MINUTE)]
    place.machine.advance(30 * MINUTE)
    assert place.got[1:] == [("three never", NOON + 150 * MINUTE)]


def test_a_clock_that_is_put_ahead_calls_who_has_reason_to_look() -> None:
    place = Place(sleeping=True)
    place.wait("one", 1)
    place.written(free=1)
    place.clock.change(ClockSetting(mode=ClockMode.FROZEN, start=NOON + 90 * MINUTE))
    place.machine.advance(timedelta(0))
    assert place.got == [("one", NOON + 90 * MINUTE)]


def test_who_does_not_wait_any_more_is_not_called() -> None:
    place = Place(sleeping=True)
    again = Retest(key=1, stamp=place.stamp, again=lambda at: at)
    place.clock.call_at(NOON + MINUTE, lambda: place.written(free=1), retest=again)()
    place.written()
    place.pass_to(NOON + 90 * MINUTE)
    assert place.free == 0
    assert place.clock.next_awaited() is None
