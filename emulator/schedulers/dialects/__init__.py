"""Schedulers of real machines, each in a module of its own; :func:`dialect_for` finds them by name."""

from __future__ import annotations

from collections.abc import Mapping

from emulator.schedulers.dialect import Dialect
from emulator.schedulers.dialects.cobalt import Cobalt
from emulator.schedulers.dialects.condor import Condor
from emulator.schedulers.dialects.fork import Fork
from emulator.schedulers.dialects.loadleveler import LoadLeveler
from emulator.schedulers.dialects.lsf import Lsf
from emulator.schedulers.dialects.pbs import Pbs
from emulator.schedulers.dialects.sge import GridEngine
from emulator.schedulers.dialects.slurm import Slurm
from emulator.schedulers.simulated import family

_TORQUE = Pbs(options="-f", history="")
_DIALECTS: Mapping[str, Dialect] = {
    "COBALT": Cobalt(),
    "CONDOR": Condor(),
    "FORK": Fork(),
    "LOADLEVELER": LoadLeveler(),
    "LSF": Lsf(),
    "MOAB": _TORQUE,
    "PBS": Pbs(options="-x -f", history="-x"),
    "SGE": GridEngine(),
    "SLURM": Slurm(),
    "TORQUE": _TORQUE,
}


def dialect_for(scheduler: str) -> Dialect:
    """The dialect of a scheduler of [wrapper-templates §2]; ``CUSTOM_`` ones speak like their families.

    Raises ValueError for any other name.
    """
    try:
        return _DIALECTS[family(scheduler)]
    except KeyError:
        raise ValueError(f"there is no scheduler of the name {scheduler}") from None
