"""LSF: ``#BSUB`` lines [wrapper-templates §2]."""

from __future__ import annotations

from emulator.schedulers.directives import BASH, Directives

SHEBANG = BASH
PREFIX = "#BSUB"


def names(job: Directives) -> list[str]:
    return [f"{PREFIX} -J {job.name}", f"{PREFIX} -o {job.stdout}", f"{PREFIX} -e {job.stderr}"]


def sizes(job: Directives) -> list[str]:
    """Run time in whole minutes, at least one."""
    return [
        *([f"{PREFIX} -W {max(1, job.seconds // 60)}"] if job.seconds else []),
        *([f"{PREFIX} -q {job.queue}"] if job.queue else []),
        f"{PREFIX} -L bash",
        *_processors(job),
    ]


def _processors(job: Directives) -> list[str]:
    count, per_host = {
        "PTHREAD": (job.nodes, 1),
        "PARALLEL": (job.processors, job.per_node),
    }.get(job.parallelism, (1, 1))
    return [f"{PREFIX} -n {count}", f"{PREFIX} -R 'span[ptile={per_host}]'"]
