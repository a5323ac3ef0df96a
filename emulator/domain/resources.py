"""Amounts a job asks for: run times and memory, parsed and printed as the service does."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

_RUN_TIME = re.compile(r"([0-9]{1,4}):([0-5]\d):([0-5]\d)")
# no two parts of it can match the same text: it fails at once, however long the text is
_MEMORY = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*([EPTGMK]?)B?", re.IGNORECASE | re.ASCII)
# GB per unit; the service counts in steps of 1024 (512MB is 0.5) [systems §4.2]
_GB = {"E": 1024.0**3, "P": 1024.0**2, "T": 1024.0, "G": 1.0, "": 1.0, "M": 1 / 1024.0, "K": 1 / 1024.0**2}


def run_time_seconds(text: str) -> int | None:
    """Seconds of ``H[HHH]:MM:SS``; None for anything else [jobs §3.1]."""
    match = _RUN_TIME.fullmatch(text)
    return None if match is None else int(match[1]) * 3600 + int(match[2]) * 60 + int(match[3])


def run_time_text(seconds: int) -> str:
    """``HH:MM:SS``, hours with at least two digits."""
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def hours(seconds: int) -> float:
    """``maxHours`` of the record: 0 stays 0, up to 0.1 is 0.1, else rounded half up to 2 decimals [jobs §4.1]."""
    if seconds <= 0:
        return 0.0
    exact = Decimal(seconds) / 3600
    if exact <= Decimal("0.1"):
        return 0.1
    return float(exact.quantize(Decimal("0.01"), ROUND_HALF_UP))


def memory_gb(value: object) -> float | None:
    """Gigabytes of ``###.#[EPTGMK]B`` or of a plain number (GB); None for what is neither or negative."""
    if isinstance(value, bool):
        return None
    try:
        if isinstance(value, (int, float)):
            return float(value) if 0 <= value < float("inf") else None
        match = _MEMORY.fullmatch(value.strip()) if isinstance(value, str) else None
        return None if match is None else float(Decimal(match[1])) * _GB[match[2].upper()]
    except (InvalidOperation, OverflowError):  # JSON's whole numbers have no largest one
        return None


def number_text(value: float) -> int | float:
    """A JSON number without a needless ``.0`` [apps §3]."""
    return int(value) if float(value).is_integer() else value
