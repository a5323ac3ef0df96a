"""What scenarios have stopped: who waits there, and who is woken when it is over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from emulator.domain.fault import Occasion, Strike
from emulator.domain.scenario import asked_again

_TIDY_FROM = 1000

HOLD = "hold"
LENGTH = "for"
"""The argument of an action that says how long it lasts, in seconds; see ``scenario/catalog/kind.py``."""


def lasts(strike: Strike) -> bool:
    """Whether what was struck waits until something is over."""
    return strike.action.kind == HOLD or strike.until is not None


@dataclass(slots=True, eq=False)
class Stopped:
    """Something that waits. ``over``: it was released."""

    strike: Strike
    over: bool = False
    waiting: list[Callable[[], None]] = field(default_factory=list)

    def ended(self, now: datetime) -> bool:
        until = self.strike.until
        return self.over or (until is not None and now >= until)


class Stops:
    """All that is stopped in all worlds. Not safe by itself for several threads: the gate's lock is over it."""

    def __init__(self) -> None:
        self._by_arming: dict[int, dict[tuple[str, int], Stopped]] = {}
        self._by_job: dict[tuple[str, str], dict[tuple[str, ...], list[Stopped]]] = {}
        """By world and job, then by what it is about: those that will be asked about again."""
        self._tidy_at = _TIDY_FROM

    def add(self, strike: Strike, now: datetime, over: bool = False) -> None:
        """Keep it until it is over; what asks again, until its scenario is disarmed."""
        found = self._by_arming.setdefault(strike.arming, {})
        found[strike.rule, strike.number] = stopped = Stopped(strike, over)
        if asked_again(strike.occasion):
            about = self._by_job.setdefault(_job(strike.occasion), {})
            about.setdefault(_subject(strike.occasion), []).append(stopped)
        elif len(found) > self._tidy_at:
            self._tidy(strike.arming, now)

    def at(self, occasion: Occasion) -> list[Stopped]:
        """What was stopped before at this very occasion, which now asks again; ended ones too."""
        if not asked_again(occasion):
            return []
        return self._by_job.get(_job(occasion), {}).get(_subject(occasion), [])

    def of_job(self, world: str, job: str) -> list[Stopped]:
        """What was stopped of a job, where that will be asked about again."""
        return [each for found in self._by_job.get((world, job), {}).values() for each in found]

    def find(self, strike: Strike) -> Stopped | None:
        return self._by_arming.get(strike.arming, {}).get((strike.rule, strike.number))

    def of(self, arming: int, rule: str | None = None) -> Iterator[Stopped]:
        """Those of a scenario, or of one of its rules, in the order in which they were stopped."""
        for (name, _), stopped in list(self._by_arming.get(arming, {}).items()):
            if rule in (None, name):
                yield stopped

    def end(self, stopped: Stopped) -> list[Callable[[], None]]:
        """It may go on. The answer wakes those who wait for that."""
        stopped.over = True
        woken, stopped.waiting = stopped.waiting, []
        if not asked_again(stopped.strike.occasion):
            self.drop(stopped)
        return woken

    def drop(self, stopped: Stopped) -> None:
        """Nobody will ask about it any more."""
        strike = stopped.strike
        self._by_arming.get(strike.arming, {}).pop((strike.rule, strike.number), None)
        if not asked_again(strike.occasion):
            return
        job, subject = _job(strike.occasion), _subject(strike.occasion)
        about = self._by_job.get(job, {})
        left = [each for each in about.get(subject, ()) if each is not stopped]
        if left:
            about[subject] = left
        else:
            about.pop(subject, None)
        if not about:
            self._by_job.pop(job, None)

    def drop_all(self, arming: int) -> list[Callable[[], None]]:
        """The scenario is gone: nothing waits for it any more. The answer wakes those who did."""
        woken = []
        for stopped in self.of(arming):
            woken += self.end(stopped)
            self.drop(stopped)
        self._by_arming.pop(arming, None)
        return woken

    def _tidy(self, arming: int, now: datetime) -> None:
        """Drop what has ended by itself with nobody waiting, whenever that has become much."""
        for stopped in self.of(arming):
            if stopped.ended(now) and not stopped.waiting and not asked_again(stopped.strike.occasion):
                self.drop(stopped)
        self._tidy_at = max(_TIDY_FROM, 2 * len(self._by_arming.get(arming, {})))


def _job(occasion: Occasion) -> tuple[str, str]:
    return occasion.world, occasion.job


def _subject(occasion: Occasion) -> tuple[str, ...]:
    return occasion.point, occasion.transfer, occasion.system, occasion.path
