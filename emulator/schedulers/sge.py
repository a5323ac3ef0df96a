"""Grid Engine: ``#$`` lines [wrapper-templates §2]."""

from __future__ import annotations

from emulator.schedulers.directives import BASH, Directives

SHEBANG = f"{BASH}\n"
PREFIX = "#$"


def names(job: Directives) -> list[str]:
    """With the working directory and the environment of the submission."""
    return [
        f"{PREFIX} -N {job.name}",
        f"{PREFIX} -cwd",
        f"{PREFIX} -V",
        f"{PREFIX} -o {job.stdout}",
        f"{PREFIX} -e {job.stderr}",
    ]


def sizes(job: Directives) -> list[str]:
    return [
        *([f"{PREFIX} -l h_rt={job.run_time}"] if job.seconds else []),
        *([f"{PREFIX} -q {job.queue}"] if job.queue else []),
    ]
