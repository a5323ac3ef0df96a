"""The append-only log: what happened to a resource, in order. History and messages are read from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a transfer is; sizes in bytes, rate in bytes per second [jobs §7]."""

    uuid: str
    source: str
    total_files: int
    total_bytes: int
    total_bytes_transferred: int
    total_active_transfers: int = 0
    average_rate: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One entry. ``subject`` is the uuid of the resource; ``seq`` is given by the store and never reused.

    ``status`` is the event's name (for a change of a job's state: the state). Entries with ``progress``
    appear in the history but send no message [job-lifecycle §3].
    """

    world: str
    subject: str
    kind: str
    status: str
    description: str
    created: datetime
    created_by: str
    progress: dict[str, Any] | None = None
    uuid: str = ""
    seq: int = 0
