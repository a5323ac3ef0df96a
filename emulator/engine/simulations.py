"""Which jobs are simulated instead of run, and what is played for them."""

from __future__ import annotations

from typing import Any

from emulator.domain.errors import StepFailed
from emulator.domain.job import Job
from emulator.domain.simulation import Play, chosen
from emulator.engine.step import Step
from emulator.scenario.simulation import BadSimulation, play


def play_of(step: Step) -> Play | None:
    """What is played for a job; None where its app is run.

    Decided when the job is handed over, and written down with its launch: what is declared later does not reach it.
    Raises StepFailed where the job's own parameters make no sense in its simulation.
    """
    job = step.job
    with step.tools.store.read() as tx:
        declared = chosen(tx.simulations.of(job.world), job.app_id)
    if declared is None:
        return None
    try:
        return play(declared.document, _values(job), job.id)
    except BadSimulation as error:
        raise StepFailed("JOBS_SUBMIT_FAILED", f"The simulation of {declared.app}: {error}") from error


def _values(job: Job) -> dict[str, Any]:
    """What a simulation can speak of: parameters (what was not given, as the app has it), inputs, some attributes."""
    plan = job.plan
    defaults = {one.id: one.default for one in plan.app.parameters}
    inputs = {source.input_id: source.name for source in plan.sources}
    return {
        "AGAVE_JOB_ID": job.id,
        "AGAVE_JOB_NAME": job.name,
        "AGAVE_JOB_APP_ID": job.app_id,
        "AGAVE_JOB_OWNER": job.owner,
        "AGAVE_JOB_EXECUTION_SYSTEM": plan.execution_system,
        "AGAVE_JOB_BATCH_QUEUE": plan.queue.name if plan.queue else "",
        **inputs,
        **defaults,
        **plan.parameters,
    }
