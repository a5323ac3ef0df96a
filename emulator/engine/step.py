"""What a step of a job's life works with: the job, the tools, and the calls that may reach it meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from emulator.domain import legacy, paths
from emulator.domain.credentials import storage_account
from emulator.domain.errors import Invalid, JobCancelled, StepFailed
from emulator.domain.fault import Strike
from emulator.domain.job import Job
from emulator.domain.ports import Chance, Clock, Clocks, Fetcher, Host, Hosts, Ids, Launcher
from emulator.domain.system import System
from emulator.engine.activity import Work
from emulator.engine.journal import Journal
from emulator.engine.outcome import Interrupted
from emulator.engine.striking import Holds, Strikes
from emulator.engine.transfer import Location
from emulator.engine.waiting import Call, Calls, Subscribe, wait
from emulator.settings import RECOVERY_TIME_SCALE, Settings
from emulator.store import Store, Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What all steps share."""

    store: Store
    clocks: Clocks
    ids: Ids
    journal: Journal
    hosts: Hosts
    launcher: Launcher
    settings: Settings
    fetcher: Fetcher | None
    """None where inputs by http are not provided for."""
    strikes: Strikes
    holds: Holds
    base_url: Callable[[str, str], str]
    """Where the API answers a user of a world: for scripts, there is no request here."""

    def recovery_scale(self, world: str) -> float:
        """What divides the pauses of recovery in a world: ``jobs.recovery_time_scale``.

        Its default is meant for people who wait in real time; by a clock of its own a world has the service's pauses.
        """
        scale = self.settings.recovery_time_scale
        hurried = scale == RECOVERY_TIME_SCALE and not self.clocks.of(world).real
        return 1.0 if hurried else scale


class Signal:
    """Calls to a step that is under way: the job was woken, or the engine is closing."""

    def __init__(
        self,
        closing: threading.Event,
        work: Work | None = None,
    ) -> None:
        """``work`` is what the step counts as."""
        self.closing = closing
        self.work = work
        self.wakes = 0
        self.gone = False
        """The job's world begins anew: whatever the step comes to is nobody's."""
        self.calls = Calls()


@dataclass(slots=True)
class Entry:
    """An entry of the history that tells of something under way. ``seq`` 0: it is not saved yet."""

    description: str
    created: datetime
    document: Callable[[], dict[str, Any]]
    """How it stands now."""
    seq: int = 0


