"""Saving what a step has come to: state, fields, event and messages in one transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from emulator.domain.errors import StepBlocked, TransitionError
from emulator.domain.job import Job
from emulator.domain.states import JobState, check_transition, status_message
from emulator.engine.outcome import Next, Wait
from emulator.engine.step import Step, Tools
from emulator.store import Transaction

MESSAGE_LENGTH = 2048

_S = JobState


Onward = Callable[[Job], Next | None]
"""Where a job goes on to that has just come to a state, if it only passes through that."""


def _nowhere(_job: Job) -> None:
    return None


def move(tools: Tools, step: Step, outcome: Next, onward: Onward = _nowhere) -> Job:
    """Bring the job into its next state, and by ``onward`` through those that it only passes; the job after it.

    It stays where it is when its user has asked for its end meanwhile and it was about to end otherwise: an
    accepted cancel is kept. Raises TransitionError for what the law forbids, StepBlocked from the outcome's guard;
    a guard on the way stops the job before it.
    """
    with tools.store.write() as tx:
        found = tx.jobs.standing(step.job.id)
        if found is None or found.status is not step.job.status:
            raise TransitionError(f"job {step.job.id} is no longer {step.job.status}")
        check_transition(found.status, outcome.state, found.blocked_from)
        current = replace(step.job, visible=found.visible, cancel_requested=found.cancel_requested)
        if found.cancel_requested and outcome.state in (_S.FINISHED, _S.FAILED):
            return current
        if outcome.guard is not None:
            outcome.guard(tx)
        step.save_entries(tx)
        for seq, progress in step.progress.items():
            tx.events.update_progress(seq, progress)
        changes, job = _enter(tools, tx, current, outcome, step.clock.now())
        while (further := _further(tx, job, onward)) is not None:
            check_transition(job.status, further.state)
            more, job = _enter(tools, tx, job, further, step.clock.now())
            changes |= more
        tx.jobs.update(job.id, **changes)
    return job


def _further(tx: Transaction, job: Job, onward: Onward) -> Next | None:
    further = None if job.cancel_requested else onward(job)
    if further is not None and further.guard is not None:
        try:
            further.guard(tx)
        except StepBlocked:
            return None  # the step itself will meet that, and be blocked where it is
    return further


def _enter(
    tools: Tools, tx: Transaction, before: Job, outcome: Next, now: datetime
) -> tuple[dict[str, Any], Job]:
    """Tell of the new state. The answer: what is to be saved, and the job as it is then."""
    changes: dict[str, Any] = {
        "struck": None,
        **outcome.changes,
        "status": outcome.state,
        "last_updated": now,
    }
    if outcome.state.terminal:
        changes["ended"] = now
    after = replace(before, **changes)
    changes["last_status_message"] = _message(before, after, outcome)
    after = replace(after, last_status_message=changes["last_status_message"])
    when = _moment(outcome.when or now, before.last_updated, now)
    tools.journal.record_status(tx, after, tools.settings.jobs_profile, when)
    return changes, after


def _moment(when: datetime, before: datetime, now: datetime) -> datetime:
    """When the history says that it happened: never before what was saved last, nor in the future."""
    return min(max(when, before), now)


def stay(tools: Tools, step: Step, outcome: Wait) -> None:
    """Save what was learnt while the job stays in its state."""
    if not outcome.changes and not step.progress and not step.has_entries:
        return
    with tools.store.write() as tx:
        step.save_entries(tx)
        for seq, progress in step.progress.items():
            tx.events.update_progress(seq, progress)
        if outcome.changes:
            tx.jobs.update(step.job.id, last_updated=step.clock.now(), **outcome.changes)


def _message(before: Job, after: Job, outcome: Next) -> str:
    """``lastStatusMessage``: once a reason to fail is known it stays, whatever follows [job-lifecycle §7]."""
    if outcome.message is not None:
        return outcome.message[:MESSAGE_LENGTH]
    if after.failure_code and after.status is not _S.STOPPED:
        return f"{after.failure_code} {after.failure_reason or ''}".rstrip()[:MESSAGE_LENGTH]
    return status_message(before.status, after.status)
