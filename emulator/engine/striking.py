"""Asking the gate, and waiting inside a thread for what a scenario has stopped there."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from emulator.domain.fault import Occasion, Strike
from emulator.domain.ports import Clocks, Gate
from emulator.engine.outcome import Interrupted
from emulator.engine.waiting import Call, Calls, Subscribe, WaitFor, any_of, at, wait

DELAY, HOLD = "delay", "hold"


class NoGate:
    """See ports.Gate: nobody ever says anything."""

    def armed(self, world: str, family: str) -> bool:
        return False

    def strike(self, occasion: Occasion) -> Strike | None:
        return None

    def released(self, strike: Strike) -> bool:
        return True

    def on_release(self, strike: Strike, action: Callable[[], None]) -> Callable[[], None]:
        action()
        return lambda: None

    def forget(self, world: str, job: str) -> None: ...


def _nothing() -> None: ...


class Pause(Protocol):
    """Waits in a thread; see Step.pause. Raises what is to end the wait."""

    def __call__(self, until: datetime | None, *calls: Subscribe) -> None: ...


class Strikes:
    """The gate as transfers, deliveries and the steps of jobs use it."""

    def __init__(
        self, gate: Gate, clocks: Clocks, client: Callable[[], WaitFor | None] = lambda: None
    ) -> None:
        """``client`` is how the request waits that this thread works at, if it does: not once its client has gone."""
        self.gate = gate
        self._clocks = clocks
        self._client = client
        self._endings = Calls()
        self._closed = False
        self._gone: set[str] = set()

    def armed(self, world: str, family: str) -> bool:
        """See ports.Gate."""
        return self.gate.armed(world, family)

    def strike(self, occasion: Occasion) -> Strike | None:
        """See ports.Gate."""
        return self.gate.strike(occasion)

    def over(self, strike: Strike) -> bool:
        """Whether what lasts has come to its end, or was ended."""
        until = strike.until
        return (until is not None and self.now(strike.occasion.world) >= until) or self.gate.released(strike)

    def wait_out(self, strike: Strike, pause: Pause) -> None:
        """Wait in this thread until a delay or a hold is over. Raises what ``pause`` raises."""
        # whoever waits may be called and wait again: meanwhile somebody still does
        stays = self.gate.on_release(strike, _nothing)
        try:
            pause(strike.until, lambda call: self.gate.on_release(strike, call))
        finally:
            stays()

    def pausing(self, world: str, stopped: Callable[[], Exception] = Interrupted) -> Pause:
        """Waits for those who are no step of a job.

        Raises ``stopped`` when the emulator stops, or the world is reset or deleted. What is asked for by a request
        does not go on when its client has gone.
        """
        client = self._client()

        def over() -> bool:
            return self._closed or world in self._gone

        def ending(action: Call) -> Call:
            def look() -> None:
                if over():
                    action()

            take_back = self._endings.listen(look)
            look()
            return take_back

        def pause(until: datetime | None, *calls: Subscribe) -> None:
            clock = self._clocks.of(world)
            if client is None:
                wait(clock, None, until, ending, *calls)
            else:
                client(any_of(ending, *calls, *([] if until is None else [at(clock, until)])))
            if over():
                raise stopped()

        return pause

    def close(self) -> None:
        """The emulator stops: nobody waits any more."""
        self._closed = True
        self._endings.call()

    def let_go(self, world: str, jobs: list[str]) -> None:
        """See domain.world.Runner."""
        self._gone.add(world)
        self._endings.call()

    def go_on(self, world: str, jobs: list[str]) -> None:
        """See domain.world.Runner."""
        self._gone.discard(world)

    def now(self, world: str) -> datetime:
        """The time in a world."""
        return self._clocks.of(world).now()


class Holds:
    """Jobs that wait for a strike's end without a thread."""

    def __init__(self, gate: Gate, wake: Callable[[str], None]) -> None:
        """``wake`` takes a job's id."""
        self._gate = gate
        self._wake = wake
        self._lock = threading.Lock()
        self._held: dict[str, Callable[[], None]] = {}

    def wake_after(self, job_id: str, strike: Strike) -> None:
        """Wake the job once it may go on, at once where it may already."""
        self.let_go(job_id)
        take_back = self._gate.on_release(strike, lambda: self._wake(job_id))
        with self._lock:
            self._held[job_id] = take_back

    def let_go(self, job_id: str) -> None:
        """The job waits no longer; one that did not wait is fine."""
        with self._lock:
            take_back = self._held.pop(job_id, _nothing)
        take_back()


def after(seconds: float, moment: datetime) -> datetime:
    """So many seconds after a moment; the last one there is where that lies beyond it."""
    try:
        return moment + timedelta(seconds=seconds)
    except OverflowError:
        return datetime.max.replace(tzinfo=moment.tzinfo)
