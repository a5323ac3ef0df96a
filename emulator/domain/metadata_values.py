"""JSON values as document databases compare them: by type first, along dotted paths, through arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

Path = tuple[str, ...]


class _Missing:
    """Stands where a path leads to nothing; it equals null, and exists not."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()

NULL, NUMBER, STRING, OBJECT, ARRAY, BOOLEAN, DATE = range(1, 8)
"""The types in the order they sort."""


def type_rank(value: Any) -> int:
    """Values compare only with values of the same rank; true is no number."""
    if value is None or value is MISSING:
        return NULL
    if isinstance(value, bool):
        return BOOLEAN
    if isinstance(value, int | float):
        return NUMBER
    if isinstance(value, str):
        return STRING
    if isinstance(value, Mapping):
        return OBJECT
    return DATE if isinstance(value, datetime) else ARRAY


def sort_key(value: Any) -> tuple[Any, ...]:
    """Orders all values: by rank, then within it; objects field by field, arrays element by element."""
    rank = type_rank(value)
    if rank == NULL:
        return (rank,)
    if rank == ARRAY:
        return (rank, tuple(sort_key(element) for element in value))
    if rank == OBJECT:
        return (rank, tuple((type_rank(inner), name, sort_key(inner)) for name, inner in value.items()))
    return (rank, value)


def equal(one: Any, other: Any) -> bool:
    """Deep equality: 1 equals 1.0 but not true; the order of an object's fields does not matter."""
    rank = type_rank(one)
    if rank != type_rank(other):
        return False
    if rank == ARRAY:
        return len(one) == len(other) and all(map(equal, one, other))
    if rank == OBJECT:
        return one.keys() == other.keys() and all(equal(inner, other[name]) for name, inner in one.items())
    return rank == NULL or bool(one == other)


def reached(document: Any, path: Path) -> Iterator[Any]:
    """Every value that a path leads to; MISSING for each object on the way that lacks the next name.

    A name leads through an array into each of its objects, and a number also to the element at that place.
    """
    if not any(name.isdigit() for name in path):
        yield from _walk(document, path, 0)
        return
    # a number may mean a place or a name: without a memory of what was seen, a hostile path doubles the
    # work with every step
    seen: set[tuple[int, int]] = set()
    pending = [(document, 0)]
    while pending:
        value, depth = pending.pop()
        if depth == len(path):
            yield value
        elif (id(value), depth) not in seen:
            seen.add((id(value), depth))
            pending.extend(_steps(value, path[depth], depth))


def _walk(value: Any, path: Path, depth: int) -> Iterator[Any]:
    if depth == len(path):
        yield value
    else:
        for inner, deeper in _steps(value, path[depth], depth):
            yield from _walk(inner, path, deeper)


def _steps(value: Any, name: str, depth: int) -> list[tuple[Any, int]]:
    if isinstance(value, Mapping):
        return [(value.get(name, MISSING), depth + 1)]
    if isinstance(value, list):
        inside = [(element, depth) for element in value if isinstance(element, Mapping)]
        if name.isdigit() and len(name) < 10 and int(name) < len(value):
            inside.append((value[int(name)], depth + 1))
        return inside
    return [(MISSING, depth + 1)]


def texts(value: Any) -> Iterator[str]:
    """Every string of a value, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list):
        for inner in value.values() if isinstance(value, Mapping) else value:
            yield from texts(inner)
