"""Saving what a step has come to: state, fields, event and messages in one transaction."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from emulator.domain import legacy
from emulator.domain.errors import TransitionError
from emulator.domain.job import Job
from emulator.domain.states import JobState, check_transition, status_message
from emulator.engine.outcome import Next, Wait
from emulator.engine.step import Step, Tools

MESSAGE_LENGTH = 2048

_S = JobState


def move(tools: Tools, step: Step, outcome: Next) -> Job:
    """Bring the job into its next state; the answer is the job after it.

    It stays where it is when its user has asked for its end meanwhile and it was about to end otherwise: an
    accepted cancel is kept. Raises TransitionError for what the law forbids, StepBlocked from the guard.
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
        now = step.clock.now()
        changes: dict[str, Any] = {
            "struck": None,
            **outcome.changes,
            "status": outcome.state,
            "last_updated": now,
        }
        if outcome.state.terminal:
            changes["ended"] = now
        after = replace(current, **changes)
        changes["last_status_message"] = _message(current, after, outcome)
        after = replace(after, last_status_message=changes["last_status_message"])
        for seq, progress in step.progress.items():
            tx.events.update_progress(seq, progress)
        tx.jobs.update(current.id, **changes)
        tools.journal.record(
            tx,
            world=current.world,
            subject=current.id,
            kind="job",
            status=outcome.state.value,
            description=legacy.description(outcome.state, tools.settings.jobs_profile),
            created_by=current.owner,
            resource=after,
            when=_moment(outcome.when or now, step.job.last_updated, now),
        )
    return after


def _moment(when: datetime, before: datetime, now: datetime) -> datetime:
    """When the history says that it happened: never before what was saved last, nor in the future."""
    return min(max(when, before), now)


def stay(tools: Tools, step: Step, outcome: Wait) -> None:
    """Save what was learnt while the job stays in its state."""
    if not outcome.changes and not step.progress:
        return
    with tools.store.write() as tx:
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
