"""The law of a job's life: every state, what it says in the history, and what may follow it.

Source: [job-lifecycle §1, §2]. Nothing else in the code decides whether a state may follow another.
"""

from __future__ import annotations

from enum import StrEnum

from emulator.domain.errors import TransitionError


class JobState(StrEnum):
    """States of the Aloe jobs service. The value is the word in the store and in dialect v2."""

    ACCEPTED = "ACCEPTED"
    """In the answer to a submission. As a stored state (``jobs.accepted_window_ms``) nobody can see the job."""
    PENDING = "PENDING"
    """Stored, waiting for a worker."""
    PROCESSING_INPUTS = "PROCESSING_INPUTS"
    """Plan checked once more, input files being identified."""
    STAGING_INPUTS = "STAGING_INPUTS"
    """Input files on their way to the work directory; skipped when there are none."""
    STAGED = "STAGED"
    """All inputs are in the work directory."""
    STAGING_JOB = "STAGING_JOB"
    """App assets and the generated script on their way to the work directory."""
    SUBMITTING = "SUBMITTING"
    """The script is being handed to the execution system's scheduler."""
    QUEUED = "QUEUED"
    """The scheduler holds it; a remote job id exists."""
    RUNNING = "RUNNING"
    """The script runs."""
    CLEANING_UP = "CLEANING_UP"
    """The script has ended; its outcome is known."""
    ARCHIVING = "ARCHIVING"
    """Outputs on their way to the archive system."""
    BLOCKED = "BLOCKED"
    """Waits for a condition outside the job to clear; then goes on in the state it was blocked in."""
    PAUSED = "PAUSED"
    """Known to the service, never produced by it."""
    FINISHED = "FINISHED"
    """Ended well."""
    STOPPED = "STOPPED"
    """Ended by the user's wish."""
    FAILED = "FAILED"
    """Ended badly; ``last_status_message`` says why."""

    @property
    def terminal(self) -> bool:
        return self in TERMINAL

    @property
    def description(self) -> str:
        """The text of the history entry that entering this state writes [job-lifecycle §1]."""
        return _DESCRIPTIONS[self]


S = JobState

TERMINAL = frozenset({S.FINISHED, S.STOPPED, S.FAILED})
ACTIVE = frozenset(S) - TERMINAL
COUNTED = frozenset({S.CLEANING_UP, S.ARCHIVING, S.RUNNING, S.PAUSED, S.QUEUED})
"""States that count towards the quotas of system, queue and user [job-lifecycle §5.1]."""
LEGACY_STATES = frozenset({"ARCHIVING_FINISHED", "ARCHIVING_FAILED", "KILLED", "HEARTBEAT"})
"""Removed in Aloe: accepted in searches, never emitted."""

_FORWARD: dict[JobState, frozenset[JobState]] = {
    S.ACCEPTED: frozenset({S.PENDING}),
    S.PENDING: frozenset({S.PROCESSING_INPUTS}),
    S.PROCESSING_INPUTS: frozenset({S.STAGING_INPUTS, S.STAGED}),
    S.STAGING_INPUTS: frozenset({S.STAGED}),
    S.STAGED: frozenset({S.STAGING_JOB}),
    S.STAGING_JOB: frozenset({S.SUBMITTING}),
    S.SUBMITTING: frozenset({S.QUEUED, S.RUNNING}),
    S.QUEUED: frozenset({S.RUNNING, S.CLEANING_UP}),
    S.RUNNING: frozenset({S.CLEANING_UP}),
    S.CLEANING_UP: frozenset({S.ARCHIVING, S.FINISHED}),
    S.ARCHIVING: frozenset({S.FINISHED}),
    S.BLOCKED: frozenset(),
    S.PAUSED: frozenset(),
}
_ALWAYS = frozenset({S.BLOCKED, S.PAUSED, S.FAILED, S.STOPPED})

_DESCRIPTIONS = {
    S.ACCEPTED: "Job accepted for processing",
    S.PENDING: "Job processing beginning",
    S.PROCESSING_INPUTS: "Identifying input files for staging",
    S.STAGING_INPUTS: "Transferring job input data to execution system",
    S.STAGED: "Job inputs staged to execution system",
    S.STAGING_JOB: "Staging runtime assets to execution system",
    S.SUBMITTING: "Submitting job to execution system",
    S.QUEUED: "Job queued to execution system queue",
    S.RUNNING: "Job running on execution system",
    S.CLEANING_UP: "Job completed execution",
    S.ARCHIVING: "Transferring job output to archive system",
    S.BLOCKED: "Job blocked",
    S.PAUSED: "Job processing suspended",
    S.FINISHED: "Job completed successfully",
    S.STOPPED: "Job execution intentionally stopped",
    S.FAILED: "Job failed",
}


ACCEPTED_MESSAGE = "JOBS_ACCEPTED Job accepted for processing."
"""``lastStatusMessage`` of a job that no worker has taken up."""


def allowed(current: JobState, following: JobState, resume: JobState | None = None) -> bool:
    """Whether ``following`` may come right after ``current``.

    ``resume`` is the state recorded when the job was blocked: the way out of BLOCKED and PAUSED.
    The same state again is no transition (progress events stay inside a state).
    """
    if current in TERMINAL or current == following:
        return False
    if current in (S.BLOCKED, S.PAUSED):
        return following in (S.FAILED, S.STOPPED) or (resume is not None and following == resume)
    return following in _FORWARD[current] or following in _ALWAYS


def check_transition(current: JobState, following: JobState, resume: JobState | None = None) -> None:
    """Raise TransitionError unless the law allows the step."""
    if not allowed(current, following, resume):
        raise TransitionError(f"{current} -> {following} is not allowed")


def phase(current: JobState, following: JobState) -> str:
    """The name of the phase that performs a transition (in ``lastStatusMessage``) [job-lifecycle §3.2]."""
    pivot = current if following in (S.BLOCKED, S.STOPPED, S.FAILED) else following
    if pivot in (S.ACCEPTED, S.PENDING, S.PROCESSING_INPUTS, S.STAGING_INPUTS):
        return "STAGING_INPUTS"
    if pivot is S.STAGED:
        return "STAGING_INPUTS" if following is S.STAGED else "SUBMITTING"
    if pivot in (S.STAGING_JOB, S.SUBMITTING):
        return "SUBMITTING"
    if pivot is S.QUEUED:
        return "SUBMITTING" if following is S.QUEUED else "MONITORING"
    if pivot is S.ARCHIVING or current is S.ARCHIVING:
        return "ARCHIVING"
    return "MONITORING"


def status_message(current: JobState, following: JobState, reason: str = "") -> str:
    """``lastStatusMessage`` of a plain transition, at most 2048 characters [job-lifecycle §3.2]."""
    text = f"Transitioning from status {current} to {following} in phase {phase(current, following)}."
    return (f"{text} {reason}" if reason else text)[:2048]
