"""The engine: a few threads that walk jobs through their lives, and the queue before them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from emulator.domain.errors import Unavailable
from emulator.domain.ports import Clocks, Fetcher, Hosts, Ids, Launcher
from emulator.engine import lifecycle
from emulator.engine.activity import Activity, Kind, Work, current
from emulator.engine.job_queue import JobQueue
from emulator.engine.journal import Journal
from emulator.engine.lifecycle import Rest
from emulator.engine.step import Signal, Tools
from emulator.engine.striking import Holds, NoGate, Strikes
from emulator.settings import Settings
from emulator.store import Store

log = logging.getLogger(__name__)

STOP_SECONDS = 10.0
"""How long :meth:`Engine.stop` waits for steps that do not listen."""
BROKEN_PAUSE = timedelta(seconds=5)
"""Before a job is looked at again whose step could not even be begun."""


class Engine:
    """Walks every job through its life; jobs that wait hold no thread.

    No two threads ever work on one job, and a wake during a step is not lost: the job is looked at again.
    First woken, first served, and worlds take turns; what had been accepted before a restart comes in the order it
    was accepted. A world whose clock stands still has one job walked at a time.
    """

    def __init__(
        self,
        *,
        store: Store,
        clocks: Clocks,
        ids: Ids,
        journal: Journal,
        hosts: Hosts,
        launcher: Launcher,
        settings: Settings,
        fetcher: Fetcher | None = None,
        base_url: Callable[[str, str], str] | None = None,
        activity: Activity | None = None,
        strikes: Strikes | None = None,
    ) -> None:
        """``activity`` is told of the jobs that are worked at.

        ``base_url`` tells where the API answers a user of a world; without it: as the settings have it."""
        strikes = strikes or Strikes(NoGate(), clocks)
        self._tools = Tools(
            store=store,
            clocks=clocks,
            ids=ids,
            journal=journal,
            hosts=hosts,
            launcher=launcher,
            settings=settings,
            fetcher=fetcher,
            strikes=strikes,
            holds=Holds(strikes.gate, self.wake),
            base_url=base_url
            or (lambda _world, _user: settings.base_url or f"http://localhost:{settings.port}"),
        )
        lock = threading.RLock()
        self._changed = threading.Condition(lock)
        self._ready = threading.Condition(lock)
        """The threads wait here for a job that may begin: each such job wakes one of them."""
        self._closing = threading.Event()
        self._threads: list[threading.Thread] = []
        self._activity = activity or Activity()
        self._activity.listen(self._look_again)
        self._queue = JobQueue()
        self._works: dict[str, Work] = {}
        """Of jobs that are walked, wait to be, or wait for something real."""
        self._blocked = 0
        self._running: dict[str, Signal] = {}
        self._again: set[str] = set()
        self._resting: set[str] = set()
        self._timers: dict[str, Callable[[], None]] = {}

    def start(self) -> None:
        """Take up every job that has not ended, then work until :meth:`stop`."""
        with self._tools.store.read() as tx:
            active = tx.jobs.active()
        for job_id, world in active:
            self.wake(job_id, world)
        with self._changed:
            self._staff()

    def wake(self, job_id: str, world: str | None = None) -> None:
        """Look at the job soon: it is new, its script has changed, or its user wants it stopped.

        ``world`` may be left out for a job that the engine has heard of.
        """
        if world is None:
            try:
                world = self._queue.world_of(job_id) or self._world_of(job_id)
            except Exception:
                log.exception("job %s could not be looked for; trying again", job_id)
                self._wake_later(job_id)
                return
            if world is None:
                return
        with self._changed:
            if self._closing.is_set():
                return
            self._queue.introduce(job_id, world)
            running = self._running.get(job_id)
            if running is not None:
                running.wakes += 1
                self._again.add(job_id)
            else:
                self._enqueue(job_id)
        if running is not None:
            running.calls.call()

    def stop(self, timeout: float = STOP_SECONDS) -> None:
        """Let go of all jobs. Steps under way end or are left to be repeated by the next start.

        Returns after at most ``timeout`` seconds, also when a step does not listen.
        """
        with self._changed:
            self._closing.set()
            for take_back in self._timers.values():
                take_back()
            self._timers.clear()
            self._ready.notify_all()
            signals = list(self._running.values())
        for signal in signals:
            signal.calls.call()
        with self._changed:
            self._changed.wait_for(lambda: not self._running, timeout)
            for job_id in self._running:
                log.warning("job %s: its step did not end in time and is left behind", job_id)
        for thread in list(self._threads):
            if not self._running:
                thread.join(timeout)

    def let_go(self, world: str, jobs: list[str]) -> None:
        """See domain.world.Runner: steps under way are interrupted, and nobody comes back to the world's jobs."""
        with self._changed:
            ours = {*jobs, *self._queue.drop(world)}
            walked = {job_id: self._running[job_id] for job_id in ours if job_id in self._running}
            for signal in walked.values():
                signal.gone = True
            works = [self._works.pop(job_id) for job_id in ours - set(walked) if job_id in self._works]
            for job_id in ours:
                self._resting.discard(job_id)
                self._again.discard(job_id)
                take_back = self._timers.pop(job_id, None)
                if take_back is not None:
                    take_back()
        for job_id in ours:
            self._tools.holds.let_go(job_id)
        for signal in walked.values():
            signal.calls.call()
        for work in works:
            work.done()
        with self._changed:
            left = self._changed.wait_for(
                lambda: not any(job_id in self._running for job_id in walked), STOP_SECONDS
            )
            if not left:
                for signal in walked.values():
                    signal.gone = False
                raise Unavailable(
                    f"A job of the world {world} is in a step that does not end. Please try again."
                )

    def go_on(self, world: str, jobs: list[str]) -> None:
        """See domain.world.Runner."""
        for job_id in jobs:
            self.wake(job_id, world)

    def wait_idle(self, timeout: float | None = None) -> bool:
        """Wait until every job has ended that this engine knows of; False when the time is over first."""
        with self._changed:
            return self._changed.wait_for(
                lambda: not (len(self._queue) or self._running or self._resting), timeout
            )

    def _wake_later(self, job_id: str) -> None:
        machine = self._tools.clocks.machine
        with self._changed:
            if not self._closing.is_set():
                self._resting.add(job_id)
                again = machine.now() + BROKEN_PAUSE
                self._timers[job_id] = machine.call_at(again, lambda: self.wake(job_id))

    def _world_of(self, job_id: str) -> str | None:
        with self._tools.store.read() as tx:
            job = tx.jobs.by_id(job_id)
        return None if job is None else job.world

    def _enqueue(self, job_id: str) -> None:
        if job_id in self._queue:
            return
        self._queue.add(job_id)
        world = self._queue.world_of(job_id)
        assert world is not None, "introduced"
        if job_id in self._works:
            self._works[job_id].become(Kind.JOB)
        else:
            self._works[job_id] = self._activity.expect(world, Kind.JOB)
        self._ready.notify()

    def _look_again(self) -> None:
        """Something has ended that a world's next job may have waited for."""
        if len(self._queue):
            with self._changed:
                self._ready.notify()

    def _staff(self) -> None:
        """As many threads as there are to be, those not counted that wait by a clock. The lock is held."""
        while len(self._threads) - self._blocked < max(1, self._tools.settings.workers):
            name = f"engine-{len(self._threads)}"
            thread = threading.Thread(target=self._work, name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def _now_blocked(self, change: int) -> None:
        with self._changed:
            self._blocked += change
            if not self._closing.is_set():
                self._staff()

    def _work(self) -> None:
        while (taken := self._take()) is not None:
            job_id, signal = taken
            current.set(signal.work)
            rest = self._walk(job_id, signal)
            self._release(job_id, Rest(ended=True) if signal.gone else rest)

    def _take(self) -> tuple[str, Signal] | None:
        """The next job, now this thread's; None when the engine closes, or has too many threads."""
        with self._changed:
            while (job_id := self._next()) is None:
                if self._closing.is_set():
                    return None
                if len(self._threads) - self._blocked > max(1, self._tools.settings.workers):
                    self._threads.remove(threading.current_thread())
                    return None
                self._ready.wait()
            self._resting.discard(job_id)
            take_back = self._timers.pop(job_id, None)
            if take_back is not None:
                take_back()
            work = self._works[job_id]
            work.begin()
            work.held_up = self._now_blocked
            signal = self._running[job_id] = Signal(self._closing, work)
            return job_id, signal

    def _next(self) -> str | None:
        if self._closing.is_set():
            return None
        activity = self._activity
        return self._queue.take(lambda world: activity.may_begin(world, Kind.JOB), activity.one_at_a_time)

    def _walk(self, job_id: str, signal: Signal) -> Rest:
        """Step by step, until the job has to wait."""
        journey = lifecycle.Journey(self._tools, job_id, signal)
        while not (self._closing.is_set() or signal.gone):
            with self._changed:
                self._again.discard(job_id)  # what woke it before is seen by the step that begins now
            try:
                rest = journey.advance()
            except Exception:
                log.exception("job %s could not be looked at; trying again", job_id)
                rest = Rest(until=self._tools.clocks.machine.now() + BROKEN_PAUSE, outside=True)
            if rest is not None:
                return rest
        return Rest()

    def _release(self, job_id: str, rest: Rest) -> None:
        with self._changed:
            del self._running[job_id]
            again = job_id in self._again and not self._closing.is_set()
            self._again.discard(job_id)
            work = self._works.pop(job_id)
            if not rest.ended:
                self._resting.add(job_id)
            if again:
                self._works[job_id] = work
                self._enqueue(job_id)
            elif not rest.ended and not self._closing.is_set():
                self._rest(job_id, work, rest)
            if rest.ended:
                self._queue.forget(job_id)
            over = self._works.get(job_id) is not work
            self._changed.notify_all()
        if over:
            work.done()
        self._activity.tell()

    def _rest(self, job_id: str, work: Work, rest: Rest) -> None:
        clocks = self._tools.clocks
        clock = clocks.machine if rest.outside else clocks.of(work.world)
        if rest.until is not None:
            turn = self._queue.number_of(job_id)
            retest = rest.retest and replace(rest.retest, turn=turn)
            self._timers[job_id] = clock.call_at(rest.until, lambda: self.wake(job_id), retest=retest)
        if rest.outside:
            self._works[job_id] = work
            work.become(Kind.SCRIPT)
