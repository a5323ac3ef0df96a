"""The clocks of worlds: shown, set, and moved ahead."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from emulator.domain.clock import LATEST, ClockSetting, ClockState
from emulator.domain.errors import Invalid, NotFound
from emulator.domain.moments import utc_text
from emulator.domain.states import JobState
from emulator.engine.activity import Work
from emulator.engine.timelapse import LIMIT, Passage, Passed, Timelapse, moment_after
from emulator.services.accounts import AccountService
from emulator.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockFace:
    """How a world's clock stands. ``next_timer``: when something goes off next that somebody waits for."""

    state: ClockState
    now: datetime
    machine: datetime
    next_timer: datetime | None
    still: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """How far a world's time is to pass: for a while, to a moment, or until a job (or everything) is settled.

    ``limit``: how long at most, by the world's clock. ``job`` "" means all of the world.
    """

    by: timedelta | None = None
    to: datetime | None = None
    job: str = ""
    states: frozenset[JobState] = frozenset()
    limit: timedelta = LIMIT


class WorldClockService:
    def __init__(self, *, store: Store, timelapse: Timelapse, accounts: AccountService) -> None:
        self._store = store
        self._clocks = timelapse.clocks
        self._timelapse = timelapse
        self._accounts = accounts

    def settle(self, world: str) -> None:
        """Where a world's clock stands still, wait until what has been set going is at rest."""
        self._timelapse.settle(world)

    def begin_request(self, world: str) -> Work | None:
        """The same for as long as a request is worked at: until then nothing else is begun."""
        return self._timelapse.request(world)

    def show(self, world: str) -> ClockFace:
        """Raises NotFound."""
        self._accounts.world(world)
        clock = self._clocks.of(world)
        return ClockFace(
            state=clock.state,
            now=clock.now(),
            machine=self._clocks.machine.now(),
            next_timer=clock.next_awaited(),
            still=self._timelapse.still(world),
        )

    def set(self, world: str, setting: ClockSetting) -> ClockFace:
        """Raises NotFound, Invalid."""
        self._accounts.world(world)
        self._clocks.of(world).change(setting)
        return self.show(world)

    def check(self, world: str, journey: Journey) -> None:
        """Raises NotFound (the world, the job) and Invalid before anything is moved."""
        self._accounts.world(world)
        if journey.job:
            self._reached(world, journey)()
        now = self._clocks.of(world).now()
        if journey.by is not None and journey.by > LATEST - now:
            raise Invalid(f"advance must not lead beyond the year {LATEST.year}: no world gets older")
        if journey.to is not None and not now <= journey.to <= LATEST:
            raise Invalid(
                f"to must lie between the world's own time, {utc_text(now)}, and the year "
                f"{LATEST.year}: time does not go back"
            )

    def travel(self, world: str, journey: Journey, begun: Callable[[Passage], None]) -> Passed:
        """Let time pass; ``begun`` is given what the call can be given up with. Raises Invalid."""
        clock = self._clocks.of(world)
        reached = self._reached(world, journey) if journey.job else lambda: False
        with self._timelapse.passage(reached) as passage:
            begun(passage)
            now = clock.now()
            target = journey.to if journey.by is None else moment_after(now, journey.by)
            if target is not None:
                return self._timelapse.advance_to(world, max(target, now), passage)
            passed = self._timelapse.run(world, moment_after(now, journey.limit), passage)
            if journey.job or passage.given_up():
                return passed
            return replace(passed, reached=not passed.still and clock.next_awaited() is None)

    def _reached(self, world: str, journey: Journey) -> Callable[[], bool]:
        """Whether the job is, or has been, in one of the states, or has ended."""
        wanted = {state.value for state in journey.states}
        seen: list[datetime] = []

        def reached() -> bool:
            with self._store.read() as tx:
                job = tx.jobs.standing(journey.job)
                if job is None or job.world != world or job.status is JobState.ACCEPTED:
                    raise NotFound(f"job: there is no job {journey.job[:80]!a} in the world {world}")
                if job.status.terminal or job.status in journey.states:
                    return True
                if seen and seen[-1] == job.last_updated:
                    return False  # nothing has been saved since the last look
                seen[:] = [job.last_updated]
                return any(event.status in wanted for event in tx.events.of(world, journey.job))

        return reached
