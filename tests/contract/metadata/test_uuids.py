"""What uuids stand for [postits §C]."""

from __future__ import annotations

from typing import Any

import pytest

from tests.served import Api


@pytest.fixture(scope="module")
def known(api: Api) -> dict[str, tuple[str, str]]:
    """A uuid and the path of its resource, by type."""
    system = next(s for s in api.call("GET", "systems/v2?filter=*") if s["type"] == "STORAGE" and s["public"])
    app = api.call("GET", "apps/v2?filter=uuid,id")[0]
    home = f"{system['id']}//home/testuser"
    upload = api.call(
        "POST", f"files/v2/media/system/{home}", files={"fileToUpload": ("a file.txt", b"some text")}
    )
    own = api.call(
        "POST",
        "systems/v2",
        json={
            "id": "uuids.storage",
            "name": "own",
            "type": "STORAGE",
            "storage": {
                "host": "uuids.example.org",
                "protocol": "SFTP",
                "port": 22,
                "rootDir": "/",
                "homeDir": "/",
                "auth": {"type": "PASSWORD", "username": "u", "password": "p"},
            },
        },
    )
    event = api.call("GET", f"systems/v2/{own['id']}/history")[0]
    item = api.call("POST", "meta/v2/data", json={"name": "x", "value": {"deep": {"er": 1}}})
    schema = api.call("POST", "meta/v2/schemas", json={"title": "x"})
    wanted = {"associatedUuid": item["uuid"], "event": "*", "url": "a@example.org"}
    notification = api.call("POST", "notifications/v2", json=wanted)
    postit = api.call("POST", "postits/v2", json={"url": f"{api.url}/systems/v2/{own['id']}"})
    profile = api.call("GET", "profiles/v2/testuser")
    tenant = api.call("GET", "tenants")[0]
    return {
        "file": (upload["uuid"], f"files/v2/media/system/{home}/a%20file.txt"),
        "profile": (profile["uuid"], "profiles/v2/testuser"),
        "system": (own["uuid"], f"systems/v2/{own['id']}"),
        "system_event": (event["id"], f"systems/v2/{own['id']}/history/{event['id']}"),
        "app": (app["uuid"], f"apps/v2/{app['id']}"),
        "metadata": (item["uuid"], f"meta/v2/data/{item['uuid']}"),
        "schema": (schema["uuid"], f"meta/v2/schemas/{schema['uuid']}"),
        "notification": (notification["id"], f"notifications/v2/{notification['id']}"),
        "postit": (postit["postit"], f"postits/v2/{postit['postit']}"),
        "tenant": (tenant["id"], f"tenants/{tenant['id']}"),
    }


KINDS = [
    "file",
    "profile",
    "system",
    "system_event",
    "app",
    "metadata",
    "schema",
    "notification",
    "postit",
    "tenant",
]


