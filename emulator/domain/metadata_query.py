"""Queries on metadata in the manner of MongoDB: the conditions, and reading them from JSON [postits §B.3]."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from emulator.domain.errors import Invalid
from emulator.domain.metadata_patterns import Pattern, Wildcard, read_pattern, read_text_search
from emulator.domain.metadata_values import Path

DATES = ("created", "lastUpdated")
"""The fields that hold points in time."""
_MOST_TERMS = 2000
_LONGEST_PATH = 200
_COMPARISONS = ("$gt", "$gte", "$lt", "$lte")


@dataclass(frozen=True, slots=True)
class And:
    parts: tuple[Query, ...]


@dataclass(frozen=True, slots=True)
class Or:
    parts: tuple[Query, ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: Query


@dataclass(frozen=True, slots=True)
class Equal:
    """The value at the path, or an element of an array there, equals ``value``; null: or nothing is there."""

    path: Path
    value: Any


@dataclass(frozen=True, slots=True)
class Compare:
    """``operator`` is $gt, $gte, $lt or $lte; only values of the same type as ``value`` compare."""

    path: Path
    operator: str
    value: Any


@dataclass(frozen=True, slots=True)
class AnyOf:
    """``$in``: equal to one of the values, or like one of the patterns."""

    path: Path
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Like:
    """A string that the pattern is found in."""

    path: Path
    pattern: Pattern | Wildcard


@dataclass(frozen=True, slots=True)
class Exists:
    path: Path


@dataclass(frozen=True, slots=True)
class Size:
    """An array of so many elements."""

    path: Path
    count: int


@dataclass(frozen=True, slots=True)
class Element:
    """``$elemMatch``: an array with an element that meets ``query``.

    With ``plain`` the conditions are on the element itself (their paths are empty), else on its fields.
    """

    path: Path
    query: Query
    plain: bool


@dataclass(frozen=True, slots=True)
class Text:
    """``$text``: the strings of the whole document, taken together, hold what is searched."""

    search: Callable[[str], bool]


Query = And | Or | Not | Equal | Compare | AnyOf | Like | Exists | Size | Element | Text
EVERYTHING = And(())


def parse_query(
    document: Any, moment: Callable[[str], datetime | None], tick: Callable[[], None] = lambda: None
) -> Query:
    """Read a query document. ``moment`` reads what ``created`` and ``lastUpdated`` are compared with.

    ``tick`` is called whenever a pattern is tried; it may raise to end a search that takes too long.
    Raises Invalid: the message names the operator or field that is wrong.
    """
    if not isinstance(document, Mapping):
        raise malformed("a query must be a JSON object")
    return _Reader(moment, tick).query(document)


def malformed(what: str) -> Invalid:
    return Invalid(f"Malformed JSON Query, {what}")


class _Reader:
    def __init__(self, moment: Callable[[str], datetime | None], tick: Callable[[], None]) -> None:
        self._moment = moment
        self._tick = tick
        self._terms = 0

    def query(self, document: Mapping[str, Any], above: Path = (), top: bool = True) -> Query:
        """``above`` is where the document's names begin: inside ``$elemMatch`` they begin at the element."""
        parts = [self._clause(name, value, above, top) for name, value in document.items()]
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _clause(self, name: str, value: Any, above: Path, top: bool) -> Query:
        self._count()
        if name in ("$and", "$or", "$nor"):
            parts = self._several(name, value, above, top)
            if name == "$and":
                return And(parts)
            return Or(parts) if name == "$or" else Not(Or(parts))
        if name == "$text":
            return Text(read_text_search(value))
        if name.startswith("$"):
            raise malformed(f"unknown top level operator: {name}")
        path = (*above, *name.split("."))
        if len(path) > _LONGEST_PATH:
            raise malformed(f"a field has more than {_LONGEST_PATH} parts")
        if _is_operators(value):
            return self._tests(path, value, top)
        if top and isinstance(value, str) and "*" in value:
            return Like(path, Wildcard(value))
        return Equal(path, self._literal(path, value, top))

    def _several(self, name: str, value: Any, above: Path, top: bool) -> tuple[Query, ...]:
        if not isinstance(value, list) or not value or not all(isinstance(part, Mapping) for part in value):
            raise malformed(f"{name} must be a nonempty array of objects")
        return tuple(self.query(part, above, top) for part in value)

    def _tests(self, path: Path, operators: Mapping[str, Any], top: bool) -> Query:
        """All operators on one field."""
        if "$options" in operators and "$regex" not in operators:
            raise malformed("$options needs a $regex")
        parts = [
            self._test(path, name, value, operators, top)
            for name, value in operators.items()
            if name != "$options"
        ]
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _test(self, path: Path, name: str, value: Any, beside: Mapping[str, Any], top: bool) -> Query:
        self._count()
        if name in ("$eq", "$ne", "$date"):
            given = {"$date": value} if name == "$date" else value
            same = Equal(path, self._literal(path, given, top))
            return Not(same) if name == "$ne" else same
        if name in _COMPARISONS:
            return Compare(path, name, self._literal(path, value, top))
        if name in ("$in", "$nin"):
            among = AnyOf(path, tuple(self._member(path, one, top) for one in _array(name, value)))
            self._count(len(among.values))
            return Not(among) if name == "$nin" else among
        if name == "$regex":
            return Like(path, read_pattern(value, beside.get("$options"), self._tick))
        if name == "$exists":
            return Exists(path) if value else Not(Exists(path))
        if name == "$size":
            return Size(path, _size(value))
        if name == "$not":
            if not _is_operators(value):
                raise malformed("$not needs operators, as in {$not: {$gt: 5}}")
            return Not(self._tests(path, value, top))
        if name == "$all":
            return self._all(path, _array(name, value), top)
        if name == "$elemMatch":
            return self._element(path, value)
        raise malformed(f"unknown operator: {name}")

    def _all(self, path: Path, values: list[Any], top: bool) -> Query:
        self._count(len(values))
        if not values:
            return Or(())  # nothing has all of nothing, there
        parts = [
            self._element(path, one["$elemMatch"])
            if isinstance(one, Mapping) and set(one) == {"$elemMatch"}
            else AnyOf(path, (self._member(path, one, top),))
            for one in values
        ]
        return And(tuple(parts))

    def _element(self, path: Path, value: Any) -> Query:
        if not isinstance(value, Mapping):
            raise malformed("$elemMatch needs an object")
        plain = _is_operators(value) and not {"$and", "$or", "$nor"} & set(value)
        inner = self._tests((), value, False) if plain else self.query(value, (), False)
        return Element(path, inner, plain)

    def _member(self, path: Path, value: Any, top: bool) -> Any:
        if isinstance(value, Mapping) and "$regex" in value:
            return read_pattern(value["$regex"], value.get("$options"), self._tick)
        return self._literal(path, value, top)

    def _literal(self, path: Path, value: Any, top: bool) -> Any:
        """What a field is compared with; a point in time for the fields that hold one."""
        if not top or len(path) != 1 or path[0] not in DATES or value is None:
            if _is_operators(value):
                raise malformed(f"unknown operator: {next(iter(value))}")
            return value
        plain = value.get("$date") if isinstance(value, Mapping) else value
        found = None
        if isinstance(plain, str | int) and not isinstance(plain, bool):
            found = self._moment(str(plain)[:_LONGEST_PATH])
        if found is None:
            raise malformed(f"{path[0]} can only be compared with a date")
        return found

    def _count(self, more: int = 1) -> None:
        self._terms += more
        if self._terms > _MOST_TERMS:
            raise malformed(f"a query has at most {_MOST_TERMS} terms")


def _is_operators(value: Any) -> bool:
    """An object of operators, not one to be equal to; its first name decides."""
    return isinstance(value, Mapping) and next(iter(value), "").startswith("$")


def _array(name: str, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise malformed(f"{name} needs an array")
    return value


def _size(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value) or value < 0:
        raise malformed("$size needs a whole number, zero or more")
    return int(value)
