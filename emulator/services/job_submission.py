"""Taking in jobs: a request becomes a stored record that the engine will run, or nothing at all [jobs §2-§4]."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from emulator.domain.document import from_document, to_document
from emulator.domain.errors import Invalid
from emulator.domain.identity import Caller
from emulator.domain.job import Job, JobPlan
from emulator.domain.job_request import JobRequest
from emulator.domain.notification import Subscription
from emulator.domain.notification_rules import Wanted, parse_subscriptions
from emulator.domain.ports import Clocks, Ids
from emulator.domain.states import ACCEPTED_MESSAGE, JobState, status_message
from emulator.engine.journal import Journal
from emulator.services.apps import AppService
from emulator.services.file_permissions import FilePermissionService
from emulator.services.files import FileService
from emulator.services.job_plan import JobPlanner, Submission
from emulator.services.systems import SystemService
from emulator.settings import Settings
from emulator.store import Store

SUBSCRIPTION_UUID = "011"


class JobSubmission:
    def __init__(
        self,
        *,
        store: Store,
        clocks: Clocks,
        ids: Ids,
        journal: Journal,
        systems: SystemService,
        apps: AppService,
        files: FileService,
        file_permissions: FilePermissionService,
        settings: Settings,
        wake: Callable[[str, str], None],
    ) -> None:
        """``wake`` is told the id of a job and its world once it is safely stored."""
        self._store = store
        self._clocks = clocks
        self._ids = ids
        self._journal = journal
        self._wake = wake
        self._block_private = settings.block_private_hosts
        self._profile = settings.jobs_profile
        self._window = settings.accepted_window_ms > 0
        self._apps = apps
        self._planner = JobPlanner(
            systems=systems, apps=apps, files=files, file_permissions=file_permissions, settings=settings
        )

    def submit(self, caller: Caller, request: JobRequest) -> Job:
        """Check everything, then store the job as PENDING with its subscriptions and first history entry.

        With ``jobs.accepted_window_ms`` it is stored as ACCEPTED: unseen, and without history [jobs §4.4].
        Raises Invalid, Forbidden or NotFound with the first check that fails; nothing is stored then.
        """
        self._apps.on_named(caller.world, request.app_id)
        accepted = self._clocks.of(caller.world).now()
        submission = Submission(
            caller=caller, request=request, job_id=self._ids.of(caller.world).job(), accepted=accepted
        )
        with self._store.read() as tx:
            plan = self._planner.plan(tx, submission)
        wanted = parse_subscriptions(request.notifications, self._block_private)
        job = _accepted(submission, plan)
        if not self._window:
            job = _pending(job, self._clocks.of(caller.world).now())
        with self._store.write() as tx:
            tx.jobs.add(job)
            for one in wanted:
                tx.subscriptions.add(self._subscription(job, one))
            if not self._window:
                self._journal.record_status(tx, job, self._profile)
            tx.after_commit(lambda: self._wake(job.id, job.world))
        return job

    def resubmit(self, caller: Caller, job: Job) -> Job:
        """The job's request once more, as a new job of the caller's: checked anew, with its notifications.

        A default archive path is made for the new job; one that was asked for stays, its macros resolved
        anew [jobs §9]. Raises as :meth:`submit` does, and Invalid for a job that no worker has seen yet.
        """
        if job.status in (JobState.ACCEPTED, JobState.PENDING):
            raise Invalid(f"Job {job.id} cannot be resubmitted while in status {job.status}.")
        return self.submit(caller, from_document(JobRequest, job.request))

    def subscriptions_of(self, job: Job) -> list[Subscription]:
        """What a submission has subscribed to, in the order of the request."""
        if not job.request.get("notifications"):
            return []
        with self._store.read() as tx:
            return tx.subscriptions.of(job.world, job.id)

    def _subscription(self, job: Job, wanted: Wanted) -> Subscription:
        return Subscription(
            world=job.world,
            id=self._ids.of(job.world).legacy(SUBSCRIPTION_UUID),
            owner=job.owner,
            url=wanted.url,
            event=wanted.event,
            associated_uuid=job.id,
            created=job.accepted,
            last_updated=job.accepted,
            persistent=wanted.persistent,
            policy=wanted.policy,
        )


def _pending(job: Job, created: datetime) -> Job:
    message = status_message(job.status, JobState.PENDING)
    return replace(
        job,
        status=JobState.PENDING,
        last_status_message=message,
        created=created,
        last_updated=created,
    )


def _accepted(submission: Submission, plan: JobPlan) -> Job:
    caller, request = submission.caller, submission.request
    return Job(
        world=caller.world,
        id=submission.job_id,
        name=request.name,
        owner=caller.username,
        tenant_id=caller.tenant_id,
        status=JobState.ACCEPTED,
        last_status_message=ACCEPTED_MESSAGE,
        accepted=submission.accepted,
        last_updated=submission.accepted,
        app_id=plan.app.id,
        app_uuid=plan.app.uuid,
        roles=",".join(caller.roles),
        plan=plan,
        request=to_document(request),
    )
