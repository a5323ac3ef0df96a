"""Scenarios: which rule speaks up at which occasion; a pure decision on what has been counted so far.

The language that they are written in is read by ``emulator/scenario``; what is counted is kept by ``engine/gate.py``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from hashlib import blake2b

from emulator.domain.fault import DOWNLOAD, Action, Occasion

FACTS = (
    "user",
    "operation",
    "job",
    "job_name",
    "app",
    "system",
    "queue",
    "path",
    "transfer",
    "host",
    "event",
    "url",
    "world",
)
"""What rules can ask of an occasion; ``operation`` is the point without its family."""

ASKED_AGAIN = ("job.*", "transfer.*", "scheduler.submit", "app.*")
"""Points of a job's steps: these are repeated from their start after a wait or a restart, and so ask again.

What a rule has stopped there (``hold``, or any action that lasts) is the same when it is asked about again, and is
not stopped again by that rule once it is over. Elsewhere each occasion is one of its own.
"""

BY_CHANCE = "~"
"""What keys begin with under which occasions are counted for chance."""

Moment = datetime | timedelta
"""A time, or so long after a scenario was armed; both by the world's clock."""


@dataclass(frozen=True, slots=True)
class Match:
    """Patterns (globs) that a fact must and must not fit. A fact that an occasion has not, fits none."""

    wanted: tuple[str, ...] = ()
    unwanted: tuple[str, ...] = ()

    def fits(self, value: str, is_path: bool = False) -> bool:
        if not value or _fits(self.unwanted, value, is_path):
            return False
        return not self.wanted or _fits(self.wanted, value, is_path)


def _fits(patterns: tuple[str, ...], value: str, is_path: bool) -> bool:
    return any(
        fnmatchcase(value, pattern)
        # `*.jpg` and `pictures/*.jpg` speak of how a path ends
        or (is_path and not pattern.startswith("/") and fnmatchcase(value, f"*/{pattern}"))
        for pattern in patterns
    )


@dataclass(frozen=True, slots=True)
class Turns:
    """Which of the matching occasions are meant, counted from 1: ranges (``None``: no end), or every so many."""

    ranges: tuple[tuple[int, int | None], ...] = ()
    every: int = 0

    def includes(self, number: int) -> bool:
        if self.every:
            return number % self.every == 0
        return any(first <= number and (last is None or number <= last) for first, last in self.ranges)

    def over(self, met: int) -> bool:
        """Whether none is meant any more, once so many have been met."""
        return not self.every and all(last is not None and last <= met for _, last in self.ranges)


