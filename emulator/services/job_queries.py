"""Reading jobs: the record, listings and searches, the history [jobs §4.4-§7]."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from emulator.domain.errors import EmulatorError, Forbidden, Invalid, NotFound
from emulator.domain.event import Event
from emulator.domain.identity import Caller
from emulator.domain.job import Job
from emulator.domain.job_access import rights
from emulator.domain.search import Condition, Operator, Page
from emulator.store import Store, Transaction
from emulator.store.jobs import JobSummary


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """What is said of a job that the caller cannot have; ``{id}`` stands for its id.

    Each of the service's resources says it differently.
    """

    unknown: str = "No job found with job id {id}."
    hidden: str = "Job with uuid {id} is not visible."
    refused: str = "User does not have permission to view this job"
    error: type[EmulatorError] = NotFound
    """Raised for unknown and hidden jobs."""
    refused_status: int | None = None
    """What the service answers to those who lack the permission, where that is not 403 [conventions §9.3]."""

    def refusal(self) -> Forbidden:
        return Forbidden(self.refused, service_status=self.refused_status)


RECORD = Wording()
STATUS = Wording(unknown="Not job found with job id {id}", hidden="Not job found with job id {id}")
HISTORY = Wording(refused="User does not have permission to view this job history")

_VISIBLE = Condition("visible", Operator.EQ, True)


class JobQueries:
    def __init__(self, *, store: Store) -> None:
        self._store = store

    def readable(self, tx: Transaction, caller: Caller, job_id: str, wording: Wording = RECORD) -> Job:
        """The job, if the caller may read it and it is visible. Raises as ``wording`` has it, or Forbidden."""
        job = self._found(tx, caller, job_id, wording)
        if not rights(job, caller, tx.jobs.grants(job.id)).read:
            raise wording.refusal()
        return job

    def writable(
        self,
        tx: Transaction,
        caller: Caller,
        job_id: str,
        wording: Wording = RECORD,
        hidden_too: bool = False,
    ) -> Job:
        """The job, if the caller may change it. Raises as :meth:`readable` does."""
        job = self._found(tx, caller, job_id, wording, hidden_too)
        if not rights(job, caller, tx.jobs.grants(job.id)).write:
            raise wording.refusal()
        return job

    def get(self, caller: Caller, job_id: str, wording: Wording = RECORD) -> Job:
        """One record [jobs §4.4]."""
        with self._store.read() as tx:
            return self.readable(tx, caller, job_id, wording)

    def history(
        self, caller: Caller, job_id: str, conditions: Sequence[Condition], page: Page
    ) -> list[Event]:
        """What happened to a job [jobs §7]. Fields: those of an Event, and ``ip_address``, never known."""
        with self._store.read() as tx:
            job = self.readable(tx, caller, job_id, HISTORY)
            return tx.events.page(caller.world, job.id, conditions, page)

    def summaries(self, caller: Caller, conditions: Sequence[Condition], page: Page) -> list[JobSummary]:
        """Jobs of the caller and those shared with it; a search by an admin finds all users' [jobs §5].

        Hidden jobs are found only by a condition on ``visible``.
        """
        with self._store.read() as tx:
            whose, every = _scope(caller, conditions)
            return tx.jobs.summaries(caller.world, whose, every, page)

    def records(self, caller: Caller, conditions: Sequence[Condition], page: Page) -> list[Job]:
        """As :meth:`summaries`, with all there is to know of each job."""
        with self._store.read() as tx:
            whose, every = _scope(caller, conditions)
            return tx.jobs.find(caller.world, whose, every, page)

    def _found(
        self, tx: Transaction, caller: Caller, job_id: str, wording: Wording, hidden_too: bool = False
    ) -> Job:
        if not job_id.strip():
            raise Invalid("Job id cannot be empty")
        job = tx.jobs.get(caller.world, job_id)
        if job is None:
            raise wording.error(wording.unknown.format(id=job_id))
        if not job.visible and not hidden_too:
            raise wording.error(wording.hidden.format(id=job_id))
        return job


def _scope(caller: Caller, conditions: Sequence[Condition]) -> tuple[str | None, list[Condition]]:
    """Whose jobs a search goes through (None: everybody's), and all of its conditions."""
    whose = None if caller.admin and conditions else caller.username
    says_visible = any(condition.field == _VISIBLE.field for condition in conditions)
    return whose, [*conditions] if says_visible else [*conditions, _VISIBLE]
