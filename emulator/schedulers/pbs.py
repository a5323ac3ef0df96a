"""PBS, and Torque and Moab which read the same ``#PBS`` lines [wrapper-templates §2].

Cobalt has no lines of its own in the service; it is given these.
"""

from __future__ import annotations

from emulator.schedulers.directives import BASH, Directives

SHEBANG = BASH
PREFIX = "#PBS"


def names(job: Directives) -> list[str]:
    return [f"{PREFIX} -N {job.name}", f"{PREFIX} -o {job.stdout}", f"{PREFIX} -e {job.stderr}"]


def sizes(job: Directives) -> list[str]:
    times = [f"{PREFIX} -l {kind}={job.run_time}" for kind in ("cput", "walltime")]
    return [
        *(times if job.seconds else []),
        *([f"{PREFIX} -q {job.queue}"] if job.queue else []),
        f"{PREFIX} -l nodes={job.nodes}:ppn={job.per_node}",
    ]
