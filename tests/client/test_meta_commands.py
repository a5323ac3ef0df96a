"""Metadata through the unmodified clients [clients §3]: every ``tapis meta`` command, and what agavepy asks."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.client.conftest import Page

pytestmark = [pytest.mark.xdist_group("course-page"), pytest.mark.sample(6, of="module")]

DATA = "meta/v2/data"


@pytest.fixture
def item(page: Page) -> str:
    """An item of the signed-in user."""
    body = {"name": "river", "value": {"depth": 5, "tags": ["wide"]}}
    return str(page.api.call("POST", DATA, json=body)["uuid"])


def create(page: Page, *arguments: str, **body: Any) -> dict[str, Any]:
    path = page.folder / "meta.json"
    path.write_text(json.dumps(body), encoding="utf-8")
    made: dict[str, Any] = page.tapis_json("meta", "create", "-F", str(path), *arguments)
    return made


def uuids(found: list[dict[str, Any]]) -> list[str]:
    return [one["uuid"] for one in found]


def test_create_from_a_file(page: Page) -> None:
    made = create(page, name="from a file", value={"depth": 7})
    held = page.api.call("GET", f"{DATA}/{made['uuid']}")
    assert (held["name"], held["value"], held["owner"]) == ("from a file", {"depth": 7}, "testuser")
    assert (made["name"], made["owner"]) == (held["name"], held["owner"])


def test_create_from_the_command_line(page: Page) -> None:
    made = page.tapis_json("meta", "create", "-N", "by hand", "-V", "a text")
    held = page.api.call("GET", f"{DATA}/{made['uuid']}")
    assert (held["name"], held["value"]) == ("by hand", "a text")


def test_update(page: Page, item: str) -> None:
    path = page.folder / "update.json"
    path.write_text(json.dumps({"name": "stream", "value": {"depth": 1}}), encoding="utf-8")
    assert page.tapis_json("meta", "update", "-F", str(path), item)["name"] == "stream"
    page.tapis("meta", "update", "-N", "brook", item)
    held = page.api.call("GET", f"{DATA}/{item}")
    assert (held["name"], held["value"]) == ("brook", {"depth": 1})


def test_show_and_list(page: Page, item: str) -> None:
    shown = page.tapis_json("meta", "show", item)
    assert (shown["uuid"], shown["name"], shown["owner"]) == (item, "river", "testuser")
    assert item in uuids(page.tapis_json("meta", "list"))
    assert len(page.tapis_json("meta", "list", "-l", "1")) == 1


def test_search(page: Page, item: str) -> None:
    found = page.tapis_json("meta", "search", "--name", "eq", "river")
    assert item in uuids(found)
    assert item in uuids(page.tapis_json("meta", "search", "--owner", "eq", "testuser", "-l", "250"))
    assert page.tapis_json("meta", "search", "--name", "eq", "no such name") == []


def test_pems(page: Page, item: str) -> None:
    page.tapis("meta", "pems", "grant", item, "student05", "READ")
    names = [one["username"] for one in page.tapis_json("meta", "pems", "list", item)]
    assert names == ["testuser", "student05"]
    shown = page.tapis_json("meta", "pems", "show", item, "student05")
    assert shown["username"] == "student05"
    page.tapis("meta", "pems", "revoke", item, "student05")
    assert [one["username"] for one in page.api.call("GET", f"{DATA}/{item}/pems")] == ["testuser"]
    page.tapis("meta", "pems", "grant", item, "student05", "READ_WRITE")
    page.tapis("meta", "pems", "drop", item)
    assert [one["username"] for one in page.api.call("GET", f"{DATA}/{item}/pems")] == ["testuser"]


def test_delete(page: Page, item: str) -> None:
    page.tapis("meta", "delete", item)
    text = f"No metadata item found for user with id {item}"
    assert page.api.refused("GET", f"{DATA}/{item}", 404) == text


def test_queries_and_schemas_of_agavepy(page: Page, item: str) -> None:
    code = f"""
schema = ag.meta.addSchema(body={{'title': 't', 'properties': {{'depth': {{'type': 'integer'}}}}}})
made = ag.meta.addMetadata(body={{'name': 'lake', 'schemaId': schema['uuid'], 'value': {{'depth': 9}}}})
query = json.dumps({{'value.depth': {{'$gt': 4}}, 'name': {{'$in': ['lake', 'river']}}}})
found = [one['uuid'] for one in ag.meta.listMetadata(q=query, limit=250)]
ag.meta.updateMetadata(uuid=made['uuid'], body={{'name': 'sea'}})
try:
    ag.meta.updateMetadata(uuid=made['uuid'], body={{'name': 'sea', 'value': {{'depth': 'deep'}}}})
    refusal = ''
except Exception as error:
    refusal = error.response.json()['message']
answer = [made['uuid'] in found, {item!r} in found, ag.meta.getMetadata(uuid=made['uuid'])['name'], refusal]
"""
    text = "The value field does not adhere to the metadata schema referenced by the schemaId"
    assert page.agavepy(code) == [True, True, "sea", text]
