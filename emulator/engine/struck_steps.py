"""Scenarios at the steps of a job's life: what the gate says when a job enters a step, and doing as it says.

The gate is asked once for each entry into a step. That it was asked, and what it has said, stands in the job's row
(``struck``) until the state changes: a job that waits in its step, or is taken up again after a restart, does not
ask again.
"""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from typing import Any

from emulator.domain.document import from_document, to_document
from emulator.domain.errors import StepBlocked, StepFailed
from emulator.domain.fault import Action, Strike
from emulator.domain.job import Job
from emulator.domain.recovery import APP, CONNECTION, QUOTA
from emulator.domain.states import JobState
from emulator.engine import monitoring
from emulator.engine.occasions import occasion_of
from emulator.engine.outcome import Outcome, Wait
from emulator.engine.passage import Partial, Passage, Side, Watched
from emulator.engine.step import Step, Tools
from emulator.engine.striking import DELAY, HOLD
from emulator.engine.struck_files import Refusal, error

FAMILY = "job"
BLOCK, FAIL, PARTIAL, REFUSE = "block", "fail", "partial", "refuse"

_S = JobState
_NEVER_ASKED = frozenset({_S.ACCEPTED, _S.BLOCKED})
_WORDED = frozenset({_S.PROCESSING_INPUTS, _S.STAGING_INPUTS, _S.STAGING_JOB, _S.SUBMITTING, _S.ARCHIVING})
"""States whose steps put an error of a machine into words of their own."""
_WATCHED = frozenset({_S.QUEUED, _S.RUNNING})


def listened_to(tools: Tools, job: Job) -> bool:
    """Whether the gate may have something to say at a step of the job."""
    return tools.strikes.armed(job.world, FAMILY)


def enter(step: Step) -> Outcome | None:
    """What comes instead of the step's work; None where the work is to be done, with ``step.trouble`` in it.

    Raises StepBlocked and StepFailed.
    """
    strike = _said(step)
    if strike is None:
        return None
    action = strike.action
    if action.kind in (DELAY, HOLD):
        return _waiting(step, strike)
    if action.kind == BLOCK:
        _blocked(step, action)
    elif action.kind == FAIL:
        return _failing(step, action)
    return None


def passage_of(step: Step, transfer: str, system_id: str, *, written: bool) -> Passage:
    """The way of the files that a step reads on a system, or has ``written`` there; in ARCHIVING only some may come.

    ``transfer`` is one of fault.TRANSFERS.
    """
    side = Side.of(step.system(system_id), written=written)
    watched = Watched(step.tools.strikes, occasion_of(step.job), transfer, side, step.pause)
    action = _action(step.job)
    if action is None or action.kind != PARTIAL:
        return watched
    args = action.args
    return Partial(watched, args["share"], args["arrive"], error(errno.EIO, args["message"]))


def refusal_of(step: Step) -> Refusal | None:
    """What the archive system says to everything, where it is to refuse."""
    action = _action(step.job)
    if action is None or action.kind != REFUSE:
        return None
    return error(errno.EACCES, action.args["message"])


def still(step: Step) -> dict[str, Any]:
    """Whether a scenario still keeps a job BLOCKED; the answer is what is to be saved when it goes on.

    A block with an end is over then, or when it is released; of one without an end each test asks again. Raises
    StepBlocked.
    """
    job = step.job
    strike = _strike(job)
    assert job.blocked_from is not None, "a blocked job knows where it came from"
    if strike is None or strike.action.kind != BLOCK:
        return {}
    if strike.until is not None:
        if not step.tools.strikes.over(strike):
            raise StepBlocked(job.blocked_condition or CONNECTION, "A scenario keeps the job blocked.")
        return {}
    said = step.tools.strikes.strike(occasion_of(job, job.blocked_from))
    if said is not None and said.action.kind == BLOCK:
        if replace(said, number=strike.number) != strike:
            _remember(step, said)  # which time it was stands in the journal
        raise StepBlocked(job.blocked_condition or CONNECTION, "A scenario blocks the job again.")
    return {"struck": _document(said)}


def kept(step: Step) -> dict[str, Any] | None:
    """What a job that is blocked now remembers: the block, where a scenario has blocked it."""
    action = _action(step.job)
    return step.job.struck if action is not None and action.kind == BLOCK else None


def _said(step: Step) -> Strike | None:
    """What the gate has said at this entry; it is asked now if it was not yet."""
    job, strikes = step.job, step.tools.strikes
    if job.status in _NEVER_ASKED:
        return None
    if job.struck is not None:
        return _strike(job)
    if not strikes.armed(job.world, FAMILY):
        return None
    # first: what ends the program at this point is not asked again by the next start
    _remember(step, None)
    strike = strikes.strike(occasion_of(job))
    if strike is not None:
        _remember(step, strike)
    return strike


def _waiting(step: Step, strike: Strike) -> Wait | None:
    """Until it is over the job needs no thread; a cancel wakes it, and so does the end of its time."""
    strikes = step.tools.strikes
    if strikes.over(strike):
        step.tools.holds.let_go(step.job.id)
        return None
    step.tools.holds.wake_after(step.job.id, strike)
    ends = [end for end in (strike.until, step.deadline and step.deadline[0]) if end is not None]
    return Wait(until=min(ends, default=None))


def _blocked(step: Step, action: Action) -> None:
    """Raises StepBlocked, or lets the step's own work meet the error that blocks it."""
    condition, message = action.args["condition"], action.args["message"]
    if condition != CONNECTION:
        raise StepBlocked(condition, message or _reason(step.job, condition))
    gone = ConnectionRefusedError(errno.ECONNREFUSED, message or os.strerror(errno.ECONNREFUSED))
    if step.job.status not in _WORDED | _WATCHED:
        raise StepBlocked(CONNECTION, str(gone.strerror))
    step.trouble = gone


def _reason(job: Job, condition: str) -> str:
    """As conditions.py words it."""
    system = job.plan.execution_system
    if condition == APP:
        return f"App {job.app_id} is not currently available."
    if condition == QUOTA:
        return f"System {system} is currently at maximum capacity for concurrent active jobs."
    return f"System {system} is not currently available."


def _failing(step: Step, action: Action) -> Outcome | None:
    """By the way that the step's work fails, with its code and its words, unless there are others."""
    state, message, code = step.job.status, action.args["message"], action.args["code"]
    if code:
        raise StepFailed(code, message)
    if state in _WATCHED:
        return monitoring.lose(step, message)
    if state not in _WORDED:
        raise StepFailed("JOBS_INTERNAL_ERROR", message or os.strerror(errno.EIO))
    step.trouble = OSError(errno.EIO, message or os.strerror(errno.EIO))
    return None


def _action(job: Job) -> Action | None:
    strike = _strike(job)
    return None if strike is None else strike.action


def _strike(job: Job) -> Strike | None:
    written = (job.struck or {}).get("strike")
    return None if written is None else from_document(Strike, written)


def _document(strike: Strike | None) -> dict[str, Any]:
    return {"strike": None if strike is None else to_document(strike)}


def _remember(step: Step, strike: Strike | None) -> None:
    struck = _document(strike)
    with step.tools.store.write() as tx:
        tx.jobs.update(step.job.id, struck=struck)
    step.job = replace(step.job, struck=struck)
