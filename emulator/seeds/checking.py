"""Whether a document is what the domain's record of a type is made from, and if not, where it is wrong."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Any, cast

_WORDS: Mapping[type, str] = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    dict: "a mapping",
    datetime: "a time such as 2026-01-31T12:00:00+00:00",
}


class Mistake(Exception):
    """``at`` is the place in the document (``record.storage.port``), ``text`` what is wrong there."""

    def __init__(self, at: str, text: str) -> None:
        super().__init__(f"{at}: {text}" if at else text)


def check(kind: type[Any], document: Any, at: str, without: tuple[str, ...] = ()) -> None:
    """Raises Mistake at the first thing that does not fit; ``without`` are fields that are given elsewhere."""
    if not isinstance(document, dict):
        raise Mistake(at, f"must be {_WORDS[dict]}")
    hints, required = _shape(cast(Any, kind))
    fields = {name: hint for name, hint in hints.items() if name not in without} if without else hints
    for name, value in document.items():
        if name not in fields:
            raise Mistake(_join(at, str(name)), unknown(str(name), fields))
        # as when records are read: a null stands for None whatever the type says
        if value is not None:
            _check_value(fields[name], value, _join(at, str(name)))
    for name in required:
        if name not in document and name not in without:
            raise Mistake(_join(at, name), "is missing")


@cache
def _shape(kind: type[Any]) -> tuple[Mapping[str, Any], tuple[str, ...]]:
    """The types of a record's fields by name, and the names of those that must be there."""
    hints, missing = typing.get_type_hints(kind), dataclasses.MISSING
    fields = dataclasses.fields(kind)
    required = tuple(f.name for f in fields if f.default is missing and f.default_factory is missing)
    return {field.name: hints[field.name] for field in fields}, required


def unknown(name: str, known: typing.Iterable[str]) -> str:
    """What to say of a name that there is not."""
    from difflib import get_close_matches  # only for those who have made a mistake

    names = sorted(known)
    near = get_close_matches(name, names, 1)
    return f"there is no such field; did you mean {near[0]}?" if near else f"there are {', '.join(names)}"


def _check_value(hint: Any, value: Any, at: str) -> None:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return
    if origin in (typing.Union, types.UnionType):
        _check_any(arguments, value, at)
    elif origin in (tuple, list):
        if not isinstance(value, list):
            raise Mistake(at, "must be a list")
        for number, item in enumerate(value):
            _check_value(arguments[0], item, f"{at}[{number}]")
    elif origin is dict or hint is dict:
        if not isinstance(value, dict):
            raise Mistake(at, f"must be {_WORDS[dict]}")
        for name, item in value.items():
            _check_value(arguments[1] if arguments else Any, item, _join(at, str(name)))
    elif dataclasses.is_dataclass(hint) and isinstance(hint, type):
        check(hint, value, at)
    else:
        _check_plain(hint, value, at)


def _check_any(hints: tuple[Any, ...], value: Any, at: str) -> None:
    if value is None:
        return
    mistakes = []
    for hint in (hint for hint in hints if hint is not type(None)):
        try:
            return _check_value(hint, value, at)
        except Mistake as mistake:
            mistakes.append(mistake)
    raise mistakes[0]


def _check_plain(hint: Any, value: Any, at: str) -> None:
    if isinstance(hint, type) and issubclass(hint, Enum):
        words = [member.value for member in hint]
        if value not in words:
            raise Mistake(at, f"must be one of {', '.join(map(str, words))}")
    elif hint is datetime:
        try:
            aware = datetime.fromisoformat(value).tzinfo is not None
        except (TypeError, ValueError):
            aware = False
        if not aware:
            raise Mistake(at, f"must be {_WORDS[datetime]}, with its offset from UTC")
    elif hint in _WORDS:
        taken = (int, float) if hint is float else (hint,)
        if type(value) not in taken:
            raise Mistake(at, f"must be {_WORDS[hint]}, not {str(value)[:60]!r}")


def _join(at: str, name: str) -> str:
    return f"{at}.{name}" if at else name
