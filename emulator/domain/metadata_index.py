"""How metadata are found without reading all: the entries of a record, and what a query asks of them.

Every plain value in a record makes an entry under its path; numbers of arrays' places are left out. What a
query asks is necessary, not sufficient: what is found is compared exactly afterwards.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from emulator.domain.metadata_query import And, AnyOf, Compare, Element, Equal, Or, Query
from emulator.domain.metadata_values import BOOLEAN, DATE, NUMBER, STRING, Path, type_rank

MOST_ENTRIES = 500
"""Of a record; one with more has only those of its own fields, and is looked at by every search of contents."""
LONGEST_PATH = 200
_LONGEST_TEXT = 200
_HUGE = 1e300
_OWN_FIELDS = ("uuid", "name", "owner", "schemaId", "created", "lastUpdated")
_IN_ARRAY = "[]"
"""Ends the path of what stands in an array: one such record may meet two conditions with two elements."""
_TEXT, _TEXT_END, _TRUTH = "s:", "s;", "b:"
_MOST_SPANS = 200


@dataclass(frozen=True, slots=True)
class Entry:
    """One plain value: texts and truth values stand in ``term``, numbers and times in ``number``."""

    path: str
    term: str = ""
    number: float = 0.0


@dataclass(frozen=True, slots=True)
class Span:
    """Entries of a path from ``low`` to ``high``, both included; texts compare by code point."""

    path: str
    low: str | float
    high: str | float

    @property
    def exact(self) -> bool:
        return self.low == self.high


Lookup = tuple[Span, ...]
"""What is sought has an entry in at least one of the spans."""

_UNLISTED = Entry("", _TEXT)


def entries(document: Mapping[str, Any]) -> set[Entry]:
    """The entries of a record, as queries see it."""
    own = {entry for name in _OWN_FIELDS if name in document for entry in _plain(name, document[name])}
    found = set(own)
    for name, value in document.items():
        if name not in _OWN_FIELDS:
            for entry in _below(name, value, False):
                found.add(entry)
                if len(found) > MOST_ENTRIES:
                    return own | {_UNLISTED}
    return found


def lookups(query: Query) -> list[Lookup]:
    """Conditions that an index can answer, each of which all that meet the query must meet; maybe none."""
    return list(_lookups(query, ()))


def _below(path: str, value: Any, in_array: bool) -> Iterator[Entry]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _below(f"{path}.{name}", inner, in_array)
    elif isinstance(value, list | tuple):
        for element in value:
            yield from _below(path, element, True)
    else:
        yield from _plain(path + _IN_ARRAY if in_array else path, value)


def _plain(path: str, value: Any) -> Iterator[Entry]:
    place = _place(value)
    if place is None or len(path) > LONGEST_PATH:
        return
    yield Entry(path, place) if isinstance(place, str) else Entry(path, number=place)


def _place(value: Any) -> str | float | None:
    """Where a plain value stands among the entries of its path; None for what has no entry."""
    rank = type_rank(value)
    if rank == STRING:
        return f"{_TEXT}{value}"[:_LONGEST_TEXT]
    if rank == BOOLEAN:
        return f"{_TRUTH}{value:d}"
    if rank == NUMBER:
        return float(max(-_HUGE, min(_HUGE, value)))
    return millis(value) if rank == DATE else None


def millis(moment: datetime) -> float:
    """A point in time as the number that stands in its entry: milliseconds since 1970."""
    return float(round(moment.timestamp() * 1000))


def _lookups(query: Query, above: Path) -> Iterator[Lookup]:
    if isinstance(query, And):
        yield from _of_all(list(_conjuncts(query)), above)
    elif isinstance(query, Or):
        alternatives = [next(iter(sorted(_lookups(part, above), key=_breadth)), None) for part in query.parts]
        spans = [span for lookup in alternatives if lookup is not None for span in lookup]
        if None not in alternatives and 0 < len(spans) <= _MOST_SPANS:
            yield tuple(dict.fromkeys(spans))
    elif isinstance(query, Equal):
        yield from _among((*above, *query.path), [query.value])
    elif isinstance(query, AnyOf):
        yield from _among((*above, *query.path), query.values)
    elif isinstance(query, Compare):
        yield from _between((*above, *query.path), [query])
    elif isinstance(query, Element):
        yield from _lookups(query.query, (*above, *query.path))


def _conjuncts(query: And) -> Iterator[Query]:
    for part in query.parts:
        if isinstance(part, And):
            yield from _conjuncts(part)
        else:
            yield part


def _of_all(parts: list[Query], above: Path) -> Iterator[Lookup]:
    """Comparisons of one path are taken together; all other parts stand for themselves."""
    by_path: dict[Path, list[Compare]] = defaultdict(list)
    for part in parts:
        if isinstance(part, Compare):
            by_path[(*above, *part.path)].append(part)
        else:
            yield from _lookups(part, above)
    for path, comparisons in by_path.items():
        yield from _between(path, comparisons)


def _breadth(lookup: Lookup) -> tuple[bool, int]:
    return (not all(span.exact for span in lookup), len(lookup))


def _variants(path: Path) -> tuple[str, ...]:
    """The paths under which entries of a field stand; none for fields that the entries cannot tell."""
    name = ".".join(path)
    if len(name) + len(_IN_ARRAY) > LONGEST_PATH or any(part.isdigit() for part in path):
        return ()
    return (name,) if name in _OWN_FIELDS else (name, name + _IN_ARRAY)


def _among(path: Path, values: Iterable[Any]) -> Iterator[Lookup]:
    places = [_place(value) for value in values]
    variants = _variants(path)
    spans = [Span(name, place, place) for place in places if place is not None for name in variants]
    if spans and None not in places and len(spans) <= _MOST_SPANS:
        yield _with_unlisted(path, spans)


def _between(path: Path, comparisons: list[Compare]) -> Iterator[Lookup]:
    ranges = [found for found in map(_range, comparisons) if found is not None]
    if not ranges or not _variants(path):
        return
    plain, *in_array = _variants(path)
    low, high = ranges[0]
    for other_low, other_high in ranges[1:]:
        if type(other_low) is type(low):
            low, high = max(low, other_low), min(high, other_high)
    # two elements of an array may meet the conditions one each: there, only the first one is asked for
    spans = [Span(plain, low, high), *(Span(name, *ranges[0]) for name in in_array)]
    yield _with_unlisted(path, spans)


def _range(comparison: Compare) -> tuple[str | float, str | float] | None:
    """From where to where; texts are cut and numbers rounded, so the bounds themselves are included."""
    place = _place(comparison.value)
    if place is None:
        return None
    lowest: str | float
    highest: str | float
    if isinstance(place, float):
        lowest, highest = -_HUGE, _HUGE
    else:
        lowest, highest = (_TEXT, _TEXT_END) if place.startswith(_TEXT) else (_TRUTH, "b;")
    return (place, highest) if comparison.operator in ("$gt", "$gte") else (lowest, place)


def _with_unlisted(path: Path, spans: list[Span]) -> Lookup:
    if ".".join(path) in _OWN_FIELDS:
        return tuple(spans)
    return (*spans, Span(_UNLISTED.path, _UNLISTED.term, _UNLISTED.term))
