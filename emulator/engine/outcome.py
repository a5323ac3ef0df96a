"""What a step of a job's life answers, and the ways it can be cut short."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from emulator.domain.states import JobState
from emulator.store import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Next:
    """The step is done; the job goes on in ``state``.

    ``changes`` are fields of the record, saved together with the state and its event. ``message`` is a
    ``lastStatusMessage`` other than that of a plain transition. ``guard`` is asked inside the transaction,
    just before anything is changed; it raises StepBlocked to refuse. ``when`` is when it really happened, by our
    clock; None for now.
    """

    state: JobState
    changes: Mapping[str, Any] = field(default_factory=dict)
    message: str | None = None
    guard: Callable[[Transaction], None] | None = None
    when: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """The job stays where it is until it is woken, or until ``until``; ``changes`` are saved now.

    ``outside``: it waits for something real, which does not go by the world's clock; then ``until`` is by the
    machine's. ``blocked``: what it is BLOCKED by has been looked at, and is still there.
    """

    until: datetime | None = None
    outside: bool = False
    changes: Mapping[str, Any] = field(default_factory=dict)
    blocked: bool = False


Outcome = Next | Wait


class Interrupted(Exception):
    """The engine is closing: the step is left as it is and will be repeated at the next start."""
