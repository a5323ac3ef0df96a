"""Time and chance, as contracts: the only ways to what is not the same in every run."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Retest:
    """What a timer goes off for that looks again and again at what only a change of what is stored can end.

    Two of one ``key`` are in vain together. ``stamp`` is the store's of before the last look, which was in vain.
    ``again`` tells the first moment for a look that is not before another; ``latest`` is when one is needed
    whatever is stored. Of one moment, the least ``turn`` goes first.
    """

    key: Hashable
    stamp: object
    again: Callable[[datetime], datetime]
    latest: datetime | None = None
    turn: int = 0


class Clock(Protocol):
    """A source of time: this machine's, or a world's."""

    @property
    def real(self) -> bool:
        """Whether its time goes by as the machine's does: neither quicker nor slower, nor by leaps."""

    def now(self) -> datetime:
        """The current time, UTC, aware, whole milliseconds."""

    def at(self, moment: datetime) -> datetime:
        """What this clock said when the machine's own clock said ``moment``, as far as that is still known."""

    def call_at(
        self,
        when: datetime,
        action: Callable[[], None],
        *,
        background: bool = False,
        retest: Retest | None = None,
    ) -> Callable[[], None]:
        """Run ``action`` on a thread of the clock's at ``when``; the answer, when called, takes it back.

        Actions must be short: they wake somebody else. A time in the past means at once. ``background``: nobody
        waits for it, so nobody lets time pass for its sake. ``retest``: looks that are in vain may be left
        out, the call comes for the first one that is not.
        """


class Clocks(Protocol):
    """The one source of time. Every world has a clock of its own, which may be scaled or stand still."""

    @property
    def machine(self) -> Clock:
        """This machine's own time: for real processes and connections, and for what belongs to no world."""

    def of(self, world: str) -> Clock:
        """The clock of a world: for everything that its users can see or wait for."""


class Chance(Protocol):
    """What a world draws by chance. With a seed everything is drawn from it, each subject from a stream of its own."""

    def job(self) -> str:
        """A job uuid: 40 characters ending in ``-007`` [conventions §7]."""

    def postit(self) -> str:
        """A postit's key: 40 characters ending in ``-010`` [conventions §7]."""

    def legacy(self, suffix: str, *, subject: str = "") -> str:
        """A uuid of the legacy form for the three-digit type ``suffix``.

        ``subject`` is what it is drawn for, where several are drawn for different ones at the same time: the
        uuid of a job, for what its life brings. Without one, later uuids of a type are greater.
        """

    def token(self) -> str:
        """32 hexadecimal characters."""

    def key(self) -> str:
        """28 characters of ``[A-Za-z0-9_]``: a consumer key or secret."""

    def fraction(self, subject: str, seed: int | None = None) -> float:
        """At least 0, less than 1. With a ``seed`` it depends on that and the subject alone.

        Without one it is drawn from the world's, as the next of the subject, where the world has a seed.
        """


class Ids(Protocol):
    """The one source of chance."""

    def of(self, world: str) -> Chance:
        """The chance of a world."""