class Step:
    """One step of one job."""

    def __init__(self, tools: Tools, job: Job, signal: Signal, seen: int, fresh: bool = False) -> None:
        """``seen`` is the signal's count of wakes before the job was read.

        ``fresh``: this very state has never been worked at before.
        """
        self.tools = tools
        self.job = job
        self.fresh = fresh
        self.clock: Clock = tools.clocks.of(job.world)
        """The clock of the job's world."""
        self.ids: Chance = tools.ids.of(job.world)
        self.progress: dict[int, dict[str, Any]] = {}
        """Progress entries by sequence number, to be saved with the step's outcome."""
        self._later: list[Entry] = []
        self.deadline: tuple[datetime, StepFailed] | None = None
        """When the step's time is over, and how it fails then."""
        self.trouble: OSError | None = None
        """What a scenario makes the step's work meet."""
        self._signal = signal
        self._seen = seen
        self._ending = False
        self._systems: dict[str, System] = {}
        self._machines: dict[str, Host] = {}

    def use(self, systems: Mapping[str, System]) -> None:
        """Systems that have been found usable just now."""
        self._systems |= systems

    def checkpoint(self) -> None:
        """To be called every now and then by long steps.

        Raises JobCancelled when the user has asked for the job's end, Interrupted when the engine closes,
        StepFailed when the step's time is over.
        """
        if self._signal.closing.is_set() or self._signal.gone:
            raise Interrupted
        if self._signal.wakes != self._seen:
            self._seen = self._signal.wakes
            if self._ending:
                return
            with self.tools.store.read() as tx:
                found = tx.jobs.standing(self.job.id)
            if found is None or found.cancel_requested:
                raise JobCancelled
        self.check_deadline()

    def end(self) -> None:
        """What is done from now on only ends the job: neither its user nor its deadline cuts that short."""
        self._ending, self.deadline = True, None

    def linger(self, strike: Strike) -> None:
        """Wait where a scenario says so, far below: at the job's hosts and at its scheduler. Raises as ``pause``."""
        self.tools.strikes.wait_out(strike, self.pause)

    def pause(self, until: datetime | None, *calls: Subscribe) -> None:
        """Block until the clock of the job's world says ``until``, or one of ``calls`` comes; holds no worker up.

        Whoever waits for the world to be at rest does not wait for this. Raises as :meth:`checkpoint`.
        """
        if self._later:  # it may take long
            with self.tools.store.write() as tx:
                self.save_entries(tx)
        over = threading.Event()
        ends = [_ending(subscribe, over) for subscribe in calls]
        self.checkpoint()
        while not over.is_set() and (until is None or self.clock.now() < until):
            limits = [moment for moment in (until, self.deadline and self.deadline[0]) if moment]
            wait(self.clock, self._signal.work, min(limits, default=None), self._called, *ends)
            self.checkpoint()

    def _called(self, action: Call) -> Call:
        """As the signal's calls; one that came before counts."""
        take_back = self._signal.calls.listen(action)
        if self._signal.closing.is_set() or self._signal.wakes != self._seen:
            action()
        return take_back

    def meet_trouble(self) -> None:
        """To be called where the step's work begins, inside of what words its errors. Raises OSError."""
        if self.trouble is not None:
            raise self.trouble

    def check_deadline(self) -> None:
        """Raises StepFailed when the step's time is over."""
        if self.deadline is not None and self.clock.now() >= self.deadline[0]:
            raise self.deadline[1]

    def note(self, description: str) -> None:
        """An entry in the history that is no change of state and tells no subscriber [job-lifecycle §5]."""
        with self.tools.store.write() as tx:
            self.record(tx, description)

    def note_attempt(self, attempt: int = 1) -> None:
        """That something is tried now, in the older service's history; Aloe only tells of failures."""
        text = legacy.ATTEMPTS.get(self.job.status)
        if text is not None and self.tools.settings.jobs_profile == legacy.PROFILE:
            self.note(text.format(attempt=attempt))

    def record_later(self, entry: Entry) -> None:
        """As :meth:`record`, together with what the step saves next, its outcome at the latest.

        For what will hardly take time; a step that is cut off before leaves no entry.
        """
        self._later.append(entry)

    @property
    def has_entries(self) -> bool:
        """Whether there are any to be recorded later."""
        return bool(self._later)

    def save_entries(self, tx: Transaction) -> None:
        """Those that were to be recorded later."""
        entries, self._later = self._later, []
        for entry in entries:
            entry.seq = self.record(tx, entry.description, entry.document(), entry.created)

    def record(
        self,
        tx: Transaction,
        description: str,
        progress: dict[str, Any] | None = None,
        when: datetime | None = None,
    ) -> int:
        """As :meth:`note`, in a transaction; the answer is the entry's sequence number."""
        self.save_entries(tx)
        event = self.tools.journal.record(
            tx,
            world=self.job.world,
            subject=self.job.id,
            kind="job",
            status=self.job.status.value,
            description=description,
            created_by=self.job.owner,
            progress=progress,
            when=when,
        )
        return event.seq

    def system(self, system_id: str) -> System:
        """Raises StepFailed when it has been erased since."""
        if system_id not in self._systems:
            with self.tools.store.read() as tx:
                found = tx.systems.get(self.job.world, system_id)
            if found is None:
                raise system_gone(system_id)
            self._systems[system_id] = found
        return self._systems[system_id]

    @property
    def execution_system(self) -> System:
        return self.system(self.job.plan.execution_system)

    def location(self, system_id: str, agave_path: str) -> Location:
        """Where an agave path lies. Raises StepFailed for a path outside the system's root."""
        system = self.system(system_id)
        storage = system.storage
        uri = agave_uri(system_id, agave_path)
        try:
            virtual = paths.virtual_path(storage, agave_path)
        except paths.OutsideRoot as error:
            raise StepFailed("JOBS_INVALID_PATH", f"{uri} lies outside the root of the system.") from error
        except Invalid as error:
            raise StepFailed("JOBS_INVALID_PATH", f"{uri}: {error.message}") from error
        files = self.machine(system).files.within(paths.root_path(storage))
        return Location(files, paths.host_path(storage, virtual), uri)

    def base_url(self) -> str:
        """Where the API answers the job's owner, for scripts and links."""
        with self.tools.store.read() as tx:
            world = tx.accounts.world(self.job.world)
        return (world.base_url if world else None) or self.tools.base_url(self.job.world, self.job.owner)

    def machine(self, system: System) -> Host:
        """Where a system's files lie: one machine all through the step, that it connects to once."""
        if system.id not in self._machines:
            account = storage_account(system, self.job.owner)
            self._machines[system.id] = self.tools.hosts.host(self.job.world, system.storage.host, account)
        return self._machines[system.id]

    @property
    def work_dir(self) -> Location:
        return self.location(self.job.plan.execution_system, self.job.plan.work_path)


def _ending(subscribe: Subscribe, over: threading.Event) -> Subscribe:
    """The same calls, that are remembered."""

    def ending(action: Call) -> Call:
        def end() -> None:
            over.set()
            action()

        return subscribe(end)

    return ending


def agave_uri(system_id: str, agave_path: str) -> str:
    """An absolute agave path gives a double slash [job-lifecycle §3.1]."""
    return f"agave://{system_id}/{agave_path}"


def system_gone(system_id: str) -> StepFailed:
    return StepFailed("JOBS_SYSTEM_NOT_FOUND", f"The system {system_id} no longer exists.")
