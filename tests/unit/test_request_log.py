"""The memory of requests is bounded, and what strikes in a request's thread is noted with it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime

from emulator.domain.fault import Action, Occasion, Strike
from emulator.domain.request_record import LONGEST, RequestRecord
from emulator.services.request_log import MOST, NotingGate, RequestLog, UnderWay, under_way

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Stopped:
    """A clock at noon, of every world."""

    def of(self, _world: str) -> Stopped:
        return self

    machine = property(lambda self: self)

    def now(self) -> datetime:
        return NOON


class Striking:
    """A gate that always says the same."""

    def armed(self, world: str, family: str) -> bool:
        return True

    def strike(self, occasion: Occasion) -> Strike | None:
        return Strike(scenario="s", rule="r", action=Action("status"), occasion=occasion)

    def released(self, strike: Strike) -> bool:
        return True

    def forget(self, world: str, job: str) -> None: ...

    def on_release(self, strike: Strike, action: Callable[[], None]) -> Callable[[], None]:
        return lambda: None


def log() -> RequestLog:
    return RequestLog(clocks=Stopped())  # type: ignore[arg-type]


def begin(kept: RequestLog, path: str = "/jobs/v2", world: str = "w") -> RequestRecord:
    return kept.begin(world, "GET", path, "", "", "", [])


def test_the_newest_are_kept() -> None:
    kept = log()
    for _ in range(MOST + 5):
        begin(kept)
    numbers = [record.number for record in kept.of("w")]
    assert numbers == list(range(6, MOST + 6))
    assert kept.of("another") == []


def test_long_texts_are_cut() -> None:
    record = log().begin("w", "GET", "/" + "x" * 60_000, "y" * 60_000, "u" * 60_000, "a" * 60_000, [])
    assert {len(text) for text in (record.path, record.query, record.user, record.agent)} == {LONGEST}


def test_a_world_that_begins_anew() -> None:
    kept = log()
    old = begin(kept)
    kept.forget("w")
    assert kept.of("w") == []
    kept.end("w", old, 5)
    assert begin(kept).number == 1


def test_strikes_are_noted_with_the_request_of_the_thread() -> None:
    gate = NotingGate(Striking())
    request = UnderWay(lambda arrange: None)
    occasion = Occasion(world="w", point="http.jobs.list")
    token = under_way.set(request)
    try:
        assert gate.strike(occasion) is not None
        other = threading.Thread(target=gate.strike, args=(occasion,))
        other.start()
        other.join()
    finally:
        under_way.reset(token)
    assert gate.strike(occasion) is not None
    assert [strike.occasion for strike in request.strikes] == [occasion]
