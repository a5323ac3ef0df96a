"""Searches in neutral form: a list of typed conditions, all of which must hold.

Dialects parse their own syntax into these; the store answers them [conventions §4].
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Operator(StrEnum):
    EQ = "eq"
    NEQ = "neq"
    LT = "lt"
    LTE = "lte"
    GT = "gt"
    GTE = "gte"
    IN = "in"
    NIN = "nin"
    LIKE = "like"
    NLIKE = "nlike"
    RLIKE = "rlike"
    ON = "on"
    BEFORE = "before"
    AFTER = "after"
    BETWEEN = "between"


@dataclass(frozen=True, slots=True)
class Condition:
    """``field`` is the neutral (snake_case) name of a stored field.

    ``value`` is typed as the field is: str, int, float, bool or datetime; None means "is (not) null" with
    EQ and NEQ; a list for IN and NIN; a pair (from, to), both included, for BETWEEN and for dates with EQ
    (that second) and ON (that day).
    """

    field: str
    operator: Operator
    value: Any


@dataclass(frozen=True, slots=True)
class Page:
    """``limit`` None means all. ``order_by`` names a stored field."""

    limit: int | None = 100
    offset: int = 0
    order_by: str = "last_updated"
    descending: bool = True


def like_regex(pattern: str) -> re.Pattern[str]:
    """``*`` stands for any run of characters, the rest for itself; any case, whole value."""
    parts = (re.escape(part) for part in pattern.split("*"))
    return re.compile(".*".join(parts), re.IGNORECASE | re.DOTALL)
