"""What a job says of itself at the points of scenarios."""

from __future__ import annotations

from emulator.domain.fault import Occasion
from emulator.domain.job import Job
from emulator.domain.states import JobState


def occasion_of(job: Job, state: JobState | None = None) -> Occasion:
    """A job about to work at the step of its state, or of another one."""
    plan = job.plan
    return Occasion(
        world=job.world,
        point=f"job.{(state or job.status).lower()}",
        user=job.owner,
        job=job.id,
        job_name=job.name,
        app=job.app_id,
        system=plan.execution_system,
        queue=plan.queue.name if plan.queue else "",
    )
