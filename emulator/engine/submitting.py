"""SUBMITTING: handing the script over, once; and taking it back when a job ends before its script."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from emulator.domain.document import from_document, to_document
from emulator.domain.errors import StepBlocked, StepFailed
from emulator.domain.job import Job
from emulator.domain.ports import Launch
from emulator.domain.preparing import Preparing
from emulator.domain.recovery import CONNECTION, SYSTEM
from emulator.domain.states import JobState
from emulator.engine import conditions, preparing
from emulator.engine.faults import transient
from emulator.engine.launches import launch_of
from emulator.engine.outcome import Next, Outcome, Wait
from emulator.engine.step import Step
from emulator.engine.transfer import ATTEMPTS, cause_of
from emulator.store import Transaction

log = logging.getLogger(__name__)

RETRY_PAUSE = 10.0
"""Seconds before another attempt to submit; divided by ``jobs.recovery_time_scale``."""
PLACE: dict[str, Any] = {}
"""The handle of a job that counts towards quotas, but whose launch has not been written down."""

_S = JobState
_SCRIPT_OUT = frozenset({_S.SUBMITTING, _S.QUEUED, _S.RUNNING, _S.BLOCKED})


def intent(step: Step) -> dict[str, Any]:
    """What is written down before the script is handed over, and finds it ever after.

    It holds the whole launch, so that a script can be found and killed even when its system has been
    changed or erased meanwhile. ``since`` is by the machine's clock, whatever that of the world says.
    """
    since = step.tools.clocks.machine.now()
    return {"launch": to_document(launch_of(step)), "since": since.isoformat()}


def handed_over(job: Job) -> datetime | None:
    """When the job's script was about to be handed over, by the machine's clock."""
    return _moment_in(job, "since")


def really_started(job: Job) -> datetime | None:
    """When the job's script was seen to have started, by the machine's clock."""
    return _moment_in(job, "started")


def _moment_in(job: Job, name: str) -> datetime | None:
    written = None if job.handle is None else job.handle.get(name)
    return None if written is None else datetime.fromisoformat(written)


def launch_in(job: Job) -> Launch | None:
    """The launch that was written down; None before there was one."""
    written = None if job.handle is None else job.handle.get("launch")
    return None if written is None else from_document(Launch, written)


def submit(step: Step) -> Outcome:
    """Take a place on the system, then hand the script over.

    The launcher hands a script over once per job id, however often it is asked: a crash between its
    answer and our transaction does no harm.
    """
    launch = _write_intent(step)
    awaited = preparing.under_way(step)
    if not awaited:  # else it is the same attempt still
        step.note_attempt(step.job.submit_retries + 1)
    submitted = step.clock.now()
    try:
        step.meet_trouble()
        remote_job_id = step.tools.launcher.submit(launch)
    except Preparing as pending:
        return preparing.wait(step, pending)
    except OSError as error:
        preparing.end(step, awaited, came=False)
        if transient(error):
            raise StepBlocked(CONNECTION, f"Unable to submit job: {cause_of(error)}") from error
        return _try_again(step, cause_of(error))
    preparing.end(step, awaited, came=True)
    return Next(state=_S.QUEUED, changes={"remote_job_id": remote_job_id, "remote_submitted": submitted})


def take_place(step: Step) -> None:
    """Count the job towards the quotas of its system from now on.

    Raises StepBlocked when there is no room [job-lifecycle §5.1].
    """
    if step.job.handle is not None:
        return
    system = step.execution_system
    with step.tools.store.write() as tx:
        conditions.require_room(tx, step.job, system)
        tx.jobs.update(step.job.id, handle=PLACE)
    step.job = replace(step.job, handle=PLACE)


def place_taken(job: Job) -> Next:
    """On from STAGED, with a place on the system as :func:`take_place` takes it."""
    if job.handle is not None:
        return Next(state=_S.STAGING_JOB)

    def room(tx: Transaction) -> None:
        system = tx.systems.get(job.world, job.plan.execution_system)
        if system is None:
            raise StepBlocked(SYSTEM, "The step itself will say that its system is gone.")
        conditions.require_room(tx, job, system)

    return Next(state=_S.STAGING_JOB, changes={"handle": PLACE}, guard=room)


def _write_intent(step: Step) -> Launch:
    launch = launch_in(step.job)
    if launch is not None:
        return launch
    system, handle = step.execution_system, intent(step)
    with step.tools.store.write() as tx:
        if step.job.handle is None:
            conditions.require_room(tx, step.job, system)
        tx.jobs.update(step.job.id, handle=handle)
    step.job = replace(step.job, handle=handle)
    return from_document(Launch, handle["launch"])


def _try_again(step: Step, cause: str) -> Outcome:
    attempt = step.job.submit_retries + 1
    step.note(f"Attempt {attempt} failed to submit job. {cause}")
    if attempt >= ATTEMPTS:
        raise StepFailed(
            "JOBS_SUBMIT_FAILED", f"Unable to submit job after {ATTEMPTS} attempts. Job cancelled. {cause}"
        )
    pause = timedelta(seconds=RETRY_PAUSE / step.tools.recovery_scale(step.job.world))
    return Wait(until=step.clock.now() + pause, changes={"submit_retries": attempt})


def end_script(step: Step) -> None:
    """Kill what a job that ends now may have running. Raises OSError when that is not certain."""
    launch = launch_in(step.job)
    if launch is not None and step.job.status in _SCRIPT_OUT:
        step.tools.launcher.cancel(launch, step.job.remote_job_id or "")


def forget(step: Step) -> None:
    """The job has ended: nobody will ask for its script again."""
    launch = launch_in(step.job)
    if launch is None:
        return
    try:
        step.tools.launcher.forget(launch)
    except OSError as error:
        log.warning("job %s has ended, but what found its script remains: %s", step.job.id, error)
