"""Doubles of our own ports, for what a test must steer: a scheduler's words, the passing of time."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from emulator.domain.event import Event
from emulator.domain.ports import BulkFiles, Host, HostFiles, Hosts, Launch, RemoteReport, RemoteState, Retest
from emulator.engine.clock import RealClock
from emulator.engine.journal import Journal
from emulator.store import Transaction
from tests.job_samples import NOON


class StagedLauncher:
    """Keeps scripts in memory and moves them only as the test says; ``work`` stands for the script.

    Without further orders a script runs and ends well as soon as it is handed over.
    """

    def __init__(self, on_change: Callable[[str], None]) -> None:
        self._on_change = on_change
        self._lock = threading.Lock()
        self.reports: dict[str, RemoteReport] = {}
        self.launches: dict[str, Launch] = {}
        self.submits: Counter[str] = Counter()
        self.cancelled: list[str] = []
        self.forgotten: list[str] = []
        self.now: Callable[[], datetime] = RealClock().now
        self.hold = False
        """Leave scripts QUEUED until told otherwise."""
        self.ending = RemoteReport(state=RemoteState.ENDED, scheduler_state="COMPLETED", exit_code=0)
        self.work: Callable[[Launch], None] = lambda launch: write_output(launch, "out.txt", "hello\n")
        self.refusals: list[Exception] = []
        """Raised by the next submits, one each."""
        self.report_errors: list[Exception] = []
        self.cancel_errors: list[Exception] = []

    def submit(self, launch: Launch) -> str:
        with self._lock:
            if self.refusals:
                raise self.refusals.pop(0)
            self.submits[launch.job_id] += 1
            new = launch.job_id not in self.launches
            if new:
                self.launches[launch.job_id] = launch
                self.reports[launch.job_id] = RemoteReport(state=RemoteState.QUEUED)
        if new and not self.hold:
            self.end(launch.job_id)
        return self.remote_id(launch.job_id)

    def remote_id(self, job_id: str) -> str:
        return str(1000 + list(self.launches).index(job_id))

    def start(self, job_id: str) -> None:
        self.say(job_id, RemoteReport(state=RemoteState.RUNNING, started=self.now()))

    def end(self, job_id: str, report: RemoteReport | None = None) -> None:
        self.work(self.launches[job_id])
        now = self.now()
        self.say(job_id, replace(report or self.ending, started=now, ended=now))

    def say(self, job_id: str, report: RemoteReport) -> None:
        self.reports[job_id] = report
        self._on_change(job_id)

    def report(self, launch: Launch, remote_job_id: str) -> RemoteReport:
        if self.report_errors:
            raise self.report_errors.pop(0)
        assert remote_job_id == self.remote_id(launch.job_id)
        return self.reports[launch.job_id]

    def cancel(self, launch: Launch, remote_job_id: str) -> None:
        if self.cancel_errors:
            raise self.cancel_errors.pop(0)
        self.cancelled.append(launch.job_id)

    def forget(self, launch: Launch) -> None:
        self.forgotten.append(launch.job_id)


def write_output(launch: Launch, name: str, text: str) -> None:
    Path(launch.work_dir, name).write_text(text, encoding="utf-8")
    Path(launch.stdout).write_text("", encoding="utf-8")
    Path(launch.stderr).write_text("", encoding="utf-8")


class ManualClock:
    """Time that passes when the test says so."""

    def __init__(self, start: datetime = NOON) -> None:
        self._now = start
        self._timers: list[tuple[datetime, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._lock = threading.Lock()

    def now(self) -> datetime:
        return self._now

    @property
    def real(self) -> bool:
        return True

    def at(self, moment: datetime) -> datetime:
        return moment

    def call_at(
        self,
        when: datetime,
        action: Callable[[], None],
        *,
        background: bool = False,
        retest: Retest | None = None,
    ) -> Callable[[], None]:
        with self._lock:
            timer = (when, next(self._numbers), action)
            heapq.heappush(self._timers, timer)

        def take_back() -> None:
            with self._lock:
                if timer in self._timers:
                    self._timers.remove(timer)
                    heapq.heapify(self._timers)

        return take_back

    def due(self) -> datetime | None:
        """When the next timer goes off."""
        with self._lock:
            return self._timers[0][0] if self._timers else None

    def advance(self, span: timedelta) -> None:
        """Let time pass; timers go off in order, on this thread."""
        end = self._now + span
        while True:
            with self._lock:
                if not self._timers or self._timers[0][0] > end:
                    break
                when, _number, action = heapq.heappop(self._timers)
            self._now = max(self._now, when)
            action()
        self._now = end


class InterposedHosts:
    """Real hosts; ``before`` is told each operation on files and its path, and may raise instead."""

    def __init__(self, real: Hosts, before: Callable[[str, str], None]) -> None:
        self._real = real
        self._before = before

    def host(self, world: str, name: str, account: object = None) -> Host:
        return _InterposedHost(self._real.host(world, name, account), self._before)


class _InterposedHost:
    def __init__(self, real: Host, before: Callable[[str, str], None]) -> None:
        self.name = real.name
        self.files: HostFiles = InterposedFiles(real.files, before)
        self.shell = real.shell


class InterposedFiles:
    """See InterposedHosts."""

    def __init__(self, real: HostFiles, before: Callable[[str, str], None]) -> None:
        self._real = real
        self._before = before

    @property
    def bulk(self) -> BulkFiles | None:
        return self._real.bulk

    def within(self, root: str) -> InterposedFiles:
        return InterposedFiles(self._real.within(root), self._before)

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        method = getattr(self._real, operation)

        def call(path: str, *arguments: Any) -> Any:
            self._before(operation, path)
            return method(path, *arguments)

        return call


class ActingJournal(Journal):
    """Lets a test act when an entry is written: inside the transaction, or right after its commit."""

    inside: Callable[[Transaction, Event], None] = staticmethod(lambda tx, event: None)
    after: Callable[[Event], None] = staticmethod(lambda event: None)

    def record(self, tx: Transaction, **entry: Any) -> Event:
        event = super().record(tx, **entry)
        self.inside(tx, event)
        tx.after_commit(lambda: self.after(event))
        return event
