"""Bodies of the control API: JSON objects whose fields are of known kinds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import request

from emulator.api import json_text
from emulator.domain.errors import Invalid

Kinds = Mapping[str, tuple[tuple[type, ...], str]]
"""Field to the types that its value may have, and how these are called."""


def body(kinds: Kinds, required: Sequence[str] = ()) -> dict[str, Any]:
    """The fields of the request's body; no body at all is an empty object. Raises Invalid, naming the field."""
    try:
        document = json_text.parse(request.get_data().decode("utf-8-sig") or "{}")
    except (ValueError, RecursionError) as error:
        raise Invalid(f"The body is no JSON: {error}") from error
    if not isinstance(document, dict):
        raise Invalid("The body must be a JSON object")
    for name, value in document.items():
        if name not in kinds:
            raise Invalid(f"There is no field {name[:60]!a}; there {_listed(kinds)}")
        types, text = kinds[name]
        if type(value) not in types:
            raise Invalid(f"{name} must be {text}")
    for name in required:
        if name not in document:
            raise Invalid(f"{name} must be there: {kinds[name][1]}")
    return document


def _listed(kinds: Kinds) -> str:
    return f"are {', '.join(kinds)}" if kinds else "is none"
