"""How real schedulers are told to hold a script in its queue, and to let it go. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from emulator.schedulers.simulated import family

_HOLDS: Mapping[str, tuple[str, str]] = {
    "SLURM": ("sbatch --hold", "scontrol release"),
    "PBS": ("qsub -h", "qrls"),
    "TORQUE": ("qsub -h", "qrls"),
    "MOAB": ("qsub -h", "qrls"),
    "SGE": ("qsub -h", "qrls"),
    "LSF": ("bsub -H", "bresume"),
}
"""The beginning of the command that submits, and the command that lets go."""


def can_hold(scheduler: str) -> bool:
    """Whether scripts can be handed over to wait until they are released."""
    return family(scheduler) in _HOLDS


def held_submission(scheduler: str, command: str) -> str:
    """A dialect's command that submits, with the order to hold the script."""
    program, _, rest = command.partition(" ")
    held = _HOLDS[family(scheduler)][0]
    assert held.partition(" ")[0] == program, f"{program} is not how {scheduler} is spoken to"
    return f"{held} {rest}"


def release(scheduler: str, remote_job_id: str) -> str:
    """The command that lets a held script go."""
    return f"{_HOLDS[family(scheduler)][1]} {shlex.quote(remote_job_id)}"
