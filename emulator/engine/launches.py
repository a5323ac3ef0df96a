"""From a job's plan to what a launcher needs to run its script."""

from __future__ import annotations

import math

from emulator.domain import paths
from emulator.domain.job import Job
from emulator.domain.ports import HostFiles, Hosts, Launch
from emulator.domain.system import System
from emulator.domain.work_dir import work_files
from emulator.engine.startup import SUBMIT, has_startup


def launch_of(job: Job, system: System, hosts: Hosts, time_scale: float) -> Launch:
    """The launch of a job on its execution system: the same whenever it is asked for.

    Paths are real ones where the host's files lie on this machine, since scripts work with them.
    ``time_scale`` divides the run time limit [job-lifecycle §9].
    """
    plan, storage = job.plan, system.storage
    files = hosts.host(job.world, storage.host).files
    work_dir = real_path(files, paths.host_path(storage, paths.virtual_path(storage, plan.work_path)))
    names = work_files(job)
    queue = plan.queue
    return Launch(
        job_id=job.id,
        world=job.world,
        host=storage.host,
        system_id=system.id,
        app_id=job.app_id,
        owner=job.owner,
        name=job.name,
        scheduler=plan.scheduler,
        script=paths.join(work_dir, SUBMIT if has_startup(system) else names.script),
        work_dir=work_dir,
        stdout=paths.join(work_dir, names.stdout),
        stderr=paths.join(work_dir, names.stderr),
        home_dir=real_path(files, paths.host_path(storage, paths.home_path(storage))),
        max_run_seconds=run_seconds(job, time_scale),
        queue=queue.name if queue else "",
        queue_limit=queue.max_jobs if queue else -1,
        queue_user_limit=queue.max_user_jobs if queue else -1,
        memory_per_node=plan.memory_per_node,
        processors=plan.total_processors,
        nodes=1 if plan.app.parallelism == "SERIAL" else plan.node_count,
    )


def run_seconds(job: Job, time_scale: float) -> int:
    """The run time limit in real seconds; 0 only where there is none."""
    asked = job.plan.max_run_seconds
    return max(1, math.ceil(asked / time_scale)) if asked > 0 else 0


def real_path(files: HostFiles, path: str) -> str:
    """Where a path lies on this machine, or the path itself for another machine's."""
    local = files.local_path(path)
    return path if local is None else str(local)
