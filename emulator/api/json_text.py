"""JSON that can be kept, and answered again to anybody: what Python's own reader lets pass beyond that is refused."""

from __future__ import annotations

import json
import math
import re
from typing import Any

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_HALF = re.compile(r"[\ud800-\udfff]")
_MOST_DIGITS = 4000
"""Of a whole number; Python refuses to print much longer ones."""
_DEEPEST = 100
"""Arrays and objects inside one another."""


def parse(text: str) -> Any:
    """The document of a text. Raises JSONDecodeError, ValueError (for what :func:`parsed` says), RecursionError."""
    document = parsed(text)
    check(document, text)
    return document


def parsed(text: str) -> Any:
    """:func:`parse` without :func:`check`: NaN, Infinity, and numbers without end are refused."""
    return json.loads(text, parse_constant=_refuse, parse_int=_whole, parse_float=_finite)


def check(document: Any, text: str) -> None:
    """Raises RecursionError for what is nested too deep, ValueError, naming the field, for halves of characters."""
    if _is_deep(document):
        raise RecursionError("it is nested too deep")
    if _SURROGATE.search(text):
        _refuse_halves(document, "the text")


def _is_deep(document: Any) -> bool:
    """Deeper than anything means: what reads and writes documents by recursion is never asked to go there."""
    layer = [document]
    for _ in range(_DEEPEST + 1):
        layer = [
            inner
            for outer in layer
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
    return bool(layer)


def _refuse_halves(document: Any, place: str) -> None:
    """A surrogate without its other half is no character: no file, table or answer can hold it."""
    if isinstance(document, str) and _HALF.search(document):
        raise ValueError(f"{place} holds half of a character: {document[:60]!a}")
    if isinstance(document, list):
        for number, inner in enumerate(document):
            _refuse_halves(inner, f"{place}[{number}]")
    if isinstance(document, dict):
        for name, inner in document.items():
            _refuse_halves(name, "the name of a field")
            _refuse_halves(inner, name)


def _whole(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise ValueError(f"A number has more than {_MOST_DIGITS} digits")
    return int(digits)


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError(f"A number is too large: {digits[:40]}")
    return number


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not valid JSON")
