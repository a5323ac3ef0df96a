"""What is at work in each world, so that somebody can wait until nothing is.

A world whose clock stands still does one thing at a time, in an order that does not depend on threads: then the
same requests give the same history.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import IntEnum


class Kind(IntEnum):
    """What can be at work. Of what waits in a world that does one thing at a time, the least goes first."""

    TIMER = 0
    JOB = 1
    STAGING = 2
    DELIVERY = 3
    REQUEST = 4
    SCRIPT = 5
    """Something real that the emulator only watches: a script, an image on its way."""

    @property
    def plural(self) -> str:
        return _PLURALS[self]


_PLURALS = {
    Kind.TIMER: "timers",
    Kind.JOB: "job steps",
    Kind.STAGING: "imports",
    Kind.DELIVERY: "notifications",
    Kind.REQUEST: "requests",
    Kind.SCRIPT: "scripts that really run",
}
_ONE_AT_A_TIME = frozenset({Kind.JOB, Kind.STAGING, Kind.DELIVERY, Kind.REQUEST})
NOT_OURS = frozenset({Kind.SCRIPT})


class Work:
    """One thing that is at work, or waits to be. Counted until it is done, but not while it pauses."""

    def __init__(self, activity: Activity, world: str, kind: Kind) -> None:
        self.world = world
        self.kind = kind
        self._activity = activity
        self.begun = False
        self.counted = True
        self.held_up: Callable[[int], None] = _nothing
        """Told 1 when the thread that works at it begins to wait, -1 when it goes on."""

    def begin(self) -> None:
        """It waits no longer."""
        self._activity.set_begun(self)

    def become(self, kind: Kind) -> None:
        """It waits to be done as something of another kind, or again."""
        self._activity.set_kind(self, kind)

    def pause(self) -> None:
        """It waits for the world's clock, or for somebody outside."""
        self._activity.set_counted(self, counted=False)

    def resume(self) -> None:
        self._activity.set_counted(self, counted=True)

    def done(self) -> None:
        """Over; a second time is fine. Not to be called with a lock held that a listener may want."""
        self._activity.remove(self)


class _World:
    """What is at work in one world, and the sums of it, so that nobody goes through it all to look."""

    def __init__(self) -> None:
        self.works: set[Work] = set()
        self.counts: Counter[Kind] = Counter()
        """Of those that count."""
        self.begun = 0
        """How many of those have begun, of what is done one at a time."""

    def add(self, work: Work) -> None:
        self.works.add(work)
        self._sum(work, 1)

    def remove(self, work: Work) -> None:
        self._sum(work, -1)
        self.works.remove(work)

    def _sum(self, work: Work, change: int) -> None:
        if work.counted:
            self.counts[work.kind] += change
            if work.begun and work.kind in _ONE_AT_A_TIME:
                self.begun += change

    def may_begin(self, kind: Kind) -> bool:
        return not self.begun and not any(self.counts[other] for other in _ONE_AT_A_TIME if other < kind)

    def busy(self, besides: Collection[Kind]) -> dict[Kind, int]:
        return {kind: count for kind, count in self.counts.items() if count and kind not in besides}


_IDLE = _World()


def _nothing(_change: int) -> None:
    pass


current: ContextVar[Work | None] = ContextVar("current", default=None)
"""What this thread is working at, where that counts."""


