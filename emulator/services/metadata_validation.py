"""JSON Schemas of metadata, drafts 3 and 4: whether one is right, and whether a value keeps to it [postits §B.5].

Nothing is ever fetched: what a ``$ref`` names must stand in the schema itself. Clients' schemas cannot take
more than a bounded amount of work.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from emulator.domain import patterns
from emulator.domain.errors import Invalid

_MOST_STEPS = 400_000
"""Comparisons of a value with one part of a schema: a second or two."""
_INVALID = (
    "The supplied JSON Schema definition is invalid. For more information on JSON Schema, please visit "
    "http://json-schema.org/.\n"
)
VIOLATED = "The value field does not adhere to the metadata schema referenced by the schemaId"
_TOO_MUCH = "The value is too large to be compared with the metadata schema referenced by the schemaId"
_DEEP = "the references of the schema lead too deep"


class _Refused(Exception):
    """Ends a validation: a keyword asks for what is not to be had."""


def check_schema(document: Any) -> None:
    """Raises Invalid, with what is wrong, for what is no JSON Schema."""
    from jsonschema.exceptions import SchemaError, best_match

    draft = _draft(document)
    try:
        error = best_match(draft(draft.META_SCHEMA).iter_errors(document))
    except (RecursionError, SchemaError) as failure:
        raise Invalid(_INVALID + str(failure)) from failure
    if error is not None:
        place = "/".join(str(part) for part in error.absolute_path)
        raise Invalid(f"{_INVALID}/{place}: {error.message[:1000]}")


def check_value(value: Any, schema: Any) -> None:
    """Raises Invalid for a value that breaks the schema, or that cannot be compared with it."""
    from jsonschema.validators import extend
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    draft = _draft(schema)
    budget = _Budget()
    keywords = {
        name: budget.limited(_OWN_KEYWORDS.get(name, check)) for name, check in draft.VALIDATORS.items()
    }
    validator = extend(draft, keywords)(schema, registry=Registry())  # type: ignore[no-untyped-call]
    try:
        kept = next(validator.iter_errors(value), None) is None
    except _Refused as refusal:
        raise Invalid(str(refusal)) from refusal
    except RecursionError as error:
        raise Invalid(f"{VIOLATED}: {_DEEP}") from error
    except ArithmeticError as error:  # a multiple of what no quotient can be told of
        raise Invalid(f"{VIOLATED}: {error}") from error
    except Unresolvable as error:
        raise Invalid(f"{VIOLATED}: the reference {error.ref} is not part of it") from error
    if not kept:
        raise Invalid(VIOLATED)


def _draft(schema: Any) -> Any:
    from jsonschema import Draft3Validator, Draft4Validator

    named = schema.get("$schema") if isinstance(schema, dict) else None
    return Draft3Validator if isinstance(named, str) and "draft-03" in named else Draft4Validator


_Check = Callable[[Any, Any, Any, Any], Iterator[Any] | None]


class _Budget:
    def __init__(self) -> None:
        self._left = _MOST_STEPS

    def limited(self, check: _Check) -> _Check:
        def counted(validator: Any, keyword: Any, instance: Any, schema: Any) -> Iterator[Any]:
            self._left -= 1 + _size(keyword) + _size(instance)
            if self._left < 0:
                raise _Refused(_TOO_MUCH)
            yield from check(validator, keyword, instance, schema) or ()

        return counted


def _size(value: Any) -> int:
    return len(value) if isinstance(value, list | dict) else 0


# what clients' expressions and long arrays must not hold up, in place of the library's


def _pattern(validator: Any, keyword: Any, instance: Any, _schema: Any) -> Iterator[Any]:
    if validator.is_type(instance, "string") and not _occurs(keyword, instance):
        yield _error(f"it does not match {keyword}")


def _pattern_properties(validator: Any, keyword: Any, instance: Any, _schema: Any) -> Iterator[Any]:
    if not validator.is_type(instance, "object"):
        return
    for expression, below in keyword.items():
        for name, inner in instance.items():
            if _occurs(expression, name):
                yield from validator.descend(inner, below, path=name, schema_path=expression)


def _unique_items(validator: Any, keyword: Any, instance: Any, _schema: Any) -> Iterator[Any]:
    if keyword and validator.is_type(instance, "array"):
        seen = {json.dumps(_plain(element), sort_keys=True) for element in instance}
        if len(seen) < len(instance):
            yield _error("it has equal elements")


_OWN_KEYWORDS: dict[str, _Check] = {
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "uniqueItems": _unique_items,
}


def _plain(value: Any) -> Any:
    """Numbers that are equal are written alike."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return {name: _plain(inner) for name, inner in value.items()} if isinstance(value, dict) else value


def _occurs(expression: str, text: str) -> bool:
    try:
        return patterns.occurs(expression, text)
    except patterns.BadPattern as error:
        raise _Refused(f"{VIOLATED}: {expression} is no regular expression: {error}") from error


def _error(message: str) -> Exception:
    from jsonschema import ValidationError

    return ValidationError(message)
