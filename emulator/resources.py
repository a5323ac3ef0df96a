"""Where the data that travels with the program lie: seeds, the course's material, the library of scenarios."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent


def fixtures() -> Path:
    """The directory of seeds and course files: inside the installed package, or beside it in a checkout."""
    packaged = _HERE / "_fixtures"
    return packaged if packaged.is_dir() else _HERE.parent / "fixtures"


def scenarios() -> Path:
    """The directory of the library of scenarios, found in the same way."""
    packaged = _HERE / "_scenarios"
    return packaged if packaged.is_dir() else _HERE.parent / "scenarios"
