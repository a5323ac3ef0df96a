"""Searches for jobs: terms in the query string and in the path, order, page, and the shapes found [jobs §5, §6]."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from flask import Response, abort, request
from werkzeug.exceptions import MethodNotAllowed

from emulator.api.edge import caller, now, services
from emulator.api.v2 import bodies, job_record, legacy_jobs, search
from emulator.api.v2.search import BOOLEAN, DATE, DECIMAL, INTEGER, TEXT, Terms, TermType, Words
from emulator.api.v2.wire import reply, wants_full
from emulator.domain.errors import Invalid
from emulator.domain.job import Job
from emulator.domain.resources import hours, run_time_seconds
from emulator.domain.search import Condition, Operator, Page
from emulator.domain.states import LEGACY_STATES, JobState


class _Hours:
    """Hours as a number, or as the ``HH:MM:SS`` that the term ``maxRunTime`` was searched by."""

    def read(self, term: str, operator: Operator, text: str, now: datetime) -> tuple[Operator, Any]:
        parts = text.split(",") if operator in (Operator.IN, Operator.NIN) else [text]
        return DECIMAL.read(term, operator, ",".join(_hours_text(part) for part in parts), now)


def _hours_text(text: str) -> str:
    seconds = run_time_seconds(text.strip())
    return text if seconds is None else str(hours(seconds))


_STATUS = Words("job status", [*JobState, *LEGACY_STATES])

# public name -> (stored field, type, key of the record; none for what is computed)
_TERMS: dict[str, tuple[str, TermType, str | None]] = {
    "id": ("id", TEXT, "id"),
    "name": ("name", TEXT, "name"),
    "owner": ("owner", TEXT, "owner"),
    "tenantQueue": ("tenant_queue", TEXT, "tenantQueue"),
    "status": ("status", _STATUS, "status"),
    "lastStatusMessage": ("last_status_message", TEXT, "lastStatusMessage"),
    "accepted": ("accepted", DATE, "accepted"),
    "created": ("created", DATE, "created"),
    "ended": ("ended", DATE, "ended"),
    "lastUpdated": ("last_updated", DATE, "lastUpdated"),
    "lastModified": ("last_updated", DATE, "lastUpdated"),
    "systemId": ("system_id", TEXT, "systemId"),
    "appId": ("app_id", TEXT, "appId"),
    "workPath": ("work_path", TEXT, "workPath"),
    "archive": ("archive", BOOLEAN, "archive"),
    "archivePath": ("archive_path", TEXT, "archivePath"),
    "archiveSystem": ("archive_system", TEXT, "archiveSystem"),
    "nodeCount": ("node_count", INTEGER, "nodeCount"),
    "processorsPerNode": ("processors_per_node", INTEGER, "processorsPerNode"),
    "memoryPerNode": ("memory_per_node", DECIMAL, "memoryPerNode"),
    "maxHours": ("max_hours", _Hours(), "maxHours"),
    "inputs": ("inputs", TEXT, "inputs"),
    "parameters": ("parameters", TEXT, "parameters"),
    "remoteJobId": ("remote_job_id", TEXT, "remoteJobId"),
    "schedulerJobId": ("scheduler_job_id", TEXT, "schedulerJobId"),
    "remoteQueue": ("remote_queue", TEXT, "remoteQueue"),
    "remoteSubmitted": ("remote_submitted", DATE, "remoteSubmitted"),
    "remoteStarted": ("remote_started", DATE, "remoteStarted"),
    "remoteEnded": ("remote_ended", DATE, "remoteEnded"),
    "submitRetries": ("submit_retries", INTEGER, "submitRetries"),
    "visible": ("visible", BOOLEAN, "visible"),
    "runTime": ("run_time", INTEGER, None),
    "wallTime": ("wall_time", INTEGER, None),
}
LEGACY = {
    "executionSystem": "systemId",
    "batchQueue": "remoteQueue",
    "localId": "remoteJobId",
    "startTime": "remoteStarted",
    "submitTime": "remoteSubmitted",
    "endTime": "ended",
    "maxRunTime": "maxHours",
    "retries": "submitRetries",
    "outputPath": "workPath",
    "message": "lastStatusMessage",
}
"""Names that the record had before Aloe: still searched for, and shown where a filter names them."""

_BY_NAME = {name.lower(): term for name, term in _TERMS.items()} | {
    name.lower(): _TERMS[modern] for name, modern in LEGACY.items()
}
TERMS: Terms = {name: (field, kind) for name, (field, kind, _) in _BY_NAME.items()}

_MOST_PAIRS = 7
_ACTIONS = ("cancel", "kill", "stop", "hide", "unhide", "resubmit")


def conditions() -> list[Condition]:
    """The search of the request."""
    return parsed(request.args.items(multi=True))


def parsed(pairs: Iterable[tuple[str, str]], terms: Terms | None = None) -> list[Condition]:
    """As search.parse; the service blames itself for what it cannot read [conventions §9.3]."""
    try:
        return search.parse(pairs, TERMS if terms is None else terms, now())
    except Invalid as error:
        raise Invalid(error.message, service_status=500) from error


def page() -> Page:
    """``limit``, ``offset``, ``order`` and ``orderBy`` of a listing [jobs §5]."""
    by = request.args.get("orderBy") or request.args.get("sortBy") or "lastUpdated"
    if by.lower() not in TERMS:
        raise Invalid(
            f'Invalid value for orderBy, "{by}". If specified, please provide a valid search field by which to sort.'
        )
    descending = read_order("DESC") == "DESC"
    return replace(bodies.page(unsigned=True), order_by=TERMS[by.lower()][0], descending=descending)


def read_order(default: str) -> str:
    """``ASC`` or ``DESC``."""
    order = request.args.get("order") or request.args.get("sort") or default
    if order.upper() not in ("ASC", "DESC"):
        raise Invalid(f'Invalid value for order, "{order}". If specified, please provide one of: ASC, DESC')
    return order.upper()


def record(job: Job) -> dict[str, Any]:
    """The full record; a filter may name its fields as they are called now, or as they were before Aloe."""
    modern = job_record.record(job)
    document = legacy_jobs.record(job) if legacy_jobs.chosen() else modern
    for name in map(str.strip, request.args.get("filter", "").split(",")):
        key = LEGACY.get(name, name)
        if name not in document and key in modern:
            document[name] = modern[key]
    return document


def answer(
    conditions: Sequence[Condition], summary: Callable[[job_record.JobLine], dict[str, Any]]
) -> Response:
    """What a search has found: summaries, or full records when a filter picks from them [conventions §2.3]."""
    if wants_full():
        return reply([record(job) for job in services().queries.records(caller(), conditions, page())])
    return reply([summary(job) for job in services().queries.summaries(caller(), conditions, page())])


def search_by_path(terms: str) -> Response:
    """``/search/<attribute>`` and ``/search/<attribute>/<value>…``, up to seven pairs [jobs §6.4]."""
    parts = _segments(terms)
    if len(parts) == 1:
        return _one_attribute(parts[0])
    if len(parts) % 2 or len(parts) > 2 * _MOST_PAIRS:
        abort(404)
    return _pairs([(parts[i], parts[i + 1]) for i in range(0, len(parts), 2)])


def search_by_alias(attribute: str, value: str) -> Response:
    """``/<attribute>/<value>``: agavepy's spelling of a path search with one pair."""
    if value in _ACTIONS:
        raise MethodNotAllowed(["POST"])
    if attribute.lower() not in TERMS:
        abort(404)
    return _pairs([(attribute, value)])


