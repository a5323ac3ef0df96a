"""Schedulers of real machines, each in a module of its own; :func:`dialect_for` finds them by name."""

from __future__ import annotations

from collections.abc import Mapping

from emulator.schedulers.dialect import Dialect
from emulator.schedulers.dialects.condor import Condor
from emulator.schedulers.dialects.fork import Fork
from emulator.schedulers.dialects.slurm import Slurm
from emulator.schedulers.simulated import family

_DIALECTS: Mapping[str, Dialect] = {
    "CONDOR": Condor(),
    "FORK": Fork(),
    "SLURM": Slurm(),
}


def dialect_for(scheduler: str) -> Dialect:
    """The dialect of a scheduler of [wrapper-templates §2]; ``CUSTOM_`` ones speak like their families.

    Raises ValueError for any other name.
    """
    try:
        return _DIALECTS[family(scheduler)]
    except KeyError:
        raise ValueError(f"there is no scheduler of the name {scheduler}") from None
