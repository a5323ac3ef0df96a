"""What a scheduler's header says about a job, in neutral form; each scheduler's module writes it down."""

from __future__ import annotations

from dataclasses import dataclass

from emulator.domain.job import Job
from emulator.domain.resources import run_time_text
from emulator.domain.work_dir import scheduler_name, work_files

BASH = "#!/bin/bash"


@dataclass(frozen=True, slots=True, kw_only=True)
class Directives:
    """``processors`` is the job's total, ``per_node`` that of one node, rounded up [wrapper-templates §2].

    ``seconds`` 0 and an empty ``queue`` mean: none asked for, the line is left out.
    """

    name: str
    stdout: str
    stderr: str
    pid: str
    queue: str
    seconds: int
    nodes: int
    processors: int
    per_node: int
    memory: float
    parallelism: str

    @property
    def run_time(self) -> str:
        return run_time_text(self.seconds)


def directives_of(job: Job) -> Directives:
    """Serial apps run on one node, whatever was asked for."""
    plan, files = job.plan, work_files(job)
    nodes = 1 if plan.app.parallelism == "SERIAL" else plan.node_count
    return Directives(
        name=scheduler_name(job.name),
        stdout=files.stdout,
        stderr=files.stderr,
        pid=files.pid,
        queue=plan.queue.effective_name if plan.queue else "",
        seconds=plan.max_run_seconds,
        nodes=nodes,
        processors=plan.total_processors,
        per_node=-(-plan.total_processors // nodes),
        memory=plan.memory_per_node,
        parallelism=plan.app.parallelism,
    )
