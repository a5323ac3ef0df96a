"""Whether a document is what the domain's record of a type is made from, and if not, where it is wrong."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Mapping
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


Check = Callable[[Any, str], None]
"""Called with a value and its place in the document; raises Mistake."""


class Mistake(Exception):
    """``at`` is the place in the document (``record.storage.port``), ``text`` what is wrong there."""

    def __init__(self, at: str, text: str) -> None:
        super().__init__(f"{at}: {text}" if at else text)


def check(kind: type[Any], document: Any, at: str, without: tuple[str, ...] = ()) -> None:
    """Raises Mistake at the first thing that does not fit; ``without`` are fields that are given elsewhere."""
    if not isinstance(document, dict):
        raise Mistake(at, f"must be {_WORDS[dict]}")
    fields, required = _shape(cast(Any, kind))
    if without:
        fields = {name: one for name, one in fields.items() if name not in without}
    for name, value in document.items():
        if name not in fields:
            raise Mistake(_join(at, str(name)), unknown(str(name), fields))
        # as when records are read: a null stands for None whatever the type says
        if value is not None:
            fields[name](value, _join(at, str(name)))
    for name in required:
        if name not in document and name not in without:
            raise Mistake(_join(at, name), "is missing")


@cache
def _shape(kind: type[Any]) -> tuple[Mapping[str, Check], tuple[str, ...]]:
    """What checks a record's fields, by name, and the names of those that must be there."""
    hints, missing = typing.get_type_hints(kind), dataclasses.MISSING
    fields = dataclasses.fields(kind)
    required = tuple(f.name for f in fields if f.default is missing and f.default_factory is missing)
    return {field.name: _checker(hints[field.name]) for field in fields}, required


def unknown(name: str, known: typing.Iterable[str]) -> str:
    """What to say of a name that there is not."""
    from difflib import get_close_matches  # only for those who have made a mistake

    names = sorted(known)
    near = get_close_matches(name, names, 1)
    return f"there is no such field; did you mean {near[0]}?" if near else f"there are {', '.join(names)}"


@cache
def _checker(hint: Any) -> Check:
    """What checks the values of a type; worked out once for each type."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return _any_of([_checker(argument) for argument in arguments if argument is not type(None)])
    if origin in (tuple, list):
        return _list_of(_checker(arguments[0]))
    if origin is dict or hint is dict:
        return _mapping_of(_checker(arguments[1] if arguments else Any))
    if isinstance(hint, type):
        if dataclasses.is_dataclass(hint):
            return lambda value, at: check(hint, value, at)
        if issubclass(hint, Enum):
            return _word_of([member.value for member in hint])
        if hint is datetime:
            return _check_time
        if hint in _WORDS:
            return _plain(hint)
    return lambda value, at: None


def _any_of(checkers: list[Check]) -> Check:
    def check_any(value: Any, at: str) -> None:
        if value is None:
            return
        mistakes = []
        for one in checkers:
            try:
                return one(value, at)
            except Mistake as mistake:
                mistakes.append(mistake)
        raise mistakes[0]

    return check_any


def _list_of(item: Check) -> Check:
    def check_list(value: Any, at: str) -> None:
        if not isinstance(value, list):
            raise Mistake(at, "must be a list")
        for number, one in enumerate(value):
            item(one, f"{at}[{number}]")

    return check_list


def _mapping_of(item: Check) -> Check:
    def check_mapping(value: Any, at: str) -> None:
        if not isinstance(value, dict):
            raise Mistake(at, f"must be {_WORDS[dict]}")
        for name, one in value.items():
            item(one, _join(at, str(name)))

    return check_mapping


def _word_of(words: list[Any]) -> Check:
    def check_word(value: Any, at: str) -> None:
        if value not in words:
            raise Mistake(at, f"must be one of {', '.join(map(str, words))}")

    return check_word


def _check_time(value: Any, at: str) -> None:
    try:
        aware = datetime.fromisoformat(value).tzinfo is not None
    except (TypeError, ValueError):
        aware = False
    if not aware:
        raise Mistake(at, f"must be {_WORDS[datetime]}, with its offset from UTC")


def _plain(kind: type) -> Check:
    taken = (int, float) if kind is float else (kind,)

    def check_plain(value: Any, at: str) -> None:
        if type(value) not in taken:
            raise Mistake(at, f"must be {_WORDS[kind]}, not {str(value)[:60]!r}")

    return check_plain


def _join(at: str, name: str) -> str:
    return f"{at}.{name}" if at else name
