"""Dataclasses of the domain as plain JSON documents and back, for the store.

Covers what the domain uses: nested dataclasses, tuples, lists, dicts, enums, dates, optional values.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from typing import Any, TypeVar

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
    hints: dict[str, Any] = _hints(cls)  # type: ignore[arg-type]  # a class is hashable
    known = {name: _build(hints[name], document[name]) for name in hints if name in document}
    return cls(**known)


@cache
def _hints(cls: Any) -> dict[str, Any]:
    hints = typing.get_type_hints(cls)
    return {f.name: hints[f.name] for f in dataclasses.fields(cls)}


def _build(hint: Any, value: Any) -> Any:
    if value is None or hint is Any:
        return value
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        return _build(next(arg for arg in typing.get_args(hint) if arg is not type(None)), value)
    if origin is tuple:
        arguments = typing.get_args(hint)
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return tuple(_build(arguments[0], item) for item in value)
        return tuple(_build(kind, item) for kind, item in zip(arguments, value, strict=True))
    if origin is list:
        return [_build(typing.get_args(hint)[0], item) for item in value]
    if isinstance(hint, type):
        if dataclasses.is_dataclass(hint):
            return from_document(hint, value)
        if issubclass(hint, Enum):
            return hint(value)
        if hint is datetime:
            return datetime.fromisoformat(value)
    return value