@pytest.mark.parametrize("service", ["uuid/v2", "uuids/v2", "uuids/v2/"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_uuid_leads_to_its_resource(
    api: Api, student: Api, known: dict[str, tuple[str, str]], kind: str, service: str
) -> None:
    uuid, path = known[kind]
    link = {"href": f"{api.url}/{path}"}
    expected = {"uuid": uuid, "type": kind, "_links": {"self": link, kind: link}}
    url = f"{service.rstrip('/')}/{uuid}?expand=false"
    assert api.call("GET", url) == expected
    assert student.call("GET", url) == expected


@pytest.mark.parametrize("kind", KINDS)
def test_expanded_it_is_the_resource_as_its_service_shows_it(
    api: Api, known: dict[str, tuple[str, str]], kind: str
) -> None:
    uuid, path = known[kind]
    shown = api.call("GET", f"uuid/v2/{uuid}?expand=true")
    expected = api.call(
        "GET",
        path.replace("/media/", "/listings/").replace("postits/v2/", "postits/v2/listing/"),
        params={"filter": "*"},
    )
    assert shown == (expected[0] if isinstance(expected, list) else expected)


def test_looking_at_a_postit_does_not_use_it_up(api: Api, known: dict[str, tuple[str, str]]) -> None:
    uuid, _ = known["postit"]
    for _ in range(2):
        assert api.call("GET", f"uuid/v2/{uuid}?expand=true")["numberUsed"] == 0


def test_filters_reach_into_what_is_expanded(api: Api, known: dict[str, tuple[str, str]]) -> None:
    uuid, _ = known["metadata"]
    url = f"uuid/v2/{uuid}?expand=true&filter=name,value.deep.er"
    assert api.call("GET", url) == {"name": "x", "value": {"deep": {"er": 1}}}
    assert api.call("GET", f"uuid/v2/{uuid}?filter=type") == {"type": "metadata"}


def test_what_the_caller_may_not_see_says_so(student: Api, known: dict[str, tuple[str, str]]) -> None:
    uuid, _ = known["metadata"]
    text = "Cannot validate - User does not have permission to read this metadata entry."
    refusal = {"status": "error", "message": text}
    assert student.call("GET", f"uuid/v2/{uuid}?expand=true&filter=name") == refusal
    assert student.call("GET", f"uuid/v2?uuids={uuid}&expand=true&filter=name") == [refusal]


@pytest.mark.parametrize("parameter", ["uuids", "uuids.eq"])
def test_several_come_in_their_order(api: Api, known: dict[str, tuple[str, str]], parameter: str) -> None:
    uuids = [known["schema"][0], "nonsense", known["app"][0], "7-012", "7-003"]
    found = api.call("GET", "uuids/v2/", params={parameter: ",".join(uuids)})
    assert [one.get("type") for one in found] == ["schema", None, "app", None, None]
    assert [one.get("message") for one in found] == [
        None,
        "Failed to resolve uuid nonsense. No resource found matching nonsense",
        None,
        "Failed to resolve uuid 7-012. Unable to resolve uuid 7-012",
        "Failed to resolve uuid 7-003. Unable to resolve INTERNALUSER identifier to a known resource for uuid: 7-003",
    ]
    assert api.call("GET", f"uuid/v2?{parameter}=") == []
    assert api.call("GET", "uuid/v2") == []
    assert len(api.call("GET", "uuid/v2?limit=2&offset=1", params={parameter: ",".join(uuids)})) == 2


@pytest.mark.parametrize(
    ("uuid", "text"),
    [
        ("nonsense", "No resource found matching nonsense"),
        ("1-999", "No resource found matching 1-999"),
        ("1-007", "Unable to resolve uuid 1-007"),
        ("1-job", "Unable to resolve uuid 1-job"),
        ("1-042", "Unable to resolve uuid 1-042"),
        ("1-028", "Unable to resolve uuid 1-028"),
        ("1-055", "Unable to resolve uuid 1-055"),
        ("1-041", "Unable to resolve BATCH_QUEUE identifier to a known resource for uuid: 1-041"),
    ],
)
def test_uuids_that_stand_for_nothing(api: Api, uuid: str, text: str) -> None:
    assert api.refused("GET", f"uuid/v2/{uuid}", 400) == text
    assert api.refused("GET", f"uuid/v2/{uuid}?expand=true", 400) == text


def test_new_ones_are_drawn(api: Api) -> None:
    for body in ({"json": {"type": "FILE"}}, {"data": {"type": "file"}}):
        drawn: Any = api.call("POST", "uuid/v2/", **body)
        assert drawn["type"] == "file" and drawn["uuid"].endswith("-002")
    assert len(api.call("POST", "uuids/v2", json={"type": "JOB"})["uuid"]) == 40
    assert api.call("POST", "uuids/v2", json={"type": "POSTIT"})["uuid"].endswith("-010")
    text = "No resource type provided. Please provide a valid resource type for which to generate a UUID."
    for nothing in ({}, {"type": ""}, {"type": None}, {"kind": "FILE"}):
        assert api.refused("POST", "uuid/v2", 400, json=nothing) == text
    text = api.refused("POST", "uuid/v2", 400, json={"type": "BANANA"})
    assert text.startswith("Invalid resource type. Valid types are: PROFILE, FILE, ")
    assert api.request("POST", "uuid/v2", json={"type": ["FILE"]}).status_code == 400
