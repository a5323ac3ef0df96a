"""The files that requests bring and fetch, and what scenarios do to them on their way."""

from __future__ import annotations

from emulator.domain.errors import Unavailable
from emulator.domain.fault import Occasion
from emulator.domain.identity import Caller
from emulator.domain.system import System
from emulator.engine.passage import POINT, Side, Watched
from emulator.engine.striking import Pause, Strikes


def _stopping() -> Exception:
    return Unavailable("The emulator is about to stop.")


class FilePassages:
    def __init__(self, strikes: Strikes) -> None:
        self._strikes = strikes

    def of(self, caller: Caller, system: System, *, written: bool, pause: Pause | None = None) -> Watched:
        """For files of a system that a caller reads there, or writes.

        Without ``pause`` it is a request, which waits in its own thread.
        """
        about = Occasion(world=caller.world, point=POINT, user=caller.username)
        return self.about(about, system, written=written, pause=pause)

    def about(
        self, occasion: Occasion, system: System, *, written: bool, pause: Pause | None = None
    ) -> Watched:
        """For files that have to do with what the occasion tells; as :meth:`of`."""
        pause = pause or self._strikes.pausing(occasion.world, _stopping)
        return Watched(self._strikes, occasion, Side.of(system, written=written), pause)

    def imported(self, caller: Caller, system: System) -> Watched:
        """For files that a worker brings; it lets go when the emulator stops."""
        return self.of(caller, system, written=True, pause=self._strikes.pausing(caller.world))
