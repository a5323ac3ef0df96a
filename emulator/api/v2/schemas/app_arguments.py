"""Inputs, parameters and outputs of an app [apps §5].

Refusals name the argument: ``<kind>`` and ``<id>`` in a schema's texts stand for what it is and its id.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from marshmallow import Schema, ValidationError, post_load

from emulator.api.v2.schemas.fields import (
    Fragment,
    Section,
    Text,
    Texts,
    Truth,
    Whole,
    Worded,
    WordedSchema,
    first_refusal,
)
from emulator.domain import patterns
from emulator.domain.app import AppInput, AppOutput
from emulator.domain.errors import Invalid

UNLIMITED = -1


def _if_specified(name: str, rule: str) -> str:
    return f"Invalid {name} value found for <kind> <id>. If specified, {rule}"


def truth(name: str, default: bool | None = False) -> Truth:
    """A boolean as apps take it: also 1 and 0, and the words."""
    text = _if_specified(name, f"{name} must be a boolean value, 1, or 0.")
    return Truth(text, data_key=name, digits=True, words=True, default=default)


def _text(name: str, longest: int) -> Text:
    rule = f"{name} must be a string of at most {longest} characters."
    return Text(_if_specified(name, rule), data_key=name, longest=longest, blank=True)


def _check_regex(text: str) -> None:
    try:
        patterns.check(text)
    except patterns.BadPattern as error:
        raise Invalid("'software.<kind>.value.validator' is not a valid regular expression.") from error


def validator() -> Text:
    return Text(
        "Invalid validator found for <kind> <id>. If provided, validator must be a string regular expression.",
        longest=255,
        check=_check_regex,
        blank=True,
    )


def order() -> Whole:
    return Whole(_if_specified("order", "order must be a positive integer value."), least=0, default=0)


class TextDefaults(Worded):
    """Null, a string, or an array of strings; together at most 255 characters."""

    def described(self, nested: Callable[[type[Schema]], Fragment]) -> Fragment:
        return {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}

    def read(self, value: Any) -> Any:
        values = value if isinstance(value, list) else [value]
        if not all(isinstance(text, str) and "\x00" not in text for text in values):
            raise self.refuse()
        if len(";".join(values)) > 255:
            raise self.refuse(_if_specified("default", "default must be at most 255 characters."))
        return value


class DetailsSchema(WordedSchema):
    label = _text("label", 128)
    description = _text("description", 1024)
    argument = _text("argument", 64)
    show_argument = truth("showArgument")
    repeat_argument = truth("repeatArgument")

    @post_load
    def build(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        if data["show_argument"] and not data["argument"]:
            raise ValidationError(
                "Invalid argument value found for <kind> <id>. A valid string value must be supplied when "
                "showArgument is true."
            )
        return data


class SemanticsSchema(WordedSchema):
    """Cardinalities that were not given stay None: their defaults depend on the rest."""

    min_cardinality = Whole(
        _if_specified("minCardinality", "minCardinality must be a positive integer value or 0."),
        data_key="minCardinality",
        least=0,
    )
    max_cardinality = Whole(
        _if_specified(
            "maxCardinality", "maxCardinality must be a positive integer value or -1 for no limit."
        ),
        data_key="maxCardinality",
        or_minus_one=True,
    )
    ontology = Texts(_if_specified("ontology", "ontology must be a json array of strings."))
    file_types = Texts(
        _if_specified("fileTypes", "fileTypes must be a json array of strings."),
        data_key="fileTypes",
        longest=128,
    )


class ValueSchema(WordedSchema):
    """What the values of inputs and parameters have in common."""

    validator = validator()
    visible = truth("visible", default=True)
    required = truth("required", default=None)
    order = order()
    enquote = truth("enquote")


class InputValueSchema(ValueSchema):
    default = TextDefaults(_if_specified("default", "default must be string or array of strings."))


def part(name: str, schema: type[WordedSchema], *, absent: str | None = None) -> Section:
    """A sub-object; one that is left out is as good as an empty one, unless ``absent`` words its absence."""
    text = f"Invalid {name} value found for <kind> <id>. If specified, {name} must be a JSON object."
    default = None if absent else lambda: schema().load({})
    return Section(text, schema, absent=absent, default=default)


def argument_id(kind: str) -> Text:
    text = f"No id attribute found for software {kind} null description"
    return Text(
        text, absent=text, longest=64, too_long=f"'software.{kind}.id' must be less than 64 characters."
    )


class InputSchema(WordedSchema):
    id = argument_id("input")
    value = part("value", InputValueSchema)
    details = part("details", DetailsSchema)
    semantics = part("semantics", SemanticsSchema)

    @post_load
    def build(self, data: dict[str, Any], **_: Any) -> AppInput:
        value, semantics = data["value"], data["semantics"]
        defaults = as_list(value["default"])
        check_visibility(value, defaults)
        check_cardinality(value, semantics, len(defaults))
        check_validator(value["validator"], [text for text in defaults if text])
        return AppInput(
            id=data["id"], **value | {"default": as_default(defaults)}, **data["details"], **semantics
        )


class OutputValueSchema(WordedSchema):
    validator = validator()
    order = order()
    default = TextDefaults(_if_specified("default", "default must be string or array of strings."))


class OutputDetailsSchema(WordedSchema):
    label = _text("label", 128)
    description = _text("description", 1024)


class OutputSchema(WordedSchema):
    id = argument_id("output")
    value = part("value", OutputValueSchema)
    details = part("details", OutputDetailsSchema)
    semantics = Section(
        "Invalid semantics value found for <kind> <id>. If specified, semantics must be a JSON object.",
        SemanticsSchema,
    )

    @post_load
    def build(self, data: dict[str, Any], **_: Any) -> AppOutput:
        value = data["value"]
        most = UNLIMITED if data["semantics"] is None else 1
        semantics = data["semantics"] or SemanticsSchema().load({})
        least = semantics["min_cardinality"] or 0
        if semantics["max_cardinality"] is None:
            semantics["max_cardinality"] = most
        check_order_of_cardinalities(least, semantics["max_cardinality"])
        value["validator"] = value["validator"] or None
        value["default"] = as_default(as_list(value["default"]))
        return AppOutput(id=data["id"], **value, **data["details"], **semantics | {"min_cardinality": least})


def as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def as_default(values: list[Any]) -> Any:
    """One value as itself, several as a list, none as None."""
    return values if len(values) > 1 else (values[0] if values else None)


def check_visibility(value: dict[str, Any], defaults: list[Any]) -> None:
    """Hidden ones need a default, and are required unless they say otherwise."""
    if value["required"] is None:
        value["required"] = not value["visible"]
    value["validator"] = value["validator"] or None
    if not value["visible"] and not defaults:
        raise ValidationError(
            "No default field found for <kind> <id>. default field is required for hidden <kind>s."
        )


def check_cardinality(value: dict[str, Any], semantics: dict[str, Any], defaults: int) -> None:
    """Fills in what was not given, then holds the numbers against each other."""
    needed = value["required"] or not value["visible"]
    if semantics["min_cardinality"] is None:
        semantics["min_cardinality"] = 1 if needed else 0
    if semantics["max_cardinality"] is None:
        semantics["max_cardinality"] = 1
    least, most = semantics["min_cardinality"], semantics["max_cardinality"]
    if needed and least == 0:
        raise ValidationError(
            _if_specified(
                "minCardinality",
                "the minCardinality value must be greater than 0 for required and hidden <kind>s.",
            )
        )
    check_order_of_cardinalities(least, most)
    total = "the total number of default values must be"
    if defaults > most != UNLIMITED:
        raise ValidationError(
            _if_specified("default", f"{total} less than the maxCardinality of this <kind>.")
        )
    if 0 < defaults < least:
        raise ValidationError(
            _if_specified("default", f"{total} greater than the minCardinality of this <kind>.")
        )


def check_order_of_cardinalities(least: int, most: int) -> None:
    if least > most != UNLIMITED:
        raise ValidationError(
            _if_specified(
                "maxCardinality",
                "the maxCardinality value must be greater than or equal to the minCardinality value.",
            )
        )


def check_validator(expression: str | None, texts: list[str]) -> None:
    """Every default matches as a whole, as the values of jobs must."""
    if expression and not all(patterns.matches(expression, text) for text in texts):
        raise ValidationError(
            "Invalid default value found for <kind> <id>. Default value does not match the validator for this "
            "<kind>."
        )


class Arguments(Worded):
    """An array of inputs, parameters or outputs, in the order that their ``order`` gives."""

    def __init__(self, refusal: str, kind: str, schema: type[WordedSchema], key: str) -> None:
        """``key`` is what the message about an id given twice calls them."""
        super().__init__(refusal, default=())
        self._kind = kind
        self._schema = schema
        self._key = key

    def described(self, nested: Callable[[type[Schema]], Fragment]) -> Fragment:
        return {"type": "array", "items": nested(self._schema)}

    def read(self, value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise self.refuse()
        found = [self._one(item) for item in value]
        seen: set[str] = set()
        for one in found:
            if one.id.lower() in seen:
                raise ValidationError(
                    f'Duplicate application {self._key} key "{one.id}". {self._kind.capitalize()} keys must be '
                    "unique to the application."
                )
            seen.add(one.id.lower())
        return tuple(sorted(found, key=lambda one: int(one.order)))

    def _one(self, item: dict[str, Any]) -> Any:
        try:
            return self._schema().load(item)
        except ValidationError as error:
            text = first_refusal(error.messages)
            named = text.replace("<kind>", self._kind).replace("<id>", str(item.get("id")))
            raise ValidationError(named) from error
