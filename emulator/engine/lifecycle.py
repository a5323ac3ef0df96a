"""The recipe of a job's life: what is done in each state, and the one place where every end is decided.

::

    PENDING ─> PROCESSING_INPUTS ─> STAGING_INPUTS ─> STAGED ─> STAGING_JOB ─> SUBMITTING
                        └──── no inputs ────────────────┘                          │
    FINISHED | FAILED <─ ARCHIVING <─ CLEANING_UP <─ RUNNING <─ QUEUED <───────────┘
                               └─ archive not wanted ─> FINISHED | FAILED

    any of them ─> BLOCKED ─> the same again;   any of them ─> STOPPED | FAILED

A step does its state's work and answers where the job goes next, or that it waits. It may be cut off at
any point by the end of the process and is then repeated from its beginning [job-lifecycle §10].
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from emulator.domain.acting import acting_for
from emulator.domain.errors import JobCancelled, StepBlocked, StepFailed, TransitionError, Unavailable
from emulator.domain.job import Job
from emulator.domain.ports import Retest
from emulator.domain.states import JobState, status_message
from emulator.engine import (
    archiving,
    assets,
    blocking,
    conditions,
    expiry,
    monitoring,
    staging,
    struck_steps,
    submitting,
    transitions,
)
from emulator.engine.occasions import occasion_of
from emulator.engine.outcome import Interrupted, Next, Outcome, Wait
from emulator.engine.step import Signal, Step, Tools

log = logging.getLogger(__name__)

_S = JobState

RECIPE: dict[JobState, Callable[[Step], Outcome]] = {
    _S.ACCEPTED: staging.accept,
    _S.PENDING: staging.begin,
    _S.PROCESSING_INPUTS: staging.process_inputs,
    _S.STAGING_INPUTS: staging.stage_inputs,
    _S.STAGED: staging.staged,
    _S.STAGING_JOB: assets.stage_job,
    _S.SUBMITTING: submitting.submit,
    _S.QUEUED: monitoring.watch_queued,
    _S.RUNNING: monitoring.watch_running,
    _S.CLEANING_UP: archiving.clean_up,
    _S.ARCHIVING: archiving.archive,
    _S.BLOCKED: blocking.test,
}

_PASSED: dict[JobState, Callable[[Job], Next | None]] = {
    _S.PENDING: staging.begun,
    _S.STAGED: submitting.place_taken,
    _S.CLEANING_UP: archiving.to_archive,
}
"""States without work outside the store, and where a job goes on to from there; see Journey._onward."""

STORE_PAUSE = timedelta(seconds=5)
"""Before a step is repeated whose outcome could not be saved, or was none that the law allows."""


@dataclass(frozen=True, slots=True)
class Rest:
    """The job needs no thread now: until it is woken, until ``until``, or (``ended``) ever.

    ``outside`` as in outcome.Wait; ``retest`` as in ports.Clock.
    """

    until: datetime | None = None
    outside: bool = False
    ended: bool = False
    retest: Retest | None = None


class Journey:
    """The way of one job while a thread walks it, step by step."""

    def __init__(self, tools: Tools, job_id: str, signal: Signal) -> None:
        self._tools = tools
        self._job_id = job_id
        self._signal = signal
        self._seen = signal.wakes
        self._job: Job | None = None
        self._fresh = False
        self._stamp: object = None
        """The store's before the step looked at anything."""

    def advance(self) -> Rest | None:
        """One step. None: the next one follows at once."""
        self._stamp = self._tools.store.stamp()
        job = self._look()
        if job is None or job.status.terminal:
            return Rest(ended=True)
        step = Step(self._tools, job, self._signal, self._seen, self._fresh)
        try:
            with acting_for(occasion_of(job), step.linger):
                outcome = _outcome(step)
        except Interrupted:
            return Rest()
        except Unavailable as error:
            log.warning("job %s: %s is repeated: %s", job.id, job.status, error)
            return Rest(until=self._tools.clocks.machine.now() + STORE_PAUSE, outside=True)
        self._seen = self._signal.wakes
        try:
            return self._save(step, outcome)
        except TransitionError:
            log.exception("job %s: a transition outside the law was refused", job.id)
        except Exception:
            log.exception("job %s: %s could not be saved; the step will be repeated", job.id, outcome)
        return Rest(until=self._tools.clocks.machine.now() + STORE_PAUSE, outside=True)

    def _look(self) -> Job | None:
        """The job as it is. The last step's own answer holds until somebody wakes the job."""
        if self._job is None or self._signal.wakes != self._seen:
            self._seen = self._signal.wakes
            with self._tools.store.read() as tx:
                self._job = tx.jobs.by_id(self._job_id)
        return self._job

    def _save(self, step: Step, outcome: Outcome) -> Rest | None:
        if isinstance(outcome, Wait):
            transitions.stay(self._tools, step, outcome)
            retest = blocking.retest(step, step.job, self._stamp) if outcome.blocked else None
            return Rest(until=outcome.until, outside=outcome.outside, retest=retest)
        # a script that could be handed over once more is remembered until the end is saved
        again = step.job.status in (_S.SUBMITTING, _S.BLOCKED)
        if outcome.state.terminal and not again:
            submitting.forget(step)
        try:
            job = transitions.move(self._tools, step, outcome, self._onward)
        except StepBlocked:  # the guard has refused: the condition is back
            retest = blocking.retest(step, step.job, self._stamp)
            return Rest(until=blocking.next_test(self._tools, step.job), retest=retest)
        if job.status.terminal:
            self._tools.holds.let_go(job.id)
        self._fresh = step.job.status is not _S.BLOCKED and job.status is not step.job.status
        self._job = job
        if job.status is _S.BLOCKED:
            return Rest(
                until=blocking.next_test(self._tools, job), retest=blocking.retest(step, job, self._stamp)
            )
        if not job.status.terminal:
            return None
        if again:
            submitting.forget(step)
        self._tools.strikes.gate.forget(job.world, job.id)
        return Rest(ended=True)

    def _onward(self, job: Job) -> Next | None:
        """Through states without work of their own a job goes in one transaction, unless scenarios are asked there."""
        through = _PASSED.get(job.status)
        if through is None or job.struck is not None or struck_steps.listened_to(self._tools, job):
            return None
        return through(job)


