"""The launcher of simulated jobs; see the package's docstring for what survives."""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from emulator.domain.ports import Clocks, Hosts, Launch, RemoteReport, RemoteState
from emulator.runtimes.queues import BatchQueues, key_of
from emulator.runtimes.simulated.endings import standing
from emulator.runtimes.simulated.files import LeftFiles
from emulator.runtimes.simulated.records import Record, Records
from emulator.schedulers.simulated import is_batch, local_job_id

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Run:
    """A simulated job as it stands now. ``queued``: its wait is over, it is in its queue's line.

    ``logged`` and ``left``: its files have been written, as far as this program knows; ``kept``: its record is on
    disk. ``take_back`` stops the timer of its next event.
    """

    record: Record
    queued: bool = False
    over: bool = False
    logged: bool = False
    left: bool = False
    kept: bool = False
    take_back: Callable[[], None] | None = None

    def next_event(self) -> datetime | None:
        """When something happens to it by itself; None while that hangs on others, or once it is over."""
        if self.over or (self.queued and self.record.started is None):
            return None
        return self.record.due if self.record.started is not None else self.record.eligible


class SimulatedLauncher:
    """See ``ports.Launcher``, for launches with a ``play``. ``on_change`` is called on the clocks' threads.

    Queues let scripts start as those of sandboxes do; scripts of a FORK system start when their wait is over.
    """

    def __init__(
        self,
        *,
        hosts: Hosts,
        clocks: Clocks,
        directory: Path,
        next_number: Callable[[str, str], int],
        on_change: Callable[[str], None],
    ) -> None:
        """``next_number`` counts the scripts of a host in a world, those that are run as well."""
        self._clocks = clocks
        self._records = Records(directory)
        self._files = LeftFiles(hosts)
        self._next_number = next_number
        self._on_change = on_change
        self._lock = threading.Lock()
        self._runs: dict[str, Run] = {}
        self._queues = BatchQueues()
        self._events: dict[str, list[tuple[datetime, int, Run]]] = {}
        self._order = itertools.count()
        self._started = self._stopped = False

    # the port

    def submit(self, launch: Launch) -> str:
        """See ``ports.Launcher``. Raises OSError in the scheduler's own words where the simulation rejects."""
        self.start()
        assert launch.play is not None
        if launch.play.reject:
            raise OSError(launch.play.reject)
        now = self._clocks.of(launch.world).now()
        with self._lock:
            known = self._runs.get(launch.job_id)
            if known is not None:
                return known.record.remote_job_id
            run = self._runs[launch.job_id] = Run(self._record(launch, now))
            try:
                self._await_next(run, now)
                changed = self._settle(launch.world, now)
                if not run.kept:
                    self._records.save(run.record)
            except OSError:
                self._drop(run)
                del self._runs[launch.job_id]
                raise
        self._tell(job_id for job_id in changed if job_id != launch.job_id)
        return run.record.remote_job_id

    def report(self, launch: Launch, remote_job_id: str) -> RemoteReport:
        """See ``ports.Launcher``. What it has said and left by now is in its work directory then."""
        self.start()
        with self._lock:
            run = self._runs.get(launch.job_id)
            if run is None:
                return RemoteReport(
                    state=RemoteState.LOST, reason="The execution system does not know the job."
                )
            record, over = run.record, run.over
            told = standing(record, over)
        if record.started is not None and not run.logged:
            self._files.write_logs(record)
            run.logged = True
        if over and record.killed is None and not record.limited and not run.left:
            self._files.write_outputs(record)
            run.left = True
        return told

    def cancel(self, launch: Launch, remote_job_id: str) -> None:
        """See ``ports.Launcher``. It is over at once, wherever it stood."""
        self.start()
        now = self._clocks.of(launch.world).now()
        with self._lock:
            run = self._runs.get(launch.job_id)
            if run is None or run.over:
                return
            run.record.killed = now
            try:
                self._records.save(run.record)
            except OSError:
                run.record.killed = None
                raise
            changed = [launch.job_id, *self._end(run, now)]
        self._tell(changed)

    def forget(self, launch: Launch) -> None:
        """See ``ports.Launcher``."""
        self.start()
        self.cancel(launch, "")
        with self._lock:
            self._runs.pop(launch.job_id, None)
            self._records.remove(launch.job_id)

    def forget_world(self, world: str) -> None:
        """A world's jobs are gone, as if there had never been any. Raises OSError."""
        self.start()
        with self._lock:
            for run in [run for run in self._runs.values() if run.record.launch.world == world]:
                self._drop(run)
                del self._runs[run.record.launch.job_id]
                self._records.remove(run.record.launch.job_id)
            self._events.pop(world, None)

    def release(self, launch: Launch, remote_job_id: str) -> None:
        """See ``ports.Launcher``. Its own wait in the queue begins now."""
        self.start()
        now = self._clocks.of(launch.world).now()
        with self._lock:
            run = self._runs.get(launch.job_id)
            if run is None or run.over or run.record.eligible is not None:
                return
            run.record.eligible = now + timedelta(seconds=run.record.play.queue_wait)
            try:
                self._records.save(run.record)
            except OSError:
                run.record.eligible = None
                raise
            self._await_next(run, now)
            changed = self._settle(launch.world, now)
        self._tell(changed)

    # starting and stopping

    def start(self) -> None:
        """Take up what an earlier run left. Again: nothing."""
        if self._started:
            return
        with self._lock:
            if self._started:
                return
            for record in self._records.all():
                run = self._runs[record.launch.job_id] = Run(record, kept=True)
                run.queued = record.started is not None
                run.over = record.killed is not None
                if run.queued and not run.over:
                    self._queues.occupy(record.launch)
                self._await_next(run)
            for world in list(self._events):
                self._settle(world, self._clocks.of(world).now())
            self._started = True  # the engine asks about all its jobs when it starts: nobody need be told

    def stop(self, *, end_scripts: bool = False) -> None:
        """Nobody is told of anything after this. There is nothing that could go on without us."""
        with self._lock:
            self._stopped = True
            for run in self._runs.values():
                self._take_back(run)

    # what happens, and when; the lock is held

    def _record(self, launch: Launch, now: datetime) -> Record:
        assert launch.play is not None
        number = self._next_number(launch.world, launch.host)
        return Record(
            launch=launch,
            number=number,
            remote_job_id=local_job_id(launch.scheduler, number, launch.host),
            eligible=None if launch.held else now + timedelta(seconds=launch.play.queue_wait),
        )

    def _settle(self, world: str, now: datetime) -> list[str]:
        """Let everything happen in a world that is due by now, in the order of time; the answer: to which jobs.

        Moments are those at which things were due, not those at which a timer came round to them: a clock that
        leaps leaves the same times behind as one that walks.
        """
        events = self._events.get(world, [])
        changed: dict[str, None] = {}
        while events and events[0][0] <= now:
            when, _, run = heapq.heappop(events)
            if run.next_event() != when:
                continue  # it was killed, or dropped
            for one in self._happen(run, when):
                changed[one.record.launch.job_id] = None
                self._await_next(one, now)
        return list(changed)

    def _await_next(self, run: Run, now: datetime | None = None) -> None:
        """Its next event among those of its world, and a timer for it.

        Without one where it is due by ``now``: then whoever asks lets it happen, up to that very moment.
        """
        self._take_back(run)
        when = run.next_event()
        if when is None or self._stopped:
            return
        world = run.record.launch.world
        heapq.heappush(self._events.setdefault(world, []), (when, next(self._order), run))
        clock = self._clocks.of(world)
        if when > (now or clock.now()):
            run.take_back = clock.call_at(when, partial(self._on_time, world))

    def _happen(self, run: Run, when: datetime) -> list[Run]:
        """Its next event, at ``when``; the answer: whose state has changed by that."""
        record = run.record
        if record.started is not None:
            run.over = True
            self._queues.leave(record.launch, record.number)
            return [run, *self._start_waiting(record.launch, when)]
        run.queued = True
        if is_batch(record.launch.scheduler):
            self._queues.enter(record.launch, record.number)
            return self._start_waiting(record.launch, when)
        self._begin(run, when)
        return [run]

    def _start_waiting(self, launch: Launch, when: datetime) -> list[Run]:
        """Those of its queue that may start now."""
        begun = [self._runs[job_id] for job_id in self._queues.take_startable(key_of(launch))]
        for run in begun:
            self._begin(run, when)
        return begun

    def _begin(self, run: Run, when: datetime) -> None:
        run.record.started = when
        try:
            self._records.save(run.record)
            run.kept = True
        except OSError as error:
            if not run.kept:
                raise
            # the next start decides it again, from the same wait and the same queue
            log.warning("job %s: its start was not written down: %s", run.record.launch.job_id, error)

    def _end(self, run: Run, now: datetime) -> list[str]:
        """It was killed: others may take its place."""
        self._drop(run)
        begun = self._start_waiting(run.record.launch, now)
        for one in begun:
            self._await_next(one, now)
        started = [one.record.launch.job_id for one in begun]
        return list(dict.fromkeys([*started, *self._settle(run.record.launch.world, now)]))

    def _drop(self, run: Run) -> None:
        """Nothing happens to it any more."""
        run.over = True
        self._queues.leave(run.record.launch, run.record.number)
        self._take_back(run)

    def _take_back(self, run: Run) -> None:
        if run.take_back is not None:
            run.take_back()
            run.take_back = None

    # on the clock's thread

    def _on_time(self, world: str) -> None:
        now = self._clocks.of(world).now()
        with self._lock:
            changed = [] if self._stopped else self._settle(world, now)
        self._tell(changed)

    def _tell(self, changed: Iterable[str]) -> None:
        for job_id in changed:
            if not self._stopped:
                self._on_change(job_id)