class Activity:
    """Counts what is at work, by world and kind."""

    def __init__(self, one_at_a_time: Callable[[str], bool] = lambda _world: False) -> None:
        """``one_at_a_time`` tells whether a world does one thing after the other."""
        self.one_at_a_time = one_at_a_time
        self._changed = threading.Condition()
        self._worlds: dict[str, _World] = {}
        self._listeners: list[Callable[[], None]] = []
        self._changes: Counter[str] = Counter()

    def listen(self, action: Callable[[], None]) -> None:
        """Call ``action`` whenever something ends that others may have waited for."""
        self._listeners.append(action)

    def expect(self, world: str, kind: Kind) -> Work:
        """Something is to be done in a world."""
        work = Work(self, world, kind)
        with self._changed:
            self._worlds.setdefault(world, _World()).add(work)
        return work

    def begin(self, world: str, kind: Kind) -> Work:
        """Something is being done in a world."""
        work = self.expect(world, kind)
        work.begin()
        return work

    def may_begin(self, world: str, kind: Kind) -> bool:
        """Whether work of a kind may begin now: always, but where things are done one after the other."""
        if not self.one_at_a_time(world):
            return True
        with self._changed:
            return self._worlds.get(world, _IDLE).may_begin(kind)

    def busy(self, world: str, besides: Collection[Kind] = NOT_OURS) -> dict[Kind, int]:
        """How much is at work in a world, of other kinds than ``besides``."""
        with self._changed:
            return self._busy(world, besides)

    def wait_quiet(
        self,
        world: str,
        seconds: float | None = None,
        besides: Collection[Kind] = NOT_OURS,
        given_up: Callable[[], bool] = lambda: False,
    ) -> bool:
        """Wait until nothing is at work in a world; False when the time is over first, or ``given_up``."""
        with self._changed:
            self._changed.wait_for(lambda: not self._busy(world, besides) or given_up(), seconds)
            return not self._busy(world, besides)

    def wait_while_moving(self, world: str, seconds: float, besides: Collection[Kind]) -> bool:
        """As :meth:`wait_quiet`, as long as within so many seconds something changes; whether it is quiet."""
        with self._changed:
            while self._busy(world, besides):
                if not self._changed_within(world, self._changes[world], seconds):
                    return False
            return True

    def _changed_within(self, world: str, stamp: int, seconds: float) -> bool:
        return self._changed.wait_for(lambda: self._changes[world] != stamp, seconds)

    def stamp(self, world: str) -> int:
        """Counts what has changed in a world; see :meth:`wait_change`."""
        with self._changed:
            return self._changes[world]

    def wait_change(self, world: str, stamp: int, given_up: Callable[[], bool]) -> None:
        """Wait until something has changed in a world since the stamp, or ``given_up``."""
        with self._changed:
            self._changed.wait_for(lambda: self._changes[world] != stamp or given_up())

    def note(self, world: str) -> None:
        """Something has changed in a world that is not counted here."""
        with self._changed:
            self._note(world)

    def nudge(self) -> None:
        """Let those who wait look again whether they still want to."""
        with self._changed:
            self._changed.notify_all()

    def _note(self, world: str) -> None:
        self._changes[world] += 1
        self._changed.notify_all()

    def set_begun(self, work: Work) -> None:
        with self._changed, self._change(work):
            work.begun = True

    def set_kind(self, work: Work, kind: Kind) -> None:
        with self._changed, self._change(work):
            work.kind, work.begun = kind, False
            self._note(work.world)

    def set_counted(self, work: Work, *, counted: bool) -> None:
        with self._changed:
            if work.counted == counted:
                return
            with self._change(work):
                work.counted = counted
            self._note(work.world)
        work.held_up(-1 if counted else 1)
        if not counted:
            self.tell()

    def remove(self, work: Work) -> None:
        with self._changed:
            here = self._worlds.get(work.world)
            if here is None or work not in here.works:
                return
            here.remove(work)
            if not here.works:
                del self._worlds[work.world]
            self._note(work.world)
        self.tell()

    @contextmanager
    def _change(self, work: Work) -> Iterator[None]:
        """What is said of a piece of work changes within; nothing is said any more of one that is over."""
        here = self._worlds.get(work.world, _IDLE)
        counts = work in here.works
        if counts:
            here.remove(work)
        yield
        if counts:
            here.add(work)

    def _busy(self, world: str, besides: Collection[Kind]) -> dict[Kind, int]:
        return self._worlds.get(world, _IDLE).busy(besides)

    def tell(self) -> None:
        """Call those who listen. Not to be called with a lock held that a listener may want."""
        for listener in self._listeners:
            listener()
