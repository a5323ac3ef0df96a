"""Letting time pass in a world: from one timer to the next, each at its own time, the world at rest between them.

In a world whose clock goes by itself nothing is leapt over: there it is waited.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from emulator.domain.clock import LATEST, ClockSetting
from emulator.domain.errors import Invalid
from emulator.engine.activity import NOT_OURS, Kind, Work
from emulator.engine.clocks import WorldClocks
from emulator.engine.timers import Timer
from emulator.engine.world_clock import WorldClock

LIMIT = timedelta(days=400)
"""How much of a world's time may pass in one go, if nothing else is said."""
SETTLE_SECONDS = 5.0
"""How long a request waits where nothing moves in a world that stands still: what works there may wait for it."""
DELIVERY_SECONDS = 1.0
"""The same, where only messages are on their way: their receivers may be asking."""

_OTHERS = frozenset({Kind.SCRIPT, Kind.REQUEST})


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """What came of letting time pass. ``still``: what was going on in the world at the end, in words."""

    now: datetime
    reached: bool
    timers: int
    still: tuple[str, ...]


class Passage:
    """One call's wish to let time pass; it can be given up from another thread."""

    def __init__(self, reached: Callable[[], bool], nudge: Callable[[], None]) -> None:
        self.reached = reached
        self.timers = 0
        self._nudge = nudge
        self._given_up = threading.Event()

    def give_up(self) -> None:
        self._given_up.set()
        self._nudge()

    def given_up(self) -> bool:
        return self._given_up.is_set()


class Timelapse:
    """Moves the clocks of worlds."""

    def __init__(self, clocks: WorldClocks) -> None:
        self.clocks = clocks
        self._activity = clocks.activity
        self._turn = threading.Condition()
        self._moving: set[str] = set()
        self._passages: set[Passage] = set()
        self._stopped = False

    def settle(self, world: str) -> None:
        """Wait until a world whose clock stands still is at rest, but not for ever."""
        if not self.clocks.one_at_a_time(world):
            return
        besides = _OTHERS | {Kind.DELIVERY}
        if self._activity.wait_while_moving(world, SETTLE_SECONDS, besides):
            self._activity.wait_while_moving(world, DELIVERY_SECONDS, _OTHERS)

    def request(self, world: str) -> Work | None:
        """Where a world's clock stands still, nothing is begun there until this is done; None elsewhere."""
        return self._activity.begin(world, Kind.REQUEST) if self.clocks.one_at_a_time(world) else None

    @contextmanager
    def passage(self, reached: Callable[[], bool] = lambda: False) -> Iterator[Passage]:
        """What is given up at the latest when the emulator stops."""
        passage = Passage(reached, self._nudge)
        with self._turn:
            self._passages.add(passage)
            stopped = self._stopped
        if stopped:
            passage.give_up()
        try:
            yield passage
        finally:
            with self._turn:
                self._passages.discard(passage)

    def stop(self) -> None:
        """Give up all that is under way, and what is asked for from now on."""
        with self._turn:
            self._stopped = True
            passages = list(self._passages)
        for passage in passages:
            passage.give_up()

    def advance_to(self, world: str, moment: datetime, passage: Passage) -> Passed:
        """Let a world's time pass until ``moment``, without regard to scripts that really run.

        A clock that goes by itself is put ahead.
        """
        clock = self.clocks.of(world)
        with clock.led():
            while not passage.given_up():
                if not clock.frozen:
                    _put_ahead(clock, moment)
                    break
                with self._at_rest(world, passage) as quiet:
                    if quiet and self._leap(world, clock, moment, passage) is None and clock.now() >= moment:
                        break
        self._activity.wait_quiet(world, None, NOT_OURS, passage.given_up)
        return self._passed(world, passage, reached=clock.now() >= moment)

    def run(self, world: str, limit: datetime, passage: Passage) -> Passed:
        """Let a world's time pass until ``passage.reached``, or nothing is left that somebody waits for.

        Never over a script that really runs: that is waited for. ``limit`` is a moment of the world's.
        """
        clock = self.clocks.of(world)
        take_back = clock.call_at(limit, self._nudge, background=True)
        try:
            with clock.led():
                while not passage.given_up():
                    stamp = self._activity.stamp(world)
                    with self._at_rest(world, passage) as quiet:
                        if not quiet:
                            continue
                        if passage.reached():
                            return self._passed(world, passage, reached=True)
                        leap = self._next_leap(world, clock, limit)
                        if leap is not None:
                            self._leap(world, clock, leap, passage)
                            continue
                        if clock.now() >= limit or self._nothing_left(world, clock):
                            break
                    self._activity.wait_change(world, stamp, passage.given_up)
        finally:
            take_back()
        return self._passed(world, passage, reached=not passage.given_up() and passage.reached())

    def _next_leap(self, world: str, clock: WorldClock, limit: datetime) -> datetime | None:
        """How far a clock that stands still may go at once; None where it is to be waited, or all is over."""
        if not clock.frozen:
            return None
        now, due, awaited = clock.now(), clock.next_due(), clock.awaited_until(limit)
        if due is not None and due <= now:
            return now  # whatever else goes on: no time passes
        if now >= limit or awaited is None or self._activity.busy(world, besides=()):
            return None
        return min(awaited, limit)

    def _nothing_left(self, world: str, clock: WorldClock) -> bool:
        return clock.next_awaited() is None and not self._activity.busy(world, besides=())

    def still(self, world: str) -> tuple[str, ...]:
        """What is going on in a world, in words."""
        busy = self._activity.busy(world, besides=())
        return tuple(f"{count} {kind.plural}" for kind, count in sorted(busy.items()))

    @contextmanager
    def _at_rest(self, world: str, passage: Passage) -> Iterator[bool]:
        """Inside the block the world is at rest and nobody else moves its clock; False where that was given up."""
        with self._turn:
            self._turn.wait_for(lambda: world not in self._moving or passage.given_up())
            mine = world not in self._moving
            if mine:
                self._moving.add(world)
        try:
            yield mine and self._activity.wait_quiet(world, None, NOT_OURS, passage.given_up)
        finally:
            if mine:
                with self._turn:
                    self._moving.discard(world)
                    self._turn.notify_all()

    def _leap(self, world: str, clock: WorldClock, limit: datetime, passage: Passage) -> Timer | None:
        work = self._activity.begin(world, Kind.TIMER)
        try:
            timer = _leapt(clock, limit)
            if timer is not None:
                passage.timers += 1
                timer.run()
            return timer
        finally:
            work.done()

    def _passed(self, world: str, passage: Passage, *, reached: bool) -> Passed:
        now = self.clocks.of(world).now()
        return Passed(now=now, reached=reached, timers=passage.timers, still=self.still(world))

    def _nudge(self) -> None:
        self._activity.nudge()
        with self._turn:
            self._turn.notify_all()


def _put_ahead(clock: WorldClock, moment: datetime) -> None:
    """Where it goes so fast that it has passed the moment by now, that is as good."""
    state = clock.state
    try:
        clock.change(ClockSetting(mode=state.mode, factor=state.factor, start=moment))
    except Invalid:
        if clock.now() < moment:
            raise


def _leapt(clock: WorldClock, limit: datetime) -> Timer | None:
    """See WorldClock.leap; None also for a clock that somebody has set going meanwhile."""
    try:
        return clock.leap(limit)
    except Invalid:
        if clock.frozen:
            raise
        return None


def moment_after(now: datetime, duration: timedelta) -> datetime:
    """``now`` and a while, or the latest that there is."""
    return now + min(duration, LATEST - now)
