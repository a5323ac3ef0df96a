"""What an app's body may hold, and how each refusal is worded [apps §3-§5]."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.api.v2.schemas.app import parse_app
from emulator.domain.app import AppInput, AppOutput, AppParameter
from emulator.domain.errors import Invalid
from tests.catalog import APP, changed
from tests.unit.test_system_schema import JSON, paths


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


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": ""}, "Invalid 'app.name' value. Please enter a valid name for this app."),
        ({"name": "x" * 65}, "'app.name' must be less than 64 characters."),
        ({"name": "a b"}, "'app.name' may only contain alphanumeric characters, periods, and dashes."),
        (
            {"parallelism": ...},
            "No 'app.parallelism' attribute found in app description. Parallelism must be one of "
            "SERIAL,PARALLEL,PTHREAD",
        ),
        (
            {"parallelism": "THREADS"},
            "Invalid parallelism value. Parallelism must be one of SERIAL,PARALLEL,PTHREAD",
        ),
        ({"version": ...}, "No version attribute found in software description"),
        ({"version": 1.0}, "Invalid 'app.version' value. Please provide a version in x.x.x format"),
        ({"version": "v1.0"}, "Invalid 'app.version' value. Please provide a version in x.x.x format"),
        ({"version": "1"}, "Invalid 'app.version' value. Please provide a version in x.x.x format"),
        ({"version": "1.0-rc"}, "Invalid 'app.version' value. Please provide a version in x.x.x format"),
        ({"version": "1+1"}, "Invalid version specified"),
        ({"version": "1." * 9}, "'software.version' must be less than 16 characters."),
        ({"icon": "no url"}, "'app.icon' must be a valid URL."),
        ({"helpURI": "no url"}, "'app.helpURI' must be a valid URL."),
        ({"label": "x" * 65}, "app.label must be less than 64 characters."),
        ({"shortDescription": "x" * 256}, "app.shortDescription must be less than 255 characters."),
        ({"longDescription": "x" * 4097}, "app.longDescription must be less than 4096 characters."),
        (
            {"tags": "a,b"},
            "Invalid 'app.tags' value. If specified, 'app.tags' must be a json array of strings",
        ),
        (
            {"modules": [1]},
            "Invalid 'app.modules' value. If specified, 'app.modules' must be a json array of strings",
        ),
        (
            {"ontology": {}},
            "Invalid 'app.ontology' value. If specified, 'app.ontology' must be a json array of URL",
        ),
        (
            {"executionSystem": ...},
            "No 'app.executionSystem' attribute found in software description",
        ),
        ({"executionType": ...}, "No executionType attribute found in software description"),
        (
            {"executionType": "GRID"},
            "Invalid executionType value. executionType must be one of ATMOSPHERE,HPC,CONDOR,CLI",
        ),
        (
            {"defaultNodeCount": -1},
            "Invalid defaultNodeCount value. If specified, defaultNodeCount must be a postitive integer value or "
            "-1 for no limit.",
        ),
        (
            {"defaultProcessorsPerNode": 1.5},
            "Invalid defaultProcessorsPerNode value. If specified, defaultProcessorsPerNode must be a postitive "
            "integer value or -1 for no limit.",
        ),
        (
            {"defaultMemoryPerNode": "lots"},
            "Invalid defaultMemoryPerNode value. If specified, app.defaultMemoryPerNode should be a postive value "
            "specified in ###.#[EPTGM]B format.",
        ),
        (
            {"defaultMemoryPerNode": "512MB"},
            "If specified, app.defaultMemoryPerNode must be a postive number representing GB.",
        ),
        (
            {"defaultMaxRunTime": "1h"},
            "Invalid defaultMaxRunTime value. If specified, defaultMaxRunTime must be in the form of hh:mm:ss.",
        ),
        ({"deploymentPath": ...}, "No deploymentPath attribute found in app description"),
        ({"templatePath": ...}, "No templatePath attribute found in app description"),
        ({"testPath": ...}, "No testPath attribute found in software description"),
        (
            {"checkpointable": "true"},
            "Invalid checkpointable value. Please specify either true or false based on the ability of this app "
            "to be checkpointed.",
        ),
        (
            {"available": 1},
            "Invalid available value. Please specify either true or false based on the immediate availability of "
            "this app for use.",
        ),
        (
            {"inputs": {}},
            "Invalid app inputs value. Please specify an array of JSON objects describing the inputs for this "
            "app.",
        ),
        (
            {"parameters": ["p"]},
            "Invalid app parameters value. Please specify an array of JSON objects describing the parameters for "
            "this app.",
        ),
        (
            {"outputs": "o"},
            "Invalid app output value. Please specify an array of JSON objects describing the outputs for this "
            "app.",
        ),
        (
            {"inputs": [{"id": "a"}, {"id": "A"}]},
            'Duplicate application input key "A". Input keys must be unique to the application.',
        ),
        (
            {"parameters": [{"id": "a", "value": {"type": "string"}}] * 2},
            'Duplicate application parameters key "a". Parameter keys must be unique to the application.',
        ),
        (
            {"outputs": [{"id": "a"}] * 2},
            'Duplicate application output key "a". Output keys must be unique to the application.',
        ),
        # the first of several, in the order of the fields
        ({"version": 1, "testPath": ..., "parallelism": ...}, "No 'app.parallelism' attribute found in app "
         "description. Parallelism must be one of SERIAL,PARALLEL,PTHREAD"),
    ],
    ids=lambda value: str(value)[:60],
)  # fmt: skip
def test_apps_that_are_refused(changes: dict[str, Any], message: str) -> None:
    assert refusal(changed(APP, **changes)) == message


@pytest.mark.parametrize("version", ["1.0", "0.1.0", "10", "01", "1.0.0.0"])
def test_versions_that_are_taken(version: str) -> None:
    assert parse_app(changed(APP, version=version)).private_id == f"wc-{version}"


def test_defaults_and_tolerances() -> None:
    made = parse_app(
        changed(
            APP,
            name="a_b-(c).d",
            parallelism="pthread",
            icon="",
            defaultQueue="",
            deploymentSystem="",
            defaultNodeCount="2",
            defaultMemoryPerNode="1.5GB",
            tags=["a,b", "a", " c "],
            deploymentPath="apps/wc/",
            testPath="apps/wc/test/test.sh",
            datePublished="ignored",
        )
    )
    assert (made.parallelism, made.default_node_count, made.default_memory_per_node) == ("PTHREAD", 2, 1.5)
    assert (made.icon, made.default_queue, made.deployment_system) == (None, None, None)
    assert made.tags == ("a", "b", "c")
    assert (made.deployment_path, made.test_path) == ("apps/wc", "test/test.sh")
    least = parse_app(APP)
    assert (least.default_node_count, least.default_processors_per_node) == (1, 1)
    assert (least.default_memory_per_node, least.available, least.checkpointable) == (1.0, True, False)


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


# anything at all

FULL = changed(
    APP,
    tags=["a"],
    inputs=[{"id": "i", "value": {"default": "a", "validator": "a"}, "semantics": {"maxCardinality": 2}}],
    parameters=[
        {"id": "p", "value": {"type": "enumeration", "enum_values": ["a"], "default": "a"}},
        {"id": "n", "value": {"type": "number", "default": 1}, "details": {"argument": "-n"}},
    ],
    outputs=[{"id": "o", "value": {"default": "a"}}],
)


@given(data=st.data(), value=JSON)
def test_any_value_anywhere_is_taken_or_refused(data: st.DataObject, value: Any) -> None:
    made = copy.deepcopy(FULL)
    *above, last = data.draw(st.sampled_from(paths(made)))
    inner: Any = made
    for key in above:
        inner = inner[key]
    inner[last] = value
    try:
        definition = parse_app(made)
    except Invalid as refused:
        assert refused.message
    else:
        assert definition.private_id
