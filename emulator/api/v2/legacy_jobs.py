"""Jobs as the service showed them before Aloe: names, formats and statuses (``jobs.profile: legacy``) [jobs §4]."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from emulator.api.edge import edge
from emulator.api.v2 import job_record, wire
from emulator.domain import legacy
from emulator.domain.job import Job
from emulator.domain.resources import run_time_text


def chosen() -> bool:
    """Whether this emulator speaks as the older service did."""
    return edge().settings.jobs_profile == legacy.PROFILE


def time(moment: datetime | None) -> str | None:
    """A time in an answer about jobs: in UTC, or as the older service had it, in Chicago [jobs §4.3]."""
    return wire.chicago(moment) if chosen() else wire.utc(moment)


def record(job: Job) -> dict[str, Any]:
    """The full record under its older names; known from the beginning is all that the submission has settled."""
    plan, now = job.plan, job_record.record(job)
    return {
        "id": job.id,
        "name": job.name,
        "owner": job.owner,
        "appId": job.app_id,
        "executionSystem": plan.execution_system,
        "batchQueue": now["remoteQueue"],
        "nodeCount": plan.node_count,
        "processorsPerNode": plan.processors_per_node,
        "memoryPerNode": plan.memory_per_node,
        "maxRunTime": run_time_text(plan.max_run_seconds),
        "archive": plan.archive,
        "archivePath": plan.archive_path,
        "archiveSystem": plan.archive_system,
        "retries": job.submit_retries,
        "localId": job.remote_job_id,
        "outputPath": now["workPath"],
        "status": job.status.value,
        "message": _message(job),
        "created": _whole_seconds(job.created),
        "lastUpdated": _whole_seconds(job.last_updated),
        "submitTime": wire.chicago(job.remote_submitted),
        "startTime": wire.chicago(job.remote_started),
        "endTime": wire.chicago(job.ended),
        "inputs": {key: _array(value) for key, value in plan.inputs.items()},
        "parameters": plan.parameters,
        "visible": job.visible,
        "_links": now["_links"] | {"executionSystem": wire.link(f"systems/v2/{plan.execution_system}")},
    }


def summary(job: job_record.JobLine) -> dict[str, Any]:
    """An element of a listing."""
    return {
        "id": job.id,
        "name": job.name,
        "owner": job.owner,
        "executionSystem": job.system_id,
        "appId": job.app_id,
        "created": _whole_seconds(job.created),
        "status": job.status.value,
        "startTime": wire.chicago(job.remote_started),
        "endTime": wire.chicago(job.ended),
        "_links": job_record.summary(job)["_links"],
    }


def _message(job: Job) -> str:
    """Aloe tells the transition, the older service the last event's text."""
    text = job.last_status_message
    plain = text.startswith("Transitioning from status ") and text.endswith(".")
    return legacy.description(job.status, legacy.PROFILE) if plain else text


def _whole_seconds(moment: datetime | None) -> str | None:
    return wire.chicago(None if moment is None else moment.replace(microsecond=0))


def _array(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
