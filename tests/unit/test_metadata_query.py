"""Queries on metadata in the manner of MongoDB: what matches, and what is refused [postits §B.3]."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from emulator.domain.errors import Invalid
from emulator.domain.metadata_match import matches
from emulator.domain.metadata_query import parse_query
from emulator.domain.moments import parse_moment

NOW = datetime(2026, 11, 23, tzinfo=UTC)
DOCUMENT = {
    "uuid": "1-012",
    "name": "Mississippi *River*",
    "owner": "testuser",
    "schemaId": None,
    "associationIds": ["1-007", "2-002"],
    "created": datetime(2026, 11, 20, 12, 0, 0, 5000, tzinfo=UTC),
    "value": {
        "flag": True,
        "count": 1,
        "text": "Hello\nwide World",
        "nothing": None,
        "empty": [],
        "tags": ["red", "Green"],
        "levels": [0, 10],
        "grid": [[1, 2], [3]],
        "samples": [{"id": 1, "depth": 5, "by": {"who": "ann"}}, {"id": 2, "depth": [7, 9]}, 5],
        "point": {"x": 1, "y": 2},
    },
}


def found(query: dict[str, Any]) -> bool:
    return matches(parse_query(query, lambda text: parse_moment(text, NOW)), DOCUMENT)


def refusal(query: Any) -> str:
    with pytest.raises(Invalid) as error:
        found(query)
    return error.value.message


MATCHING: list[dict[str, Any]] = [
    {},
    {"owner": "testuser", "value.count": 1},
    {"value.count": 1.0},
    {"associationIds": "1-007"},
    {"associationIds": ["1-007", "2-002"]},
    {"schemaId": None},
    {"value.nothing": None},
    {"value.absent": None},
    {"value.count.deeper": None},
    {"value.absent": {"$ne": 5}},
    {"value.absent": {"$nin": [5]}},
    {"value.absent": {"$in": [None]}},
    {"value.absent": {"$not": {"$gt": 5}}},
    {"value.absent": {"$not": {"$size": 0}}},
    {"value.absent": {"$exists": False}},
    {"value.nothing": {"$exists": True}},
    {"value.samples.absent": {"$exists": False}},
    {"value.samples.by.who": {"$exists": 1}},
    {"value.flag": True},
    {"value.tags": "red"},
    {"value.tags": {"$all": ["Green", "red"]}},
    {"value.tags": {"$size": 2}},
    {"value.empty": {"$size": 0}},
    {"value.tags.1": "Green"},
    {"value.levels": {"$gt": 5, "$lt": 5}},
    {"value.samples.id": {"$in": [2, 3]}},
    {"value.samples.depth": {"$gte": 9}},
    {"value.samples": {"$elemMatch": {"id": 2, "depth": {"$gt": 8}}}},
    {"value.samples": {"$elemMatch": {"by.who": "ann"}}},
    {"value.samples": {"$elemMatch": {"$or": [{"id": 7}, {"depth": 5}]}}},
    {"value.samples": {"$all": [{"$elemMatch": {"id": 1}}, {"$elemMatch": {"id": 2}}]}},
    {"value.samples.0.id": 1},
    {"value.samples": 5},
    {"value.grid": [3]},
    {"value.grid.0.1": 2},
    {"value.grid": {"$elemMatch": {"$size": 1}}},
    {"value.point": {"y": 2, "x": 1}},
    {"value.tags": {"$gte": ["red"]}},
    {"value.text": {"$regex": "^hello.wide", "$options": "is"}},
    {"value.text": {"$regex": "^wide", "$options": "m"}},
    {"value.text": {"$regex": "(?=Hello)Hello", "$options": "x"}},
    {"value.tags": {"$in": [{"$regex": "^G"}]}},
    {"value.tags": {"$not": {"$regex": "^B"}}},
    {"name": "mississippi*"},
    {"name": "*river**"},
    {"created": "2026-11-20T12:00:00.005Z"},
    {"created": {"$gte": "2026-11-20", "$lt": "2026-11-21"}},
    {"created": {"$lt": {"$date": "2026-11-21T00:00:00Z"}}},
    {"created": {"$gt": 1763000000}},
    {"created": {"$gt": "4 days ago"}},
    {"$and": [{"name": "Mississippi*"}, {"$nor": [{"owner": "ann"}]}]},
    {"$or": [{"owner": "ann"}, {"value.count": {"$eq": 1}}]},
    {"$text": {"$search": "world nowhere"}},
    {"$text": {"$search": '"wide World" -ocean'}},
    {"$text": {"$search": "WORLD", "$caseSensitive": False, "$language": "en"}},
]
OTHERS: list[dict[str, Any]] = [
    {"owner": "TESTUSER"},
    {"value.count": True},
    {"value.flag": 1},
    {"value.count": "1"},
    {"value.count": {"$gt": "0"}},
    {"value.text": {"$gt": 0}},
    {"value.flag": {"$gt": 0}},
    {"value.empty.x": None},
    {"value.samples.2.id": 5},
    {"value.tags": ["Green", "red"]},
    {"value.tags": {"$all": []}},
    {"value.tags": {"$ne": "red"}},
    {"value.tags": {"$in": []}},
    {"value.count": {"$size": 1}},
    {"value.levels": {"$elemMatch": {"$gt": 0, "$lt": 10}}},
    {"value.point": {"$elemMatch": {"x": 1}}},
    {"value.samples": {"$elemMatch": {"id": 1, "depth": 7}}},
    {"value.samples.by": {"$elemMatch": {"who": "ann"}}},
    {"value.text": {"$regex": "^wide"}},
    {"value.count": {"$regex": "1"}},
    {"value.grid": 1},
    {"name": "issi*"},
    {"value.text": "Hello*wide"},
    {"created": {"$lt": "2026-11-20T12:00:00Z"}},
    {"$text": {"$search": "worl"}},
    {"$text": {"$search": "world", "$caseSensitive": True}},
    {"$text": {"$search": "hello -world"}},
    {"$text": {"$search": ""}},
    {"$nor": [{"owner": "testuser"}]},
]


@pytest.mark.parametrize("query", MATCHING, ids=json.dumps)
def test_a_query_that_matches(query: dict[str, Any]) -> None:
    assert found(query)


@pytest.mark.parametrize("query", OTHERS, ids=json.dumps)
def test_a_query_that_does_not(query: dict[str, Any]) -> None:
    assert not found(query)


@pytest.mark.parametrize(
    ("query", "what"),
    [
        ([], "a query must be a JSON object"),
        ({"value.a": {"$near": 1}}, "unknown operator: $near"),
        ({"value.a": {"$gt": {"$where": "x"}}}, "unknown operator: $where"),
        ({"value.a": {"$gt": 1, "b": 2}}, "unknown operator: b"),
        ({"value.a": {"$not": {"$mod": [2, 0]}}}, "unknown operator: $mod"),
        ({"$where": "this.a"}, "unknown top level operator: $where"),
        ({"$and": []}, "$and must be a nonempty array of objects"),
        ({"$or": {"a": 1}}, "$or must be a nonempty array of objects"),
        ({"$nor": [1]}, "$nor must be a nonempty array of objects"),
        ({"a": {"$in": 1}}, "$in needs an array"),
        ({"a": {"$nin": "x"}}, "$nin needs an array"),
        ({"a": {"$all": {}}}, "$all needs an array"),
        ({"a": {"$size": -1}}, "$size needs a whole number, zero or more"),
        ({"a": {"$size": True}}, "$size needs a whole number, zero or more"),
        ({"a": {"$size": 1.5}}, "$size needs a whole number, zero or more"),
        ({"a": {"$elemMatch": [1]}}, "$elemMatch needs an object"),
        ({"a": {"$not": 5}}, "$not needs operators, as in {$not: {$gt: 5}}"),
        ({"a": {"$options": "i"}}, "$options needs a $regex"),
        ({"a": {"$regex": "x", "$options": "q"}}, "$options may be made of the letters i, m, s and x"),
        ({"a": {"$regex": 5}}, "$regex is not valid: it must be a string"),
        ({"a": {"$regex": "x" * 5000}}, "$regex is not valid: it has more than 4000 characters"),
        ({"$text": "x"}, "$text needs a $search string"),
        ({"$text": {"$search": "x", "$near": 1}}, "unknown operator: $near"),
        ({"created": "soonish"}, "created can only be compared with a date"),
        ({"lastUpdated": {"$gt": True}}, "lastUpdated can only be compared with a date"),
        ({"a": {"$in": list(range(3000))}}, "a query has at most 2000 terms"),
        ({"$or": [{"a": 1}] * 3000}, "a query has at most 2000 terms"),
        ({".".join("a" * 300): 1}, "a field has more than 200 parts"),
    ],
)
def test_a_query_that_is_wrong_names_what(query: Any, what: str) -> None:
    assert refusal(query) == f"Malformed JSON Query, {what}"


@pytest.mark.parametrize("expression", ["(", "[a", "((a{1000}){1000}){1000}", "*"])
def test_an_expression_that_is_none_is_told(expression: str) -> None:
    assert refusal({"a": {"$regex": expression}}).startswith("Malformed JSON Query, $regex is not valid: ")


def test_an_expression_that_would_try_for_ever_is_stopped() -> None:
    query = parse_query({"a": {"$regex": "(a|aa)+$"}}, lambda _: None)
    with pytest.raises(Invalid, match="takes longer than"):
        matches(query, {"a": "a" * 60 + "b"})


def test_wildcards_by_the_dozen_are_compared_at_once() -> None:
    query = parse_query({"a": "*a" * 40 + "*"}, lambda _: None)
    assert matches(query, {"a": "a" * 40})
    assert not matches(query, {"a": "a" * 39 + "b" * 100_000})


def test_a_path_of_numbers_through_nested_arrays_costs_no_more_than_their_size() -> None:
    nested: Any = 1
    for _ in range(30):
        nested = [{"0": nested}]
    query = parse_query({".".join(["a", *"0" * 60]): 1}, lambda _: None)
    assert matches(query, {"a": nested})
    assert not matches(parse_query({".".join(["a", *"0" * 61]): 2}, lambda _: None), {"a": nested})
