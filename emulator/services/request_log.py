"""The newest requests of each world, in memory, and the request that a thread is working at."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextvars import ContextVar
from itertools import count
from threading import Lock
from typing import Any

from emulator.domain.fault import Occasion, Strike
from emulator.domain.ports import Clocks, Gate
from emulator.domain.request_record import LONGEST, RequestRecord
from emulator.engine.waiting import WaitFor

MOST = 10_000
"""Requests that are remembered of each world."""


class UnderWay:
    """The request that a thread is working at: what struck on its way, and how it waits.

    ``wait`` returns when the function that it hands on is called; it does not return where the client goes first.
    ``record`` is None before it is known to which ``world`` it goes. ``afterwards`` makes another answer of that
    which the work has come to.
    """

    __slots__ = ("afterwards", "record", "strikes", "wait", "world")

    def __init__(self, wait: WaitFor) -> None:
        self.wait = wait
        self.strikes: list[Strike] = []
        self.world = ""
        self.record: RequestRecord | None = None
        self.afterwards: Callable[[Any], Any] | None = None


under_way: ContextVar[UnderWay | None] = ContextVar("request_under_way", default=None)
"""None in all threads but those of requests to the API."""


def wait_of_request() -> WaitFor | None:
    """How the request waits that this thread works at, if it works at one."""
    visit = under_way.get()
    return None if visit is None else visit.wait


class RequestLog:
    """``on_change`` is called with a world's name whenever a request was added there, or got its answer."""

    def __init__(self, *, clocks: Clocks, on_change: Callable[[str], None] = lambda _world: None) -> None:
        self._clocks = clocks
        self._on_change = on_change
        self._worlds: dict[str, _World] = {}

    def begin(
        self, world: str, method: str, path: str, query: str, user: str, agent: str, strikes: list[Strike]
    ) -> RequestRecord:
        """Remember a request that has arrived; ``strikes`` may grow."""
        kept = self._worlds.get(world) or self._worlds.setdefault(world, _World())
        received = self._clocks.of(world).now()
        with kept.lock:  # in the order of their numbers
            kept.changes += 1
            record = RequestRecord(
                number=next(kept.numbers),
                method=method,
                path=path[:LONGEST],
                query=query[:LONGEST],
                user=user[:LONGEST],
                agent=agent[:LONGEST],
                received=received,
                strikes=strikes,
                change=kept.changes,
            )
            kept.records.append(record)
        self._on_change(world)
        return record

    def answered(self, world: str, record: RequestRecord, status: int, size: int) -> None:
        """It has an answer, of which ``size`` bytes of body will be sent (0 where nobody knows yet)."""
        record.sent = size
        record.status = status
        self._changed(world, record)

    def end(self, world: str, record: RequestRecord, sent: int) -> None:
        """It is over: answered, or broken off."""
        record.sent = sent
        record.ended = self._clocks.of(world).now()
        self._changed(world, record)

    def of(self, world: str) -> list[RequestRecord]:
        """Oldest first."""
        kept = self._worlds.get(world)
        return [] if kept is None else list(kept.records)

    def changes(self, world: str) -> int:
        """The number of the newest change. Who asks before looking at :meth:`of` has seen all up to it."""
        kept = self._worlds.get(world)
        return 0 if kept is None else kept.changes

    def clear(self, world: str) -> int:
        """Forget a world's requests; how many there were. Numbers go on."""
        kept = self._worlds.get(world)
        if kept is None:
            return 0
        forgotten = len(kept.records)
        kept.records.clear()
        self._on_change(world)
        return forgotten

    def forget(self, world: str) -> None:
        """The world begins anew, or is gone: numbers begin with 1 again."""
        if self._worlds.pop(world, None) is not None:
            self._on_change(world)

    def _changed(self, world: str, record: RequestRecord) -> None:
        kept = self._worlds.get(world)
        if kept is not None:
            with kept.lock:
                record.change = kept.changes + 1
                kept.changes += 1
        self._on_change(world)


class _World:
    def __init__(self) -> None:
        self.changes = 0
        self.lock = Lock()
        self.records: deque[RequestRecord] = deque(maxlen=MOST)
        self.numbers = count(1)


class NotingGate:
    """A gate that notes what strikes in a request's own thread with the request."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self.armed = gate.armed  # the question of every request: one call less
        self.released = gate.released
        self.on_release = gate.on_release
        self.forget = gate.forget

    def strike(self, occasion: Occasion) -> Strike | None:
        """See ports.Gate."""
        strike = self._gate.strike(occasion)
        request = under_way.get()
        if strike is not None and request is not None:
            request.strikes.append(strike)
        return strike
