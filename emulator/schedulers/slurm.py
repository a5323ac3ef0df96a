"""Slurm: ``#SBATCH`` lines [wrapper-templates §2]."""

from __future__ import annotations

from emulator.schedulers.directives import BASH, Directives

SHEBANG = BASH
PREFIX = "#SBATCH"


def names(job: Directives) -> list[str]:
    return [f"{PREFIX} -J {job.name}", f"{PREFIX} -o {job.stdout}", f"{PREFIX} -e {job.stderr}"]


def sizes(job: Directives) -> list[str]:
    """``-n`` is the number of processors of the whole job."""
    return [
        *([f"{PREFIX} -t {job.run_time}"] if job.seconds else []),
        *([f"{PREFIX} -p {job.queue}"] if job.queue else []),
        f"{PREFIX} -N {job.nodes} -n {job.processors}",
    ]
