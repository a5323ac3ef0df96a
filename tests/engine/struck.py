"""A bench whose engine asks a real gate; scenarios are armed as YAML."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

from emulator.api.v2 import coverage
from emulator.domain.clock import ClockMode, ClockSetting
from emulator.domain.job import Job
from emulator.domain.ports import Gate
from emulator.engine.armory import Armory
from emulator.engine.gate import ScenarioGate
from emulator.engine.stopping import Halt, StoppingGate
from emulator.scenario.load import read_scenario
from emulator.scenario.points import Points
from emulator.store.scenarios import JournalEntry
from tests.engine.bench import STORAGE, WORLD, Bench, source
from tests.engine.doubles import StagedLauncher
from tests.real.waiting import wait_until

POINTS = Points(coverage.summaries())


class StruckBench(Bench):
    """See Bench. ``kill`` is what ``stop-emulator`` does."""

    def __init__(
        self,
        directory: Path,
        launcher: Callable[[Callable[[str], None]], Any] = StagedLauncher,
        kill: Callable[[], object] | None = None,
        **options: Any,
    ) -> None:
        def gate(bench: Bench) -> Gate:
            self.armory = Armory(
                store=bench.store,
                clocks=bench.clocks,
                ids=bench.ids,
                seed_of=bench.ids.seed_of,
                read=lambda text, source: read_scenario(text, source, POINTS),
            )
            scenarios = ScenarioGate(store=bench.store, clocks=bench.clocks, armory=self.armory)
            return StoppingGate(scenarios, Halt(kill, lambda: None))

        super().__init__(directory, launcher, gate=gate, **options)
        self.armory.load()

    @property
    def staged(self) -> StagedLauncher:
        return cast(StagedLauncher, self.launcher)

    def freeze(self) -> None:
        """The clock of the world stands still from now on."""
        self.clocks.begin(WORLD, ClockSetting(mode=ClockMode.FROZEN, start=self.clock.now()))

    def advance(self, seconds: float) -> None:
        """Let time pass, with all timers on the way."""
        clock = self.clocks.of(WORLD)
        end = clock.now() + timedelta(seconds=seconds)
        while timer := clock.leap(end):
            timer.action()

    def arm(self, at: str, do: str, *, name: str = "test", **more: object) -> None:
        """A scenario of one rule; ``do`` is YAML."""
        lines = [f"  - at: {at}", f"    do: {do}", *(f"    {key}: {value}" for key, value in more.items())]
        text = "\n".join([f"name: {name}", "rules:", *lines])
        self.armory.arm(WORLD, read_scenario(text, "test.yaml", POINTS), text, "test.yaml")

    def disarm(self, name: str = "test") -> None:
        self.armory.disarm(WORLD, name)

    def held(self) -> list[str]:
        """The jobs that are held, as ``scenario show`` tells it."""
        return [
            strike.occasion.job
            for state in self.armory.states(WORLD)
            for rule in state.rules
            for strike in rule.holding
        ]

    def struck(self) -> list[JournalEntry]:
        """What the journal has."""
        with self.store.read() as tx:
            return tx.scenarios.journal(WORLD)

    def wake(self, job: Job) -> Job:
        """Let the engine see the job."""
        if not self.engine._threads:
            self.engine.start()
        self.engine.wake(job.id, job.world)
        return job

    def wait_for(self, job: Job, state: str) -> Job:
        wait_until(lambda: self.job(job.id).status == state, what=state)
        return self.job(job.id)

    def wait_for_strikes(self, count: int) -> None:
        wait_until(lambda: len(self.struck()) >= count, what=f"{count} strikes")

    def engine_rests(self) -> None:
        """Nothing is worked at: every job waits for time to pass, or for somebody."""
        wait_until(lambda: not self.engine._running and not len(self.engine._queue), what="rest")

    def end(self, job: Job) -> Job:
        """The job once it has ended."""
        wait_until(lambda: self.job(job.id).status.terminal, what=f"the end of {self.job(job.id)}")
        return self.job(job.id)

    def notes(self, job: Job) -> list[str]:
        """What the history says beside changes of state and transfers."""
        known = {state.description for state in type(job.status)}
        return [
            event.description
            for event in self.history(job.id)
            if event.description not in known and not event.progress
        ]

    def with_input(self, content: str = "12345", **plan: Any) -> Job:
        """A job with one input."""
        path = self.real(STORAGE, "data/input.txt")
        if not path.exists() or path.read_text(encoding="utf-8") != content:  # others may be reading it
            self.put(STORAGE, "data/input.txt", content)
        return self.submit(sources=(source("data/input.txt"),), **plan)


@contextmanager
def struck_bench(directory: Path, **options: Any) -> Iterator[StruckBench]:
    made = StruckBench(directory, **options)
    made.furnish()
    try:
        yield made
    finally:
        made.close()
