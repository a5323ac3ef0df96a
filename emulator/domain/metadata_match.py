"""Whether a document meets a query."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from emulator.domain.metadata_patterns import Pattern
from emulator.domain.metadata_query import (
    And,
    AnyOf,
    Compare,
    Element,
    Equal,
    Exists,
    Like,
    Not,
    Or,
    Query,
    Size,
    Text,
)
from emulator.domain.metadata_values import MISSING, NULL, Path, equal, reached, sort_key, texts, type_rank

_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "$gt": operator.gt,
    "$gte": operator.ge,
    "$lt": operator.lt,
    "$lte": operator.le,
}


def matches(query: Query, document: Any) -> bool:
    """Raises nothing: what does not compare does not match."""
    if isinstance(query, And):
        return all(matches(part, document) for part in query.parts)
    if isinstance(query, Or):
        return any(matches(part, document) for part in query.parts)
    if isinstance(query, Not):
        return not matches(query.part, document)
    if isinstance(query, Text):
        return query.search("\n".join(texts(document)))
    if isinstance(query, Exists):
        return any(value is not MISSING for value in reached(document, query.path))
    if isinstance(query, Size):
        arrays = (value for value in reached(document, query.path) if isinstance(value, list))
        return any(len(array) == query.count for array in arrays)
    if isinstance(query, Element):
        return any(_element_meets(query, value) for value in reached(document, query.path))
    test = _test(query)
    return any(test(value) for value in _compared(document, query.path))


def _test(query: Equal | Compare | AnyOf | Like) -> Callable[[Any], bool]:
    if isinstance(query, Equal):
        return lambda value: equal(value, query.value)
    if isinstance(query, Compare):
        return lambda value: _compares(query, value)
    if isinstance(query, Like):
        return lambda value: isinstance(value, str) and query.pattern.found_in(value)
    return lambda value: any(_is_member(value, one) for one in query.values)


def _is_member(value: Any, one: Any) -> bool:
    if isinstance(one, Pattern):
        return isinstance(value, str) and one.found_in(value)
    return equal(value, one)


def _compares(query: Compare, value: Any) -> bool:
    rank = type_rank(query.value)
    if type_rank(value) != rank:
        return False
    if rank == NULL:
        return query.operator in ("$gte", "$lte")
    return _COMPARE[query.operator](sort_key(value), sort_key(query.value))


def _compared(document: Any, path: Path) -> Iterator[Any]:
    """What a condition looks at: the values of the path, and the elements where they are arrays.

    With an empty path (inside ``$elemMatch``) the element alone.
    """
    if not path:
        yield document
        return
    for value in reached(document, path):
        yield value
        if isinstance(value, list):
            yield from value


def _element_meets(query: Element, value: Any) -> bool:
    if not isinstance(value, list):
        return False
    wanted = value if query.plain else [one for one in value if isinstance(one, Mapping | list)]
    return any(matches(query.query, one) for one in wanted)
