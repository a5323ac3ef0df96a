"""A job's parameters: checked and typed as the app declares them, and rendered for the wrapper
[jobs §3.7, wrapper-templates §4]."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from emulator.domain import patterns
from emulator.domain.app import AppArgument, AppParameter
from emulator.domain.arguments import check_arguments, check_cardinality
from emulator.domain.errors import Invalid
from emulator.domain.resources import number_text

_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)
_TRUTHS = {"1": True, "on": True, "true": True, "0": False, "off": False, "false": False}


def check_parameters(declared: Iterable[AppParameter], given: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of the record, typed: see :func:`check_arguments`."""
    return check_arguments(declared, given, _check, ("parameter", "parameter value"))


def _check(one: AppParameter, value: Any) -> Any:
    """The typed value, None for an empty array."""
    values = [] if value is None else value if isinstance(value, list) else [value]
    if one.required and not values:
        raise Invalid(f"No input parameter specified for {one.id}")
    check_cardinality(one, len(values))
    if not values:
        return None
    if one.type in ("bool", "flag"):
        return _truth(one, values)
    typed = [_typed(one, item) for item in values]
    return typed if isinstance(value, list) else typed[0]


def _typed(one: AppParameter, value: Any) -> Any:
    if one.type == "number":
        number = _number(value)
        if number is None:
            raise Invalid(f"Invalid parameter value for {one.id}. Value '{_shown(value)}' must be a number.")
        _check_validator(one, number_as_text(number))
        return number
    text = _text(value)
    if one.type == "enumeration":
        keys = [key for key, _ in one.enum_values]
        if text not in keys:
            raise Invalid(
                f"Invalid parameter value, '{_shown(value)}', for {one.id}. Value must be one of: "
                + ",  ".join(keys)
            )
        return text
    if text is None:
        raise Invalid(f"Invalid parameter value for {one.id}. Value '{_shown(value)}' must be a string.")
    if "\x00" in text:  # shells drop it: the wrapper would see another value
        raise Invalid(f"Invalid parameter value for {one.id}. It must not hold null characters.")
    _check_validator(one, text)
    return text


def _truth(one: AppParameter, values: list[Any]) -> bool:
    if len(values) > 1:
        raise Invalid(
            f"Invalid parameter value for {one.id}. Boolean and flag parameters do not support multiple values."
        )
    value = values[0]
    text = _text(value)
    truth = value if isinstance(value, bool) else _TRUTHS.get(text.strip().lower()) if text else None
    if truth is None:
        raise Invalid(
            f"Invalid parameter value for {one.id}. Value {_shown(value)} must be a case-insensitive truthy "
            "value. 1, on, or true evaluate to true. 0, off, and false evaluate to false."
        )
    return truth


def _number(value: Any) -> int | float | None:
    """The number that a JSON value is or spells; whole ones as int; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, str):
        text = value.strip()
        if not _NUMBER.fullmatch(text):
            return None
        try:
            value = int(text) if _INTEGER.fullmatch(text) else float(text)
        except ValueError:  # more digits than Python takes for an integer
            return None
    if isinstance(value, float):
        return number_text(value) if math.isfinite(value) else None
    return value if isinstance(value, int) else None


def _text(value: Any) -> str | None:
    """The text of a string; numbers and booleans as JSON writes them; None for anything else."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    number = _number(value)
    return None if number is None else number_as_text(number)


def _check_validator(one: AppParameter, text: str) -> None:
    if one.validator and not patterns.matches(one.validator, text):
        raise Invalid(
            f"Invalid parameter value for {one.id}. Value '{text}' must match the regular expression "
            f"{one.validator}"
        )


def _shown(value: Any) -> str:
    """A refused value in a message."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def number_as_text(number: int | float) -> str:
    return json.dumps(number)


def render_parameter(one: AppParameter, value: Any) -> str:
    """What stands for ``${id}`` in the template; ``value`` as in the record, None when it was not given."""
    if value is None and one.visible:
        return ""
    if one.type == "flag":
        return (one.argument or "") if _first(value) else ""
    if one.type == "bool":
        return render_values(one, ["1" if _first(value) else "0"])
    values = value if isinstance(value, list) else [] if value is None else [value]
    return render_values(one, [item if isinstance(item, str) else number_as_text(item) for item in values])


def render_values(one: AppArgument, values: Iterable[str]) -> str:
    """Values with quotes and argument as declared, joined by a space; nothing in them is escaped."""
    rendered = []
    for place, value in enumerate(values):
        text = f'"{value}"' if one.enquote else value
        if one.show_argument and (place == 0 or one.repeat_argument):
            text = f"{one.argument or ''}{text}"
        rendered.append(text)
    return " ".join(rendered)


def _first(value: Any) -> Any:
    return (value[0] if value else None) if isinstance(value, list) else value
