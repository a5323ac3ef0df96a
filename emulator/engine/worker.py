"""The engine: a few threads that walk jobs through their lives, and the queue before them."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from datetime import timedelta

from emulator.domain.ports import Clock, Fetcher, Hosts, Ids, Launcher
from emulator.engine import lifecycle
from emulator.engine.journal import Journal
from emulator.engine.lifecycle import Rest
from emulator.engine.step import Signal, Tools
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
    First woken, first served; what had been accepted before a restart comes in the order it was accepted.
    """

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        ids: Ids,
        journal: Journal,
        hosts: Hosts,
        launcher: Launcher,
        settings: Settings,
        fetcher: Fetcher | None = None,
        base_url: Callable[[str, str], str] | None = None,
    ) -> None:
        """``base_url`` tells where the API answers a user of a world; without it: as the settings have it."""
        self._tools = Tools(
            store=store,
            clock=clock,
            ids=ids,
            journal=journal,
            hosts=hosts,
            launcher=launcher,
            settings=settings,
            fetcher=fetcher,
            base_url=base_url
            or (lambda _world, _user: settings.base_url or f"http://localhost:{settings.port}"),
        )
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._threads: list[threading.Thread] = []
        self._queue: deque[str] = deque()
        self._queued: set[str] = set()
        self._running: dict[str, Signal] = {}
        self._again: set[str] = set()
        self._resting: set[str] = set()
        self._timers: dict[str, Callable[[], None]] = {}

    def start(self) -> None:
        """Take up every job that has not ended, then work until :meth:`stop`."""
        with self._tools.store.read() as tx:
            active = tx.jobs.active_ids()
        for job_id in active:
            self.wake(job_id)
        for number in range(max(1, self._tools.settings.workers)):
            thread = threading.Thread(target=self._work, name=f"engine-{number}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def wake(self, job_id: str) -> None:
        """Look at the job soon: it is new, its script has changed, or its user wants it stopped."""
        with self._changed:
            if self._closing.is_set():
                return
            running = self._running.get(job_id)
            if running is not None:
                running.wakes += 1
                self._again.add(job_id)
            else:
                self._enqueue(job_id)
            self._changed.notify_all()

    def stop(self, timeout: float = STOP_SECONDS) -> None:
        """Let go of all jobs. Steps under way end or are left to be repeated by the next start.

        Returns after at most ``timeout`` seconds, also when a step does not listen.
        """
        with self._changed:
            self._closing.set()
            for take_back in self._timers.values():
                take_back()
            self._timers.clear()
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._running, timeout)
            for job_id in self._running:
                log.warning("job %s: its step did not end in time and is left behind", job_id)
        for thread in self._threads:
            if not self._running:
                thread.join(timeout)

    def wait_idle(self, timeout: float | None = None) -> bool:
        """Wait until every job has ended that this engine knows of; False when the time is over first."""
        with self._changed:
            return self._changed.wait_for(
                lambda: not (self._queued or self._running or self._resting), timeout
            )

    def _enqueue(self, job_id: str) -> None:
        if job_id not in self._queued:
            self._queued.add(job_id)
            self._queue.append(job_id)

    def _work(self) -> None:
        while (taken := self._take()) is not None:
            job_id, signal = taken
            self._release(job_id, self._walk(job_id, signal))

    def _take(self) -> tuple[str, Signal] | None:
        """The next job, now this thread's; None when the engine closes."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._closing.is_set())
            if self._closing.is_set():
                return None
            job_id = self._queue.popleft()
            self._queued.discard(job_id)
            self._resting.discard(job_id)
            take_back = self._timers.pop(job_id, None)
            if take_back is not None:
                take_back()
            signal = self._running[job_id] = Signal(self._closing)
            return job_id, signal

    def _walk(self, job_id: str, signal: Signal) -> Rest:
        """Step by step, until the job has to wait."""
        journey = lifecycle.Journey(self._tools, job_id, signal)
        while not self._closing.is_set():
            with self._changed:
                self._again.discard(job_id)  # what woke it before is seen by the step that begins now
            try:
                rest = journey.advance()
            except Exception:
                log.exception("job %s could not be looked at; trying again", job_id)
                rest = Rest(until=self._tools.clock.now() + BROKEN_PAUSE)
            if rest is not None:
                return rest
        return Rest()

    def _release(self, job_id: str, rest: Rest) -> None:
        with self._changed:
            del self._running[job_id]
            again = job_id in self._again
            self._again.discard(job_id)
            if not rest.ended:
                self._resting.add(job_id)
            if again and not self._closing.is_set():
                self._enqueue(job_id)
            elif rest.until is not None and not self._closing.is_set():
                self._timers[job_id] = self._tools.clock.call_at(rest.until, lambda: self.wake(job_id))
            self._changed.notify_all()
