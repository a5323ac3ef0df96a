"""Searches of dialect v2: from query parameters to typed conditions [conventions §4]."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.api.v2.search import BOOLEAN, DATE, DECIMAL, INTEGER, TEXT, Terms, Words, parse
from emulator.domain.errors import Invalid
from emulator.domain.moments import parse_moment
from emulator.domain.search import Condition, Operator

NOW = datetime(2026, 11, 22, 10, 30, 15, 250_000, tzinfo=UTC)  # a Sunday
TERMS: Terms = {
    "name": ("name", TEXT),
    "storage.host": ("storage.host", TEXT),
    "revision": ("revision", INTEGER),
    "maxhours": ("max_hours", DECIMAL),
    "public": ("public", BOOLEAN),
    "lastupdated": ("last_updated", DATE),
    "status": ("status", Words("system status", ("UP", "DOWN"), {"BROKEN": "DOWN"})),
}


def one(name: str, text: str) -> Condition:
    (condition,) = parse([(name, text)], TERMS, NOW)
    return condition


def at(*parts: int, millis: int = 0) -> datetime:
    return datetime(*parts, microsecond=millis * 1000, tzinfo=UTC)  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("name", "wc", ("name", "eq", "wc")),
        ("NAME.Like", "*wc*", ("name", "like", "*wc*")),
        ("name.nin", "a, b", ("name", "nin", ["a", "b"])),
        ("name", "null", ("name", "eq", None)),
        ("name.neq", "null", ("name", "neq", None)),
        ("name.like", "null", ("name", "like", "null")),
        ("storage.host", "h", ("storage.host", "eq", "h")),
        ("Storage.Host.rlike", "^h[0-9]$", ("storage.host", "rlike", "^h[0-9]$")),
        ("revision.gt", "2", ("revision", "gt", 2)),
        ("revision.in", "1,2", ("revision", "in", [1, 2])),
        ("revision.like", "7", ("revision", "eq", 7)),
        ("maxhours.lte", "0.5", ("max_hours", "lte", 0.5)),
        ("maxhours", "1e3", ("max_hours", "eq", 1000.0)),
        ("public", "True", ("public", "eq", True)),
        ("public.neq", "yes", ("public", "neq", True)),
        ("public", "2", ("public", "eq", False)),
        ("public", "1", ("public", "eq", True)),
        ("public", "nonsense", ("public", "eq", False)),
        ("status", "up", ("status", "eq", "UP")),
        ("status.in", "up,Broken", ("status", "in", ["UP", "DOWN"])),
        ("status.like", "D*", ("status", "like", "D*")),
        ("lastupdated.gt", "2026-11-20", ("last_updated", "gt", at(2026, 11, 20))),
        ("lastupdated.before", "yesterday", ("last_updated", "before", at(2026, 11, 21))),
    ],
)
def test_condition(name: str, text: str, expected: tuple[str, str, Any]) -> None:
    field, operator, value = expected
    assert one(name, text) == Condition(field, Operator(operator), value)


def test_dates_with_eq_are_a_second_and_with_on_a_day() -> None:
    second = (at(2026, 1, 2, 3, 4, 5), at(2026, 1, 2, 3, 4, 5, millis=999))
    assert one("lastupdated", "2026-01-02T03:04:05.123Z").value == second
    assert one("lastupdated.between", "2026-01-02T03:04:05Z").value == second
    day = (at(2026, 1, 2), at(2026, 1, 2, 23, 59, 59, millis=999))
    assert one("lastupdated.on", "2026-01-02T03:04:05Z").value == day
    span = (at(2026, 1, 2), at(2026, 1, 3))
    assert one("lastupdated.between", "2026-01-02,2026-01-03") == Condition(
        "last_updated", Operator.BETWEEN, span
    )


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("Revision", "many", "Illegal integer value for revision"),
        ("revision.in", "1,b", "Illegal integer value for revision"),
        ("revision", "9" * 30, "Illegal integer value for revision"),
        ("revision.like", "1*", "Illegal integer value for revision"),
        ("maxhours", "NaN", "Illegal decimal value for maxhours"),
        ("lastUpdated", "soon", "Illegal date format for lastupdated"),
        (
            "lastupdated.in",
            "2026-01-01",
            "Illegal use of IN operation for lastupdated. To query multiple dates, plese specify a comma "
            "separated date range consisting of a start and end date/time expression.",
        ),
        (
            "lastupdated.between",
            "2026-01-01,2026-01-02,2026-01-03",
            "Illegal date range format for lastupdated. Please specify a comma separated date range "
            "consisting of a start and end date/time expression.",
        ),
        (
            "public.like",
            "t*",
            "Illegal search term operator for public. Boolean search terms may only be compared by equality. "
            "Please specify one of public.EQ or public.NEQ.",
        ),
        ("status", "sleepy", "Unknown system status sleepy"),
        ("status.in", "UP,sleepy", "Unknown system status sleepy"),
        (
            "name.before",
            "x",
            "Illegal search term operator for name. BEFORE may only be used with dates.",
        ),
    ],
)
def test_refused(name: str, text: str, message: str) -> None:
    with pytest.raises(Invalid) as refusal:
        one(name, text)
    assert refusal.value.message == message


def test_regular_expressions_that_do_not_compile_are_refused() -> None:
    with pytest.raises(Invalid, match="Illegal regular expression for name"):
        one("name.rlike", "(")


def test_other_parameters_are_ignored_and_the_rest_must_all_hold() -> None:
    query = [("limit", "x"), ("name", "a"), ("storage.nothing", "1"), ("name.neq", "b"), ("pretty", "true")]
    assert [(c.operator.value, c.value) for c in parse(query, TERMS, NOW)] == [("eq", "a"), ("neq", "b")]


def test_too_many_terms_are_refused() -> None:
    with pytest.raises(Invalid, match="Too many search terms"):
        parse([("name", "a")] * 101, TERMS, NOW)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2020-01-02T03:04:05+02:00", at(2020, 1, 2, 1, 4, 5)),
        ("2020-01-02T03:04:05 02:00", at(2020, 1, 2, 1, 4, 5)),  # a "+" lost in the query
        ("2020-01-02t03:04z", at(2020, 1, 2, 3, 4)),
        ("20200102", at(2020, 1, 2)),
        ("1577934245", at(2020, 1, 2, 3, 4, 5)),
        ("1577934245123", at(2020, 1, 2, 3, 4, 5, millis=123)),
        ("now", NOW),
        ("Today", at(2026, 11, 22)),
        ("tomorrow", at(2026, 11, 23)),
        ("3 days ago", NOW - timedelta(days=3)),
        ("an hour ago", NOW - timedelta(hours=1)),
        ("-1 week", NOW - timedelta(weeks=1)),
        ("+2 minutes", NOW + timedelta(minutes=2)),
        ("last month", at(2026, 10, 22, 10, 30, 15, millis=250)),
        ("next year", at(2027, 11, 22, 10, 30, 15, millis=250)),
        ("monday", at(2026, 11, 23)),
        ("sunday", at(2026, 11, 22)),
        ("last sunday", at(2026, 11, 15)),
        ("last friday", at(2026, 11, 20)),
        ("next sunday", at(2026, 11, 29)),
        ("soon", None),
        ("", None),
        ("999999 years ago", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("999999999999999", None),
    ],
)
def test_moments(text: str, expected: datetime | None) -> None:
    assert parse_moment(text, NOW) == expected


def test_months_end_where_the_shorter_month_ends() -> None:
    assert parse_moment("+1 month", at(2026, 1, 31)) == at(2026, 2, 28)


@given(st.text(max_size=40))
def test_any_text_is_a_moment_or_none(text: str) -> None:
    moment = parse_moment(text, NOW)
    assert moment is None or moment.tzinfo is not None


@given(name=st.sampled_from([*TERMS, "other"]), operator=st.sampled_from(list(Operator)), text=st.text())
def test_any_value_gives_conditions_or_a_refusal(name: str, operator: Operator, text: str) -> None:
    try:
        found = parse([(f"{name}.{operator}", text)], TERMS, NOW)
    except Invalid as refusal:
        assert refusal.message
    else:
        assert len(found) == (name in TERMS)
