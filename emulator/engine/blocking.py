"""BLOCKED: waiting for something outside the job, and the way back [job-lifecycle §5]."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from emulator.domain import recovery
from emulator.domain.errors import StepBlocked
from emulator.domain.job import Job
from emulator.domain.ports import Retest
from emulator.domain.states import JobState
from emulator.engine import conditions, expiry, struck_steps
from emulator.engine.faults import transient
from emulator.engine.outcome import Next, Outcome
from emulator.engine.step import Step, Tools
from emulator.engine.submitting import PLACE, intent, launch_in

log = logging.getLogger(__name__)

_S = JobState
_STORED = frozenset({recovery.SYSTEM, recovery.APP, recovery.QUOTA})
_BEFORE = timedelta(milliseconds=1)
"""Clocks tell whole milliseconds: a moment that is the next one after this is not before what was asked for."""


def next_test(tools: Tools, job: Job) -> datetime:
    """By the policy of the condition that the job waits for, scaled by ``jobs.recovery_time_scale``."""
    now = tools.clocks.of(job.world).now()
    scale = tools.recovery_scale(job.world)
    return recovery.next_test(job.blocked_condition, job.blocked_since or now, now, scale)


def retest(step: Step, job: Job, stamp: object) -> Retest | None:
    """What the tests of a job depend on, where that is nothing but what is stored; None where it is more.

    ``stamp`` is the store's before the job was found to be, or to stay, blocked.
    """
    since, condition = job.blocked_since, job.blocked_condition
    if condition not in _STORED or since is None or (job.struck or {}).get("strike") is not None:
        return None
    key: tuple[object, ...] = (condition, job.id)
    if condition == recovery.QUOTA:
        plan = job.plan
        limits = plan.queue and (plan.queue.name, plan.queue.max_jobs, plan.queue.max_user_jobs)
        key = (condition, job.blocked_from, plan.execution_system, limits, job.owner)
    scale = step.tools.recovery_scale(job.world)
    return Retest(
        key=key,
        stamp=stamp,
        again=lambda moment: recovery.next_test(condition, since, moment - _BEFORE, scale),
        latest=expiry.needed_at(step, job),
    )


def test(step: Step) -> Outcome:
    """Whether the condition has cleared: then on in the state that the job was blocked in.

    Raises StepBlocked while it has not, StepFailed when it never will.
    """
    job = step.job
    assert job.blocked_from is not None, "a blocked job knows where it came from"
    resume: dict[str, Any] = {"blocked_from": None, "blocked_condition": None, "blocked_since": None}
    try:
        systems = conditions.require(step.tools, job, job.blocked_from)
    except StepBlocked as found:
        if _waits_for(job, found):
            raise
        return Next(state=job.blocked_from, changes=resume)  # where it will be blocked by what was found
    step.use(systems)
    resume |= struck_steps.still(step)
    if job.blocked_condition == recovery.CONNECTION:
        _connect(step, job.blocked_from, systems)
    if job.blocked_condition == recovery.QUOTA and job.struck is None:
        room = partial(conditions.require_room, job=job, system=step.execution_system)
        with step.tools.store.read() as tx:
            room(tx)  # asked once more where the place is taken; nobody who writes waits for this
        handle = intent(step) if job.blocked_from is _S.SUBMITTING else PLACE
        return Next(state=job.blocked_from, changes=resume | {"handle": handle}, guard=room)
    return Next(state=job.blocked_from, changes=resume)


def _waits_for(job: Job, found: StepBlocked) -> bool:
    """Whether the condition that blocked the job may still hold, rather than only another one."""
    if job.blocked_condition in (recovery.SYSTEM, recovery.APP):
        return job.last_status_message.endswith(found.reason)
    return True  # quotas and connections are only looked at on systems that can be used


def _connect(step: Step, state: JobState, systems: Iterable[str]) -> None:
    """Raises StepBlocked while what the state needs does not answer.

    Errors of other kinds are left to the step that is resumed: it knows what they mean.
    """
    tools, job, launch = step.tools, step.job, launch_in(step.job)
    try:
        for system_id in systems:
            step.machine(step.system(system_id)).files.stat("/")
        if launch is not None and state is _S.SUBMITTING:
            tools.launcher.submit(launch)  # the step will ask again and be given the same id
        elif launch is not None and state in (_S.QUEUED, _S.RUNNING):
            tools.launcher.report(launch, job.remote_job_id or "")
    except OSError as error:
        if transient(error):
            raise StepBlocked(recovery.CONNECTION, "There is still no connection.") from error
        log.info("job %s: connected again, but: %s", job.id, error)
