"""Schemas of metadata, and items held to them [postits §B.5]."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.real.webhook_sink import WebhookSink
from tests.served import Api

DATA, SCHEMAS = "meta/v2/data", "meta/v2/schemas"
SCHEMA: dict[str, Any] = {
    "$schema": "http://json-schema.org/draft-04/schema#",
    "title": "sample",
    "type": "object",
    "properties": {"depth": {"type": "number", "minimum": 0}, "taken": {"$ref": "#/definitions/day"}},
    "definitions": {"day": {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}$"}},
    "required": ["depth"],
}
INVALID = (
    "The supplied JSON Schema definition is invalid. For more information on JSON Schema, please visit "
    "http://json-schema.org/.\n"
)
VIOLATED = "The value field does not adhere to the metadata schema referenced by the schemaId"


def make(api: Api, schema: Any = SCHEMA) -> str:
    return str(api.call("POST", SCHEMAS, 201, json=schema)["uuid"])


def test_a_schema_comes_back_as_it_was_given(api: Api) -> None:
    made = api.call("POST", SCHEMAS, 201, json=SCHEMA)
    uuid = made["uuid"]
    assert uuid.endswith("-013")
    assert set(made) == {"uuid", "internalUsername", "lastUpdated", "schema", "created", "owner", "_links"}
    assert (made["schema"], made["owner"]) == (SCHEMA, "testuser")
    home = f"{api.url}/{SCHEMAS}/{uuid}"
    assert made["_links"] == {
        "self": {"href": home},
        "permissions": {"href": home + "/pems"},
        "owner": {"href": f"{api.url}/profiles/v2/testuser"},
    }
    assert api.call("GET", f"{SCHEMAS}/{uuid}/") == made
    changed = api.call("POST", f"{SCHEMAS}/{uuid}", 200, json={"title": "other"})
    assert (changed["schema"], changed["created"]) == ({"title": "other"}, made["created"])
    files = {"fileToUpload": ("schema.json", json.dumps(SCHEMA))}
    assert api.call("POST", f"{SCHEMAS}/{uuid}", 200, files=files)["schema"] == SCHEMA
    assert "result" not in api.request("DELETE", f"{SCHEMAS}/{uuid}").json()
    missing = f"No metadata schema item found for user with id {uuid}"
    assert api.refused("GET", f"{SCHEMAS}/{uuid}", 404) == missing
    missing = f"No metadata schema found for user with id {uuid}"
    assert api.refused("POST", f"{SCHEMAS}/{uuid}", 404, json=SCHEMA) == missing


def test_schemas_are_found_by_what_stands_in_them(api: Api, student: Api, admin: Api) -> None:
    uuid = make(api, SCHEMA | {"title": "to be found"})
    query = {"q": '{"schema.title": "to be found", "schema.properties.depth.minimum": {"$lt": 1}}'}
    assert [found["uuid"] for found in api.call("GET", SCHEMAS, params=query)] == [uuid]
    assert [found["uuid"] for found in admin.call("GET", SCHEMAS, params=query)] == [uuid]
    assert student.call("GET", SCHEMAS, params=query) == []
    for order in ("uuid", "tenantId", "schema", "internalUsername", "lastUpdated", "created", "owner"):
        assert api.call("GET", f"{SCHEMAS}?orderBy={order}")
    text = "Invalid order field. Please specify one of uuid,tenantId,schema,internalUsername,lastUpdated,created,"
    assert api.refused("GET", f"{SCHEMAS}?orderBy=name", 400) == text + "owner"


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "banana"},
        {"properties": 5},
        {"required": []},
        {"required": True},
        {"minimum": "5"},
        {"$schema": "http://json-schema.org/draft-03/schema#", "type": {"a": 1}, "divisibleBy": 0},
    ],
    ids=json.dumps,
)
def test_what_is_no_schema_is_refused(api: Api, schema: Any) -> None:
    assert api.refused("POST", SCHEMAS, 400, json=schema).startswith(INVALID)
    uuid = make(api)
    assert api.refused("POST", f"{SCHEMAS}/{uuid}", 400, json=schema).startswith(INVALID)
    assert api.call("GET", f"{SCHEMAS}/{uuid}")["schema"] == SCHEMA


def test_bodies_that_are_no_schema(api: Api) -> None:
    assert api.refused("POST", SCHEMAS, 400, data={"title": "x"}).startswith("Unsupported content type. ")
    for text in ("", "{}", "[]", "{", "true"):
        assert api.request("POST", SCHEMAS, data=text).status_code == 400, text


def test_an_item_keeps_to_its_schema_when_made_and_when_changed(api: Api) -> None:
    schema = make(api)
    bad = {"name": "x", "schemaId": schema, "value": {"depth": -1}}
    assert api.refused("POST", DATA, 400, json=bad) == VIOLATED
    assert api.refused("POST", DATA, 400, json=bad | {"value": {"depth": 1, "taken": "now"}}) == VIOLATED
    assert api.refused("POST", DATA, 400, json={"name": "x", "schemaId": schema}) == VIOLATED
    item = api.call("POST", DATA, json=bad | {"value": {"depth": 1, "taken": "2026-11"}})
    assert item["_links"]["schema"] == {"href": f"{api.url}/{SCHEMAS}/{schema}"}
    url = f"{DATA}/{item['uuid']}"
    assert api.refused("POST", url, 400, json={"name": "x", "value": "text"}) == VIOLATED
    assert api.refused("POST", url, 400, json={"name": "x", "value": {}}) == VIOLATED
    assert api.call("POST", url, json={"name": "y"})["schemaId"] == schema
    freed = api.call("POST", url, json={"name": "y", "schemaId": None, "value": "text"})
    assert freed["schemaId"] is None and "schema" not in freed["_links"]
    assert api.refused("POST", url, 400, json={"name": "y", "schemaId": schema}) == VIOLATED


def test_draft_3_is_known_by_its_name(api: Api) -> None:
    third = {
        "$schema": "http://json-schema.org/draft-03/schema#",
        "type": "object",
        "properties": {"depth": {"required": True, "divisibleBy": 2}},
    }
    schema = make(api, third)
    assert api.refused("POST", DATA, 400, json={"name": "x", "schemaId": schema, "value": {}}) == VIOLATED
    api.call("POST", DATA, json={"name": "x", "schemaId": schema, "value": {"depth": 4}})


def test_a_deleted_schema_no_longer_binds(api: Api) -> None:
    schema = make(api)
    item = api.call("POST", DATA, json={"name": "x", "schemaId": schema, "value": {"depth": 1}})
    api.call("DELETE", f"{SCHEMAS}/{schema}")
    changed = api.call("POST", f"{DATA}/{item['uuid']}", json={"name": "x", "value": "free"})
    assert changed["value"] == "free"
    again = {"name": "x", "schemaId": schema}
    text = f"Invalid schemaId. No metadata schema item found for user with id {schema}"
    assert api.refused("POST", f"{DATA}/{item['uuid']}", 400, json=again) == text


def test_a_schema_that_cannot_be_read_cannot_be_named(api: Api, student: Api) -> None:
    body = {"name": "x", "schemaId": make(api), "value": {"depth": 1}}
    text = "User does not have permission to read metadata for uuid"
    assert student.refused("POST", DATA, 403, json=body) == text


def test_references_are_never_fetched(api: Api, webhook_sink: WebhookSink) -> None:
    for reference in (f"{webhook_sink.url}/schema.json", "file:///etc/hostname", "other.json", "#/nowhere"):
        schema = make(api, {"properties": {"a": {"$ref": reference}}})
        assert api.call("GET", f"{SCHEMAS}/{schema}")["schema"]["properties"]["a"] == {"$ref": reference}
        text = api.refused("POST", DATA, 400, json={"name": "x", "schemaId": schema, "value": {"a": 1}})
        assert text.startswith(VIOLATED + ": the reference ")
        api.call("POST", DATA, json={"name": "x", "schemaId": schema, "value": {"b": 1}})
    assert webhook_sink.hooks.items == []


DOUBLING = {"definitions": {f"d{n}": {"allOf": [{"$ref": f"#/definitions/d{n + 1}"}] * 2} for n in range(60)}}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"$ref": "#"}, 1),
        ({"allOf": [{"$ref": "#"}]}, 1),
        (DOUBLING | {"definitions": DOUBLING["definitions"] | {"d60": {}}, "$ref": "#/definitions/d0"}, 1),
        ({"items": {"allOf": [{}] * 2000}}, [1] * 2000),
        ({"pattern": "(a|aa)+$"}, "a" * 60 + "b"),
        ({"patternProperties": {"(a|aa)+$": {}}}, {"a" * 60 + "b": 1}),
        ({"pattern": "((a{1000}){1000}){1000}"}, "a"),
    ],
    ids=lambda value: json.dumps(value)[:50],
)
def test_schemas_that_would_never_end_are_refused_with_the_item(api: Api, schema: Any, value: Any) -> None:
    uuid = make(api, schema)
    assert api.request("POST", DATA, json={"name": "x", "schemaId": uuid, "value": value}).status_code == 400


@pytest.mark.parametrize(
    ("value", "kept"), [([1, 2], True), ([1, 1.0], False), ([1, True], True), ([{"a": 1}, {"a": 1.0}], False)]
)
def test_unique_items(api: Api, value: Any, kept: bool) -> None:
    body = {"name": "x", "schemaId": make(api, {"uniqueItems": True}), "value": value}
    assert api.request("POST", DATA, json=body).status_code == (201 if kept else 400)
