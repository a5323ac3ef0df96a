"""The doors of worlds: requests go in and out, and a world that is exchanged as a whole is empty meanwhile.

Somebody who does not come out (an upload that takes its time) is left in the old world: what it still asks of the
store is refused, so that it never sees the new one, nor leaves anything there.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from emulator.domain.errors import Unavailable

PATIENCE = 2.0
"""Seconds that an exchange waits for the requests that are under way."""
LONGEST = 30.0
"""Seconds that a request waits before a closed door."""


@dataclass(slots=True, eq=False)
class Visit:
    """One request in a world. ``stale``: the world has been exchanged since; ``rests``: it waits for somebody."""

    world: str
    stale: bool = False
    rests: bool = False


class Doors:
    """Who is in which world."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._visits: dict[str, set[Visit]] = {}
        self._closed: set[str] = set()
        self._here = threading.local()
        self.exchanges = 0
        """How often a door was closed: whoever has found out something before one was, should look again."""

    def enter(self, world: str) -> Visit | None:
        """Wait until the door is open, and go in; None where this thread is in a world already.

        Raises Unavailable when the door stays closed.
        """
        if getattr(self._here, "visit", None) is not None:
            return None
        visit = Visit(world)
        with self._changed:
            if world in self._closed and not self._changed.wait_for(
                lambda: world not in self._closed, LONGEST
            ):
                raise Unavailable(f"The world {world} is being exchanged for longer than usual.")
            self._visits.setdefault(world, set()).add(visit)
        self._here.visit = visit
        return visit

    def leave(self, visit: Visit | None) -> None:
        """With what :meth:`enter` has answered."""
        if visit is None:
            return
        self._here.visit = None
        with self._changed:
            inside = self._visits[visit.world]
            inside.discard(visit)
            if not inside:
                del self._visits[visit.world]
            if self._closed:
                self._changed.notify_all()

    @contextmanager
    def at_rest(self) -> Iterator[None]:
        """Inside the block this thread's request waits, maybe for long: an exchange does not wait for it.

        It does not go on while there is one, nor after it. Raises Unavailable.
        """
        visit: Visit | None = getattr(self._here, "visit", None)
        if visit is None:
            yield
            return
        with self._changed:
            visit.rests = True
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._changed.wait_for(lambda: visit.world not in self._closed, LONGEST)
                visit.rests = False
        self.check()

    def check(self) -> None:
        """Raises Unavailable for a request whose world has been exchanged since it came in."""
        visit = getattr(self._here, "visit", None)
        if visit is not None and visit.stale:
            raise Unavailable(f"The world {visit.world} was reset while the request was under way.")

    @contextmanager
    def closed(self, world: str, *, patience: float = PATIENCE, left_behind: bool = True) -> Iterator[bool]:
        """Inside the block nobody is at work in the world but those who do not come out; new requests wait.

        With ``left_behind`` they are stale from then on. One block at a time for each world. The block gets
        whether all came out.
        """
        with self._changed:
            self._changed.wait_for(lambda: world not in self._closed)
            self._closed.add(world)
            self.exchanges += 1
            mine = getattr(self._here, "visit", None)

            def inside() -> set[Visit]:
                return self._visits.get(world, set()) - {mine}

            self._changed.wait_for(lambda: all(visit.rests for visit in inside()), patience)
            left = inside()
            if left_behind:
                for visit in left:
                    visit.stale = True
        try:
            yield not left
        finally:
            with self._changed:
                self._closed.discard(world)
                self._changed.notify_all()
