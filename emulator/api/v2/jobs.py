"""Jobs over HTTP: listing, record, status, history and actions [jobs §5, §7, §9]."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from emulator.api.edge import caller, services
from emulator.api.v2 import bodies, job_record, job_search, legacy_jobs, progress_record
from emulator.api.v2.jobs_submit import new_job
from emulator.api.v2.search import DATE, TEXT, Terms
from emulator.api.v2.wire import reply
from emulator.domain.errors import Invalid
from emulator.domain.event import Event
from emulator.domain.search import Page
from emulator.services.job_queries import STATUS

_HISTORY_TERMS: Terms = {
    "id": ("uuid", TEXT),
    "status": ("status", TEXT),
    "created": ("created", DATE),
    "description": ("description", TEXT),
    "createdby": ("created_by", TEXT),
    "ipaddress": ("ip_address", TEXT),
}


def list_jobs() -> Response:
    """The caller's jobs, or those that the search terms of the query find."""
    return job_search.answer(
        job_search.conditions(), legacy_jobs.summary if legacy_jobs.chosen() else job_record.summary
    )


def show_job(job_id: str) -> Response:
    return reply(job_search.record(services().queries.get(caller(), job_id)))


def show_status(job_id: str) -> Response:
    job = services().queries.get(caller(), job_id, STATUS)
    return reply({"id": job.id, "status": job.status.value, "_links": {"self": job_record.self_link(job.id)}})


def list_history(job_id: str) -> Response:
    wanted = job_search.parsed(request.args.items(multi=True), _HISTORY_TERMS)
    events = services().queries.history(caller(), job_id, wanted, _history_page())
    return reply([_entry(event) for event in events])


def _history_page() -> Page:
    """Oldest first, unless ``order`` says otherwise."""
    page = bodies.page(unsigned=True)
    descending = job_search.read_order("ASC") == "DESC"
    return Page(limit=page.limit, offset=page.offset, order_by="seq", descending=descending)


def _entry(event: Event) -> dict[str, Any]:
    entry = {
        "status": event.status,
        "created": legacy_jobs.time(event.created),
        "createdBy": event.created_by,
        "description": event.description,
    }
    return entry if event.progress is None else {"progress": progress_record.shown(event.progress)} | entry


# actions; a body that comes with the suffix forms is not read [jobs §9]


def act(job_id: str) -> Response:
    """``{"action": <verb>}``, JSON or a form."""
    verb = bodies.text(bodies.fields(), "action") or ""
    if not verb.strip():
        raise Invalid("No action specified")
    handler = _VERBS.get(verb.strip().lower())
    if handler is None:
        raise Invalid(f"Invalid action {verb}")
    return handler(job_id)


def cancel_job(job_id: str) -> Response:
    services().control.cancel(caller(), job_id)
    return reply(message=f"Job {job_id} cancel request accepted.")


def hide_job(job_id: str) -> Response:
    services().control.hide(caller(), job_id)
    return reply(message=f"Job {job_id} is hidden.")


def delete_job(job_id: str) -> Response:
    services().control.delete(caller(), job_id)
    return reply(message=f"Job {job_id} is hidden.")


def unhide_job(job_id: str) -> Response:
    services().control.unhide(caller(), job_id)
    return reply(message=f"Job {job_id} is visible.")


def resubmit_job(job_id: str) -> Response:
    return new_job(services().control.resubmit(caller(), job_id), again=True)


_VERBS = {
    "cancel": cancel_job,
    "kill": cancel_job,
    "stop": cancel_job,
    "hide": hide_job,
    "delete": delete_job,
    "unhide": unhide_job,
    "restore": unhide_job,
    "resubmit": resubmit_job,
}
