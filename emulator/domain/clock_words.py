"""A clock as people ask for it, in a seed or in a request."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from emulator.domain.clock import ClockMode, ClockSetting
from emulator.domain.errors import EmulatorError, Invalid

_CLOCK = ("mode", "factor", "start")


def read_clock(given: Any, at: str = "clock") -> ClockSetting:
    """``frozen``, ``real``, ``x60`` or 60, or a mapping with mode, factor and start. Raises Invalid."""
    if type(given) in (int, float):
        given = {"mode": "scaled", "factor": given}
    if isinstance(given, str):
        given = {"mode": "scaled", "factor": given[1:]} if given[:1] in "x×" else {"mode": given}
    if not isinstance(given, Mapping):
        raise Invalid(
            f"{at}: must be real, frozen, x60 (or another factor), or a mapping with {', '.join(_CLOCK)}"
        )
    for name in given:
        if name not in _CLOCK:
            raise Invalid(f"{at}.{name}: there is no such field; there are {', '.join(_CLOCK)}")
    words = [mode.value for mode in ClockMode]
    mode = given.get("mode", "scaled" if "factor" in given else "frozen")
    if mode not in words:
        raise Invalid(f"{at}.mode: must be one of {', '.join(words)}, not {str(mode)[:60]!r}")
    if (mode == "scaled") != ("factor" in given):
        raise Invalid(f"{at}.factor: must be there for a scaled clock, and for no other")
    try:
        factor = float(given.get("factor", 1.0))
    except (TypeError, ValueError):
        raise Invalid(f"{at}.factor: must be a number") from None
    try:
        return ClockSetting(mode=ClockMode(mode), factor=factor, start=_moment(given.get("start"), at))
    except EmulatorError as error:
        raise Invalid(f"{at}: {error.message}") from error


def _moment(given: Any, at: str) -> datetime | None:
    if given is None:
        return None
    try:
        found = given if isinstance(given, datetime) else datetime.fromisoformat(given)
    except (TypeError, ValueError):
        raise Invalid(f"{at}.start: must be a time such as 2026-01-31T12:00:00Z") from None
    try:
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except OverflowError:
        raise Invalid(f"{at}.start: lies beyond all times") from None
