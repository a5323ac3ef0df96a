"""The JSON of webhooks, for each kind of resource [notifications §6.1, §6.2]."""

from __future__ import annotations

from dataclasses import fields as fields_of
from dataclasses import is_dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from emulator.api.v2 import app_record, file_record, metadata_record, notification_record, system_record
from emulator.api.v2.job_record import fields
from emulator.api.v2.profiles import profile_record
from emulator.api.v2.wire import chicago
from emulator.domain.app import App
from emulator.domain.event import Event
from emulator.domain.file import LogicalFile
from emulator.domain.identity import User
from emulator.domain.job import Job
from emulator.domain.metadata import MetadataRecord
from emulator.domain.notification import Subscription
from emulator.domain.resources import run_time_text
from emulator.domain.system import System


def body_of(resource: object, event: Event) -> dict[str, Any]:
    """What is posted about an event: the resource as its service shows it, of files the event with its place."""
    if isinstance(resource, Job):
        return _job_body(resource, event)
    if isinstance(resource, App):
        return app_record.full(resource)
    if isinstance(resource, System):
        return system_record.full(resource, ())
    if isinstance(resource, LogicalFile):
        return file_record.history_line(event) | {
            "uuid": resource.uuid,
            "path": resource.path,
            "systemId": resource.system_id,
        }
    if isinstance(resource, Subscription):
        return notification_record.full(resource, {})
    if isinstance(resource, MetadataRecord):
        return metadata_record.full(resource)
    if isinstance(resource, User):
        return profile_record(resource)
    return _plain(resource)


def _job_body(job: Job, event: Event) -> dict[str, Any]:
    """The JSON of a webhook: legacy and Aloe names mixed, as the real ones are [notifications §6.1]."""
    now = fields(job)
    plan = job.plan
    return {
        "id": job.id,
        "name": job.name,
        "tenantId": job.tenant_id,
        "tenantQueue": now["tenantQueue"],
        "status": now["status"],
        "error_message": event.description,
        "accepted": now["accepted"],
        "created": now["created"],
        "endTime": now["ended"],
        "lastUpdated": now["lastUpdated"],
        "uuid": job.id,
        "owner": job.owner,
        "executionSystem": now["systemId"],
        "appId": job.app_id,
        "workPath": now["workPath"],
        "archive": plan.archive,
        "archiveOnAppError": plan.archive_on_app_error,
        "archivePath": now["archivePath"],
        "archiveSystem": plan.archive_system,
        "nodeCount": plan.node_count,
        "processorsPerNode": plan.processors_per_node,
        "memoryPerNode": now["memoryPerNode"],
        "maxRunTime": run_time_text(plan.max_run_seconds),
        "localId": job.remote_job_id,
        "batchQueue": now["remoteQueue"],
        "submitTime": now["remoteSubmitted"],
        "startTime": now["remoteStarted"],
        "remoteEnded": now["remoteEnded"],
        "remoteOutcome": job.remote_outcome,
        "submitRetries": job.submit_retries,
        "remoteStatusChecks": job.remote_status_checks,
        "failedStatusChecks": job.failed_status_checks,
        "lastStatusCheck": now["lastStatusCheck"],
        "blockedCount": job.blocked_count,
        "visible": job.visible,
    }


def _plain(resource: object) -> dict[str, Any]:
    """A record that has no shape of its own here: its fields by their names on the wire."""
    if not is_dataclass(resource):
        raise TypeError(f"no message can be made of {type(resource).__name__}")
    return {
        _camel(one.name): _value(getattr(resource, one.name))
        for one in fields_of(resource)
        if one.name != "world"
    }


def _value(value: Any) -> Any:
    if isinstance(value, datetime):
        return chicago(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, list | tuple):
        return [_value(one) for one in value]
    return _plain(value) if is_dataclass(value) else value


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
