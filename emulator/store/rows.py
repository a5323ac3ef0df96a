"""What all repositories share: searches and pages compiled to SQL, JSON for documents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Select,
    String,
    and_,
    column,
    exists,
    func,
    or_,
    select,
    type_coerce,
)

from emulator.domain.search import Condition, Operator, Page

S = TypeVar("S", bound=Select[Any])
_POSITIVE = {Operator.NEQ: Operator.EQ, Operator.NIN: Operator.IN, Operator.NLIKE: Operator.LIKE}


class Several(Protocol):
    """A field with any number of values.

    A condition holds where any value meets it; a negated one where none meets its opposite.
    """

    def compile(self, condition: Condition) -> ColumnElement[bool]:
        """The condition as a clause about the row that has the values."""


class _AnyOf:
    def compile(self, condition: Condition) -> ColumnElement[bool]:
        if condition.value is None:
            some = self._any(replace(condition, operator=Operator.NEQ))
            return ~some if condition.operator is Operator.EQ else some
        positive = _POSITIVE.get(condition.operator)
        if positive is not None:
            return ~self._any(replace(condition, operator=positive))
        return self._any(condition)

    def _any(self, condition: Condition) -> ColumnElement[bool]:
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Elements(_AnyOf):
    """A JSON array in ``document``: searched by the field ``name`` of its objects, or by its own texts.

    ``kind`` is string, integer, float or boolean.
    """

    document: ColumnElement[Any]
    array: str
    name: str | None = None
    kind: str = "string"

    def _any(self, condition: Condition) -> ColumnElement[bool]:
        each = func.json_each(self.document, f"$.{self.array}").table_valued(column("value", JSON))
        if self.name is None:
            value: ColumnElement[Any] = type_coerce(each.c.value, String)
        else:
            value = getattr(each.c.value[self.name], f"as_{self.kind}")()
        return exists().select_from(each).where(compile_condition(value, condition))


@dataclass(frozen=True, slots=True)
class Related(_AnyOf):
    """Values in a table of their own, found by its index: ``key`` there names the row that ``own`` is here.

    ``within`` is what else holds for the values meant.
    """

    own: ColumnElement[Any]
    key: Column[Any]
    value: Column[Any]
    within: ColumnElement[bool]

    def _any(self, condition: Condition) -> ColumnElement[bool]:
        return self.own.in_(select(self.key).where(self.within, compile_condition(self.value, condition)))


Searchable = Mapping[str, ColumnElement[Any] | Several]


def where(columns: Searchable, conditions: Iterable[Condition]) -> ColumnElement[bool]:
    """All conditions as one clause. A field that has no column here is a mistake of the caller: KeyError."""
    return and_(True, *(_clause(columns[condition.field], condition) for condition in conditions))


def _clause(found: ColumnElement[Any] | Several, condition: Condition) -> ColumnElement[bool]:
    if isinstance(found, ColumnElement):
        return compile_condition(found, condition)
    return found.compile(condition)


def compile_condition(column: ColumnElement[Any], condition: Condition) -> ColumnElement[bool]:
    """One condition. Strings compare in any case, as the service's database does [conventions §4]."""
    value, op = condition.value, condition.operator
    if value is None:
        return column.is_(None) if op is Operator.EQ else column.is_not(None)
    if op in (Operator.EQ, Operator.ON, Operator.BETWEEN, Operator.NEQ):
        return _negate_unless(op is not Operator.NEQ, column, _equal(column, value))
    if op in (Operator.IN, Operator.NIN):
        return _negate_unless(op is Operator.IN, column, _among(column, value))
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


def _among(column: ColumnElement[Any], values: list[Any]) -> ColumnElement[bool]:
    """A list instead of a chain of ORs, whose length databases limit."""
    if not all(isinstance(value, str) for value in values):
        return column.in_(values)
    folded, texts = _folded(column, values)
    return folded.in_(texts)


def _equal_text(column: ColumnElement[Any], text: str) -> ColumnElement[bool]:
    folded, (value,) = _folded(column, [text])
    equal: ColumnElement[bool] = folded == value
    return equal


def _folded(column: ColumnElement[Any], texts: list[str]) -> tuple[ColumnElement[Any], list[Any]]:
    """A column and texts in the same case, to be compared in any case."""
    case = getattr(column, "info", {}).get("case")
    if case is None:
        return func.lower(column), [func.lower(text) for text in texts]
    if case == "exact":
        return column, list(texts)
    if case == "any":  # its indexes are in NOCASE, which folds as LOWER does, and can answer without the row
        return column.collate("NOCASE"), list(texts)
    # kept in one case only: the plain comparison can use an index
    return column, [text.upper() if case == "upper" else text.lower() for text in texts]


def _like(column: ColumnElement[Any], pattern: str) -> ColumnElement[bool]:
    if "*" not in pattern:  # an index answers that
        return _equal_text(column, pattern)
    escaped = pattern.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_").replace("*", "%")
    return func.lower(column).like(func.lower(escaped), escape="\\")


def _negate_unless(
    positive: bool, column: ColumnElement[Any], clause: ColumnElement[bool]
) -> ColumnElement[bool]:
    """A negated comparison also holds where nothing is stored."""
    return clause if positive else or_(~clause, column.is_(None))


def paged(query: S, columns: Searchable, page: Page, tie: ColumnElement[Any]) -> S:
    """Order and cut. ``tie`` makes the order total, so that pages never overlap."""
    order = columns[page.order_by]
    if not isinstance(order, ColumnElement):
        raise KeyError(page.order_by)
    ordered = query.order_by(
        order.desc() if page.descending else order.asc(), tie.desc() if page.descending else tie.asc()
    )
    return ordered.limit(page.limit).offset(page.offset)
