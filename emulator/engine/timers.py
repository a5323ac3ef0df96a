"""Actions that wait for their time, in the order of their times; of one time, in the order they came."""

from __future__ import annotations

import heapq
import itertools
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

log = logging.getLogger(__name__)

_TIDY_ABOVE = 100


@dataclass(order=True, slots=True)
class Timer:
    """``background``: nobody waits for it, it only has to happen some time."""

    when: datetime
    number: int
    action: Callable[[], None] = field(compare=False)
    background: bool = field(compare=False, default=False)

    def run(self) -> None:
        """A failure is written down: it must not keep the next one from its time."""
        try:
            self.action()
        except Exception:
            log.exception("a timer's action failed")


class Timers:
    """Not safe for threads: its owner holds a lock."""

    def __init__(self) -> None:
        self._timers: list[Timer] = []
        self._taken_back: set[int] = set()
        self._numbers = itertools.count()

    def __len__(self) -> int:
        """How many are kept, taken back ones included."""
        return len(self._timers) + len(self._taken_back)

    def add(self, when: datetime, action: Callable[[], None], background: bool = False) -> int:
        """The answer is the timer's number."""
        number = next(self._numbers)
        heapq.heappush(self._timers, Timer(when, number, action, background))
        return number

    def take_back(self, number: int) -> None:
        """It does not go off any more; one that has gone off already is fine."""
        self._taken_back.add(number)
        # dropped before they outnumber the others: some lie days ahead
        if len(self._taken_back) > _TIDY_ABOVE and 2 * len(self._taken_back) > len(self._timers):
            self._timers = [timer for timer in self._timers if timer.number not in self._taken_back]
            heapq.heapify(self._timers)
            self._taken_back.clear()

    def next_due(self) -> datetime | None:
        """When the next one goes off."""
        while self._timers and self._timers[0].number in self._taken_back:
            self._taken_back.discard(heapq.heappop(self._timers).number)
        return self._timers[0].when if self._timers else None

    def next_awaited(self) -> datetime | None:
        """When the next one goes off that somebody waits for."""
        awaited = (t.when for t in self._timers if not t.background and t.number not in self._taken_back)
        return min(awaited, default=None)

    def pop_due(self, now: datetime) -> Timer | None:
        """Take out the next one if its time has come."""
        due = self.next_due()
        return heapq.heappop(self._timers) if due is not None and due <= now else None

    def clear(self) -> None:
        self._timers.clear()
        self._taken_back.clear()
