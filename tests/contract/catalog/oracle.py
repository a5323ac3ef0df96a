"""What a search must find, worked out from the records themselves, without the program's own search code.

Operators and types as [conventions §4] has them: texts compare in any case, a negated operator also holds where
there is nothing, of several values any may match.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

OPERATORS = (
    "eq", "neq", "lt", "lte", "gt", "gte", "in", "nin", "like", "nlike", "rlike", "on", "before", "after", "between",
)  # fmt: skip
NEGATED = {"neq": "eq", "nin": "in", "nlike": "like"}
ABSENT = "9173"
"""A value that no record has, as text, number or word."""


@dataclass(frozen=True)
class Term:
    """A search term: its type, and how its values are got from a record (no value: nothing is stored)."""

    name: str
    kind: str
    values: Callable[[Any], Sequence[Any]]


@dataclass(frozen=True)
class Probe:
    """A search, and the records it must find; None: it must be refused."""

    operator: str
    text: str
    holds: Callable[[Any], bool] | None


def probes(term: Term, records: Sequence[Any]) -> Iterator[Probe]:
    """Searches with every operator, by values that records have and one that none has."""
    found = list(dict.fromkeys(value for record in records for value in term.values(record) if value != ""))
    for operator in OPERATORS:
        if not _allowed(term.kind, operator):
            yield Probe(operator, _text(found[0]) if found else "true", None)
            continue
        for text, meets in _tests(term.kind, NEGATED.get(operator, operator), found):
            yield Probe(operator, text, _holds(term, operator, meets))
    yield Probe("eq", "null", lambda record: not term.values(record))
    yield Probe("neq", "null", lambda record: bool(term.values(record)))


def _holds(term: Term, operator: str, meets: Callable[[Any], bool]) -> Callable[[Any], bool]:
    if operator in NEGATED:
        return lambda record: not any(meets(value) for value in term.values(record))
    return lambda record: any(meets(value) for value in term.values(record))


def _allowed(kind: str, operator: str) -> bool:
    if kind == "boolean":
        return operator in ("eq", "neq")
    if kind == "date":
        return operator not in ("in", "nin")
    return operator not in ("on", "before", "after", "between")


def _tests(kind: str, operator: str, found: list[Any]) -> Iterator[tuple[str, Callable[[Any], bool]]]:
    if kind == "boolean":
        yield from [
            ("True", lambda v: v is True),
            ("false", lambda v: v is False),
            ("1", lambda v: v is True),
        ]
    elif kind == "date":
        yield from _date_tests(operator, found)
    elif kind == "number":
        yield from _number_tests(operator, found)
    else:
        yield from _text_tests(kind, operator, found)


def _text_tests(kind: str, operator: str, found: list[str]) -> Iterator[tuple[str, Callable[[Any], bool]]]:
    some = found[:2] + ([ABSENT] if kind == "text" else [])
    for text in some:
        if operator == "eq":
            yield text.swapcase(), lambda v, t=text: v.lower() == t.lower()
        elif operator == "in":
            yield f"{text.upper()}, {some[-1]}", lambda v, t=text: v.lower() in (t.lower(), some[-1].lower())
        elif operator == "like":
            start, end = text[: len(text) // 2 or 1], text[len(text) // 2 :]
            yield f"{start.upper()}*", lambda v, s=start: v.lower().startswith(s.lower())
            yield f"*{end}", lambda v, e=end: v.lower().endswith(e.lower())
            yield f"*{start[-1]}*", lambda v, s=start: s[-1].lower() in v.lower()
            yield text, lambda v, t=text: v.lower() == t.lower()
        elif operator == "rlike":
            pattern = f"^{re.escape(text[:2])}.*{re.escape(text[-1])}$"
            yield pattern, lambda v, p=pattern: re.search(p, v) is not None
        else:
            compare = _ORDER[operator]
            yield text, lambda v, t=text, c=compare: c(v, t)


_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "lt": lambda a, b: a < b,
    "lte": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "gte": lambda a, b: a >= b,
}


def _number_tests(operator: str, found: list[Any]) -> Iterator[tuple[str, Callable[[Any], bool]]]:
    for number in [*found[:2], int(ABSENT)]:
        text = _text(number)
        if operator in ("eq", "like"):
            yield text, lambda v, n=number: v == n
        elif operator == "in":
            yield f"{text},{ABSENT}", lambda v, n=number: v in (n, int(ABSENT))
        elif operator in _ORDER:
            yield text, lambda v, n=number, c=_ORDER[operator]: c(v, n)


def _date_tests(operator: str, found: list[datetime]) -> Iterator[tuple[str, Callable[[Any], bool]]]:
    for when in found[:2]:
        text = when.isoformat()
        second = when.replace(microsecond=0)
        if operator in ("eq", "like"):
            yield text, lambda v, s=second: s <= v < s + timedelta(seconds=1)
            yield str(int(second.timestamp())), lambda v, s=second: s <= v < s + timedelta(seconds=1)
        elif operator == "on":
            yield when.date().isoformat(), lambda v, w=when: v.astimezone(UTC).date() == w.date()
        elif operator == "between":
            hour = timedelta(hours=30)
            yield (
                f"{(when - hour).isoformat()},{text}",
                lambda v, w=when, h=hour: w - h <= v <= w,
            )
            yield text, lambda v, s=second: s <= v < s + timedelta(seconds=1)
        elif operator in ("before", "after", *_ORDER):
            compare = _ORDER[{"before": "lt", "after": "gt"}.get(operator, operator)]
            yield text, lambda v, w=when, c=compare: c(v, w)


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
