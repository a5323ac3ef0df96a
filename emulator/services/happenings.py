"""What happens in a world, for those who wait for it: the event log, and how a job stands."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta

from emulator.domain.errors import NotFound
from emulator.domain.event import Event
from emulator.domain.job import Job
from emulator.domain.ports import Clock
from emulator.engine.bell import Bell, Chime
from emulator.services.accounts import AccountService
from emulator.store import Store

MOST_EVENTS = 1000
"""Of a world's log at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A job and its history so far, read together."""

    job: Job
    history: list[Event]

    def has_been(self, states: frozenset[str], after: int) -> bool:
        """Whether it is in one of the states, or has come into one by an entry later than ``after``."""
        return self.job.status in states or any(
            entry.seq > after and entry.progress is None and entry.status in states for entry in self.history
        )


class HappeningService:
    """Reads for everybody who may control the world: no user's rights are asked for."""

    def __init__(self, *, store: Store, machine: Clock, accounts: AccountService, bell: Bell) -> None:
        """``machine`` is this machine's own clock: who waits here waits in real time."""
        self._store = store
        self._machine = machine
        self._accounts = accounts
        self._bell = bell

    def listen(self, world: str) -> AbstractContextManager[Chime]:
        """A chime that is struck by whatever happens in the world. Raises NotFound."""
        self._accounts.world(world)
        return self._bell.listen(world)

    def after(self, seconds: float, action: Callable[[], None]) -> Callable[[], None]:
        """Run a short action in so many seconds of this machine's time; the answer takes that back."""
        return self._machine.call_at(self._machine.now() + timedelta(seconds=seconds), action)

    def last(self, world: str) -> int:
        """The number of the newest event of the world; 0 before there is any."""
        self._accounts.world(world)
        with self._store.read() as tx:
            return tx.events.last(world)

    def events(self, world: str, after: int, limit: int, **fields: str) -> list[Event]:
        """Events with a number above ``after``, oldest first, of whose ``subject``, ``kind`` and ``status`` are so."""
        self._accounts.world(world)
        with self._store.read() as tx:
            return tx.events.since(world, after, min(limit, MOST_EVENTS), **fields)

    def job(self, world: str, job_id: str) -> Watched:
        """Hidden ones too. Raises NotFound."""
        self._accounts.world(world)
        with self._store.read() as tx:
            job = tx.jobs.by_id(job_id)
            if job is None or job.world != world:
                raise NotFound(f"No job found in world {world} with id {job_id}")
            return Watched(job=job, history=tx.events.of(world, job.id))

    def jobs(self, world: str, after: int = 0) -> list[str]:
        """Ids of the world's jobs, in the order of their first event later than ``after``."""
        self._accounts.world(world)
        with self._store.read() as tx:
            return tx.events.subjects(world, "job", after, MOST_EVENTS)
