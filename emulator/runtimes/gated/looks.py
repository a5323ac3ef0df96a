"""Looking after scripts as a poller would, while rules could strike when their scheduler is asked how they stand.

A launcher tells of news by itself, and nobody asks it in between. A rule that waits for a time, or for the next
question, would then wait for the script's end. So jobs of worlds where such rules are armed are looked at by the
world's clock: soon at first, then after a tenth of the time since.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from emulator.domain.ports import Clocks, Launch

SHORTEST, LONGEST = timedelta(seconds=10), timedelta(hours=1)
_CALM = 0.1


@dataclass(slots=True)
class _Look:
    launch: Launch
    since: datetime
    take_back: Callable[[], None] | None = None


class Looks:
    """The jobs whose scripts have not ended. ``look`` is called with a job's id when it is to be asked about."""

    def __init__(self, clocks: Clocks, look: Callable[[str], None]) -> None:
        self._clocks = clocks
        self._look = look
        self._lock = threading.Lock()
        self._open: dict[str, _Look] = {}

    def open(self, launch: Launch) -> None:
        """Its script was handed over, or found again. Again: nothing."""
        if launch.job_id not in self._open:
            now = self._clocks.of(launch.world).now()
            with self._lock:
                self._open.setdefault(launch.job_id, _Look(launch, now))

    def close(self, job_id: str) -> None:
        with self._lock:
            look = self._open.pop(job_id, None)
        if look is not None and look.take_back is not None:
            look.take_back()

    def later(self, job_id: str) -> None:
        """Have it looked at in a while, instead of at any time planned before."""
        with self._lock:
            look = self._open.get(job_id)
            if look is None:
                return
            if look.take_back is not None:
                look.take_back()
            clock = self._clocks.of(look.launch.world)
            now = clock.now()
            pause = min(max((now - look.since) * _CALM, SHORTEST), LONGEST)
            # nobody waits for a look: a world is at rest between two
            look.take_back = clock.call_at(now + pause, lambda: self._look(job_id), background=True)

    def world(self, world: str) -> list[str]:
        """The jobs of a world."""
        with self._lock:
            return [job_id for job_id, look in self._open.items() if look.launch.world == world]
