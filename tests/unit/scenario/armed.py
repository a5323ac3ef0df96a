"""An armory and a gate over a real store and frozen clocks, without the rest of the emulator."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from emulator.api.v2 import coverage
from emulator.domain.clock import FIRST_MOMENT, ClockMode, ClockSetting
from emulator.domain.fault import Occasion, Strike
from emulator.engine.armed import ArmedState
from emulator.engine.armory import Armory
from emulator.engine.clocks import WorldClocks
from emulator.engine.gate import ScenarioGate
from emulator.engine.ids import WorldIds
from emulator.scenario.load import read_scenario
from emulator.scenario.points import Points
from emulator.store import Store

POINTS = Points(coverage.summaries())
WORLD = "default"


class Bench:
    """One start of the emulator, as far as scenarios go."""

    def __init__(self, directory: Path, seed: int | None = None) -> None:
        self.store = Store.at(directory)
        self.clocks = WorldClocks(store=self.store)
        self.ids = WorldIds(self.store)
        if seed is not None:
            self.ids.begin(WORLD, seed)
        self.armory = Armory(
            store=self.store,
            clocks=self.clocks,
            ids=self.ids,
            seed_of=self.ids.seed_of,
            read=lambda text, source: read_scenario(text, source, POINTS),
        )
        self.gate = ScenarioGate(store=self.store, clocks=self.clocks, armory=self.armory)
        if not self.clocks.of(WORLD).frozen:
            self.clocks.begin(WORLD, ClockSetting(mode=ClockMode.FROZEN, start=FIRST_MOMENT))
        self.armory.load()

    def arm(
        self, rules: str, head: str = "", name: str = "test", world: str = WORLD, **more: bool
    ) -> ArmedState:
        """Rules as YAML (a list), below a name."""
        text = f"name: {name}\n{head}\nrules:\n{rules}"
        return self.armory.arm(world, read_scenario(text, "test.yaml", POINTS), text, "test.yaml", **more)

    def strike(self, point: str = "transfer.file", world: str = WORLD, **facts: str) -> Strike | None:
        return self.gate.strike(Occasion(world=world, point=point, **facts))

    def struck(self, times: int, point: str = "transfer.file", **facts: str) -> list[str | None]:
        """Ask so often; which rules struck."""
        found = (self.strike(point, **facts) for _ in range(times))
        return [strike.rule if strike else None for strike in found]

    def pattern(self, times: int, point: str = "transfer.file", **facts: str) -> str:
        """As ``struck``, a letter each: ``x`` for a strike, ``.`` for none."""
        return "".join("x" if rule else "." for rule in self.struck(times, point, **facts))

    def advance(self, seconds: float) -> None:
        """Let time pass, with all timers on the way."""
        clock = self.clocks.of(WORLD)
        end: datetime = clock.now() + timedelta(seconds=seconds)
        while timer := clock.leap(end):
            timer.action()

    def close(self) -> None:
        self.clocks.stop()
        self.store.close()


@contextmanager
def bench(directory: Path, seed: int | None = None) -> Iterator[Bench]:
    started = Bench(directory, seed)
    try:
        yield started
    finally:
        started.close()
