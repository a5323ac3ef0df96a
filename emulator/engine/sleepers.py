"""Looks that would be in vain: nobody is woken to look again at what has not changed.

A job that waits for a place looks every minute. What it finds depends on nothing but what is stored; so as long as
nobody has written, the looks in between are left out, and nobody can tell. Where time leaps it leaps over them;
where it goes by itself, their timers go off and nothing comes of it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from emulator.domain.ports import Retest

_NEVER_YET = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True, eq=False)
class Sleeper:
    """Who would look at ``first``, and then again and again. ``last``: when it looks in any case.

    ``next_look`` is known once it is taken out, ``number`` while it is an ordinary timer. ``over``: nobody wants it.
    """

    first: datetime
    last: datetime | None
    action: Callable[[], None]
    retest: Retest
    next_look: datetime = field(init=False)
    number: int | None = None
    over: bool = False


@dataclass(slots=True, eq=False)
class Group:
    """Those of one key. Looks before ``passed`` were in vain, and were as long as the store's stamp is ``stamp``."""

    stamp: object
    passed: datetime = _NEVER_YET
    sleepers: dict[Sleeper, None] = field(default_factory=dict)


def sleeper(first: datetime, action: Callable[[], None], retest: Retest) -> Sleeper:
    """Who has just looked in vain, and would look again at ``first``."""
    last = None if retest.latest is None else retest.again(max(first, retest.latest))
    return Sleeper(first, last, action, retest)


class Sleepers:
    """Not safe for threads: their clock holds a lock."""

    def __init__(self, stamp: Callable[[], object]) -> None:
        """``stamp`` is another one after every change of what is stored."""
        self._stamp = stamp
        self._groups: dict[Hashable, Group] = {}
        self._vain: tuple[object, set[Hashable]] = object(), set()

    def __bool__(self) -> bool:
        return bool(self._groups)

    def looked(self, retest: Retest) -> None:
        """Somebody has looked in vain, and so has everybody of the same key while nothing changes."""
        if retest.stamp is self._stamp():
            if retest.stamp is not self._vain[0]:
                self._vain = retest.stamp, set()
            self._vain[1].add(retest.key)

    def in_vain(self, retest: Retest) -> bool:
        """Whether somebody has looked in vain under this key, and nothing has changed since."""
        stamp, keys = self._vain
        return stamp is self._stamp() and retest.key in keys

    def add(self, sleeper: Sleeper) -> None:
        """It is called when there is reason to look."""
        retest = sleeper.retest
        group = self._groups.setdefault(retest.key, Group(retest.stamp))
        if self.in_vain(retest):
            group.stamp = self._vain[0]
        group.sleepers[sleeper] = None

    def remove(self, sleeper: Sleeper) -> None:
        """Again is fine."""
        group = self._groups.get(sleeper.retest.key)
        if group is not None:
            group.sleepers.pop(sleeper, None)
            if not group.sleepers:
                del self._groups[sleeper.retest.key]

    def next_due(self) -> datetime | None:
        """When the next one looks that has reason to."""
        return min((due for due, _turn, _sleeper in self._due()), default=None)

    def next_look(self) -> datetime | None:
        """When the next one would look, be it in vain."""
        return min(
            (_next_look(group, sleeper) for group in self._groups.values() for sleeper in group.sleepers),
            default=None,
        )

    def pop_due(self, now: datetime) -> Sleeper | None:
        """Take out the next one that has reason to look, if its time has come."""
        found = min(self._due(), key=lambda due: due[:2], default=None)
        if found is None or found[0] > now:
            return None
        due, _turn, sleeper = found
        self.remove(sleeper)
        sleeper.next_look = due
        return sleeper

    def asleep(self) -> list[Group]:
        """Those for whom nothing has changed."""
        stamp = self._stamp()
        return [group for group in self._groups.values() if group.stamp is stamp]

    def take_all(self) -> list[Sleeper]:
        """Take out everybody, in the order in which they would look."""
        found = []
        for group in self._groups.values():
            for sleeper in group.sleepers:
                sleeper.next_look = _next_look(group, sleeper)
                found.append(sleeper)
        self._groups.clear()
        return sorted(found, key=lambda one: (one.next_look, one.retest.turn))

    def clear(self) -> None:
        self._groups.clear()

    def _due(self) -> Iterator[tuple[datetime, int, Sleeper]]:
        stamp = self._stamp()
        for group in self._groups.values():
            changed = group.stamp is not stamp
            for sleeper in group.sleepers:
                due = _next_look(group, sleeper) if changed else sleeper.last
                if due is not None:
                    yield due, sleeper.retest.turn, sleeper


def _next_look(group: Group, sleeper: Sleeper) -> datetime:
    return sleeper.retest.again(max(sleeper.first, group.passed))
