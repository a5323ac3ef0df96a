"""Queries find what mongomock, another's reading of MongoDB, finds in random documents.

Left out is what mongomock does not do as MongoDB: paths that meet no object on their way, null there, true
as another value than 1, $not where nothing is, $size of what is no
array, $exists: false and two bounds in arrays. tests/unit/test_metadata_query.py has examples of these.
"""

from __future__ import annotations

import warnings
from typing import Any

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from emulator.domain.metadata_match import matches
from emulator.domain.metadata_query import parse_query
from tests.metadata_documents import numbers, queries_of, texts

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of its own imports
    from mongomock import OperationFailure
    from mongomock.filtering import filter_applies

plain = st.one_of(numbers, texts)
leaves = st.one_of(plain, st.lists(plain, max_size=3))
objects = st.fixed_dictionaries({}, optional={"a": leaves, "b": leaves})
documents = st.fixed_dictionaries(
    {"c": st.one_of(objects, st.lists(objects, min_size=1, max_size=3))}, optional={"a": leaves, "b": leaves}
)
queries = queries_of(plain, st.sampled_from(["value.a", "value.b", "value.c.a", "value.c.b"]), every=False)


@settings(max_examples=1000, deadline=None)
@given(query=queries, value=documents)
@example(query={"value.a": {"$gte": 1, "$lt": 2}}, value={"a": [0, 3]})
@example(query={"value.a": {"$elemMatch": {"$gte": 1, "$lt": 2}}}, value={"a": [0, 3]})
@example(query={"value.a.b": {"$gt": 1}}, value={"a": [{"b": 0}, {"b": [1, 2]}]})
def test_the_same_documents_match(query: dict[str, Any], value: Any) -> None:
    document = {"value": value}
    try:
        expected = bool(filter_applies(query, document))
    except (NotImplementedError, TypeError, OperationFailure):  # it does not know it
        assume(False)
    assert matches(parse_query(query, lambda _: None), document) == expected
