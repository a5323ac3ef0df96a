"""Metadata items: kept, changed, listed, forgotten [postits §B.1, §B.2]."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.served import Api

DATA = "meta/v2/data"
NO_NAME = (
    "Unable to parse form. No name attribute specified. Please provide a valid name for this metadata item."
)
EMPTY_NAME = "Unable to parse form. Empty name attribute specified. Please provide a valid name for this metadata item."
BAD_PERMISSIONS = "Invalid permissions value. permissions should be an JSON array of permission objects."
BAD_NOTIFICATIONS = (
    "Invalid notifications value. notifications should be an JSON array of notification objects."
)
UNKNOWN = "7341557475441971686-242ac11f-0001-012"


def make(api: Api, **body: Any) -> dict[str, Any]:
    made: dict[str, Any] = api.call("POST", DATA, 201, json={"name": "an item", "value": {"a": 1}} | body)
    return made


def test_an_item_is_shown_as_the_service_shows_it(api: Api) -> None:
    job = "0feb1aa5-01aa-4445-b580-a008064a4c44-007"
    system = api.call("GET", "systems/v2?limit=1&filter=uuid,id")[0]
    gone = "7341557475441971686-242ac11f-0001-006"
    made = make(api, associationIds=[job, system["uuid"], gone], value={"é": [1, 2.5, None, True, "x"]})
    url, uuid = f"{api.url}/", made["uuid"]
    assert uuid.endswith("-012")
    assert made.pop("created") == made.pop("lastUpdated")
    assert made == {
        "uuid": uuid,
        "schemaId": None,
        "internalUsername": None,
        "owner": "testuser",
        "associationIds": [job, system["uuid"], gone],
        "name": "an item",
        "value": {"é": [1, 2.5, None, True, "x"]},
        "_links": {
            "self": {"href": f"{url}meta/v2/data/{uuid}"},
            "permissions": {"href": f"{url}meta/v2/data/{uuid}/pems"},
            "owner": {"href": f"{url}profiles/v2/testuser"},
            "associationIds": [
                {"rel": job, "href": f"{url}jobs/v2/{job}", "title": "job"},
                {"rel": system["uuid"], "href": f"{url}systems/v2/{system['id']}", "title": "system"},
                {"rel": gone, "href": None, "title": "system"},
            ],
        },
    }
    shown = api.call("GET", f"{DATA}/{uuid}/")
    assert {name: shown[name] for name in made} == made
    assert shown["created"][-6:] in ("-06:00", "-05:00")


@pytest.mark.parametrize("value", [None, True, 0, -1.5, "text", "", [], {}, [[1], {"a": {"b": None}}]])
def test_any_json_is_a_value(api: Api, value: Any) -> None:
    assert api.call("GET", f"{DATA}/{make(api, value=value)['uuid']}")["value"] == value


def test_a_single_association_and_repeated_ones(api: Api) -> None:
    assert make(api, associationIds=UNKNOWN)["associationIds"] == [UNKNOWN]
    assert make(api, associationIds=[UNKNOWN, UNKNOWN])["associationIds"] == [UNKNOWN]


def test_a_file_part_holds_the_item(api: Api) -> None:
    files = {"fileToUpload": ("item.json", json.dumps({"name": "uploaded", "value": 1}))}
    assert api.call("POST", DATA, 201, files=files)["name"] == "uploaded"
    files = {"fileToUpload": ("item.json", json.dumps({"name": "again"}))}
    uuid = make(api)["uuid"]
    assert api.call("POST", f"{DATA}/{uuid}", 200, files=files)["name"] == "again"


def test_what_an_update_leaves_out_stays(api: Api) -> None:
    made = make(api, associationIds=[UNKNOWN])
    changed = api.call("POST", f"{DATA}/{made['uuid']}", 200, json={"name": "renamed", "owner": "ann"})
    assert (changed["name"], changed["value"], changed["associationIds"]) == ("renamed", {"a": 1}, [UNKNOWN])
    assert (changed["owner"], changed["created"]) == ("testuser", made["created"])
    body = {"uuid": made["uuid"], "name": "n", "value": None, "associationIds": []}
    changed = api.call("POST", f"{DATA}/{made['uuid']}", 200, json=body)
    assert (changed["value"], changed["associationIds"]) == (None, [])
    assert changed["lastUpdated"] >= made["lastUpdated"]
    # what was shown can be posted back
    assert api.call("POST", f"{DATA}/{made['uuid']}", 200, json=changed)["name"] == "n"


def test_a_deleted_item_is_gone(api: Api) -> None:
    uuid = make(api)["uuid"]
    assert "result" not in api.request("DELETE", f"{DATA}/{uuid}").json()
    text = f"No metadata item found for user with id {uuid}"
    for method, body in (("GET", None), ("POST", {"name": "x"}), ("DELETE", None)):
        assert api.refused(method, f"{DATA}/{uuid}", 404, json=body) == text
    assert api.call("GET", f'{DATA}?q={{"uuid":"{uuid}"}}') == []


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"value": 1}, NO_NAME),
        ({"name": None}, NO_NAME),
        ({"name": ""}, EMPTY_NAME),
        ({"name": "  "}, EMPTY_NAME),
        ({"name": ["a"]}, EMPTY_NAME),
        (
            {"name": "x" * 257},
            "Unable to parse form. Invalid name attribute. A name has at most 256 characters.",
        ),
        ({"name": "x", "associationIds": "nonsense"}, "No associated object found with uuid nonsense"),
        ({"name": "x", "associationIds": ["1-999"]}, "No associated object found with uuid 1-999"),
        (
            {"name": "x", "associationIds": [5]},
            "Invalid associationIds value. associationIds should be an JSON array of uuids.",
        ),
        (
            {"name": "x", "associationIds": {"a": 1}},
            "Invalid associationIds value. associationIds should be an JSON array of uuids.",
        ),
        (
            {"name": "x", "associationIds": [f"{n}-007" for n in range(1001)]},
            "Invalid associationIds value. A metadata item has at most 1000 of them.",
        ),
        ({"name": "x", "schemaId": 5}, "Invalid schemaId. Please specify the uuid of a metadata schema."),
        (
            {"name": "x", "schemaId": UNKNOWN},
            "Invalid schemaId. Please specify the uuid of a metadata schema.",
        ),
        (
            {"name": "x", "schemaId": "1-013"},
            "Invalid schemaId. No metadata schema item found for user with id 1-013",
        ),
        ({"name": "x", "permissions": {}}, BAD_PERMISSIONS),
        ({"name": "x", "permissions": ["student01"]}, BAD_PERMISSIONS),
        ({"name": "x", "permissions": [{"permission": "READ"}]}, BAD_PERMISSIONS),
        ({"name": "x", "permissions": [{"username": "a", "permission": 5}]}, BAD_PERMISSIONS),
        ({"name": "x", "notifications": {}}, BAD_NOTIFICATIONS),
        ({"name": "x", "notifications": ["a@b.org"]}, BAD_NOTIFICATIONS),
    ],
    ids=lambda value: json.dumps(value)[:60] if isinstance(value, dict) else "",
)
def test_what_is_wrong_is_refused_and_nothing_kept(api: Api, body: dict[str, Any], text: str) -> None:
    before = len(api.call("GET", f"{DATA}?limit=250&filter=uuid"))
    assert api.refused("POST", DATA, 400, json=body) == text
    assert len(api.call("GET", f"{DATA}?limit=250&filter=uuid")) == before
    kept = make(api)
    assert api.refused("POST", f"{DATA}/{kept['uuid']}", 400, json=body) == text
    assert api.call("GET", f"{DATA}/{kept['uuid']}") == kept
    api.call("DELETE", f"{DATA}/{kept['uuid']}")


def test_a_grant_that_is_wrong_leaves_no_item(api: Api) -> None:
    for grant in ({"username": "x" * 65, "permission": "READ"}, {"username": "ann", "permission": "SOME"}):
        body = {"name": "ungranted", "permissions": [{"username": "student01", "permission": "READ"}, grant]}
        assert api.request("POST", DATA, json=body).status_code == 400
    assert api.call("GET", f'{DATA}?q={{"name":"ungranted"}}') == []


def test_bodies_that_are_no_item(api: Api) -> None:
    form = {"name": "x", "value": "y"}
    assert api.refused("POST", DATA, 400, data=form).startswith("Unsupported content type. ")
    assert api.refused("POST", DATA, 400, json={}).startswith("No content found. ")
    assert api.refused("POST", DATA, 400, files={"fileToUpload": ("x", "")}).startswith("No content found. ")
    for text in ("", "{", '["name"]', '{"name": "\\ud800"}', '{"name":"x","value":NaN}', "\x00"):
        assert api.request("POST", DATA, data=text.encode()).status_code == 400, text
    deep = '{"name":"x","value":' + "[" * 5000 + "]" * 5000 + "}"
    assert "nested too deep" in api.refused("POST", DATA, 400, data=deep)
    assert "too large" in api.refused("POST", DATA, 400, data='{"name":"x","value":1e999}')


def test_a_value_has_five_megabytes_at_most(api: Api) -> None:
    largest = 5 * 1024 * 1024
    uuid = make(api, value="x" * (largest - 2))["uuid"]
    assert len(api.call("GET", f"{DATA}/{uuid}")["value"]) == largest - 2
    text = f"Invalid value. As JSON it may have at most {largest} bytes."
    assert api.refused("POST", DATA, 400, json={"name": "x", "value": "x" * (largest - 1)}) == text
    api.call("DELETE", f"{DATA}/{uuid}")


def test_another_uuid_in_the_body_is_refused(api: Api) -> None:
    uuid = make(api)["uuid"]
    text = "Metadata uuid in the request body does not match the url"
    assert api.refused("POST", f"{DATA}/{uuid}", 400, json={"uuid": UNKNOWN, "name": "x"}) == text


def test_strange_names_and_keys_come_back(api: Api) -> None:
    name = "\x00\u202e𝔊 'quoted\" \\ $name"
    value = {"$ref": "#", "$where": "1", "a.b": 1, "": {"": []}, "\x00": "\x00", "x" * 300: 1}
    uuid = make(api, name=name, value=value)["uuid"]
    found = api.call("GET", DATA, params={"q": json.dumps({"name": name})})
    assert [(item["uuid"], item["value"]) for item in found] == [(uuid, value)]


def test_many_at_once_are_all_kept(api: Api) -> None:
    def one(number: int) -> str:
        return str(Api(api.url).call("POST", DATA, json={"name": "crowd", "value": number})["uuid"])

    with ThreadPoolExecutor(8) as pool:
        uuids = list(pool.map(one, range(40)))
    assert len(set(uuids)) == 40
    found = api.call("GET", DATA, params={"q": '{"name":"crowd"}', "orderBy": "value", "order": "asc"})
    assert [item["value"] for item in found] == list(range(40))
    with ThreadPoolExecutor(8) as pool:
        ends = list(pool.map(lambda uuid: Api(api.url).request("DELETE", f"{DATA}/{uuid}"), uuids * 2))
    assert sorted(answer.status_code for answer in ends) == [200] * 40 + [404] * 40
