"""Dataclasses of the domain as plain JSON documents and back, for the store.

Covers what the domain uses: nested dataclasses, tuples, lists, dicts, enums, dates, optional values.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from typing import Any, TypeVar, cast

T = TypeVar("T")


def to_document(value: Any) -> Any:
    """The JSON form of a domain value."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_document(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, (list, tuple)):
        return [to_document(item) for item in value]
    if isinstance(value, dict):
        return {key: to_document(item) for key, item in value.items()}
    return value


def from_document(cls: type[T], document: dict[str, Any]) -> T:
    """The dataclass a document was made from. Keys it does not know are left out."""
    return cast(T, _reader(cast(Any, cls))(document))


Reader = Callable[[Any], Any]


@cache
def _reader(hint: Any) -> Reader:
    """What turns the JSON form of a type into its value; worked out once for each type."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        read = _reader(next(arg for arg in arguments if arg is not type(None)))
        return read if read is _as_is else lambda value: None if value is None else read(value)
    if origin is tuple:
        return _tuple_reader(arguments)
    if origin is list:
        item = _reader(arguments[0])
        return lambda value: [item(one) for one in value]
    if isinstance(hint, type):
        if dataclasses.is_dataclass(hint):
            return _dataclass_reader(hint)
        if issubclass(hint, Enum):
            return hint
        if hint is datetime:
            return datetime.fromisoformat
    return _as_is


def _as_is(value: Any) -> Any:
    return value


def _tuple_reader(arguments: tuple[Any, ...]) -> Reader:
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        item = _reader(arguments[0])
        return tuple if item is _as_is else lambda value: tuple([item(one) for one in value])
    items = [_reader(argument) for argument in arguments]
    return lambda value: tuple(item(one) for item, one in zip(items, value, strict=True))


def _dataclass_reader(cls: type[Any]) -> Reader:
    hints = typing.get_type_hints(cls)
    readers = {f.name: _reader(hints[f.name]) for f in dataclasses.fields(cls)}

    def read(document: dict[str, Any]) -> Any:
        # a null stands for None whatever the type says: older documents may lack a value
        known = {
            name: value if value is None else readers[name](value)
            for name, value in document.items()
            if name in readers
        }
        return cls(**known)

    return read
