"""BLOCKED: waiting for something outside the job, and the way back [job-lifecycle §5]."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from emulator.domain.errors import StepBlocked, StepFailed
from emulator.domain.job import Job
from emulator.domain.search import Condition, Operator
from emulator.domain.states import JobState
from emulator.engine import conditions
from emulator.engine.faults import transient
from emulator.engine.outcome import Next, Outcome
from emulator.engine.step import Step, Tools
from emulator.engine.submitting import intent, launch_in

log = logging.getLogger(__name__)

PAUSE = 60.0
"""Seconds between tests; divided by ``jobs.recovery_time_scale``."""
LIMIT = timedelta(days=7)
"""The longest that staging, submitting or archiving may take, waiting included; divided by ``jobs.time_scale``."""

_S = JobState
_STAGING = frozenset({_S.PENDING, _S.PROCESSING_INPUTS, _S.STAGING_INPUTS})
_SUBMITTING = frozenset({_S.STAGED, _S.STAGING_JOB, _S.SUBMITTING})


def next_test(tools: Tools) -> datetime:
    return tools.clock.now() + timedelta(seconds=PAUSE / tools.settings.recovery_time_scale)


def test(step: Step) -> Outcome:
    """Whether the condition has cleared: then on in the state that the job was blocked in.

    Raises StepBlocked while it has not, StepFailed when it never will or has taken too long.
    """
    job = step.job
    assert job.blocked_from is not None, "a blocked job knows where it came from"
    _expire(step, job, job.blocked_from)
    systems = conditions.require(step.tools, job, job.blocked_from)
    step.use(systems)
    if job.blocked_condition == conditions.CONNECTION:
        _connect(step, job.blocked_from, systems)
    resume: dict[str, Any] = {"blocked_from": None, "blocked_condition": None}
    if job.blocked_condition == conditions.QUOTA:
        room = partial(conditions.require_room, job=job, system=step.execution_system)
        return Next(state=job.blocked_from, changes=resume | {"handle": intent(step)}, guard=room)
    return Next(state=job.blocked_from, changes=resume)


def _connect(step: Step, state: JobState, systems: Iterable[str]) -> None:
    """Raises StepBlocked while what the state needs does not answer.

    Errors of other kinds are left to the step that is resumed: it knows what they mean.
    """
    tools, job, launch = step.tools, step.job, launch_in(step.job)
    try:
        for system_id in systems:
            tools.hosts.host(job.world, step.system(system_id).storage.host).files.stat("/")
        if launch is not None and state is _S.SUBMITTING:
            tools.launcher.submit(launch)  # the step will ask again and be given the same id
        elif launch is not None and state in (_S.QUEUED, _S.RUNNING):
            tools.launcher.report(launch, job.remote_job_id or "")
    except OSError as error:
        if transient(error):
            raise StepBlocked(conditions.CONNECTION, "There is still no connection.") from error
        log.info("job %s: connected again, but: %s", job.id, error)


def _expire(step: Step, job: Job, state: JobState) -> None:
    begun, doing = job.created or job.accepted, "stage inputs for"
    if state in _SUBMITTING:
        begun, doing = _since_staged(step, job), "submit"
    elif state is _S.ARCHIVING:
        begun, doing = job.remote_ended or begun, "archive outputs for"
    elif state not in _STAGING:
        return
    if step.tools.clock.now() >= begun + LIMIT / step.tools.settings.time_scale:
        code = "JOBS_TIME_LIMIT"
        raise StepFailed(code, f"Unable to {doing} job after 7 days. Job cancelled.")


def _since_staged(step: Step, job: Job) -> datetime:
    staged = (Condition("status", Operator.EQ, _S.STAGED.value),)
    with step.tools.store.read() as tx:
        events = tx.events.of(job.world, job.id, staged, limit=1)
    return events[0].created if events else job.accepted
