"""What can be done to a job that has been submitted: stop, hide, show again, run again [jobs §9]."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from emulator.domain.errors import Invalid
from emulator.domain.identity import Caller
from emulator.domain.job import Job
from emulator.domain.ports import Clocks
from emulator.engine.journal import Journal
from emulator.services.job_queries import JobQueries
from emulator.services.job_submission import JobSubmission
from emulator.settings import Settings
from emulator.store import Store, Transaction

DELETED = "DELETED"
RESTORED = "RESTORED"


class JobControl:
    """All methods need WRITE on the job; errors are those of JobQueries.writable and as said below."""

    def __init__(
        self,
        *,
        store: Store,
        clocks: Clocks,
        journal: Journal,
        queries: JobQueries,
        submission: JobSubmission,
        settings: Settings,
        wake: Callable[[str, str], None],
    ) -> None:
        """``wake`` is told the id of a job that the engine should look at."""
        self._store = store
        self._clocks = clocks
        self._journal = journal
        self._queries = queries
        self._submission = submission
        self._settings = settings
        self._wake = wake

    def cancel(self, caller: Caller, job_id: str) -> None:
        """Ask for the job to be stopped. The wish is stored; the engine fulfils it [job-lifecycle §6].

        Raises Invalid for a job that has ended, unless ``jobs.cancel_terminal_error`` is off.
        """
        with self._store.write() as tx:
            job = self._queries.writable(tx, caller, job_id)
            if not job.status.terminal:
                self._request_cancel(tx, job)
            elif self._settings.cancel_terminal_error:
                raise Invalid(f"Job {job.id} is already in a terminal state: {job.status}.")

    def hide(self, caller: Caller, job_id: str) -> None:
        """Take the job out of listings. A hidden job stays as it is."""
        with self._store.write() as tx:
            self._hide(tx, caller, self._queries.writable(tx, caller, job_id, hidden_too=True))

    def delete(self, caller: Caller, job_id: str) -> None:
        """Hide the job and, if it has not ended, stop it. Nothing is removed."""
        with self._store.write() as tx:
            job = self._queries.writable(tx, caller, job_id, hidden_too=True)
            self._hide(tx, caller, job)
            if not job.status.terminal:
                self._request_cancel(tx, job)

    def unhide(self, caller: Caller, job_id: str) -> None:
        """Bring a hidden job back. A visible one stays as it is.

        Raises Invalid for a visible one when ``errors.faithful_5xx`` asks for the service's own words.
        """
        with self._store.write() as tx:
            job = self._queries.writable(tx, caller, job_id, hidden_too=True)
            if not job.visible:
                self._show(tx, job, True, RESTORED, f"Job was restored by {caller.username}", caller)
            elif self._settings.faithful_5xx:
                raise Invalid("Job is already visible.", service_status=500)

    def resubmit(self, caller: Caller, job_id: str) -> Job:
        """A new job of the caller's from the same request. Raises what JobSubmission.resubmit raises."""
        with self._store.read() as tx:
            job = self._queries.writable(tx, caller, job_id)
        return self._submission.resubmit(caller, job)

    def _hide(self, tx: Transaction, caller: Caller, job: Job) -> None:
        if job.visible:
            self._show(tx, job, False, DELETED, f"Job was deleted by user {caller.username}.", caller)

    def _show(self, tx: Transaction, job: Job, visible: bool, event: str, text: str, caller: Caller) -> None:
        now = self._clocks.of(job.world).now()
        tx.jobs.update(job.id, visible=visible, last_updated=now)
        self._journal.record(
            tx,
            world=job.world,
            subject=job.id,
            kind="job",
            status=event,
            description=text,
            created_by=caller.username,
            resource=replace(job, visible=visible, last_updated=now),
        )

    def _request_cancel(self, tx: Transaction, job: Job) -> None:
        tx.jobs.update(job.id, cancel_requested=True)
        tx.after_commit(lambda: self._wake(job.id, job.world))
