"""The clocks of worlds: how their time goes by, in every mode and from one to the other."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from emulator.domain.clock import FASTEST, ClockMode, ClockSetting, ClockState
from emulator.domain.errors import Invalid
from emulator.engine.activity import Activity, Kind
from emulator.engine.clock import RealClock
from emulator.engine.clocks import WorldClocks
from emulator.engine.timelapse import Timelapse
from emulator.engine.waiting import wait
from emulator.engine.world_clock import WorldClock
from emulator.store import Store
from tests.engine.doubles import ManualClock
from tests.job_samples import NOON
from tests.real.waiting import wait_until

WORLD = "w"
HOUR = timedelta(hours=1)
FROZEN = ClockSetting(mode=ClockMode.FROZEN)
REAL = ClockSetting(mode=ClockMode.REAL)


def scaled(factor: float) -> ClockSetting:
    return ClockSetting(mode=ClockMode.SCALED, factor=factor)


class Watched:
    """A clock whose machine is moved by hand."""

    def __init__(self, state: ClockState | None = None) -> None:
        self.machine = ManualClock()
        self.saved: list[ClockState] = []
        self.clock = WorldClock(WORLD, self.machine, Activity(), state, self.saved.append)
        self.fired: list[tuple[str, datetime]] = []

    def timer(self, name: str, after: timedelta) -> Callable[[], None]:
        return self.clock.call_at(self.clock.now() + after, lambda: self.note(name))

    def note(self, name: str) -> None:
        self.fired.append((name, self.clock.now()))


def test_a_world_goes_by_the_machine_unless_something_else_is_said() -> None:
    on = Watched()
    on.timer("a", HOUR)
    on.machine.advance(2 * HOUR)
    assert on.clock.now() == NOON + 2 * HOUR
    assert [name for name, _ in on.fired] == ["a"]
    assert on.saved == [] and on.clock.real


def test_a_scaled_clock_is_quicker_and_its_timers_come_sooner() -> None:
    on = Watched()
    on.clock.change(scaled(3600))
    on.timer("tomorrow", timedelta(days=1))
    on.machine.advance(timedelta(seconds=23))
    assert on.clock.now() == NOON + 23 * HOUR and on.fired == []
    on.machine.advance(timedelta(seconds=1, milliseconds=1))
    assert [name for name, _ in on.fired] == ["tomorrow"]
    assert on.fired[0][1] >= NOON + 24 * HOUR


@pytest.mark.parametrize("factor", [0.001, 0.5, 60, FASTEST])
def test_timers_of_a_scaled_clock_never_come_too_soon(factor: float) -> None:
    on = Watched()
    on.clock.change(scaled(factor))
    due = on.clock.now() + timedelta(seconds=7)
    seen: list[datetime] = []
    on.clock.call_at(due, lambda: seen.append(on.clock.now()))
    on.machine.advance(timedelta(seconds=7) / factor + timedelta(milliseconds=2))
    assert len(seen) == 1 and seen[0] >= due


def test_a_frozen_clock_stands_still_and_leaps_from_timer_to_timer() -> None:
    on = Watched()
    on.clock.change(FROZEN)
    for name, hours in (("b", 2), ("a", 1), ("c", 2)):
        on.timer(name, hours * HOUR)
    on.machine.advance(10 * HOUR)
    assert on.clock.now() == NOON and on.fired == []
    while (timer := on.clock.leap(NOON + 3 * HOUR)) is not None:
        timer.run()
    assert on.fired == [("a", NOON + HOUR), ("b", NOON + 2 * HOUR), ("c", NOON + 2 * HOUR)]
    assert on.clock.now() == NOON + 3 * HOUR
    assert on.saved[-1].world == NOON + 3 * HOUR, "saved before it counts"


def test_a_clock_that_runs_does_not_leap() -> None:
    with pytest.raises(Invalid, match="mode"):
        Watched().clock.leap(NOON + HOUR)


def test_a_timer_of_the_past_goes_off_though_the_clock_stands_still() -> None:
    clocks = WorldClocks(RealClock())
    clock = clocks.of(WORLD)
    clock.change(FROZEN)
    fired = threading.Event()
    clock.call_at(clock.now() - HOUR, fired.set)
    assert fired.wait(10)
    clocks.stop()


@pytest.mark.parametrize("first", [scaled(3600), FROZEN])
@pytest.mark.parametrize("second", [scaled(60), scaled(0.01), FROZEN, REAL])
def test_no_change_of_mode_turns_time_back(first: ClockSetting, second: ClockSetting) -> None:
    on = Watched()
    seen = [on.clock.now()]
    for setting in (first, second, first):
        on.clock.change(setting)
        seen.append(on.clock.now())
        on.machine.advance(timedelta(minutes=5))
        seen.append(on.clock.now())
    assert seen == sorted(seen)


def test_back_to_real_time_comes_back_to_the_machines_unless_that_is_the_past() -> None:
    behind = Watched()
    behind.clock.change(FROZEN)
    behind.timer("meanwhile", HOUR)
    behind.machine.advance(3 * HOUR)
    behind.clock.change(REAL)
    behind.machine.advance(timedelta(seconds=1))
    assert behind.clock.now() == behind.machine.now()
    assert [name for name, _ in behind.fired] == ["meanwhile"]
    ahead = Watched()
    ahead.clock.change(ClockSetting(mode=ClockMode.FROZEN, start=NOON + 48 * HOUR))
    ahead.clock.change(REAL)
    ahead.machine.advance(HOUR)
    assert ahead.clock.now() == NOON + 49 * HOUR


def test_a_start_in_the_worlds_past_is_refused_and_changes_nothing() -> None:
    on = Watched()
    with pytest.raises(Invalid, match="start"):
        on.clock.change(ClockSetting(mode=ClockMode.FROZEN, start=NOON - HOUR))
    assert on.clock.real and on.saved == []
    on.machine.advance(HOUR)
    assert on.clock.now() == NOON + HOUR


def test_what_cannot_be_saved_is_not_done() -> None:
    def refuse(_state: ClockState) -> None:
        raise OSError("the disk is full")

    machine = ManualClock()
    clock = WorldClock(WORLD, machine, Activity(), None, refuse)
    with pytest.raises(OSError, match="full"):
        clock.change(FROZEN)
    machine.advance(HOUR)
    assert clock.now() == NOON + HOUR


def test_a_machine_that_is_set_back_does_not_set_the_world_back() -> None:
    on = Watched()
    on.clock.change(scaled(60))
    on.machine.advance(HOUR)
    before = on.clock.now()
    on.machine._now -= HOUR / 2
    assert on.clock.now() == before


def test_moments_of_the_machine_are_told_in_the_worlds_time() -> None:
    on = Watched()
    on.machine.advance(HOUR)
    on.clock.change(scaled(60))
    on.machine.advance(HOUR)
    on.clock.change(FROZEN)
    on.machine.advance(HOUR)
    told = [on.clock.at(NOON + part * HOUR) for part in (0.5, 1, 1.5, 2, 2.5, 3)]
    frozen_at = NOON + HOUR + 60 * HOUR
    assert told == [NOON + HOUR / 2, NOON + HOUR, NOON + 31 * HOUR, frozen_at, frozen_at, frozen_at]


def test_many_threads_see_time_go_one_way(tmp_path: Path) -> None:
    """Readers, timers and somebody who keeps changing the mode, with the store that writers also ask the time in."""
    store = Store.at(tmp_path)
    clocks = WorldClocks(RealClock(), store)
    clock = clocks.of(WORLD)
    clock.begin(scaled(1000))
    wrong: list[tuple[datetime, datetime]] = []
    over = threading.Event()

    def read() -> None:
        last = clock.now()
        while not over.is_set():
            with store.write() as tx:
                now = clock.now()
                tx.clocks.all()
            if now < last:
                wrong.append((last, now))
            last = now

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    for round_ in range(30):
        for setting in (FROZEN, scaled(1 + 100 * round_), REAL):
            clock.change(setting)
            clock.call_at(clock.now(), lambda: None)
    over.set()
    for reader in readers:
        reader.join(10)
    assert wrong == [] and not any(reader.is_alive() for reader in readers)
    clocks.stop()
    store.close()


def test_a_restart_goes_on_from_where_the_clock_was(tmp_path: Path) -> None:
    store = Store.at(tmp_path)
    clocks = WorldClocks(ManualClock(), store)
    start = datetime(2031, 5, 1, tzinfo=UTC)
    clocks.begin("still", ClockSetting(mode=ClockMode.FROZEN, start=start))
    clocks.of("still").leap(start + HOUR)
    clocks.begin("quick", ClockSetting(mode=ClockMode.SCALED, factor=60, start=start))
    clocks.begin("gone", FROZEN)
    clocks.forget("gone")
    again = WorldClocks(ManualClock(NOON + HOUR), store)
    assert again.of("still").now() == start + HOUR and again.of("still").frozen
    assert again.of("quick").now() == start + 60 * HOUR
    assert again.of("gone").real
    store.close()


def test_a_thread_that_waits_for_a_frozen_clock_holds_nobody_up() -> None:
    clocks = WorldClocks(ManualClock())
    timelapse, clock = Timelapse(clocks), clocks.of(WORLD)
    clock.change(FROZEN)
    woken: list[datetime] = []

    def work() -> None:
        mine = clocks.activity.begin(WORLD, Kind.JOB)
        wait(clock, mine, NOON + HOUR)
        woken.append(clock.now())
        mine.done()

    thread = threading.Thread(target=work)
    thread.start()
    wait_until(lambda: clock.next_awaited() == NOON + HOUR and not clocks.activity.busy(WORLD))
    with timelapse.passage() as passage:
        passed = timelapse.advance_to(WORLD, NOON + 5 * HOUR, passage)
    thread.join(10)
    assert woken == [NOON + HOUR], "it went on before time did"
    assert passed.now == NOON + 5 * HOUR and passed.reached


def test_waits_end_early_when_somebody_calls() -> None:
    clocks = WorldClocks(ManualClock())
    clock = clocks.of(WORLD)
    clock.change(FROZEN)
    calls: list[Callable[[], None]] = []

    def subscribe(call: Callable[[], None]) -> Callable[[], None]:
        calls.append(call)
        return lambda: calls.remove(call)

    thread = threading.Thread(target=partial(wait, clock, None, NOON + HOUR, subscribe))
    thread.start()
    wait_until(lambda: len(calls) == 1 and clock.next_awaited() is not None)
    calls[0]()
    thread.join(10)
    assert not thread.is_alive() and calls == [] and clock.next_awaited() is None


def test_time_is_given_up_on_while_something_never_ends() -> None:
    clocks = WorldClocks(ManualClock())
    timelapse = Timelapse(clocks)
    clocks.of(WORLD).change(FROZEN)
    clocks.activity.begin(WORLD, Kind.JOB)
    found = []

    def advance() -> None:
        with timelapse.passage() as passage:
            found.append(timelapse.advance_to(WORLD, NOON + HOUR, passage))

    thread = threading.Thread(target=advance)
    thread.start()
    wait_until(lambda: bool(timelapse._passages))
    timelapse.stop()
    thread.join(10)
    assert not found[0].reached and found[0].still == ("1 job steps",)
    assert clocks.of(WORLD).now() == NOON


def test_what_is_due_between_two_milliseconds_comes_with_the_second() -> None:
    """All that tells a time tells whole milliseconds, also where pauses are divided."""
    on = Watched()
    on.clock.change(FROZEN)
    on.timer("a", timedelta(microseconds=1_300))
    timer = on.clock.leap(NOON + HOUR)
    assert timer is not None
    assert on.clock.now() == NOON + timedelta(milliseconds=2) == on.saved[-1].world


@pytest.mark.parametrize("mode", [REAL, scaled(FASTEST)])
def test_a_clock_that_is_set_going_on_the_way_still_gets_there(mode: ClockSetting) -> None:
    clocks = WorldClocks(RealClock())
    clock = clocks.of(WORLD)
    clock.begin(ClockSetting(mode=ClockMode.FROZEN, start=NOON))
    clock.call_at(NOON + HOUR, partial(clock.change, mode))
    timelapse = Timelapse(clocks)
    with timelapse.passage() as passage:
        passed = timelapse.advance_to(WORLD, NOON + 2 * HOUR, passage)
    clocks.stop()
    assert passed.reached and passed.now >= NOON + 2 * HOUR
    assert clock.mode is mode.mode


def test_nothing_goes_off_by_itself_while_somebody_leads() -> None:
    """Else what is due at one moment would go off on two threads, in an order of its own."""
    on = Watched()
    on.clock.change(FROZEN)
    on.timer("a", HOUR)
    on.timer("b", HOUR)
    with on.clock.led():
        first = on.clock.leap(NOON + HOUR)
        on.machine.advance(HOUR)
        assert first is not None and on.fired == []
    on.machine.advance(HOUR)
    assert on.fired == [("b", NOON + HOUR)]
