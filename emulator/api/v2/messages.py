"""The messages of dialect v2: webhook bodies, e-mails and the macros in their addresses [notifications §6, §7]."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html import escape
from typing import Any
from urllib.parse import quote

from emulator.api.v2.job_record import fields
from emulator.api.v2.wire import file_url, utc
from emulator.domain.document import to_document
from emulator.domain.event import Event
from emulator.domain.job import Job
from emulator.domain.notification import Message, Subscription
from emulator.domain.resources import run_time_text
from emulator.domain.states import JobState

_MACRO = re.compile(r"\$\{([A-Z_]+)\}")


class V2Messages:
    """Renders messages about jobs. ``base_url`` tells where the emulator answers: there is no request here."""

    def __init__(self, base_url: Callable[[], str]) -> None:
        self._base_url = base_url

    def message(self, resource: object, event: Event, subscription: Subscription) -> Message:
        """See ports.Renderer."""
        if isinstance(resource, Job):
            return self._job_message(resource, event, subscription)
        return self._other_message(resource, event, subscription)

    def _other_message(self, resource: object, event: Event, subscription: Subscription) -> Message:
        opening = f"The {event.kind} {event.subject} received a {event.status} event."
        macros = {"UUID": event.subject, "EVENT": event.status}
        document = {key: value for key, value in to_document(resource).items() if key != "world"}
        return Message(
            url=expand(subscription.url, macros),
            event=event.status,
            body=json.dumps(document, separators=(",", ":"), ensure_ascii=False),
            subject=f"{event.kind.capitalize()} {event.subject} received a {event.status} event",
            text=f"{opening}\n\n{event.description}\n",
            html=_html(opening, [("Message", event.description)]),
        )

    def _job_message(self, job: Job, event: Event, subscription: Subscription) -> Message:
        base = self._base_url().rstrip("/") + "/"
        macros = _macros(job, event, base)
        lines = _lines(job, event, macros)
        opening = f'The status of job {job.id}, "{job.name}," has changed to {event.status}.'
        if event.status not in JobState.__members__:
            opening = f"Job {job.id} published a {event.status} event."
        return Message(
            url=expand(subscription.url, macros),
            event=event.status,
            body=json.dumps(webhook_body(job, event), separators=(",", ":"), ensure_ascii=False),
            subject=f"Job {job.id} received a {event.status} event",
            text=opening + "\n\n" + "".join(f"{label}: {value}\n" for label, value in lines),
            html=_html(opening, lines),
        )


def webhook_body(job: Job, event: Event) -> dict[str, Any]:
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


def expand(url: str, macros: dict[str, Any]) -> str:
    """Fill in ``${NAME}``: raw in the path, escaped in the query; unknown names stay [notifications §7]."""

    def value(match: re.Match[str], escaped: bool) -> str:
        name = match[1]
        if name not in macros:
            return match[0]
        text = "" if macros[name] is None else _text(macros[name])
        return quote(text, safe="") if escaped else text

    path, mark, query = url.partition("?")
    return (
        _MACRO.sub(lambda match: value(match, False), path)
        + mark
        + _MACRO.sub(lambda match: value(match, True), query)
    )


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else str(value)


def _macros(job: Job, event: Event, base: str) -> dict[str, Any]:
    plan = job.plan
    now = fields(job)
    archive_url = base + file_url(plan.archive_system or "", plan.archive_path, "listings")
    failed = job.status is JobState.FAILED
    return {
        "UUID": job.id,
        "EVENT": event.status,
        "JOB_STATUS": job.status.value,
        "JOB_URL": f"{base}jobs/v2/{job.id}",
        "JOB_ID": job.id,
        "JOB_SYSTEM": plan.execution_system,
        "JOB_EXECUTION_SYSTEM": plan.execution_system,
        "JOB_NAME": job.name,
        "JOB_CREATED": utc(job.created),
        "JOB_SUBMIT_TIME": utc(job.remote_submitted),
        "JOB_START_TIME": utc(job.remote_started),
        "JOB_END_TIME": utc(job.ended),
        "JOB_ARCHIVE": plan.archive,
        "JOB_ARCHIVE_SYSTEM": plan.archive_system,
        "JOB_ARCHIVE_PATH": plan.archive_path,
        "JOB_ARCHIVE_URL": archive_url if plan.archive_system else None,
        "JOB_ERROR": job.last_status_message if failed else None,
        "JOB_OUTPUT_PATH": now["workPath"],
        "OWNER": job.owner,
        "JOB_OWNER": job.owner,
        "JOB_TENANT": job.tenant_id,
        "APP_ID": job.app_id,
        "JOB_APP_ID": job.app_id,
        "JOB_APPID": job.app_id,
        "JOB_BATCH_QUEUE": now["remoteQueue"],
        "JOB_LOCAL_ID": job.remote_job_id,
        "JOB_MAX_RUNTIME": run_time_text(plan.max_run_seconds),
        "JOB_MAX_RUNTIME_MILLISECONDS": plan.max_run_seconds * 1000,
        "JOB_NODE_COUNT": plan.node_count,
        "JOB_PROCESSORS_PER_NODE": plan.processors_per_node,
        "JOB_MEMORY_PER_NODE": plan.memory_per_node,
        "JOB_INPUTS": plan.inputs,
        "JOB_PARAMETERS": plan.parameters,
        "JOB_JSON": now,
        "RAW_JSON": now,
    }


def _lines(job: Job, event: Event, macros: dict[str, Any]) -> list[tuple[str, str]]:
    """Label and value, as an e-mail lists them [notifications §6.3]."""
    shown = {
        "Name": job.name,
        "ID": job.id,
        "URL": macros["JOB_URL"],
        "App ID": job.app_id,
        "Execution System": job.plan.execution_system,
        "Message": job.last_status_message or event.description,
        "Submit Time": macros["JOB_SUBMIT_TIME"],
        "Start Time": macros["JOB_START_TIME"],
        "End Time": macros["JOB_END_TIME"],
        "Output Path": job.plan.archive_path if job.archived else macros["JOB_OUTPUT_PATH"],
        "Output URL": macros["JOB_ARCHIVE_URL"] if job.archived else f"{macros['JOB_URL']}/outputs/listings",
    }
    return [(label, "" if value is None else str(value)) for label, value in shown.items()]


def _html(opening: str, lines: list[tuple[str, str]]) -> str:
    rows = "".join(f"<strong>{escape(label)}:</strong> {escape(value)}<br>\n" for label, value in lines)
    return f"<p>{escape(opening)}</p>\n<p>{rows}</p>\n"
