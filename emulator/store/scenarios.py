"""Rows of armed scenarios: their texts, counters, what they hold, and the journal of their strikes."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, String, bindparam, cast, delete, func, insert, select, update

from emulator.domain.fault import Occasion, Strike
from emulator.domain.scenario import Count
from emulator.store.tables import armed_scenarios, scenario_counts, scenario_stops, strikes

# what every strike asks: worded once
_COUNT = (
    update(scenario_counts)
    .where(
        scenario_counts.c.arming == bindparam("of_arming"),
        scenario_counts.c.rule == bindparam("of_rule"),
        scenario_counts.c.key == bindparam("of_key"),
    )
    .values(met=bindparam("met"), struck=bindparam("struck"))
)
_BEGIN_COUNT = insert(scenario_counts)
_JOURNALIZE = insert(strikes)
_OF_WORLD = (armed_scenarios, scenario_counts, scenario_stops, strikes)


LONGEST = 2000
"""Characters of a text that the journal keeps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmedText:
    """An armed scenario as it was written. ``number`` 0 is given by the store."""

    world: str
    name: str
    text: str
    source: str
    since: datetime
    seed: int
    expired: bool = False
    number: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """What a rule has stopped, as far as whoever waits there will ask again. ``over``: it was released."""

    arming: int
    rule: str
    number: int
    occasion: Occasion
    until: datetime | None = None
    over: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """A strike as the journal has it; ``facts`` are those of the occasion."""

    seq: int
    world: str
    at: datetime
    scenario: str
    rule: str
    number: int
    point: str
    action: str
    args: dict[str, Any]
    facts: dict[str, str]


class ScenarioRows:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def armed(self) -> list[ArmedText]:
        """Of all worlds, in the order of arming."""
        rows = self._connection.execute(select(armed_scenarios).order_by(armed_scenarios.c.number))
        return [ArmedText(**row._mapping) for row in rows]

    def arm(self, armed: ArmedText) -> int:
        """Store it; the answer is its number, which is never used again. One of a name in a world."""
        values = asdict(armed)
        del values["number"]
        key = self._connection.execute(insert(armed_scenarios).values(**values)).inserted_primary_key
        assert key is not None
        return int(key[0])

    def expire(self, number: int) -> None:
        """It is over, but stays in the list."""
        self._connection.execute(
            update(armed_scenarios).where(armed_scenarios.c.number == number).values(expired=True)
        )

    def disarm(self, number: int) -> None:
        """Forget it with its counters; the journal stays."""
        self._connection.execute(delete(armed_scenarios).where(armed_scenarios.c.number == number))
        for table in (scenario_counts, scenario_stops):
            self._connection.execute(delete(table).where(table.c.arming == number))

    def counts(self) -> dict[int, dict[tuple[str, str], Count]]:
        """By arming, then by rule and key."""
        found: dict[int, dict[tuple[str, str], Count]] = {}
        for row in self._connection.execute(select(scenario_counts)):
            found.setdefault(row.arming, {})[row.rule, row.key] = Count(row.met, row.struck)
        return found

    def put_counts(self, world: str, arming: int, counts: Mapping[tuple[str, str], Count]) -> None:
        """Set some counters of an arming, by rule and key."""
        for (rule, key), count in counts.items():
            values = {"met": count.met, "struck": count.struck}
            place = {"of_arming": arming, "of_rule": rule, "of_key": key}
            if not self._connection.execute(_COUNT, place | values).rowcount:
                new = {"world": world, "arming": arming, "rule": rule, "key": key}
                self._connection.execute(_BEGIN_COUNT, new | values)

    def stops(self) -> list[Stop]:
        """Of all worlds."""
        return [
            Stop(
                arming=row.arming,
                rule=row.rule,
                number=row.number,
                occasion=Occasion(**row.occasion),
                until=row.until,
                over=row.over,
            )
            for row in self._connection.execute(select(scenario_stops))
        ]

    def add_stop(self, stop: Stop) -> None:
        self._connection.execute(
            insert(scenario_stops).values(
                world=stop.occasion.world,
                arming=stop.arming,
                rule=stop.rule,
                number=stop.number,
                occasion=asdict(stop.occasion),
                until=stop.until,
                over=stop.over,
            )
        )

    def end_stop(self, arming: int, rule: str, number: int) -> None:
        """It was released."""
        c = scenario_stops.c
        self._connection.execute(
            update(scenario_stops)
            .where(c.arming == arming, c.rule == rule, c.number == number)
            .values(over=True)
        )

    def drop_stop(self, arming: int, rule: str, number: int) -> None:
        """Nobody will ask about it again."""
        c = scenario_stops.c
        self._connection.execute(
            delete(scenario_stops).where(c.arming == arming, c.rule == rule, c.number == number)
        )

    def journalize(self, strike: Strike, at: datetime) -> None:
        """Append to the journal."""
        occasion = strike.occasion
        facts = {k: v for k, v in occasion.facts().items() if k not in ("world", "point")}
        self._connection.execute(
            _JOURNALIZE,
            {
                "world": occasion.world,
                "at": at,
                "scenario": strike.scenario,
                "rule": strike.rule,
                "number": strike.number,
                "point": occasion.point,
                "action": strike.action.kind,
                "args": _cut(strike.action.args),
                "facts": _cut(facts),
            },
        )

    def journal(self, world: str, after: int = 0, limit: int | None = None) -> list[JournalEntry]:
        """The strikes of a world behind a sequence number, in the order in which they were made."""
        query = select(strikes).where(strikes.c.world == world, strikes.c.seq > after)
        rows = self._connection.execute(query.order_by(strikes.c.seq).limit(limit))
        return [JournalEntry(**row._mapping) for row in rows]

    def journal_in_order(self, world: str) -> array[int]:
        """The numbers of a world's strikes by time, then by what they touched and what struck: not by who was first."""
        c = strikes.c
        order = (c.at, cast(c.facts, String), c.point, c.scenario, c.rule, c.seq)
        query = select(c.seq).where(c.world == world).order_by(*order)
        return array("q", self._connection.execute(query).scalars())

    def journal_of(self, numbers: Sequence[int]) -> list[JournalEntry]:
        """The strikes of these numbers, in their order, as far as they are still there."""
        rows = self._connection.execute(select(strikes).where(strikes.c.seq.in_(numbers)))
        found = {row.seq: JournalEntry(**row._mapping) for row in rows}
        return [found[number] for number in numbers if number in found]

    def forget_journal(self, world: str) -> int:
        """Empty the journal of a world; the answer is how many strikes it had."""
        return self._connection.execute(delete(strikes).where(strikes.c.world == world)).rowcount

    def last_of_journal(self, world: str) -> int:
        """The sequence number of a world's newest strike; 0 where there is none."""
        query = select(func.max(strikes.c.seq)).where(strikes.c.world == world)
        return int(self._connection.execute(query).scalar_one() or 0)

    def count_journal(self, world: str) -> int:
        """How many strikes the journal of a world has."""
        query = select(func.count()).select_from(strikes).where(strikes.c.world == world)
        return int(self._connection.execute(query).scalar_one())

    def forget_world(self, world: str) -> None:
        """Scenarios, counters and journal of a world that begins anew or goes."""
        for table in _OF_WORLD:
            self._connection.execute(delete(table).where(table.c.world == world))


def _cut(values: Mapping[str, Any]) -> dict[str, Any]:
    """What the journal keeps of arguments, which may hold whole pages, and of facts."""
    return {
        name: f"{value[:LONGEST]}…" if isinstance(value, str) and len(value) > LONGEST else value
        for name, value in values.items()
    }
