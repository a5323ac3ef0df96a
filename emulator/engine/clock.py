"""The one clock. Nothing else in the program reads the time."""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime

log = logging.getLogger(__name__)

_TIDY_ABOVE = 100


class RealClock:
    """The machine's time, with timers that share one thread."""

    def __init__(self) -> None:
        self._timers: list[tuple[datetime, int, Callable[[], None]]] = []
        self._taken_back: set[int] = set()
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._stopped = False

    def now(self) -> datetime:
        """UTC, cut to whole milliseconds: what is answered is what is stored [conventions §6]."""
        now = datetime.now(UTC)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def call_at(self, when: datetime, action: Callable[[], None]) -> Callable[[], None]:
        """See ports.Clock."""
        with self._changed:
            number = next(self._numbers)
            heapq.heappush(self._timers, (when, number, action))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="clock", daemon=True)
                self._thread.start()
            self._changed.notify()

        def take_back() -> None:
            with self._changed:
                self._taken_back.add(number)
                self._tidy()

        return take_back

    def stop(self) -> None:
        """No timer goes off after this."""
        with self._changed:
            self._stopped = True
            self._changed.notify()

    def _tidy(self) -> None:
        """Drop timers that were taken back, before they outnumber the others: some lie days ahead."""
        if len(self._taken_back) > _TIDY_ABOVE and 2 * len(self._taken_back) > len(self._timers):
            self._timers = [timer for timer in self._timers if timer[1] not in self._taken_back]
            heapq.heapify(self._timers)
            self._taken_back.clear()

    def _run(self) -> None:
        while True:
            action = self._next_due()
            if action is None:
                return
            try:
                action()
            except Exception:
                log.exception("a timer's action failed")

    def _next_due(self) -> Callable[[], None] | None:
        """Wait for the next timer; None once stopped."""
        with self._changed:
            while not self._stopped:
                while self._timers and self._timers[0][1] in self._taken_back:
                    self._taken_back.discard(heapq.heappop(self._timers)[1])
                if not self._timers:
                    self._changed.wait()
                    continue
                left = (self._timers[0][0] - datetime.now(UTC)).total_seconds()
                if left <= 0:
                    return heapq.heappop(self._timers)[2]
                self._changed.wait(left)
            return None