def _outcome(step: Step) -> Outcome:
    """Do the state's work. Every way that can end becomes an outcome here.

    Raises Interrupted, and Unavailable when the store does not work: then the step is to be repeated.
    """
    job = step.job
    try:
        if job.cancel_requested:
            raise JobCancelled
        expiry.watch(step, job.blocked_from or job.status)
        step.use(conditions.require(step.tools, job, job.status))
        return struck_steps.enter(step) or RECIPE[job.status](step)
    except JobCancelled:
        return _ended(step, Next(state=_S.STOPPED))
    except StepBlocked as blocked:
        return _blocked(step, blocked)
    except StepFailed as failed:
        return _ended(step, _failure(job, failed))
    except (Interrupted, Unavailable):
        raise
    except Exception as error:
        log.exception("job %s: the step of %s broke", job.id, job.status)
        cause = StepFailed("JOBS_INTERNAL_ERROR", f"{type(error).__name__}: {error}")
        return _ended(step, _failure(job, cause))


def _ended(step: Step, outcome: Next) -> Outcome:
    """A job that ends early must leave no script behind: without that certainty it has not ended."""
    step.end()
    try:
        submitting.end_script(step)
    except OSError as error:
        log.warning("job %s: its script could not be stopped, trying again: %s", step.job.id, error)
        return Wait(until=blocking.next_test(step.tools, step.job))
    return outcome


def _failure(job: Job, failed: StepFailed) -> Next:
    """FAILED with a reason; a reason known before is kept in front."""
    code, reason = failed.code, failed.reason
    if job.failure_code and job.failure_code != code:
        code, reason = job.failure_code, f"{job.failure_reason} {code} {reason}"
    return Next(state=_S.FAILED, changes={"failure_code": code, "failure_reason": reason})


def _blocked(step: Step, blocked: StepBlocked) -> Outcome:
    job = step.job
    if job.status is _S.BLOCKED:  # still
        return Wait(until=blocking.next_test(step.tools, job), blocked=True)
    return Next(
        state=_S.BLOCKED,
        changes={
            "blocked_from": job.status,
            "blocked_condition": blocked.condition,
            "blocked_since": step.clock.now(),
            "blocked_count": job.blocked_count + 1,
            "struck": struck_steps.kept(step),
        },
        message=status_message(job.status, _S.BLOCKED, blocked.reason),
    )
