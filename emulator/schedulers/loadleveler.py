"""LoadLeveler: ``#@`` lines [wrapper-templates §2]."""

from __future__ import annotations

from emulator.schedulers.directives import Directives

SHEBANG = "#! /bin/bash -l"
PREFIX = "#@"


def names(job: Directives) -> list[str]:
    return [
        f"{PREFIX} - {job.name}",
        f"{PREFIX} environment = COPY_ALL",
        f"{PREFIX} output = {job.stdout}",
        f"{PREFIX} error = {job.stderr}",
    ]


def sizes(job: Directives) -> list[str]:
    return [
        f"{PREFIX} class = NORMAL",
        f"{PREFIX} account_no = NONE",
        *([f"{PREFIX} wall_clock_limit = {job.run_time}"] if job.seconds else []),
        f"{PREFIX} job_type = MPICH",
        *(f"{PREFIX} {line}" for line in _nodes(job)),
        *([f"{PREFIX} queue {job.queue}"] if job.queue else []),
    ]


def _nodes(job: Directives) -> list[str]:
    if job.parallelism == "PTHREAD":
        return ["node = 1", f"tasks_per_node = {job.per_node}"]
    if job.parallelism == "PARALLEL":
        return ["node_usage = not_shared", f"nodes = {job.nodes}", f"tasks_per_node = {job.per_node}"]
    return ["node_usage = not_shared", "nodes = 1", "tasks_per_node = 1"]
