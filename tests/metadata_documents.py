"""Random metadata and queries on them, small enough that many of the queries find something."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from emulator.domain.metadata import MetadataRecord, RecordKind

START = datetime(2026, 1, 1, tzinfo=UTC)
NAMES = ("a", "b", "c")
numbers = st.one_of(st.integers(-2, 3), st.sampled_from([0.5, 1.0, 2.5, 1e18, -(10**20)]))
texts = st.sampled_from(["", "x", "y", "xy", "Xy", "x*", "é", "z" * 300, "z" * 300 + "a"])
scalars = st.one_of(st.none(), st.booleans(), numbers, texts)
paths = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3).map(
    lambda parts: ".".join(["value", *parts])
)


def values_of(scalars: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Values of all shapes, made of these."""
    return st.recursive(
        scalars,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(NAMES), inner, max_size=3)
        ),
        max_leaves=8,
    )


def queries_of(
    scalars: st.SearchStrategy[Any], paths: st.SearchStrategy[str] = paths, every: bool = True
) -> st.SearchStrategy[dict[str, Any]]:
    """Queries that compare with these; without ``every``: no $not, $size, $exists: false and two bounds."""
    compared = scalars.filter(lambda value: value is not None)
    bounds = st.tuples(st.integers(-2, 1), st.integers(-1, 3))
    tests = st.one_of(
        st.tuples(st.sampled_from(["$eq", "$ne"]), scalars).map(_one),
        st.tuples(st.sampled_from(["$gt", "$gte", "$lt", "$lte"]), compared).map(_one),
        bounds.map(lambda pair: {"$gte": pair[0]} | ({"$lt": pair[1]} if every else {})),
        st.tuples(st.sampled_from(["$in", "$nin"]), st.lists(scalars, max_size=3)).map(_one),
        st.lists(compared, min_size=1, max_size=2).map(lambda some: {"$all": some}),
        st.booleans().map(lambda wanted: {"$exists": wanted or not every}),
        st.integers(0, 3).map(lambda count: {"$size": count} if every else {"$exists": True}),
        st.sampled_from(["^x", "y$", "x.*y", "."]).map(lambda text: {"$regex": text}),
        st.sampled_from(["^X", "Y"]).map(lambda text: {"$regex": text, "$options": "i"}),
    )
    conditions = st.one_of(
        tests,
        scalars.map(lambda value: value if not isinstance(value, str) else value.replace("*", "")),
        tests.map(lambda test: {"$not": test} if every else test),
        bounds.map(lambda pair: {"$elemMatch": {"$gte": pair[0], "$lt": pair[1]}}),
        st.tuples(st.sampled_from(NAMES), scalars).map(lambda pair: {"$elemMatch": _one(pair)}),
    )
    clauses = st.dictionaries(paths, conditions, min_size=1, max_size=2)
    return st.recursive(
        clauses,
        lambda inner: st.tuples(
            st.sampled_from(["$and", "$or", "$nor"]), st.lists(inner, min_size=1, max_size=2)
        ).map(_one),
        max_leaves=3,
    )


def _one(pair: tuple[str, Any]) -> dict[str, Any]:
    return {pair[0]: pair[1]}


def item(number: int, value: Any = None, **changes: Any) -> MetadataRecord:
    """An item of OWNER; later numbers are younger."""
    given = {
        "world": "default",
        "kind": RecordKind.ITEM,
        "uuid": f"{number:019d}-242ac11f-0001-012",
        "owner": "testuser",
        "name": f"name-{number % 10}",
        "content": value,
        "created": START + timedelta(seconds=number),
        "last_updated": START + timedelta(seconds=number),
    }
    return MetadataRecord(**given | changes)
