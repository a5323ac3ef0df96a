"""Points in time as people and clients write them in searches [conventions §4]."""

from __future__ import annotations

import calendar
import re
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_MILLIS = 10**11  # smaller numbers are seconds [jobs §6.2]
_SECONDS = {"sec": 1, "second": 1, "min": 60, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}
_MONTHS = {"month": 1, "year": 12}
_DAYS = {name.lower(): number for number, name in enumerate(calendar.day_name)}
_UNIT = "(" + "|".join([*_SECONDS, *_MONTHS]) + ")s?"
_SHIFT = re.compile(rf"([+-]?)\s*([0-9]{{1,6}}|an?)\s+{_UNIT}(\s+ago)?")
_NEIGHBOUR = re.compile(rf"(last|next)\s+(?:{_UNIT}|({'|'.join(_DAYS)}))")
# a "+" that was not escaped in the query arrives as a space
_LOST_PLUS = re.compile(r"(T[0-9:.]+) ([0-9]{2}:?[0-9]{2})")


def utc_text(moment: datetime) -> str:
    """``2020-09-21T01:30:08.000Z``: with milliseconds, whatever zone it comes in [conventions §6]."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def parse_moment(text: str, now: datetime) -> datetime | None:
    """The moment, in UTC, that ISO 8601, an epoch number or an English phrase names; None for anything else.

    Times without a zone are UTC. Numbers below 10^11 are seconds, others milliseconds; eight digits that
    make a date are one. Phrases: ``now``, ``today``, ``yesterday``, ``tomorrow``, ``3 days ago``,
    ``+2 weeks``, ``last month``, ``next friday``, ``monday``.
    """
    tidy = " ".join(text.split())
    try:
        return _iso(tidy) or _number(tidy) or _phrase(tidy.lower(), now.astimezone(UTC))
    except (OverflowError, ValueError):  # before the year 1 or after 9999
        return None


def same_second(moment: datetime) -> tuple[datetime, datetime]:
    """The first and the last millisecond of the second."""
    start = moment.replace(microsecond=0)
    return start, start + timedelta(milliseconds=999)


def same_day(moment: datetime) -> tuple[datetime, datetime]:
    """The first and the last millisecond of the day, in UTC."""
    start = _midnight(moment.astimezone(UTC))
    return start, start + timedelta(days=1, milliseconds=-1)


def _iso(text: str) -> datetime | None:
    if text.isdigit() and len(text) != len("20261120"):
        return None
    try:
        moment = datetime.fromisoformat(_LOST_PLUS.sub(r"\1+\2", text.upper()))
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _number(text: str) -> datetime | None:
    if not re.fullmatch("[0-9]{1,15}", text, re.ASCII):
        return None
    number = int(text)
    return _EPOCH + timedelta(milliseconds=number if number >= _FIRST_MILLIS else number * 1000)


def _phrase(text: str, now: datetime) -> datetime | None:
    days = {"today": 0, "midnight": 0, "yesterday": -1, "tomorrow": 1}
    if text == "now":
        return now
    if text in days:
        return _midnight(now) + timedelta(days=days[text])
    if text in _DAYS:
        return _midnight(now) + timedelta(days=(_DAYS[text] - now.weekday()) % 7)
    shift = _SHIFT.fullmatch(text)
    if shift:
        sign, count, unit, ago = shift.groups()
        back = (sign == "-") != bool(ago)
        return _moved(now, (-1 if back else 1) * (int(count) if count.isdigit() else 1), unit)
    neighbour = _NEIGHBOUR.fullmatch(text)
    if neighbour:
        which, unit, day = neighbour.groups()
        step = 1 if which == "next" else -1
        return _moved(now, step, unit) if unit else _weekday(now, _DAYS[day], step)
    return None


def _moved(moment: datetime, count: int, unit: str) -> datetime:
    if unit in _SECONDS:
        return moment + timedelta(seconds=count * _SECONDS[unit])
    month = moment.year * 12 + moment.month - 1 + count * _MONTHS[unit]
    year, month = month // 12, month % 12 + 1
    if not 1 <= year <= 9999:
        raise OverflowError(year)
    return moment.replace(year=year, month=month, day=min(moment.day, calendar.monthrange(year, month)[1]))


def _weekday(now: datetime, day: int, step: int) -> datetime:
    """The nearest such day after (before) today, today itself not counting."""
    distance = (day - now.weekday()) % 7 or 7
    return _midnight(now) + timedelta(days=distance if step > 0 else (distance - 7) or -7)


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)
