"""What an app's body may hold, and how each refusal is worded [apps §3-§5]."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.api.v2.schemas.app import parse_app
from emulator.domain.errors import Invalid
from tests.catalog import APP, changed
from tests.unit.test_system_schema import JSON, paths


def refusal(body: dict[str, Any]) -> str:
    with pytest.raises(Invalid) as refused:
        parse_app(body)
    return refused.value.message


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
        ({"version": "1" * 300_000 + "!"}, "Invalid 'app.version' value. Please provide a version in x.x.x format"),
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
