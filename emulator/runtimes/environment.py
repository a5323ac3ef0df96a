"""What a script finds in its environment: what a login on the machine would give, and nothing of ours."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from emulator.domain.ports import Launch
from emulator.runtimes.processes import MARKER
from emulator.runtimes.spool import JobSpool, Spool
from emulator.schedulers.batch_variables import batch_variables


def script_environment(
    launch: Launch, remote_job_id: str, job: JobSpool, spool: Spool, *, home: Path, work_dir: Path
) -> dict[str, str]:
    """All variables of a script but PATH; ``home`` and ``work_dir`` are the real directories.

    ``BASH_ENV`` brings ``module`` to every bash; AGAVE_LOG_FILE tells it where to write
    [wrapper-templates §9]. The launch's own variables win over the usual ones.
    """
    return {
        "HOME": str(home),
        "USER": launch.owner,
        "LOGNAME": launch.owner,
        "LANG": "C.UTF-8",
        "TMPDIR": str(job.temporary),
        "BASH_ENV": str(spool.tools / "module.bash"),
        "AGAVE_LOG_FILE": str(work_dir / ".agave.log"),
        **batch_variables(launch, remote_job_id, str(work_dir), str(job.node_file)),
        **launch.environment,
        MARKER: str(job.path),
    }


def machine_path() -> str:
    """PATH for scripts that run as processes: the programs of this machine's user.

    The emulator's own virtual environment is left out, so that a script's ``python3`` is the machine's and
    ``pip install`` in a script does not change the emulator.
    """
    own = {Path(sys.prefix) / "bin"} if sys.prefix != sys.base_prefix else set()
    entries = [entry for entry in os.get_exec_path() if entry and Path(entry) not in own]
    return os.pathsep.join(entries)


def engine_address() -> dict[str, str]:
    """Where this machine's Docker engine is, when it is not where scripts would look for it."""
    named = os.environ.get("DOCKER_HOST")
    return {"DOCKER_HOST": named} if named else {}
