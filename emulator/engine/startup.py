"""A system's startupScript: what the shell that submits a job sources first [wrapper-templates §1, §6.3, §7]."""

from __future__ import annotations

import shlex

from emulator.domain.job import Job
from emulator.domain.macros import resolve_macros, startup_macros
from emulator.domain.ports import HostFiles
from emulator.domain.system import System
from emulator.domain.work_dir import LOG

SUBMIT = ".agave.submit"
"""What is handed to the scheduler on systems with a startupScript: it sources that, then becomes the job."""
NO_STARTUP = "No startup script defined. Skipping...\n"


def has_startup(system: System) -> bool:
    return bool(system.startup_script and system.startup_script.strip())


def startup_path(job: Job, system: System, work_dir: str, base_url: str, files: HostFiles) -> str:
    """The script's path with its macros resolved: absolute on the machine, not below rootDir.

    Where the machine's files lie on this one, the real path.
    """
    macros = startup_macros(job, system, work_dir, base_url)
    path = "/" + resolve_macros(system.startup_script or "", macros).strip().lstrip("/")
    try:
        local = files.local_path(path)
    except FileNotFoundError:  # a link that leads nowhere; the shell will say so
        local = None
    return path if local is None else str(local)


def submit_script(startup: str, script: str, work_dir: str) -> str:
    """The text of :data:`SUBMIT`. Output of the startup script goes to the job's log, its variables to the job."""
    path, log = shlex.quote(startup), shlex.quote(f"{work_dir}/{LOG}")
    return "\n".join(
        [
            "#!/bin/sh",
            f"cd {shlex.quote(work_dir)} || exit 1",
            f"if [ -r {path} ]; then",
            f"  . {path} >> {log} 2>&1",
            "else",
            f"  echo {shlex.quote(f'{startup}: No such file or directory')} >> {log}",
            "fi",
            f'exec "${{BASH:-sh}}" {shlex.quote(script)}',
            "",
        ]
    )
