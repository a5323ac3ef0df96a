"""Parameters of an app: what each type takes as default [apps §5.2]."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from marshmallow import Schema, ValidationError, post_load, pre_load

from emulator.api.v2.schemas.app_arguments import (
    DetailsSchema,
    SemanticsSchema,
    TextDefaults,
    ValueSchema,
    argument_id,
    as_default,
    as_list,
    check_cardinality,
    check_validator,
    check_visibility,
    part,
)
from emulator.api.v2.schemas.fields import Fragment, Worded, WordedSchema
from emulator.domain.app import PARAMETER_TYPES, AppParameter
from emulator.domain.parameters import number_as_text
from emulator.domain.resources import number_text

_DEFAULT_OF = (
    "Invalid default value found for parameter <id>. If specified, the default value for a {} parameter type must "
    "be a {}."
)


_STRINGS = TextDefaults(_DEFAULT_OF.format("string", "string value"))


class ParameterType(Worded):
    def described(self, nested: Callable[[type[Schema]], Fragment]) -> Fragment:
        return {"type": "string", "enum": list(PARAMETER_TYPES)}

    def read(self, value: Any) -> str:
        if not isinstance(value, str) or value.strip().lower() not in PARAMETER_TYPES:
            raise self.refuse()
        return value.strip().lower()


class EnumValues(Worded):
    """An array of keys, or of objects with one key and its label; loads to pairs of both."""

    def described(self, nested: Callable[[type[Schema]], Fragment]) -> Fragment:
        label = {"type": "object", "additionalProperties": {"type": "string"}, "maxProperties": 1}
        return {"type": "array", "items": {"anyOf": [{"type": "string"}, label]}}

    def read(self, value: Any) -> tuple[tuple[str, str], ...]:
        if not isinstance(value, list):
            raise self.refuse()
        return tuple(self._pair(item) for item in value)

    def _pair(self, item: Any) -> tuple[str, str]:
        if isinstance(item, dict) and len(item) == 1:
            ((key, label),) = item.items()
            if isinstance(label, str):
                return key, label
        elif isinstance(item, str):
            return item, item
        raise self.refuse()


class AnyValue(Worded):
    """What a default may be depends on the type: see ParameterSchema."""

    def read(self, value: Any) -> Any:
        return value


class ParameterValueSchema(ValueSchema):
    type = ParameterType(
        "Invalid type for software parameter <id>. Valid types are [string, num, bool, enumeration]",
        absent="No type field found for parameter <id>. Parameters must have a type field with any of the "
        "following values: " + ", ".join(PARAMETER_TYPES),
    )
    enum_values = EnumValues(
        "Invalid enumValue field value for parameter <id>. enumValues should be an array of values or single "
        "attribute JSON objects.",
        default=(),
    )
    default = AnyValue("")

    @pre_load
    def one_spelling(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """``enumValues`` is taken for ``enum_values``, which is what answers call it."""
        return {"enum_values": data["enumValues"], **data} if "enumValues" in data else data


class ParameterSchema(WordedSchema):
    id = argument_id("parameter")
    value = part(
        "value",
        ParameterValueSchema,
        absent="No values attribute found for parameter <id>. No values attribute found in software parameter "
        "description",
    )
    details = part("details", DetailsSchema)
    semantics = part("semantics", SemanticsSchema)

    @post_load
    def build(self, data: dict[str, Any], **_: Any) -> AppParameter:
        value, semantics = data["value"], data["semantics"]
        _check_enumeration(value)
        defaults = _defaults(value)
        check_visibility(value, defaults)
        check_cardinality(value, semantics, len(defaults))
        if value["type"] in ("string", "number"):
            texts = [one if isinstance(one, str) else number_as_text(one) for one in defaults]
            check_validator(value["validator"], [text for text in texts if text])
        semantics.pop("file_types")
        return AppParameter(
            id=data["id"], **value | {"default": as_default(defaults)}, **data["details"], **semantics
        )


def _check_enumeration(value: dict[str, Any]) -> None:
    if value["type"] != "enumeration":
        if value["enum_values"]:
            raise ValidationError(
                "enumValues field found for parameter <id>. enumValues field is not applicable for string, "
                "number, and bool parameter types."
            )
        return
    if not value["enum_values"]:
        raise ValidationError(
            "No enumvValues field found for parameter<id>. enumValues field is required for enumeration "
            "parameter types."
        )
    if value["validator"]:
        raise ValidationError(
            "Validator field found for parameter <id> description. Validator field is not applicable for "
            "enumeration parameter types."
        )


def _defaults(value: dict[str, Any]) -> list[Any]:
    """The default values, typed as the parameter is."""
    kind, given = value["type"], value["default"]
    if kind in ("bool", "flag"):
        return [] if given is None else [_truth(given)]
    values = as_list(given)
    if kind == "number":
        return [_number(one) for one in values]
    if kind == "enumeration":
        return [_key(one, [key for key, _ in value["enum_values"]]) for one in values]
    return as_list(_STRINGS.read(given)) if values else []


def _truth(value: Any) -> bool:
    if not isinstance(value, (bool, int)) or value not in (0, 1):
        raise ValidationError(_DEFAULT_OF.format("boolean or flag", "boolean value, 1, or 0"))
    return bool(value)


def _number(value: Any) -> int | float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or abs(value) == float("inf"):
        raise ValidationError(_DEFAULT_OF.format("number", "numeric value"))
    return number_text(value) if isinstance(value, float) else value


def _key(value: Any, keys: list[str]) -> str:
    if value not in keys:
        raise ValidationError(
            f"Invalid default value {value} found for parameter <id>. The default value does not match any of the "
            "enumerated values. Default values should be one or more of the following: " + ",  ".join(keys)
        )
    return str(value)
