"""No scheduler: the script notes its process id and sends its own output to the log files.

The service lets the script sleep for two seconds here, for the sake of a poller that has long been gone; we do not.
"""

from __future__ import annotations

from emulator.schedulers.directives import BASH, Directives

SHEBANG = BASH


def lines(job: Directives) -> list[str]:
    return [f"echo $$ > {job.pid}", f"exec 2>{job.stderr} 1>{job.stdout}"]
