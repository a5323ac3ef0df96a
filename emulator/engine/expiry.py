"""How long the phases of a job's life may take [job-lifecycle §9]."""

from __future__ import annotations

from datetime import datetime, timedelta

from emulator.domain.errors import StepFailed
from emulator.domain.job import Job
from emulator.domain.search import Condition, Operator
from emulator.domain.states import JobState
from emulator.engine.step import Step, Tools

LIMIT = timedelta(days=7)
"""The longest that staging, submitting or archiving may take, waiting included; divided by ``jobs.time_scale``."""

_S = JobState
_STAGING = frozenset({_S.PENDING, _S.PROCESSING_INPUTS, _S.STAGING_INPUTS})
_SUBMITTING = frozenset({_S.STAGED, _S.STAGING_JOB, _S.SUBMITTING})
_COPYING = frozenset({_S.STAGING_JOB, _S.ARCHIVING})


def watch(step: Step, state: JobState) -> None:
    """Let the step fail when the time of its phase is over, now or while it works.

    ``state`` is the job's, or the one that it was blocked in. Raises StepFailed when it is over already.
    """
    doing = _doing(state)
    if doing is None:
        return
    job, limit = step.job, LIMIT / step.tools.settings.time_scale
    begun = job.created or job.accepted
    if state not in _STAGING:
        # whatever began after the job itself ends later: no need to look for it before that
        if state not in _COPYING and step.clock.now() < begun + limit:
            return
        first = _S.ARCHIVING if state is _S.ARCHIVING else _S.STAGED
        begun = _entered(step.tools, job, first) or begun
    step.deadline = (
        begun + limit,
        StepFailed("JOBS_TIME_LIMIT", f"Unable to {doing} job after 7 days. Job cancelled."),
    )
    step.check_deadline()


def needed_at(step: Step, job: Job) -> datetime | None:
    """When a job that is BLOCKED is to be looked at for the sake of its time, at the latest; None: never."""
    if _doing(job.blocked_from or job.status) is None:
        return None
    if step.deadline is not None:
        return step.deadline[0]
    return (job.created or job.accepted) + LIMIT / step.tools.settings.time_scale


def _doing(state: JobState) -> str | None:
    """What the phase is for; None for those without a limit of this kind."""
    if state in _STAGING:
        return "stage inputs for"
    if state in _SUBMITTING:
        return "submit"
    return "archive outputs for" if state is _S.ARCHIVING else None


def _entered(tools: Tools, job: Job, state: JobState) -> datetime | None:
    first = (Condition("status", Operator.EQ, state.value),)
    with tools.store.read() as tx:
        events = tx.events.of(job.world, job.id, first, limit=1)
    return events[0].created if events else None
