"""The files that requests bring and fetch, and what scenarios do to them on their way."""

from __future__ import annotations

from dataclasses import replace

from emulator.domain.errors import Unavailable
from emulator.domain.fault import DOWNLOAD, Occasion
from emulator.domain.identity import Caller
from emulator.domain.system import System
from emulator.engine.passage import POINT, Side, Watched
from emulator.engine.striking import Pause, Strikes


def _stopping() -> Exception:
    return Unavailable("The emulator is about to stop.")


class FilePassages:
    def __init__(self, strikes: Strikes) -> None:
        self._strikes = strikes

    def sent(self, caller: Caller, system: System) -> Watched:
        """For a file that a request sends to a system."""
        return self._of(_about(caller), "upload", system, written=True)

    def copied(self, caller: Caller, system: System) -> Watched:
        """For files that a request has copied on a system."""
        return self._of(_about(caller), "copy", system, written=True)

    def fetched(self, about: Caller | Occasion, system: System) -> Watched:
        """For a file of a system that a request fetches: a caller's, or one of which an occasion tells more."""
        occasion = about if isinstance(about, Occasion) else _about(about)
        return self._of(occasion, DOWNLOAD, system, written=False)

    def assets(self, caller: Caller, app_id: str, system: System) -> Watched:
        """For the files of an app, where a request copies or publishes it."""
        return self._of(replace(_about(caller), app=app_id), "asset", system, written=False)

    def imported(self, caller: Caller, system: System) -> Watched:
        """For files that a worker brings; it lets go when the emulator stops."""
        pause = self._strikes.pausing(caller.world)
        return self._of(_about(caller), "import", system, written=True, pause=pause)

    def _of(
        self, about: Occasion, transfer: str, system: System, *, written: bool, pause: Pause | None = None
    ) -> Watched:
        """Without ``pause`` it is a request, which waits in its own thread."""
        pause = pause or self._strikes.pausing(about.world, _stopping)
        return Watched(self._strikes, about, transfer, Side.of(system, written=written), pause)


def _about(caller: Caller) -> Occasion:
    return Occasion(world=caller.world, point=POINT, user=caller.username)
