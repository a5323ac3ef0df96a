"""What a job needs from its surroundings in each state, and what becomes of it without [job-lifecycle §5]."""

from __future__ import annotations

from collections.abc import Iterator

from emulator.domain.errors import StepBlocked, StepFailed
from emulator.domain.job import Job
from emulator.domain.recovery import APP, QUOTA, SYSTEM
from emulator.domain.states import JobState
from emulator.domain.system import NO_JOB_LIMIT, System, SystemStatus
from emulator.engine.inputs import input_systems
from emulator.engine.step import Tools, system_gone
from emulator.store import Transaction

_S = JobState
_STAGING = frozenset({_S.PROCESSING_INPUTS, _S.STAGING_INPUTS})
_WITHOUT = frozenset({_S.ACCEPTED, _S.PENDING, _S.STAGED, _S.CLEANING_UP, _S.BLOCKED})
"""States that need nothing; of a blocked job that is asked for the state that it was blocked in."""
_AT_THE_SCHEDULER = frozenset({_S.SUBMITTING, _S.QUEUED, _S.RUNNING})


def require(tools: Tools, job: Job, state: JobState) -> dict[str, System]:
    """The systems that a step of ``state`` touches, all usable.

    Raises StepBlocked while one is disabled or not UP, or the app is disabled; StepFailed when one of
    them has been erased. The app matters until it has been brought to the execution system.
    """
    if state in _WITHOUT:
        return {}
    with tools.store.read() as tx:
        systems = {system_id: _usable(tx, job, system_id) for system_id in _touched(tx, job, state)}
        if state in _STAGING or state is _S.STAGING_JOB:
            _require_app(tx, job)
    return systems


def _touched(tx: Transaction, job: Job, state: JobState) -> Iterator[str]:
    plan = job.plan
    if state in _STAGING | _AT_THE_SCHEDULER | {_S.STAGING_JOB, _S.ARCHIVING}:
        yield plan.execution_system
    if state in _STAGING:
        yield from input_systems(tx, job)
    if state is _S.STAGING_JOB:
        yield plan.app.deployment_system
    if state is _S.ARCHIVING and plan.archive_system is not None:
        yield plan.archive_system


def _usable(tx: Transaction, job: Job, system_id: str) -> System:
    system = tx.systems.get(job.world, system_id)
    if system is None:
        raise system_gone(system_id)
    if not system.available:
        raise StepBlocked(SYSTEM, f"System {system_id} is not currently available.")
    if system.status is not SystemStatus.UP:
        raise StepBlocked(SYSTEM, f"System {system_id} is currently {system.status}.")
    return system


def _require_app(tx: Transaction, job: Job) -> None:
    app = tx.apps.by_uuid(job.world, job.app_uuid)
    if app is None:
        raise StepFailed("JOBS_APP_NOT_FOUND", f"The app {job.app_id} no longer exists.")
    if not app.available:
        raise StepBlocked(APP, f"App {job.app_id} is not currently available.")


def require_room(tx: Transaction, job: Job, system: System) -> None:
    """Raises StepBlocked when system, queue or owner have as many jobs there as allowed [job-lifecycle §5.1].

    Asked in the transaction that takes the place, so that no two jobs take the same one.
    """
    quotas = [quota for quota in _quotas(job, system) if _limited(quota[0])]
    if not quotas:
        return
    queue = job.plan.queue.name if job.plan.queue else None
    taken = tx.jobs.counted(job.world, system.id, job.owner, queue)
    for limit, places, reason in quotas:
        if getattr(taken, places) >= limit:
            raise StepBlocked(QUOTA, reason)


def _quotas(job: Job, system: System) -> Iterator[tuple[int, str, str]]:
    """Each limit, the places that it limits (see store.jobs.Places), and what is said when it is reached."""
    full = f"System {system.id} is currently at maximum capacity for concurrent active jobs"
    enough = f"User {job.owner} has reached their quota for concurrent active jobs on"
    yield system.max_system_jobs, "on_system", f"{full}."
    yield system.max_system_jobs_per_user, "of_owner", f"{enough} {system.id}"
    if job.plan.queue is None:
        return
    queue = system.queue(job.plan.queue.name) or job.plan.queue  # its limits may have been edited since
    where = f"the {queue.name} queue of {system.id}"
    yield queue.max_jobs, "in_queue", f"{full} on {where}."
    yield queue.max_user_jobs, "of_owner_in_queue", f"{enough} {where}"


def _limited(limit: int) -> bool:
    return 0 <= limit < NO_JOB_LIMIT
