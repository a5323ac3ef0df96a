"""One armed scenario as the gate keeps it: its counters, and what of it still speaks up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from fnmatch import fnmatchcase

from emulator.domain.fault import FAMILIES, Occasion, Strike
from emulator.domain.scenario import BY_CHANCE, Arming, Count, Rule, moment
from emulator.domain.silence import reason


class Standing(StrEnum):
    """How an armed scenario, or a rule of it, stands."""

    ARMED = "armed"
    SPENT = "spent"
    """It has struck as often as it may, or all that it is to strike at has been."""
    EXPIRED = "expired"
    """Its time is over."""
    BROKEN = "broken"
    """Its text, kept by an earlier version, is not understood any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleState:
    """A rule and what has become of it. ``met`` counts where the rule has ``nth`` or ``chance``, else it is 0."""

    rule: Rule
    standing: Standing
    struck: int
    met: int
    holding: tuple[Strike, ...] = ()
    passed: int = 0
    """How often it was at one of its points since the start, and said nothing."""
    silence: str = ""
    """Why it said nothing the last time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmedState:
    """An armed scenario and what has become of it. ``problem`` says why it is BROKEN."""

    name: str
    description: str
    world: str
    source: str
    text: str
    since: datetime
    expires: datetime | None
    seed: int
    standing: Standing
    rules: tuple[RuleState, ...]
    problem: str = ""


@dataclass(slots=True, eq=False)
class Armed:
    """A scenario that is armed. Not safe by itself for several threads: the gate's lock is over it."""

    arming: Arming
    text: str
    source: str
    expired: bool = False
    problem: str = ""
    counts: dict[tuple[str, str], Count] = field(default_factory=dict)
    passed: dict[str, tuple[int, str]] = field(default_factory=dict)
    """By rule: how often it said nothing at one of its points, and why the last time."""

    def counted(self, rule: str, key: str) -> Count:
        return self.counts.get((rule, key), _NONE)

    def note_silence(self, rule: Rule, occasion: Occasion, now: datetime) -> None:
        """It was asked, and has nothing to do with the occasion."""
        if rule.is_at(occasion.point):
            number, _ = self.passed.get(rule.name, (0, ""))
            self.passed[rule.name] = number + 1, reason(self.arming, rule, occasion, now, self.counted)

    def raised(
        self, met: Iterable[tuple[str, str]], struck: Iterable[tuple[str, str]]
    ) -> Mapping[tuple[str, str], Count]:
        """The counters as they are once these (rule and key) have risen by one; nothing is changed yet."""
        found: dict[tuple[str, str], Count] = {}
        for place in met:
            count = found.get(place) or self.counted(*place)
            found[place] = Count(count.met + 1, count.struck)
        for place in struck:
            count = found.get(place) or self.counted(*place)
            found[place] = Count(count.met, count.struck + 1)
        return found

    def spends(self, risen: Mapping[tuple[str, str], Count]) -> bool:
        """Whether one of these counts is the last that its rule has."""
        rule = self.arming.scenario.rule
        return any(not key and rule(name).spent(count) for (name, key), count in risen.items())

    def standing(self, rule: Rule, now: datetime) -> Standing:
        if self.expired or self.arming.over(now) or rule.ended(now, self.arming.since):
            return Standing.EXPIRED
        return Standing.SPENT if rule.spent(self.counted(rule.name, "")) else Standing.ARMED

    def state(self, now: datetime, holding: Mapping[str, Iterable[Strike]]) -> ArmedState:
        """``holding``: by rule."""
        scenario, met = self.arming.scenario, self._met()
        rules = tuple(
            RuleState(
                rule=rule,
                standing=self.standing(rule, now),
                struck=self.counted(rule.name, "").struck,
                met=met.get(rule.name, 0),
                holding=tuple(holding.get(rule.name, ())),
                passed=self.passed.get(rule.name, (0, ""))[0],
                silence=self.passed.get(rule.name, (0, ""))[1],
            )
            for rule in scenario.rules
        )
        return ArmedState(
            name=scenario.name,
            description=scenario.description,
            world=self.arming.world,
            source=self.source,
            text=self.text,
            since=self.arming.since,
            expires=None if scenario.expires is None else moment(scenario.expires, self.arming.since),
            seed=self.arming.seed,
            standing=Standing.BROKEN if self.problem else _together([each.standing for each in rules]),
            rules=rules,
            problem=self.problem,
        )

    def _met(self) -> dict[str, int]:
        """By rule: those counted for chance where there are any, as they are counted for ``nth`` as well."""
        by_chance: dict[str, int] = {}
        otherwise: dict[str, int] = {}
        for (rule, key), count in self.counts.items():
            found = by_chance if key.startswith(BY_CHANCE) else otherwise
            found[rule] = found.get(rule, 0) + count.met
        return otherwise | {rule: met for rule, met in by_chance.items() if met}


_NONE = Count()


def _together(standings: list[Standing]) -> Standing:
    """Armed while any rule is; else expired if any rule is that."""
    for standing in (Standing.ARMED, Standing.EXPIRED):
        if standing in standings:
            return standing
    return Standing.SPENT


def families(points: Iterable[str]) -> set[str]:
    """The families that patterns of points may speak of; a ``*`` reaches over the dot."""
    wanted = [point.partition("*")[0].partition(".")[0] + ("*" if "*" in point else "") for point in points]
    return {family for family in FAMILIES if any(fnmatchcase(family, each) for each in wanted)}