@dataclass(frozen=True, slots=True)
class Flap:
    """Strikes for a while, is silent for a while, and so on; beginning with the start of the rule's window."""

    on: timedelta
    off: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule of a scenario. ``points`` are globs; ``facts`` say what an occasion must be, ``turns`` which of these.

    ``times`` None is for ever. ``per`` names a fact for each value of which ``times`` and ``turns`` count apart.
    ``after`` names another rule of the scenario. ``line`` is where it stands in its file.
    """

    name: str
    points: tuple[str, ...]
    action: Action
    facts: Mapping[str, Match] = field(default_factory=dict)
    turns: Turns | None = None
    times: int | None = None
    per: str = ""
    chance: float = 1.0
    after: str = ""
    start: Moment | None = None
    until: Moment | None = None
    flap: Flap | None = None
    expires: Moment | None = None
    line: int = 0

    def is_at(self, point: str) -> bool:
        """Whether the point is one of the rule's."""
        return any(fnmatchcase(point, each) for each in self.points)

    def listens(self, occasion: Occasion) -> bool:
        """Whether the occasion is of the kind that the rule speaks about."""
        return self.is_at(occasion.point) and all(
            match.fits(fact(occasion, name), is_path=name == "path") for name, match in self.facts.items()
        )

    def in_force(self, now: datetime, since: datetime) -> bool:
        """Whether it can strike at this time, having been armed at ``since``."""
        start = since if self.start is None else moment(self.start, since)
        if now < start or self.ended(now, since):
            return False
        return self.flap is None or (now - start) % (self.flap.on + self.flap.off) < self.flap.on

    def ended(self, now: datetime, since: datetime) -> bool:
        """Whether its time is over for good."""
        return any(end is not None and now >= moment(end, since) for end in (self.until, self.expires))

    def done(self, count: Count) -> bool:
        """Whether what was counted under a key of it leaves nothing at which it would strike."""
        if self.times is not None and count.struck >= self.times:
            return True
        return self.turns is not None and self.turns.over(count.met)

    def spent(self, count: Count) -> bool:
        """Whether it will never strike again; what ``per`` counts apart can always come anew."""
        return not self.per and self.done(count)

    def key(self, occasion: Occasion) -> str:
        """What its counters are kept under for this occasion."""
        return f"{self.per}={fact(occasion, self.per)}" if self.per else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A story of failures: rules, of which the first that matches speaks up. Rules have names of their own."""

    name: str
    rules: tuple[Rule, ...]
    description: str = ""
    seed: int | None = None
    expires: Moment | None = None

    def rule(self, name: str) -> Rule:
        """Raises KeyError."""
        for each in self.rules:
            if each.name == name:
                return each
        raise KeyError(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arming:
    """A scenario that is armed in a world: since when (by the world's clock), with which seed of its chances.

    ``number`` rises from arming to arming and is never used again. ``steady_ids``: the world's ids are the same in
    every run, so that chance may tell jobs apart by theirs.
    """

    number: int
    world: str
    scenario: Scenario
    since: datetime
    seed: int = 0
    steady_ids: bool = False

    def over(self, now: datetime) -> bool:
        """Whether it has expired."""
        end = self.scenario.expires
        return end is not None and now >= moment(end, self.since)


@dataclass(frozen=True, slots=True)
class Count:
    """What was counted under a key: occasions that a rule has met, and how often it struck."""

    met: int = 0
    struck: int = 0


Counted = Callable[[str, str], Count]
"""The count of a rule (its name) under a key."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a rule says at an occasion: ``met`` are the keys under which to count it as met."""

    strikes: bool
    met: tuple[str, ...] = ()


def weigh(arming: Arming, rule: Rule, occasion: Occasion, now: datetime, counted: Counted) -> Verdict | None:
    """What a rule says; None where it has nothing to do with the occasion.

    The occasions that count for ``nth`` and for chance are those that fit all else that the rule asks for, whether
    or not another rule speaks up there first.
    """
    if not rule.listens(occasion) or not rule.in_force(now, arming.since):
        return None
    key = rule.key(occasion)
    if awaits(arming, rule, occasion, counted) or rule.done(counted(rule.name, key)):
        return None
    strikes, met = True, []
    if rule.turns is not None:
        met.append(key)
        strikes = rule.turns.includes(counted(rule.name, key).met + 1)
    if rule.chance < 1:
        about = subject(occasion, with_job=arming.steady_ids)
        met.append(about)
        strikes = draw(arming, rule.name, about, counted(rule.name, about).met + 1) < rule.chance and strikes
    return Verdict(strikes, tuple(met))


def awaits(arming: Arming, rule: Rule, occasion: Occasion, counted: Counted) -> bool:
    """Whether the rule that it comes after has yet to strike: for the same as this one, where both have one ``per``."""
    if not rule.after:
        return False
    same = rule.per and arming.scenario.rule(rule.after).per == rule.per
    return not counted(rule.after, rule.key(occasion) if same else "").struck


def subject(occasion: Occasion, with_job: bool) -> str:
    """What an occasion is about, the same in every run; ``url`` holds ports, which are not."""
    left_out = ("world", "url") if with_job else ("world", "url", "job")
    told = {name: value for name, value in occasion.facts().items() if name not in left_out}
    return f"{BY_CHANCE}{blake2b(json.dumps(told, sort_keys=True).encode(), digest_size=12).hexdigest()}"


def draw(arming: Arming, rule: str, about: str, number: int) -> float:
    """A share from 0 (included) to 1 (not) that depends on nothing but what it is given."""
    parts = [arming.seed, arming.world, arming.scenario.name, rule, about, number]
    digest = blake2b(json.dumps(parts).encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) / 2**53


def fact(occasion: Occasion, name: str) -> str:
    """What an occasion says under one of FACTS; "" where it has no such thing."""
    if name == "operation":
        return occasion.point.partition(".")[2]
    found: str = getattr(occasion, name)
    return found


def moment(time: Moment, since: datetime) -> datetime:
    """A time, or the time so long after ``since``; the last there is where that lies beyond it."""
    if isinstance(time, datetime):
        return time
    try:
        return since + time
    except OverflowError:
        return datetime.max.replace(tzinfo=since.tzinfo)


def asked_again(occasion: Occasion) -> bool:
    """Whether whoever waits at this occasion asks again later; see ASKED_AGAIN. Who fetches outputs is no step."""
    of_step = bool(occasion.job) and occasion.transfer != DOWNLOAD
    return of_step and any(fnmatchcase(occasion.point, point) for point in ASKED_AGAIN)
