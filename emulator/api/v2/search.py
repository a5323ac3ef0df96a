"""Searches in the query string: ``?<field>[.<operator>]=<value>`` [conventions §4].

A service keeps a table of its terms, lower-case public name to stored field and type::

    TERMS: Terms = {
        "name": ("name", TEXT),
        "lastupdated": ("last_updated", DATE),
        "storage.port": ("storage.port", INTEGER),
        "status": ("status", Words("system status", SystemStatus)),
    }

and its handler asks for the conditions of the current request::

    services().systems.listing(caller(), search.conditions(TERMS), bodies.page())

All parameters must hold. Field names and operators are taken in any case. Parameters whose field is not
in the table are ignored, so that ``limit``, ``pretty`` and the like need no mention.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Protocol

from flask import request

from emulator.api.edge import now as current
from emulator.domain import patterns
from emulator.domain.errors import Invalid
from emulator.domain.moments import parse_moment, same_day, same_second
from emulator.domain.search import Condition, Operator

_MOST_CONDITIONS = 100  # far above any search in the wild; databases limit the depth of expressions
_OPERATORS = frozenset(operator.value for operator in Operator)
_SEVERAL = (Operator.IN, Operator.NIN)
_PATTERNS = (Operator.LIKE, Operator.NLIKE, Operator.RLIKE)
_OF_DATES = (Operator.ON, Operator.BEFORE, Operator.AFTER, Operator.BETWEEN)
_TRUE_WORDS = ("true", "t", "on", "yes", "y")


class TermType(Protocol):
    """How the values of a term are read. ``term`` is its lower-case name, for messages."""

    def read(self, term: str, operator: Operator, text: str, now: datetime) -> tuple[Operator, Any]:
        """The condition's operator and typed value. Raises Invalid with the service's words."""


Terms = Mapping[str, tuple[str, TermType]]


def conditions(terms: Terms) -> list[Condition]:
    """The search of the current request. Raises Invalid (400) for values that do not fit their field."""
    return parse(request.args.items(multi=True), terms, current())


def parse(query: Iterable[tuple[str, str]], terms: Terms, now: datetime) -> list[Condition]:
    """The conditions that name-value pairs of a query stand for; ``now`` gives phrases their meaning."""
    found: list[Condition] = []
    for name, text in query:
        term, operator = _split(name.lower())
        if term not in terms:
            continue
        field, kind = terms[term]
        if text == "null" and operator in (Operator.EQ, Operator.NEQ):
            found.append(Condition(field, operator, None))
        else:
            found.append(Condition(field, *kind.read(term, operator, text, now)))
    if len(found) > _MOST_CONDITIONS:
        raise Invalid(f"Too many search terms. At most {_MOST_CONDITIONS} may be combined.")
    return found


def names_field(terms: Iterable[str]) -> bool:
    """Whether the query has a parameter for one of the (lower-case) terms, under any operator."""
    wanted = set(terms)
    return any(_split(name.lower())[0] in wanted for name in request.args)


def _split(name: str) -> tuple[str, Operator]:
    """The field and the operator; a last part that is no operator belongs to the field."""
    field, dot, last = name.rpartition(".")
    return (field, Operator(last)) if dot and last in _OPERATORS else (name, Operator.EQ)


class _Text:
    def read(self, term: str, operator: Operator, text: str, _now: datetime) -> tuple[Operator, Any]:
        if operator in _OF_DATES:
            raise Invalid(
                f"Illegal search term operator for {term}. {operator.upper()} may only be used with dates."
            )
        if operator in _SEVERAL:
            return operator, _members(text)
        if operator is Operator.RLIKE:
            _check_regex(term, text)
        return operator, text


class _Number:
    def __init__(self, kind: type[int] | type[float], what: str, pattern: str) -> None:
        self._kind = kind
        self._what = what
        self._pattern = re.compile(pattern, re.ASCII)

    def read(self, term: str, operator: Operator, text: str, now: datetime) -> tuple[Operator, Any]:
        if operator in _SEVERAL:
            return operator, [self._number(term, member) for member in _members(text)]
        if operator in _PATTERNS:  # a number without wildcards is like itself only
            equality = Operator.NEQ if operator is Operator.NLIKE else Operator.EQ
            return equality, self._number(term, text)
        TEXT.read(term, operator, text, now)  # the operators of dates are refused alike
        return operator, self._number(term, text)

    def _number(self, term: str, text: str) -> int | float:
        if not self._pattern.fullmatch(text.strip()):
            raise Invalid(f"Illegal {self._what} value for {term}")
        return self._kind(text.strip())


class _Boolean:
    def read(self, term: str, operator: Operator, text: str, _now: datetime) -> tuple[Operator, Any]:
        if operator not in (Operator.EQ, Operator.NEQ):
            raise Invalid(
                f"Illegal search term operator for {term}. Boolean search terms may only be compared by "
                f"equality. Please specify one of {term}.EQ or {term}.NEQ."
            )
        return operator, read_boolean(text)


class _Date:
    def read(self, term: str, operator: Operator, text: str, now: datetime) -> tuple[Operator, Any]:
        if operator in _SEVERAL:
            raise Invalid(
                f"Illegal use of {operator.upper()} operation for {term}. To query multiple dates, plese "
                "specify a comma separated date range consisting of a start and end date/time expression."
            )
        if operator is Operator.BETWEEN:
            return operator, self._range(term, text, now)
        moment = self._moment(term, text, now)
        if operator is Operator.ON:
            return operator, same_day(moment)
        if operator is Operator.NEQ or operator is Operator.NLIKE:
            return Operator.NEQ, same_second(moment)
        if operator is Operator.EQ or operator in _PATTERNS:
            return Operator.EQ, same_second(moment)
        return operator, moment

    def _range(self, term: str, text: str, now: datetime) -> tuple[datetime, datetime]:
        ends = text.split(",")
        if len(ends) > 2:
            raise Invalid(
                f"Illegal date range format for {term}. Please specify a comma separated date range "
                "consisting of a start and end date/time expression."
            )
        if len(ends) == 1:
            return same_second(self._moment(term, text, now))
        return self._moment(term, ends[0], now), self._moment(term, ends[1], now)

    def _moment(self, term: str, text: str, now: datetime) -> datetime:
        moment = parse_moment(text, now)
        if moment is None:
            raise Invalid(f"Illegal date format for {term}")
        return moment


class Words:
    """A field with a fixed set of upper-case values; an alias may stand for one of them."""

    def __init__(self, what: str, words: Iterable[str], aliases: Mapping[str, str] | None = None) -> None:
        """``what`` names the set in the message: ``Unknown <what> <value>``."""
        self._what = what
        self._words = {word.upper(): word for word in words} | dict(aliases or {})

    def read(self, term: str, operator: Operator, text: str, now: datetime) -> tuple[Operator, Any]:
        if operator in _SEVERAL:
            return operator, [self._word(member) for member in _members(text)]
        if operator in (Operator.EQ, Operator.NEQ):
            return operator, self._word(text)
        return TEXT.read(term, operator, text, now)

    def _word(self, text: str) -> str:
        if text.strip().upper() not in self._words:
            raise Invalid(f"Unknown {self._what} {text}")
        return self._words[text.strip().upper()]


TEXT = _Text()
INTEGER = _Number(int, "integer", "[+-]?[0-9]{1,18}")
DECIMAL = _Number(float, "decimal", r"[+-]?([0-9]{1,30}\.?[0-9]{0,30}|\.[0-9]{1,30})([eE][+-]?[0-9]{1,2})?")
BOOLEAN = _Boolean()
DATE = _Date()


def read_boolean(text: str) -> bool:
    """``1`` and the words for true, in any case; everything else is false."""
    return text.strip() == "1" or text.strip().lower() in _TRUE_WORDS


def _members(text: str) -> list[str]:
    return [member.strip() for member in text.split(",")]


def _check_regex(term: str, text: str) -> None:
    try:
        patterns.check(text)
    except patterns.BadPattern as error:
        raise Invalid(f"Illegal regular expression for {term}. {error}") from error
