"""Dates in the forms that schedulers print them, as times in UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta


def iso(text: str, zone: timedelta = timedelta()) -> datetime | None:
    """``2026-11-23T04:10:20`` and its like; None for anything else (``Unknown``, ``N/A``).

    ``zone`` is how far the text's clock is ahead of UTC.
    """
    try:
        moment = datetime.fromisoformat(text.strip().replace("/", "-").replace(" ", "T"))
    except ValueError:
        return None
    try:
        return moment.astimezone(UTC) if moment.tzinfo else (moment - zone).replace(tzinfo=UTC)
    except OverflowError:
        return None


def epoch(text: str) -> datetime | None:
    """Seconds since 1970, with or without a fraction; None for anything else, and for 0."""
    found = re.fullmatch(r"\s*(\d{1,11})(?:[.,](\d{0,9})\S*)?\s*", text, re.ASCII)
    if not found or not int(found[1]):
        return None
    micro = int((found[2] or "0").ljust(6, "0")[:6])
    return datetime.fromtimestamp(int(found[1]), UTC).replace(microsecond=micro - micro % 1000)


def calendar(text: str) -> datetime | None:
    """``Mon Nov 23 04:00:00 2026``, as ctime has it, in UTC; None for anything else."""
    try:
        return datetime.strptime(" ".join(text.split()), "%a %b %d %H:%M:%S %Y").replace(tzinfo=UTC)
    except ValueError:
        return None


def zone_of(text: str) -> timedelta:
    """``+0530`` of ``date +%z``; none for anything else."""
    found = re.fullmatch(r"([+-])(\d{2})(\d{2})", text.strip(), re.ASCII)
    if not found:
        return timedelta()
    ahead = timedelta(hours=int(found[2]), minutes=int(found[3]))
    return ahead if found[1] == "+" else -ahead