def removed(**_: str) -> Response:
    """``/trigger/…``, which the service no longer has; never the alias above."""
    abort(404)


def _segments(terms: str) -> list[str]:
    """The parts of the path as they were sent: an escaped slash belongs to a value."""
    raw = str(request.environ.get("RAW_URI", "")).partition("?")[0]
    below = [part for part in raw.split("/") if part][3:]  # behind jobs, v2 and search
    sent = [unquote(part) for part in below]
    whole = re.sub("/{2,}", "/", "/".join(sent)).strip("/")  # as the edge has tidied it
    return sent if whole == terms else terms.split("/")


def _one_attribute(name: str) -> Response:
    _check_attribute(name)
    found = services().queries.records(caller(), conditions(), page())
    return reply([_attribute(job, name) for job in found])


def _attribute(job: Job, name: str) -> dict[str, Any]:
    field, _, key = _BY_NAME[name.lower()]
    value = job_record.fields(job)[key] if key else _seconds(job, field)
    return {"id": job.id, name: value, "_links": {"self": job_record.self_link(job.id)}}


def _seconds(job: Job, field: str) -> int | None:
    start = job.remote_started if field == "run_time" else job.created
    return None if start is None or job.ended is None else abs(int((job.ended - start).total_seconds()))


def _pairs(pairs: Sequence[tuple[str, str]]) -> Response:
    for name, _ in pairs:
        _check_attribute(name)
    return answer(parsed(pairs) + conditions(), _legacy_summary)


def _check_attribute(name: str) -> None:
    if name.lower() not in TERMS:
        raise Invalid("Unknown job attribute")


def _legacy_summary(job: job_record.JobLine) -> dict[str, Any]:
    """Under legacy names, and under the modern ones as well."""
    summary = job_record.summary(job)
    return {
        "id": summary["id"],
        "name": summary["name"],
        "owner": summary["owner"],
        "executionSystem": summary["systemId"],
        "appId": summary["appId"],
        "created": summary["created"],
        "status": summary["status"],
        "startTime": summary["remoteStarted"],
        "endTime": summary["ended"],
        "systemId": summary["systemId"],
        "remoteStarted": summary["remoteStarted"],
        "ended": summary["ended"],
        "_links": summary["_links"],
    }
