"""From a job's plan to what a launcher needs to run its script, and where that will be."""

from __future__ import annotations

import math
from dataclasses import dataclass

from emulator.domain import paths
from emulator.domain.credentials import login_account, storage_account
from emulator.domain.errors import StepFailed
from emulator.domain.job import Job
from emulator.domain.ports import Account, HostFiles, Launch
from emulator.domain.simulation import Play
from emulator.domain.work_dir import work_files
from emulator.engine.simulations import play_of
from emulator.engine.startup import SUBMIT, has_startup, startup_path
from emulator.engine.step import Step


@dataclass(frozen=True, slots=True)
class Place:
    """Where an execution system runs scripts. ``account`` None: in its sandbox."""

    host: str
    account: Account | None = None


def place_of(step: Step) -> Place:
    """The login host where the host map has a machine for it, else the sandbox of the storage host.

    Raises StepFailed when only one of the two is a real machine: the script would not find its files.
    """
    system = step.execution_system
    storage, login = system.storage.host, system.login
    if login is None:
        return Place(storage)
    account = login_account(system, step.job.owner)
    runs = step.tools.hosts.host(step.job.world, login.host, account).shell is not None
    keeps = step.machine(system).shell is not None
    if runs and keeps:
        return Place(login.host, account)
    if runs or keeps:
        mapped, other = (login.host, storage) if runs else (storage, login.host)
        raise StepFailed(
            "JOBS_SUBMIT_FAILED",
            f"The host map has a machine for {mapped}, but none for {other}, the other host of {system.id}.",
        )
    return Place(storage)


def launch_of(step: Step) -> Launch:
    """The launch of a job on its execution system: the same whenever it is asked for.

    Paths are real ones where the host's files lie on this machine, since scripts work with them. The run time
    limit is divided by ``jobs.time_scale`` [job-lifecycle §9]. Raises StepFailed as ``place_of`` and ``play_of``.
    """
    played = play_of(step)
    if played is not None:
        return _launch(step, Place(step.execution_system.storage.host), played)
    return _launch(step, place_of(step))


def _launch(step: Step, place: Place, played: Play | None = None) -> Launch:
    """What is played needs no more than a way to the job's files, on whatever machine they lie."""
    job, system = step.job, step.execution_system
    plan, storage = job.plan, system.storage
    files = step.machine(system).files

    def located(virtual: str) -> str:
        path = paths.host_path(storage, virtual)
        return path if played is not None else real_path(files, path)

    work_dir = located(paths.virtual_path(storage, plan.work_path))
    names = work_files(job)
    queue = plan.queue
    return Launch(
        job_id=job.id,
        world=job.world,
        host=place.host,
        account=place.account if played is None else storage_account(system, job.owner),
        system_id=system.id,
        app_id=job.app_id,
        owner=job.owner,
        name=job.name,
        scheduler=plan.scheduler,
        script=paths.join(work_dir, SUBMIT if played_startup(step, place) else names.script),
        startup=startup_of(step, work_dir) if place.account and has_startup(system) else "",
        work_dir=work_dir,
        stdout=paths.join(work_dir, names.stdout),
        stderr=paths.join(work_dir, names.stderr),
        home_dir=located(paths.home_path(storage)),
        max_run_seconds=run_seconds(job, step.tools.settings.time_scale),
        queue=queue.name if queue else "",
        queue_limit=queue.max_jobs if queue else -1,
        queue_user_limit=queue.max_user_jobs if queue else -1,
        memory_per_node=plan.memory_per_node,
        processors=plan.total_processors,
        nodes=1 if plan.app.parallelism == "SERIAL" else plan.node_count,
        play=played,
    )


def played_startup(step: Step, place: Place) -> bool:
    """Whether the system's startupScript is sourced by a script of ours: in sandboxes nobody logs in."""
    return place.account is None and has_startup(step.execution_system)


def startup_of(step: Step, work_dir: str) -> str:
    """Where the system's startupScript lies; ``work_dir`` as the script sees it."""
    system = step.execution_system
    return startup_path(step.job, system, work_dir, step.base_url(), step.machine(system).files)


def run_seconds(job: Job, time_scale: float) -> int:
    """The run time limit in real seconds; 0 only where there is none."""
    asked = job.plan.max_run_seconds
    return max(1, math.ceil(asked / time_scale)) if asked > 0 else 0


def real_path(files: HostFiles, path: str) -> str:
    """Where a path lies on this machine, or the path itself for another machine's."""
    local = files.local_path(path)
    return path if local is None else str(local)
