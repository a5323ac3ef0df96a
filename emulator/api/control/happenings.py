"""``/_emulator/worlds/<w>/events`` and ``…/jobs``: what happens in a world, told as soon as it happens."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from emulator.api.control.access import check_sight
from emulator.api.control.answers import answer
from emulator.api.control.waiting import as_soon_as, whole
from emulator.api.edge import services
from emulator.domain.errors import Invalid
from emulator.domain.event import Event
from emulator.domain.moments import utc_text
from emulator.domain.states import JobState
from emulator.services.happenings import MOST_EVENTS, Watched

_FIELDS = ("subject", "kind", "status")


def list_events(world: str) -> Response:
    """The event log after ``?after=<number>`` (default: from its beginning), at most ``?limit=`` entries.

    ``?subject=<uuid>``, ``?kind=job`` and ``?status=FINISHED`` choose among them. With ``?wait=<seconds>`` the
    answer comes as soon as there is one. ``next`` is the number to go on after; ``last`` that of the newest.
    """
    check_sight(world)
    after, limit = whole("after", 0), whole("limit", 100, MOST_EVENTS)
    fields = {name: request.args[name] for name in _FIELDS if name in request.args}
    happenings = services().happenings
    found = as_soon_as(world, bool, lambda: happenings.events(world, after, limit, **fields))
    return answer(
        {
            "events": [event_document(event) for event in found],
            "next": found[-1].seq if found else after,
            "last": happenings.last(world),
        }
    )


def list_jobs(world: str) -> Response:
    """Every job of the world with its history, in the order of submission; ``?after=`` as for events."""
    check_sight(world)
    happenings = services().happenings
    return answer(
        [_document(happenings.job(world, each)) for each in happenings.jobs(world, whole("after", 0))]
    )


def show_job(world: str, job_id: str) -> Response:
    """How a job stands, and its history."""
    check_sight(world)
    return answer(_document(services().happenings.job(world, job_id)))


def wait_for_job(world: str, job_id: str) -> Response:
    """How a job stands as soon as it has ``reached`` one of the states ``?for=FINISHED,FAILED``, or has ended.

    A state that it came into and left since the event ``?after=`` (default: ever) counts as reached. After
    ``?wait=`` seconds the answer comes anyway.
    """
    check_sight(world)
    states, after = _states(), whole("after", 0)

    def settled(watched: Watched) -> bool:
        return watched.has_been(states, after) or watched.job.status.terminal

    found = as_soon_as(world, settled, lambda: services().happenings.job(world, job_id))
    return answer(_document(found) | {"reached": found.has_been(states, after)})


def event_document(event: Event) -> dict[str, Any]:
    document = {
        "seq": event.seq,
        "subject": event.subject,
        "kind": event.kind,
        "status": event.status,
        "description": event.description,
        "created": utc_text(event.created),
        "createdBy": event.created_by,
    }
    return document if event.progress is None else document | {"progress": event.progress}


def _document(watched: Watched) -> dict[str, Any]:
    job = watched.job
    return {
        "id": job.id,
        "name": job.name,
        "owner": job.owner,
        "appId": job.app_id,
        "status": job.status.value,
        "ended": job.status.terminal,
        "message": job.last_status_message,
        "history": [event_document(event) for event in watched.history],
    }


def _states() -> frozenset[str]:
    words = [word.strip().upper() for word in request.args.get("for", "").split(",") if word.strip()]
    known = [state.value for state in JobState]
    for word in words:
        if word not in known:
            raise Invalid(f"for: there is no state {word[:40]!a}; there are {', '.join(known)}")
    return frozenset(words or (state.value for state in JobState if state.terminal))
