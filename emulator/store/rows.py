"""What all repositories share: searches and pages compiled to SQL, JSON for documents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, and_, func, or_

from emulator.domain.search import Condition, Operator, Page

S = TypeVar("S", bound=Select[Any])


def where(columns: Mapping[str, ColumnElement[Any]], conditions: Iterable[Condition]) -> ColumnElement[bool]:
    """All conditions as one clause. A field that has no column here is a mistake of the caller: KeyError."""
    return and_(True, *(compile_condition(columns[c.field], c) for c in conditions))


def compile_condition(column: ColumnElement[Any], condition: Condition) -> ColumnElement[bool]:
    """One condition. Strings compare in any case, as the service's database does [conventions §4]."""
    value, op = condition.value, condition.operator
    if value is None:
        return column.is_(None) if op is Operator.EQ else column.is_not(None)
    if op in (Operator.EQ, Operator.ON, Operator.BETWEEN, Operator.NEQ):
        return _negate_unless(op is not Operator.NEQ, column, _equal(column, value))
    if op in (Operator.IN, Operator.NIN):
        members = or_(False, *(_equal(column, item) for item in value))
        return _negate_unless(op is Operator.IN, column, members)
    if op in (Operator.LIKE, Operator.NLIKE):
        return _negate_unless(op is Operator.LIKE, column, _like(column, value))
    if op is Operator.RLIKE:
        matches: ColumnElement[bool] = column.regexp_match(value)
        return matches
    compare: dict[Operator, ColumnElement[bool]] = {
        Operator.LT: column < value,
        Operator.BEFORE: column < value,
        Operator.LTE: column <= value,
        Operator.GT: column > value,
        Operator.AFTER: column > value,
        Operator.GTE: column >= value,
    }
    return compare[op]


def _equal(column: ColumnElement[Any], value: Any) -> ColumnElement[bool]:
    if isinstance(value, tuple):
        return and_(column >= value[0], column <= value[1])
    return _equal_text(column, value) if isinstance(value, str) else column == value


def _equal_text(column: ColumnElement[Any], text: str) -> ColumnElement[bool]:
    case = getattr(column, "info", {}).get("case")
    if case is None:
        folded: ColumnElement[bool] = func.lower(column) == func.lower(text)
        return folded
    # kept in one case only: the plain comparison can use an index
    return column == (text.upper() if case == "upper" else text.lower())


def _like(column: ColumnElement[Any], pattern: str) -> ColumnElement[bool]:
    escaped = pattern.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_").replace("*", "%")
    return func.lower(column).like(func.lower(escaped), escape="\\")


def _negate_unless(
    positive: bool, column: ColumnElement[Any], clause: ColumnElement[bool]
) -> ColumnElement[bool]:
    """A negated comparison also holds where nothing is stored."""
    return clause if positive else or_(~clause, column.is_(None))


def paged(query: S, columns: Mapping[str, ColumnElement[Any]], page: Page, tie: ColumnElement[Any]) -> S:
    """Order and cut. ``tie`` makes the order total, so that pages never overlap."""
    order = columns[page.order_by]
    ordered = query.order_by(
        order.desc() if page.descending else order.asc(), tie.desc() if page.descending else tie.asc()
    )
    return ordered.limit(page.limit).offset(page.offset)
