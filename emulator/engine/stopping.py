"""``stop-emulator``: the one action that every point has, done where all of them pass.

Nobody but the gate knows of it. The strike is counted and in the journal before the end, so that the next start does
not come to the same end again.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import NoReturn

from emulator.domain.fault import Occasion, Strike
from emulator.domain.ports import Gate

log = logging.getLogger(__name__)

STOP = "stop-emulator"


class Halt:
    """The end of the emulator, on the spot: nothing is finished, nothing is saved, nobody is told."""

    def __init__(self, kill: Callable[[], object] | None, let_go: Callable[[], None]) -> None:
        """``kill`` ends the process. Without it that lives on, and ``let_go`` is called in a thread of its own."""
        self._kill = kill
        self._let_go = let_go
        self._first = threading.Lock()
        self.over = threading.Event()
        """What was to be let go has been."""

    @property
    def begun(self) -> bool:
        return self._first.locked()

    def __call__(self) -> NoReturn:
        """Where the process lives on, the calling thread does nothing any more: not even what is to be done on the
        way out, which would not be done either.
        """
        if self._kill is not None:
            self._kill()
        if self._first.acquire(blocking=False):
            threading.Thread(target=self._end, name="abandoning", daemon=True).start()
        while True:
            threading.Event().wait()

    def _end(self) -> None:
        try:
            self._let_go()
        finally:
            self.over.set()


class StoppingGate:
    """See ports.Gate. Where a rule says so, ``halt`` is called: it ends the emulator and never returns."""

    def __init__(self, gate: Gate, halt: Callable[[], NoReturn]) -> None:
        self._gate = gate
        self._halt = halt

    def armed(self, world: str, family: str) -> bool:
        """See ports.Gate."""
        return self._gate.armed(world, family)

    def strike(self, occasion: Occasion) -> Strike | None:
        """See ports.Gate."""
        strike = self._gate.strike(occasion)
        if strike is not None and strike.action.kind == STOP:
            log.warning("%s: %s stops the emulator at %s", strike.scenario, strike.rule, occasion.point)
            self._halt()
        return strike

    def released(self, strike: Strike) -> bool:
        """See ports.Gate."""
        return self._gate.released(strike)

    def forget(self, world: str, job: str) -> None:
        """See ports.Gate."""
        self._gate.forget(world, job)

    def on_release(self, strike: Strike, action: Callable[[], None]) -> Callable[[], None]:
        """See ports.Gate."""
        return self._gate.on_release(strike, action)
