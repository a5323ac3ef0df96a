"""What scenarios have stopped: who waits there, and who is woken when it is over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from emulator.domain.fault import Occasion, Strike
from emulator.domain.scenario import asked_again

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
        self._by_strike: dict[tuple[int, str, int], Stopped] = {}
        self._by_subject: dict[tuple[str, ...], list[Stopped]] = {}

    def add(self, strike: Strike, over: bool = False) -> None:
        stopped = Stopped(strike, over)
        self._by_strike[_key(strike)] = stopped
        if asked_again(strike.occasion):
            self._by_subject.setdefault(_subject(strike.occasion), []).append(stopped)

    def at(self, occasion: Occasion) -> list[Stopped]:
        """What was stopped before at this very occasion, which now asks again; ended ones too."""
        return self._by_subject.get(_subject(occasion), []) if asked_again(occasion) else []

    def find(self, strike: Strike) -> Stopped | None:
        return self._by_strike.get(_key(strike))

    def of(self, arming: int, rule: str | None = None) -> Iterator[Stopped]:
        """Those of a scenario, or of one of its rules, in the order in which they were stopped."""
        for (number, name, _), stopped in list(self._by_strike.items()):
            if number == arming and rule in (None, name):
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
        self._by_strike.pop(_key(stopped.strike), None)
        subject = _subject(stopped.strike.occasion)
        left = [each for each in self._by_subject.get(subject, ()) if each is not stopped]
        if left:
            self._by_subject[subject] = left
        else:
            self._by_subject.pop(subject, None)

    def drop_all(self, arming: int) -> list[Callable[[], None]]:
        """The scenario is gone: nothing waits for it any more. The answer wakes those who did."""
        woken = []
        for stopped in list(self.of(arming)):
            woken += self.end(stopped)
            self.drop(stopped)
        return woken


def _key(strike: Strike) -> tuple[int, str, int]:
    return strike.arming, strike.rule, strike.number


def _subject(occasion: Occasion) -> tuple[str, ...]:
    return occasion.world, occasion.point, occasion.job, occasion.path
