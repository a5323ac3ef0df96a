"""What inputs, parameters and outputs of an app may hold, and how each refusal is worded [apps §5]."""

from __future__ import annotations

import re
from typing import Any

import pytest

from emulator.api.v2.schemas.app import parse_app
from emulator.domain.app import AppInput, AppOutput, AppParameter
from emulator.domain.errors import Invalid
from tests.catalog import APP, changed


def refusal(body: dict[str, Any]) -> str:
    with pytest.raises(Invalid) as refused:
        parse_app(body)
    return refused.value.message


def an_input(**parts: Any) -> AppInput:
    (found,) = parse_app(changed(APP, inputs=[{"id": "i", **parts}])).inputs
    return found


def a_parameter(**parts: Any) -> AppParameter:
    (found,) = parse_app(changed(APP, parameters=[{"id": "p", **parts}])).parameters
    return found


def an_output(**parts: Any) -> AppOutput:
    (found,) = parse_app(changed(APP, outputs=[{"id": "o", **parts}])).outputs
    return found


# inputs


def test_inputs_by_their_defaults() -> None:
    assert an_input() == AppInput(id="i")
    assert an_input(value=None, details=None, semantics={}) == AppInput(id="i")
    hidden = an_input(value={"visible": 0, "default": "a"})
    assert (hidden.required, hidden.min_cardinality, hidden.max_cardinality) == (True, 1, 1)
    required = an_input(value={"required": "true"})
    assert (required.required, required.min_cardinality, required.default) == (True, 1, None)
    several = an_input(value={"default": ["a", "b"]}, semantics={"maxCardinality": 2})
    assert several.default == ["a", "b"]
    assert an_input(value={"default": ["a"], "validator": ""}).default == "a"
    assert an_input(value={"default": [], "required": True}).default is None
    assert an_input(value={"default": "", "validator": "x+"}).default == ""


def refused_input(**parts: Any) -> str:
    return refusal(changed(APP, inputs=[{"id": "i", **parts}]))


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"id": None}, "No id attribute found for software input null description"),
        (
            {"value": {"visible": "perhaps"}},
            "Invalid visible value found for input i. If specified, visible must be a boolean value, 1, or 0.",
        ),
        (
            {"value": {"required": 2}},
            "Invalid required value found for input i. If specified, required must be a boolean value, 1, or 0.",
        ),
        (
            {"value": {"visible": False}},
            "No default field found for input i. default field is required for hidden inputs.",
        ),
        (
            {"value": {"default": 5}},
            "Invalid default value found for input i. If specified, default must be string or array of strings.",
        ),
        (
            {"value": {"default": "b", "validator": "a+"}},
            "Invalid default value found for input i. Default value does not match the validator for this input.",
        ),
        (
            {"value": {"default": "aab", "validator": "a+"}},  # the whole value must match
            "Invalid default value found for input i. Default value does not match the validator for this input.",
        ),
        (
            {"value": {"default": ["a", "b"]}},
            "Invalid default value found for input i. If specified, the total number of default values must be "
            "less than the maxCardinality of this input.",
        ),
        (
            {"value": {"default": "a"}, "semantics": {"minCardinality": 2, "maxCardinality": -1}},
            "Invalid default value found for input i. If specified, the total number of default values must be "
            "greater than the minCardinality of this input.",
        ),
        (
            {"value": {"validator": ["a"]}},
            "Invalid validator found for input i. If provided, validator must be a string regular expression.",
        ),
        (
            {"value": {"validator": "("}},
            "'software.input.value.validator' is not a valid regular expression.",
        ),
        (
            {"details": {"showArgument": True}},
            "Invalid argument value found for input i. A valid string value must be supplied when showArgument is "
            "true.",
        ),
        (
            {"semantics": {"minCardinality": 3, "maxCardinality": 2}},
            "Invalid maxCardinality value found for input i. If specified, the maxCardinality value must be "
            "greater than or equal to the minCardinality value.",
        ),
        (
            {"value": {"required": True}, "semantics": {"minCardinality": 0}},
            "Invalid minCardinality value found for input i. If specified, the minCardinality value must be "
            "greater than 0 for required and hidden inputs.",
        ),
        (
            {"semantics": {"maxCardinality": 0}},
            "Invalid maxCardinality value found for input i. If specified, maxCardinality must be a positive "
            "integer value or -1 for no limit.",
        ),
    ],
    ids=str,
)
def test_inputs_that_are_refused(parts: dict[str, Any], message: str) -> None:
    assert refused_input(**parts) == message


