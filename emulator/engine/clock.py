"""This machine's own clock. Nothing else in the program reads the time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime

from emulator.domain.clock import whole_milliseconds
from emulator.domain.ports import Retest
from emulator.engine.timers import Timer, Timers


class RealClock:
    """The machine's time, with timers that share one thread."""

    def __init__(self) -> None:
        self._timers = Timers()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._stopped = False

    @property
    def real(self) -> bool:
        """See ports.Clock."""
        return True

    def now(self) -> datetime:
        """UTC, cut to whole milliseconds: what is answered is what is stored [conventions §6]."""
        return whole_milliseconds(datetime.now(UTC))

    def at(self, moment: datetime) -> datetime:
        """See ports.Clock: this is the machine's clock itself."""
        return moment

    def call_at(
        self,
        when: datetime,
        action: Callable[[], None],
        *,
        background: bool = False,
        retest: Retest | None = None,
    ) -> Callable[[], None]:
        """See ports.Clock."""
        with self._changed:
            number = self._timers.add(when, action, background)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="clock", daemon=True)
                self._thread.start()
            self._changed.notify()

        def take_back() -> None:
            with self._changed:
                self._timers.take_back(number)

        return take_back

    def stop(self) -> None:
        """No timer goes off after this."""
        with self._changed:
            self._stopped = True
            self._changed.notify()

    def _run(self) -> None:
        while True:
            timer = self._next_due()
            if timer is None:
                return
            timer.run()

    def _next_due(self) -> Timer | None:
        """Wait for the next timer; None once stopped."""
        with self._changed:
            while not self._stopped:
                due = self._timers.next_due()
                if due is None:
                    self._changed.wait()
                    continue
                now = datetime.now(UTC)
                timer = self._timers.pop_due(now)
                if timer is not None:
                    return timer
                self._changed.wait((due - now).total_seconds())
            return None
