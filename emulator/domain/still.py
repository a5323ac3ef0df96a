"""Records of a world at rest: in a seed nothing is under way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from emulator.domain.document import to_document
from emulator.domain.file import StagingStatus
from emulator.domain.states import JobState

Entry = dict[str, Any]
_UNDER_WAY = (StagingStatus.STAGING_QUEUED.value, StagingStatus.STAGING.value)


def as_ended(
    records: Mapping[str, list[Entry]], now: datetime, draw: Callable[[], str]
) -> dict[str, list[Entry]]:
    """The same, but jobs that have not ended are STOPPED, and imports that have not come have failed.

    Jobs that nobody has seen yet are left out. ``draw`` gives uuids for entries of histories.
    """
    jobs = [
        _ended(entry, now, draw)
        for entry in records["jobs"]
        if entry["record"]["status"] != JobState.ACCEPTED
    ]
    files = [_settled(entry) for entry in records["files"]]
    return dict(records) | {"jobs": jobs, "files": files}


def _ended(entry: Entry, now: datetime, draw: Callable[[], str]) -> Entry:
    record = entry["record"]
    if JobState(record["status"]).terminal:  # the handle is of this machine
        return entry | {"record": record | {"handle": None}}
    message = f"The world was taken from a snapshot that was made while the job was {record['status']}"
    moment = to_document(now)
    history = entry.get("history", [])
    event = {
        "uuid": draw(),
        "kind": "job",
        "status": JobState.STOPPED.value,
        "description": message,
        "created": moment,
        "created_by": record["owner"],
    }
    changes = {
        "status": JobState.STOPPED.value,
        "last_status_message": message,
        "last_updated": moment,
        "ended": moment,
        "handle": None,
        "cancel_requested": False,
        "blocked_from": None,
        "blocked_condition": None,
        "blocked_since": None,
        "struck": None,
    }
    return entry | {
        "record": record | {name: value for name, value in changes.items() if name in record},
        "history": [*history, event],
    }


def _settled(entry: Entry) -> Entry:
    if entry["record"]["status"] not in _UNDER_WAY:
        return entry
    return entry | {"record": entry["record"] | {"status": StagingStatus.STAGING_FAILED.value}}
