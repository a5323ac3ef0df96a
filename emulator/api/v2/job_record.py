"""How a job looks to clients of dialect v2: the record, the answer to a submission, the summary [jobs §4, §5]."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import quote

from emulator.api.v2 import wire
from emulator.domain.job import Job
from emulator.domain.notification import Subscription
from emulator.domain.resources import hours
from emulator.domain.states import ACCEPTED_MESSAGE, JobState

_S = JobState
_BEFORE_STAGING = frozenset({_S.ACCEPTED, _S.PENDING, _S.PROCESSING_INPUTS})
_BEFORE_SUBMITTING = _BEFORE_STAGING | {_S.STAGING_INPUTS, _S.STAGED, _S.STAGING_JOB}


class JobLine(Protocol):
    """What a summary is made from: a job as listings read it, without its plan."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def owner(self) -> str: ...
    @property
    def system_id(self) -> str: ...
    @property
    def app_id(self) -> str: ...
    @property
    def created(self) -> datetime | None: ...
    @property
    def status(self) -> JobState: ...
    @property
    def remote_started(self) -> datetime | None: ...
    @property
    def ended(self) -> datetime | None: ...
    @property
    def archive(self) -> bool: ...
    @property
    def archived(self) -> bool: ...
    @property
    def archive_system(self) -> str | None: ...
    @property
    def archive_path(self) -> str: ...


def record(job: Job) -> dict[str, Any]:
    """The full record, keys in the service's order."""
    document = fields(job)
    return document | {"_links": _links(job, document["systemId"])}


def fields(job: Job) -> dict[str, Any]:
    """The record without its links; what is not known yet is null or 0 [job-lifecycle §4].

    A job that has ended shows its whole plan, however early it ended.
    """
    plan = job.plan
    at = job.blocked_from if job.status is _S.BLOCKED and job.blocked_from else job.status
    staging, submitting = at not in _BEFORE_STAGING, at not in _BEFORE_SUBMITTING
    document = _head(job) | {
        "status": job.status.value,
        "lastStatusMessage": job.last_status_message,
        "accepted": wire.utc(job.accepted),
        "created": wire.utc(job.created),
        "ended": wire.utc(job.ended),
        "lastUpdated": wire.utc(job.last_updated),
        "owner": job.owner,
        "roles": job.roles,
        "systemId": plan.execution_system if staging else None,
        "appId": job.app_id,
        "appUuid": job.app_uuid,
        "workPath": plan.work_path if submitting else None,
        "archive": plan.archive,
        "archiveOnAppError": plan.archive_on_app_error,
        "archivePath": plan.archive_path if staging else plan.archive_path_template,
        "archiveSystem": plan.archive_system,
        "nodeCount": plan.node_count,
        "processorsPerNode": plan.processors_per_node,
        "memoryPerNode": float(plan.memory_per_node) if staging else 0.0,
        "maxHours": hours(plan.max_run_seconds),
    }
    return document | _run(job)


def submitted(job: Job, subscriptions: Iterable[Subscription] = ()) -> dict[str, Any]:
    """The answer to a submission: the record as it stood before a worker saw it [jobs §4, column Sub].

    What the submission resolved already is shown as the service shows it there: uninitialised.
    """
    document = record(job) | {
        "status": _S.ACCEPTED.value,
        "lastStatusMessage": ACCEPTED_MESSAGE,
        "created": None,
        "lastUpdated": wire.utc(job.accepted),
        "systemId": None,
        "workPath": None,
        "archivePath": job.plan.archive_path_template,
        "nodeCount": 0,
        "processorsPerNode": 0,
        "memoryPerNode": 0.0,
        "maxHours": hours(job.plan.max_run_seconds) if job.request.get("max_run_seconds") else 0.0,
        "remoteQueue": None,
    }
    links = _links(job, None)
    told = [
        wire.link(f"notifications/v2/{subscription.id}") | {"title": subscription.event}
        for subscription in subscriptions
    ]
    return document | {"_links": links | {"notification": told} if told else links}


def summary(job: JobLine) -> dict[str, Any]:
    """An element of a listing [jobs §5]."""
    return {
        "id": job.id,
        "name": job.name,
        "owner": job.owner,
        "systemId": None if job.status in _BEFORE_STAGING else job.system_id,
        "appId": job.app_id,
        "created": wire.utc(job.created),
        "status": job.status.value,
        "remoteStarted": wire.utc(job.remote_started),
        "ended": wire.utc(job.ended),
        "_links": {
            "self": self_link(job.id),
            "archiveData": archive_data_link(
                job.id,
                job.archive and job.archived and job.status.terminal,
                job.archive_system,
                job.archive_path,
            ),
        },
    }


def self_link(job_id: str) -> dict[str, str]:
    return wire.link(f"jobs/v2/{job_id}")


def archive_data_link(job_id: str, in_archive: bool, system_id: str | None, path: str) -> dict[str, str]:
    """Where the outputs can be listed: the archive once they are there, else the outputs route [jobs §4.2]."""
    if in_archive and system_id:
        return wire.link(wire.file_url(system_id, path, "listings"))
    return wire.link(f"jobs/v2/{job_id}/outputs/listings")


def _head(job: Job) -> dict[str, Any]:
    return {
        "id": job.id,
        "name": job.name,
        "tenantId": job.tenant_id,
        "tenantQueue": f"aloe.jobq.{job.tenant_id}.submit.DefaultQueue",
    }


def _run(job: Job) -> dict[str, Any]:
    """The second half of the record: inputs, parameters, and what the execution system has said."""
    plan = job.plan
    return {
        "inputs": plan.inputs,
        "parameters": plan.parameters,
        "remoteJobId": job.remote_job_id,
        "schedulerJobId": job.scheduler_job_id,
        "remoteQueue": plan.queue.name if plan.queue else None,
        "remoteSubmitted": wire.utc(job.remote_submitted),
        "remoteStarted": wire.utc(job.remote_started),
        "remoteEnded": wire.utc(job.remote_ended),
        "remoteOutcome": job.remote_outcome,
        "submitRetries": job.submit_retries,
        "remoteStatusChecks": job.remote_status_checks,
        "failedStatusChecks": job.failed_status_checks,
        "lastStatusCheck": wire.utc(job.last_status_check),
        "blockedCount": job.blocked_count,
        "visible": job.visible,
    }


def _links(job: Job, system_id: str | None) -> dict[str, Any]:
    plan = job.plan
    in_archive = plan.archive and job.archived and job.status.terminal
    return {
        "self": self_link(job.id),
        "app": wire.link(f"apps/v2/{quote(job.app_id, safe='')}"),
        "executionSystem": wire.link(f"systems/v2/{system_id}") if system_id else {},
        "archiveSystem": wire.link(f"systems/v2/{plan.archive_system}") if plan.archive_system else {},
        "archiveData": archive_data_link(job.id, in_archive, plan.archive_system, plan.archive_path),
        "owner": wire.link(f"profiles/v2/{quote(job.owner, safe='')}"),
        "permissions": wire.link(f"jobs/v2/{job.id}/pems"),
        "history": wire.link(f"jobs/v2/{job.id}/history"),
        "metadata": wire.metadata_link(job.id),
        "notifications": wire.link(f"notifications/v2/?associatedUuid={job.id}"),
    }