# parameters


@pytest.mark.parametrize(
    ("value", "default"),
    [
        ({"type": "string", "default": "a"}, "a"),
        ({"type": "STRING", "default": ["a"]}, "a"),
        ({"type": "number", "default": 5.0}, 5),
        ({"type": "number", "default": 0.5, "validator": r"\d\.\d"}, 0.5),
        ({"type": "bool", "default": 1}, True),
        ({"type": "flag", "default": False}, False),
        ({"type": "bool"}, None),
        ({"type": "number"}, None),
        ({"type": "enumeration", "enum_values": ["a", "b"], "default": "b"}, "b"),
        ({"type": "enumeration", "enumValues": [{"a": "A"}]}, None),
    ],
    ids=str,
)
def test_defaults_of_parameters_are_typed(value: dict[str, Any], default: Any) -> None:
    found = a_parameter(value=value).default
    assert (found, type(found)) == (default, type(default))


def test_enumerations_are_pairs() -> None:
    value = {"type": "enumeration", "enum_values": ["a", {"b": "Bee"}]}
    assert a_parameter(value=value).enum_values == (("a", "a"), ("b", "Bee"))


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (
            {},
            "No values attribute found for parameter p. No values attribute found in software parameter "
            "description",
        ),
        (
            {"value": {}},
            "No type field found for parameter p. Parameters must have a type field with any of the following "
            "values: string, number, bool, enumeration, flag",
        ),
        (
            {"value": {"type": "num"}},
            "Invalid type for software parameter p. Valid types are [string, num, bool, enumeration]",
        ),
        (
            {"value": {"type": "enumeration"}},
            "No enumvValues field found for parameterp. enumValues field is required for enumeration parameter "
            "types.",
        ),
        (
            {"value": {"type": "enumeration", "enum_values": [{"a": "A", "b": "B"}]}},
            "Invalid enumValue field value for parameter p. enumValues should be an array of values or single "
            "attribute JSON objects.",
        ),
        (
            {"value": {"type": "enumeration", "enum_values": ["a", "b"], "default": "c"}},
            "Invalid default value c found for parameter p. The default value does not match any of the "
            "enumerated values. Default values should be one or more of the following: a,  b",
        ),
        (
            {"value": {"type": "enumeration", "enum_values": ["a"], "validator": "a"}},
            "Validator field found for parameter p description. Validator field is not applicable for enumeration "
            "parameter types.",
        ),
        (
            {"value": {"type": "string", "enum_values": ["a"]}},
            "enumValues field found for parameter p. enumValues field is not applicable for string, number, and "
            "bool parameter types.",
        ),
        (
            {"value": {"type": "bool", "default": "true"}},
            "Invalid default value found for parameter p. If specified, the default value for a boolean or flag "
            "parameter type must be a boolean value, 1, or 0.",
        ),
        (
            {"value": {"type": "number", "default": "5"}},
            "Invalid default value found for parameter p. If specified, the default value for a number parameter "
            "type must be a numeric value.",
        ),
        (
            {"value": {"type": "number", "default": 50, "validator": "[1-9]"}},
            "Invalid default value found for parameter p. Default value does not match the validator for this "
            "parameter.",
        ),
        (
            {"value": {"type": "flag", "visible": False}},
            "No default field found for parameter p. default field is required for hidden parameters.",
        ),
        (
            {"value": {"type": "string", "validator": "["}},
            "'software.parameter.value.validator' is not a valid regular expression.",
        ),
    ],
    ids=str,
)
def test_parameters_that_are_refused(parts: dict[str, Any], message: str) -> None:
    assert refusal(changed(APP, parameters=[{"id": "p", **parts}])) == message


# outputs


def test_outputs() -> None:
    assert an_output() == AppOutput(id="o")
    assert an_output(semantics={}).max_cardinality == 1
    with pytest.raises(Invalid, match=re.escape("'software.output.value.validator' is not a valid regular")):
        an_output(value={"validator": "("})
