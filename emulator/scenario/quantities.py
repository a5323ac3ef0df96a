"""Durations, sizes, shares and times as scenarios write them; ValueError says what was expected."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from emulator.domain.scenario import Flap, Moment, Turns

_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+|\d+(?:\.\d+)?", re.ASCII)
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)?", re.ASCII)
_SECONDS = {"ms": 0.001, "": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_LONGEST = 100 * 365 * 86400
_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?([kmgt]?i?b)?", re.ASCII | re.IGNORECASE)
_BYTES: dict[str, int] = {
    f"{prefix}{binary}b": base**power
    for power, prefix in enumerate(("", "k", "m", "g", "t"))
    for binary, base in (("", 1000), ("i", 1024))
}
_LARGEST = 2**62
_WHOLE = re.compile(r"\d{1,15}", re.ASCII)
_RANGE = re.compile(r"(\d{1,15})\.\.(\d{1,15})?", re.ASCII)
_EVERY = re.compile(r"every (\d{1,15})", re.ASCII)
_COUNTED = {"once": 1, "twice": 2, "forever": None}
_FLAGS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def duration(text: str) -> float:
    """Seconds: ``90``, ``1.5s``, ``250ms``, ``10m``, ``48h``, ``7d``, ``1h30m``."""
    if _DURATION.fullmatch(text):
        seconds = sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text))
        if seconds <= _LONGEST:
            return seconds
    raise ValueError("a duration such as 90, 1.5s, 10m, 48h or 7d")


def size(text: str) -> int:
    """Bytes: ``1000``, ``64KiB``, ``10MB``."""
    found = _SIZE.fullmatch(text)
    if found:
        number = round(float(found[1]) * _BYTES[(found[2] or "b").lower()])
        if number <= _LARGEST:
            return number
    raise ValueError("a size such as 1000, 64KiB or 10MB")


def rate(text: str) -> int:
    """Bytes per second: a size, ``/s`` may follow."""
    try:
        found = size(text.removesuffix("/s").rstrip())
    except ValueError:
        found = 0
    if not found:
        raise ValueError("a rate such as 64KiB/s or 1MB/s")
    return found


def share(text: str) -> float:
    """From 0 to 1: ``0.3``, ``30%``, ``1/3``."""
    part, _, of = text.partition("/")
    if _WHOLE.fullmatch(part) and _WHOLE.fullmatch(of) and 0 < int(of) >= int(part):
        return int(part) / int(of)
    percent = text.endswith("%")
    digits = text.removesuffix("%").strip()
    if re.fullmatch(r"\d+(?:\.\d+)?|\.\d+", digits, re.ASCII):
        found = float(digits) / (100 if percent else 1)
        if found <= 1:
            return found
    raise ValueError("a share from 0 to 1, such as 0.3, 30% or 1/3")


def whole(text: str) -> int:
    """A whole number, 0 or more."""
    if _WHOLE.fullmatch(text):
        return int(text)
    raise ValueError("a whole number, 0 or more")


def flag(text: str) -> bool:
    if text.lower() in _FLAGS:
        return _FLAGS[text.lower()]
    raise ValueError("true or false")


def times(text: str) -> int | None:
    """How often; None for ever."""
    if text.lower() in _COUNTED:
        return _COUNTED[text.lower()]
    if _WHOLE.fullmatch(text) and int(text):
        return int(text)
    raise ValueError("a number from 1 on, once, twice or forever")


def turns(texts: list[str]) -> Turns:
    """``2``, ``2..5``, ``3..``, several of these, or ``every 3``."""
    every = _EVERY.fullmatch(texts[0]) if len(texts) == 1 else None
    if every and int(every[1]):
        return Turns(every=int(every[1]))
    return Turns(ranges=tuple(_range(text) for text in texts))


def _range(text: str) -> tuple[int, int | None]:
    found = _RANGE.fullmatch(text)
    if found:
        first, last = int(found[1]), None if found[2] is None else int(found[2])
    elif _WHOLE.fullmatch(text):
        first = last = int(text)
    else:
        first, last = 0, None
    if not first or (last is not None and last < first):
        raise ValueError("which occasions are meant, counted from 1: 2, 2..5, 3.., [1, 4] or every 3")
    return first, last


def moment(text: str) -> Moment:
    """``+10m`` after arming, or a time: ``2026-11-23T10:00:00Z`` (UTC where it names no zone)."""
    try:
        return timedelta(seconds=duration(text.removeprefix("+")))
    except ValueError:
        pass
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("a time after arming such as +10m, or one such as 2026-11-23T10:00:00Z") from None


def end(text: str) -> Moment:
    """As :func:`moment`, but not the moment of arming."""
    found = moment(text)
    if not found:
        raise ValueError("later than arming, else it would never strike")
    return found


def flap(text: str) -> Flap:
    """``30s/10s``: strikes for 30 s, is silent for 10 s, and so on."""
    on, _, off = text.partition("/")
    try:
        found = Flap(timedelta(seconds=duration(on.strip())), timedelta(seconds=duration(off.strip())))
    except ValueError:
        found = Flap(timedelta(), timedelta())
    if not found.on or not found.off:
        raise ValueError("how long it strikes and how long it is silent, such as 30s/10s")
    return found
