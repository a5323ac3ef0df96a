"""The armed scenarios of all worlds: armed, disarmed, let go, expired, and taken up again by the next start."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from hashlib import blake2b

from emulator.domain.errors import EmulatorError, NotFound, PreconditionFailed
from emulator.domain.fault import ASKED_ALONE, Strike
from emulator.domain.ports import Clocks, Ids
from emulator.domain.scenario import Arming, Rule, Scenario, asked_again, moment
from emulator.engine.armed import Armed, ArmedState, Standing, families
from emulator.engine.stops import Stops
from emulator.store import Store, Transaction
from emulator.store.scenarios import ArmedText, Stop

log = logging.getLogger(__name__)

Wake = Callable[[], None]
_MOST_NAMED = 20


class Armory:
    """What is armed, kept in the store and in memory. The gate asks it; services change it."""

    def __init__(
        self,
        *,
        store: Store,
        clocks: Clocks,
        ids: Ids,
        seed_of: Callable[[str], tuple[int, int] | None],
        read: Callable[[str, str], Scenario],
        on_armed: Callable[[str], None] = lambda _world: None,
    ) -> None:
        """``read`` understands a scenario's text (and where it is from); EmulatorError when it cannot.

        ``on_armed`` is told the world in which something new listens.
        ``seed_of`` gives the seed of a world and its generation; None where its ids are others in every run.
        """
        self._store = store
        self._clocks = clocks
        self._ids = ids
        self._seed_of = seed_of
        self._read = read
        self._on_armed = on_armed
        self.lock = threading.Lock()
        """Over all that is here, and over the gate's counting. Never taken by whoever holds the store's."""
        self.listening: dict[tuple[str, str], tuple[tuple[Armed, Rule], ...]] = {}
        """By world and family; read without the lock."""
        self.stops = Stops()
        self._armed: dict[int, Armed] = {}
        self._timers: dict[int, Callable[[], None]] = {}

    def arm(
        self, world: str, scenario: Scenario, text: str, source: str = "", *, again: bool = False
    ) -> ArmedState:
        """Let a scenario strike in a world, behind those that are armed there; ``text`` is what it was read from.

        One of its name that can strike no more gives way; with ``again`` any does. Raises PreconditionFailed where
        one of its name is armed.
        """
        now = self._clocks.of(world).now()
        row = ArmedText(
            world=world,
            name=scenario.name,
            text=text,
            source=source,
            since=now,
            seed=self._draw_seed(world) if scenario.seed is None else scenario.seed,
        )
        with self.lock:
            before = self._find(world, scenario.name)
            if before is not None and not again and before.state(now, {}).standing is Standing.ARMED:
                raise PreconditionFailed(
                    f"The scenario {scenario.name} is armed in world {world} already; disarm it, or arm it again"
                )
            with self._store.write() as tx:
                if before is not None:
                    tx.scenarios.disarm(before.arming.number)
                row = replace(row, number=tx.scenarios.arm(row))
            woken = [] if before is None else self._drop(before.arming.number)
            armed = self._take_up(row, scenario)
            self.listen(world, now)
            state = armed.state(now, {})
        _call(woken)
        self._set_timer(armed)
        self._on_armed(world)
        return state

    def disarm(self, world: str, name: str | None = None) -> int:
        """Disarm one, or all of a world: what they hold goes on. The answer is how many. Raises NotFound."""
        with self.lock:
            numbers = [each.arming.number for each in self._named(world, name)]
            with self._store.write() as tx:
                for number in numbers:
                    tx.scenarios.disarm(number)
            woken = [wake for number in numbers for wake in self._drop(number)]
            self._listen_now(world)
        _call(woken)
        return len(numbers)

    def release(self, world: str, name: str | None = None, rule: str | None = None) -> list[Strike]:
        """Let go on what is held: by all of a world, by a scenario, or by a rule of it. Raises NotFound."""
        now = self._clocks.of(world).now()
        woken: list[Wake] = []
        with self.lock:
            among = self._named(world, name)
            rules = [each.name for armed in among for each in armed.arming.scenario.rules]
            if rule is not None and rule not in rules:
                raise NotFound(f"The scenario {name} has no rule {rule!r}; {_some('it has', rules)}")
            held = [
                stopped
                for armed in among
                for stopped in self.stops.of(armed.arming.number, rule)
                if not stopped.ended(now)
            ]
            with self._store.write() as tx:
                for each in held:
                    tx.scenarios.end_stop(each.strike.arming, each.strike.rule, each.strike.number)
            for each in held:
                woken += self.stops.end(each)
            self.listen(world, now)
        _call(woken)
        return [each.strike for each in held]

    def states(self, world: str, name: str | None = None) -> list[ArmedState]:
        """All of a world, in the order of arming; those that are over, too, until they are disarmed.

        Or the one of a name: raises NotFound.
        """
        now = self._clocks.of(world).now()
        with self.lock:
            return [armed.state(now, self._holding(armed, now)) for armed in self._named(world, name)]

    def load(self, world: str | None = None) -> None:
        """Take up what the store has, of all worlds, or of one whose rows were replaced or removed."""
        with self._store.read() as tx:
            rows = [row for row in tx.scenarios.armed() if world in (None, row.world)]
            counts = tx.scenarios.counts() if rows else {}
            stops = [stop for stop in tx.scenarios.stops() if not _ended(tx, stop)] if rows else []
        understood = [(row, *self._understand(row)) for row in rows]
        with self.lock:
            woken = [wake for armed in self._of(world) for wake in self._drop(armed.arming.number)]
            for row, scenario, problem in understood:
                armed = self._take_up(row, scenario, problem)
                armed.counts.update(counts.get(row.number, {}))
                self._stop_again(armed, [stop for stop in stops if stop.arming == row.number])
            for each in {row.world for row in rows} | ({world} if world is not None else set()):
                self._listen_now(each)
            timed = [self._armed[row.number] for row in rows]
        _call(woken)
        for armed in timed:
            self._set_timer(armed)

    def listen(self, world: str, now: datetime) -> None:
        """Bring up to date which rules of a world are asked. Readers take no lock: entries are replaced whole."""
        listening: dict[tuple[str, str], list[tuple[Armed, Rule]]] = {}
        for armed in self._named(world, None):
            for rule in armed.arming.scenario.rules:
                if armed.standing(rule, now) is Standing.ARMED or self._awaited(armed, rule, now):
                    alone = {point for point in ASKED_ALONE if rule.is_at(point)}
                    for asked in families(rule.points) | alone:
                        listening.setdefault((world, asked), []).append((armed, rule))
        for place in [place for place in self.listening if place[0] == world and place not in listening]:
            del self.listening[place]
        self.listening.update({place: tuple(found) for place, found in listening.items()})

    def _listen_now(self, world: str) -> None:
        """A world where nothing is armed may be gone: its clock is not asked."""
        if self._of(world):
            self.listen(world, self._clocks.of(world).now())
        else:
            for place in [place for place in self.listening if place[0] == world]:
                del self.listening[place]

    def _awaited(self, armed: Armed, rule: Rule, now: datetime) -> bool:
        """Whether something that the rule has stopped must find the rule when it asks again."""
        stopped = self.stops.of(armed.arming.number, rule.name)
        return any(not each.ended(now) and asked_again(each.strike.occasion) for each in stopped)

    def _holding(self, armed: Armed, now: datetime) -> dict[str, list[Strike]]:
        number = armed.arming.number
        return {
            rule.name: [each.strike for each in self.stops.of(number, rule.name) if not each.ended(now)]
            for rule in armed.arming.scenario.rules
        }

    def _of(self, world: str | None) -> list[Armed]:
        """In the order of arming."""
        return [self._armed[n] for n in sorted(self._armed) if world in (None, self._armed[n].arming.world)]

    def _find(self, world: str, name: str) -> Armed | None:
        return next((each for each in self._of(world) if each.arming.scenario.name == name), None)

    def _named(self, world: str, name: str | None) -> list[Armed]:
        if name is None:
            return self._of(world)
        found = self._find(world, name)
        if found is None:
            there = [each.arming.scenario.name for each in self._of(world)]
            raise NotFound(f"No scenario {name!r} is armed in world {world}; {_some('armed are', there)}")
        return [found]

    def _take_up(self, row: ArmedText, scenario: Scenario, problem: str = "") -> Armed:
        arming = Arming(
            number=row.number,
            world=row.world,
            scenario=scenario,
            since=row.since,
            seed=row.seed,
            steady_ids=self._seed_of(row.world) is not None,
        )
        self._armed[row.number] = armed = Armed(arming, row.text, row.source, row.expired, problem)
        return armed

    def _draw_seed(self, world: str) -> int:
        """For chances of a scenario that names no seed: from the world's own, where it has one."""
        own = self._seed_of(world)
        if own is not None:
            return int.from_bytes(blake2b(f"{own[0]} {own[1]}".encode(), digest_size=8).digest(), "big") >> 1
        return int(self._ids.of(world).token(), 16) >> 65

    def _understand(self, row: ArmedText) -> tuple[Scenario, str]:
        """What the text says; where it is not understood any more, no rules and the reason."""
        try:
            return self._read(row.text, row.source), ""
        except EmulatorError as error:
            log.error("the scenario %s of world %s is not armed: %s", row.name, row.world, error.message)
            return Scenario(name=row.name, rules=()), error.message

    def _stop_again(self, armed: Armed, stops: Iterable[Stop]) -> None:
        """What was stopped before the last end of the program."""
        rules = {rule.name: rule for rule in armed.arming.scenario.rules}
        for stop in stops:
            if stop.rule in rules:
                strike = Strike(
                    scenario=armed.arming.scenario.name,
                    rule=stop.rule,
                    action=rules[stop.rule].action,
                    occasion=stop.occasion,
                    number=stop.number,
                    until=stop.until,
                    arming=stop.arming,
                )
                self.stops.add(strike, armed.arming.since, over=stop.over)

    def _drop(self, number: int) -> list[Wake]:
        """Out of memory; the answer wakes those who wait."""
        del self._armed[number]
        timer = self._timers.pop(number, None)
        if timer is not None:
            timer()
        return self.stops.drop_all(number)

    def _set_timer(self, armed: Armed) -> None:
        """Expire it in time, whether or not anybody asks."""
        arming = armed.arming
        end = arming.scenario.expires
        if end is None or armed.expired:
            return
        timer = self._clocks.of(arming.world).call_at(
            moment(end, arming.since), lambda: self._expire(arming.number), background=True
        )
        with self.lock:
            if arming.number in self._armed:
                self._timers[arming.number] = timer
                return
        timer()

    def _expire(self, number: int) -> None:
        """Its time is over: what it holds goes on. It stays in the list."""
        with self.lock:
            armed = self._armed.get(number)
            if armed is None or armed.expired:
                return
            with self._store.write() as tx:
                tx.scenarios.expire(number)
            armed.expired = True
            self._timers.pop(number, None)
            woken = self.stops.drop_all(number)
            self._listen_now(armed.arming.world)
        _call(woken)


def _some(are: str, names: list[str]) -> str:
    """``armed are busy-hour, bad-day``: what somebody may have meant."""
    more = [f"and {len(names) - _MOST_NAMED} more"] if len(names) > _MOST_NAMED else []
    return f"{are} {', '.join(names[:_MOST_NAMED] + more) or 'none'}"


def _ended(tx: Transaction, stop: Stop) -> bool:
    """Whether its job was over when the program ended; a script may still wait in its queue."""
    job = tx.jobs.standing(stop.occasion.job)
    return job is not None and job.status.terminal and stop.occasion.family != "scheduler"


def _call(woken: Iterable[Wake]) -> None:
    for wake in woken:
        wake()
