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
        self._awaited: list[Timer] = []
        self._background: list[Timer] = []
        self._taken_back: set[int] = set()
        self._numbers = itertools.count()

    def __len__(self) -> int:
        """How many are kept, taken back ones included."""
        return len(self._awaited) + len(self._background) + len(self._taken_back)

    def add(self, when: datetime, action: Callable[[], None], background: bool = False) -> int:
        """The answer is the timer's number."""
        number = next(self._numbers)
        timer = Timer(when, number, action, background)
        heapq.heappush(self._background if background else self._awaited, timer)
        return number

    def take_back(self, number: int) -> None:
        """It does not go off any more; one that has gone off already is fine."""
        self._taken_back.add(number)
        # dropped before they outnumber the others: some lie days ahead
        kept = len(self._awaited) + len(self._background)
        if len(self._taken_back) > _TIDY_ABOVE and 2 * len(self._taken_back) > kept:
            self._awaited = self._without_taken_back(self._awaited)
            self._background = self._without_taken_back(self._background)
            self._taken_back.clear()

    def next_due(self) -> datetime | None:
        """When the next one goes off."""
        heap = self._next_heap()
        return heap[0].when if heap else None

    def next_awaited(self) -> datetime | None:
        """When the next one goes off that somebody waits for."""
        self._drop_taken_back(self._awaited)
        return self._awaited[0].when if self._awaited else None

    def pop_due(self, now: datetime) -> Timer | None:
        """Take out the next one if its time has come."""
        heap = self._next_heap()
        return heapq.heappop(heap) if heap and heap[0].when <= now else None

    def clear(self) -> None:
        self._awaited.clear()
        self._background.clear()
        self._taken_back.clear()

    def _next_heap(self) -> list[Timer]:
        """The one that holds the next of all; an empty one where there is none."""
        awaited, background = self._awaited, self._background
        self._drop_taken_back(awaited)
        self._drop_taken_back(background)
        if not awaited or not background:
            return awaited or background
        return awaited if awaited[0] < background[0] else background

    def _drop_taken_back(self, heap: list[Timer]) -> None:
        while heap and heap[0].number in self._taken_back:
            self._taken_back.discard(heapq.heappop(heap).number)

    def _without_taken_back(self, timers: list[Timer]) -> list[Timer]:
        left = [timer for timer in timers if timer.number not in self._taken_back]
        heapq.heapify(left)
        return left
