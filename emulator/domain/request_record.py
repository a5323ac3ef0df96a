"""What is remembered of a request to the API."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from emulator.domain.fault import Strike

LONGEST = 2000
"""Characters of each text that are kept."""


@dataclass(slots=True, kw_only=True)
class RequestRecord:
    """One request, filled in as it goes on: ``status`` is None until an answer was found.

    ``number`` counts the requests of a world from 1. ``path`` is unescaped. ``received`` and ``ended`` (None while
    it is under way) are by the world's clock. ``sent`` is the bytes of the answer's body: those it will have until
    it has ended, those that were sent then. ``agent`` is how the client names itself. ``strikes`` are what
    scenarios did on its way. ``change`` is the number of the last change of the world's log that was about it.
    """

    number: int
    method: str
    path: str
    query: str
    user: str
    agent: str
    received: datetime
    status: int | None = None
    sent: int = 0
    ended: datetime | None = None
    strikes: list[Strike] = field(default_factory=list)
    change: int = 0
