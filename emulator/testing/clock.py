"""A world's clock from Python: stopped, quickened, moved on."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from emulator.testing.errors import JobEndedOtherwise, WaitedInVain, speaks_for_itself
from emulator.testing.jobs import Job, one_of, story

if TYPE_CHECKING:
    from emulator.testing.world import World

__tracebackhide__ = speaks_for_itself

Duration = timedelta | float | str
"""Seconds, a timedelta, or a text such as ``10m``, ``48h``, ``7d``."""
PASSAGE_SECONDS = 600.0
"""Of real time: what moving the clock may take at most. What passes is done, however long it is."""


class Clock:
    """Everything in the world goes by it: queues, simulated runs, tokens, retries, every timestamp."""

    def __init__(self, world: World) -> None:
        self._world = world

    @property
    def now(self) -> datetime:
        """The world's time, UTC."""
        return datetime.fromisoformat(self.face()["now"])

    @property
    def mode(self) -> str:
        """``real``, ``scaled`` or ``frozen``."""
        return str(self.face()["mode"])

    def freeze(self, at: datetime | None = None) -> None:
        """Stand still, at a time to come or now."""
        self._set("frozen", at)

    def scale(self, factor: float) -> None:
        """Go on so many times as fast as real time."""
        self._set("scaled", factor=factor)

    def run_free(self) -> None:
        """Go on as this machine's time does."""
        self._set("real")

    def advance(self, by: Duration) -> datetime:
        """Let so much time pass, with all that is due in it, one after the other; the time it is then."""
        return datetime.fromisoformat(self._move({"advance": _words(by)})["now"])

    def advance_to(self, moment: datetime) -> datetime:
        """The same up to a moment."""
        return datetime.fromisoformat(self._move({"to": moment.isoformat()})["now"])

    def run_until_idle(self, limit: Duration | None = None) -> datetime:
        """Let time pass until nothing more would happen by itself. Raises WaitedInVain after ``limit`` of it."""
        found = self._move({"run": "idle"} | _limited(limit))
        if found["nextTimer"] is not None or found["still"]:
            raise WaitedInVain(f"by {found['now']} the world was not idle{_still(found)}")
        return datetime.fromisoformat(found["now"])

    def run_until(
        self, job: Job | str, state: str | Iterable[str] = "FINISHED", limit: Duration | None = None
    ) -> Job:
        """Let time pass until the job has come into the state (or one of them).

        Raises JobEndedOtherwise as soon as it has ended in another, WaitedInVain after ``limit``.
        """
        job = job if isinstance(job, Job) else self._world.job(job)
        states = one_of(state)
        document: dict[str, Any] = {"run": "job", "job": job.id, "until": states} | _limited(limit)
        found = self._move(document)
        standing = self._world.control("GET", f"jobs/{job.id}/wait", query={"for": ",".join(states)})
        if not standing["reached"]:
            wanted = " or ".join(states)
            if standing["ended"]:
                raise JobEndedOtherwise(f"it never was {wanted}: {story(standing)}")
            raise WaitedInVain(f"by {found['now']} it was not {wanted}: {story(standing)}{_still(found)}")
        return job

    def face(self) -> dict[str, Any]:
        """All there is to know: ``mode``, ``factor``, ``now``, ``nextTimer``, and what is ``still`` going on."""
        found: dict[str, Any] = self._world.control("GET", "clock")
        return found

    def _set(self, mode: str, start: datetime | None = None, factor: float | None = None) -> None:
        document: dict[str, Any] = {"mode": mode}
        if start is not None:
            document["start"] = start.isoformat()
        if factor is not None:
            document["factor"] = factor
        self._world.control("PUT", "clock", document)

    def _move(self, document: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = self._world.control("POST", "clock", document, seconds=PASSAGE_SECONDS)
        return found


def _words(duration: Duration) -> float | str:
    return duration.total_seconds() if isinstance(duration, timedelta) else duration


def _limited(limit: Duration | None) -> dict[str, Any]:
    return {} if limit is None else {"limit": _words(limit)}


def _still(found: dict[str, Any]) -> str:
    return f"; still going on: {', '.join(map(str, found['still']))}" if found["still"] else ""
