"""Where scenarios strike: asked at every named point, it decides, counts, keeps the journal, and knows who waits."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from emulator.domain.fault import Occasion, Strike
from emulator.domain.ports import Clocks
from emulator.domain.scenario import Rule, asked_again, moment, weigh
from emulator.engine.armed import Armed, Standing
from emulator.engine.armory import Armory
from emulator.engine.stops import HOLD, LENGTH, Stopped, lasts
from emulator.store import Store
from emulator.store.scenarios import Stop

Wake = Callable[[], None]
Places = list[tuple[str, str]]


class ScenarioGate:
    """Answers ports.Gate on what the armory holds."""

    def __init__(
        self,
        *,
        store: Store,
        clocks: Clocks,
        armory: Armory,
        on_strike: Callable[[str], None] = lambda _world: None,
    ) -> None:
        """``on_strike`` is told the world of every strike, once it is kept."""
        self._store = store
        self._clocks = clocks
        self._armory = armory
        self._on_strike = on_strike
        self._lock = armory.lock
        self._listening = armory.listening
        self._stops = armory.stops

    def armed(self, world: str, family: str) -> bool:
        """See ports.Gate. One look-up, without a lock."""
        return (world, family) in self._listening

    def strike(self, occasion: Occasion) -> Strike | None:
        """See ports.Gate."""
        if (occasion.world, occasion.family) not in self._listening:
            return None
        now = self._clocks.of(occasion.world).now()
        with self._lock:
            before = self._stops.at(occasion)
            for stopped in before:
                if not stopped.ended(now):
                    return stopped.strike
            met, winner = self._weigh(occasion, now, before)
            strike = self._save(occasion, now, met, winner)
        if strike is not None:
            self._on_strike(occasion.world)
        return strike

    def released(self, strike: Strike) -> bool:
        """See ports.Gate."""
        now = self._clocks.of(strike.occasion.world).now()
        with self._lock:
            return self._waiting_for(strike, now) is None

    def on_release(self, strike: Strike, action: Wake) -> Wake:
        """See ports.Gate."""
        clock = self._clocks.of(strike.occasion.world)
        with self._lock:
            stopped = self._waiting_for(strike, clock.now())
            if stopped is not None:
                stopped.waiting.append(action)
        if stopped is None:
            action()
            return lambda: None
        found = stopped
        timer = clock.call_at(strike.until, lambda: self._end(found, action)) if strike.until else None

        def take_back() -> None:
            if timer is not None:
                timer()
            with self._lock:
                self._leave(found, action)

        return take_back

    def forget(self, world: str, job: str) -> None:
        """See ports.Gate."""
        with self._lock:
            over = [each for each in self._stops.of_job(world, job) if not each.waiting]
            if not over:
                return
            with self._store.write() as tx:
                for each in over:
                    tx.scenarios.drop_stop(each.strike.arming, each.strike.rule, each.strike.number)
            for each in over:
                self._stops.drop(each)
            self._armory.listen(world, self._clocks.of(world).now())

    def _waiting_for(self, strike: Strike, now: datetime) -> Stopped | None:
        """What the strike has stopped, if that may not go on yet."""
        stopped = self._stops.find(strike)
        return None if stopped is None or stopped.ended(now) else stopped

    def _end(self, stopped: Stopped, action: Wake) -> None:
        """Its time has come."""
        with self._lock:
            waits = self._leave(stopped, action)
        if waits:
            action()

    def _leave(self, stopped: Stopped, action: Wake) -> bool:
        """Somebody waits no longer; False where they did not (any more)."""
        waits = action in stopped.waiting
        if waits:
            stopped.waiting.remove(action)
        if not stopped.waiting and not asked_again(stopped.strike.occasion):
            self._stops.drop(stopped)
        return waits

    def _weigh(
        self, occasion: Occasion, now: datetime, before: list[Stopped]
    ) -> tuple[dict[Armed, Places], tuple[Armed, Rule] | None]:
        """Which counters count the occasion as met, and the first rule that says yes.

        ``before``: what was stopped here and is over; these rules have had their say.
        """
        silent = {(each.strike.arming, each.strike.rule) for each in before}
        met: dict[Armed, Places] = {}
        winner: tuple[Armed, Rule] | None = None
        over = False
        for armed, rule in self._listening.get((occasion.world, occasion.family), ()):
            standing = armed.standing(rule, now)
            over = over or standing is Standing.EXPIRED
            if (armed.arming.number, rule.name) in silent or standing is not Standing.ARMED:
                continue
            said = weigh(armed.arming, rule, occasion, now, armed.counted)
            if said is None:
                armed.note_silence(rule, occasion, now)
                continue
            met.setdefault(armed, []).extend((rule.name, key) for key in said.met)
            if said.strikes and winner is None:
                winner = armed, rule
        if over:  # nobody told us when its time was over; from now on it is not asked
            self._armory.listen(occasion.world, now)
        return met, winner

    def _save(
        self, occasion: Occasion, now: datetime, met: dict[Armed, Places], winner: tuple[Armed, Rule] | None
    ) -> Strike | None:
        """First what is kept, then what is in memory: a strike that could not be kept has not happened."""
        strike: Strike | None = None
        struck: Places = []
        if winner is not None:
            armed, rule = winner
            met.setdefault(armed, [])
            struck = [(rule.name, key) for key in dict.fromkeys(("", rule.key(occasion)))]
            strike = _strike(armed, rule, occasion, now)
        risen = {
            each: each.raised(places, struck if winner and each is winner[0] else ())
            for each, places in met.items()
        }
        if not any(risen.values()):
            return None
        with self._store.write() as tx:
            for each, counts in risen.items():
                tx.scenarios.put_counts(occasion.world, each.arming.number, counts)
            if strike is not None:
                tx.scenarios.journalize(strike, now)
                if lasts(strike) and asked_again(occasion):
                    tx.scenarios.add_stop(_stop(strike))
        for each, counts in risen.items():
            each.counts.update(counts)
        if strike is not None and lasts(strike):
            self._stops.add(strike, now)
        if any(each.spends(counts) for each, counts in risen.items()):
            self._armory.listen(occasion.world, now)
        return strike


def _strike(armed: Armed, rule: Rule, occasion: Occasion, now: datetime) -> Strike:
    return Strike(
        scenario=armed.arming.scenario.name,
        rule=rule.name,
        action=rule.action,
        occasion=occasion,
        number=armed.counted(rule.name, "").struck + 1,
        until=_until(armed, rule, now),
        arming=armed.arming.number,
    )


def _until(armed: Armed, rule: Rule, now: datetime) -> datetime | None:
    """When what lasts is over: with its scenario's time at the latest; a hold with its rule's time, too."""
    length, holds = rule.action.args.get(LENGTH), rule.action.kind == HOLD
    if length is None and not holds:
        return None
    arming = armed.arming
    ends = [arming.scenario.expires, *((rule.until, rule.expires) if holds else ())]
    found = [moment(end, arming.since) for end in ends if end is not None]
    return min(found + ([] if length is None else [moment(timedelta(seconds=length), now)]), default=None)


def _stop(strike: Strike) -> Stop:
    return Stop(
        arming=strike.arming,
        rule=strike.rule,
        number=strike.number,
        occasion=strike.occasion,
        until=strike.until,
    )
