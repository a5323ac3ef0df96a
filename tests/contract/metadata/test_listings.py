"""Finding metadata: queries, order, pages, filters, and who sees what [postits §B.3]."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.served import Api

DATA = "meta/v2/data"


@pytest.fixture(scope="module")
def items(api: Api, student: Api, admin: Api) -> dict[str, str]:
    """Uuids by name."""
    made = {}
    for number in range(6):
        value = {
            "number": number,
            "list": [{"x": number, "y": number}, {"x": 9}],
            "by": {"who": f"w{number}"},
        }
        made[f"item-{number}"] = api.call("POST", DATA, json={"name": f"item-{number}", "value": value})[
            "uuid"
        ]
    shared = {"name": "shared", "permissions": [{"username": "testuser", "permission": "READ"}]}
    made["shared"] = student.call("POST", DATA, json=shared)["uuid"]
    made["hidden"] = student.call("POST", DATA, json={"name": "hidden", "value": {"number": 2}})["uuid"]
    for_all = {"name": "for all", "permissions": [{"username": "world", "permission": "READ"}]}
    made["for all"] = admin.call("POST", DATA, json=for_all)["uuid"]
    return made


def names(api: Api, query: Any = None, **parameters: Any) -> list[str]:
    if query is not None:
        parameters["q"] = json.dumps(query)
    return [item["name"] for item in api.call("GET", DATA, params=parameters)]


def test_everybody_sees_own_and_shared_newest_first(
    items: dict[str, str], api: Api, student: Api, admin: Api
) -> None:
    own = [f"item-{number}" for number in reversed(range(6))]
    assert names(api) == ["for all", "shared", *own]
    assert names(student) == ["for all", "hidden", "shared"]
    assert names(admin) == ["for all", "hidden", "shared", *own]
    assert names(admin, privileged="false") == ["for all"]
    assert names(admin, privileged="True") == names(admin)
    assert names(api, {"value.number": 2}) == ["item-2"]
    assert names(admin, {"value.number": 2}) == ["hidden", "item-2"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"name": "item-3"}, ["item-3"]),
        ({"name": "ITEM-*"}, [f"item-{n}" for n in (5, 4, 3, 2, 1, 0)]),
        ({"value.number": {"$gte": 2, "$lt": 4}}, ["item-3", "item-2"]),
        ({"value.list.x": 4}, ["item-4"]),
        ({"value.list": {"$elemMatch": {"x": 1, "y": {"$lte": 1}}}}, ["item-1"]),
        ({"value.by.who": {"$regex": "^W[01]$", "$options": "i"}}, ["item-1", "item-0"]),
        ({"value": None}, ["for all", "shared"]),
        ({"owner": {"$ne": "testuser"}}, ["for all", "shared"]),
        ({"$or": [{"value.number": 0}, {"owner": "admin"}]}, ["for all", "item-0"]),
        ({"created": {"$gt": "2001-01-01"}, "value.number": 5}, ["item-5"]),
        ({"lastUpdated": {"$lt": "yesterday"}}, []),
        ({"tenantId": "nowhere"}, []),
    ],
    ids=str,
)
def test_queries_over_http(items: dict[str, str], api: Api, query: Any, found: list[str]) -> None:
    assert names(api, query) == found


def test_the_documented_curl_forms(items: dict[str, str], api: Api) -> None:
    for q in ("%7b%22name%22%3a%22item-2%22%7d", '{"name":"item-2"}', '{"name"%3A+"item-2"}'):
        assert [i["name"] for i in api.call("GET", f"meta/v2/data/?q={q}")] == ["item-2"]
    assert len(api.call("GET", f"{DATA}?q=")) == 8


def test_pages_and_order(items: dict[str, str], api: Api) -> None:
    mine = {"owner": "testuser"}
    assert names(api, mine, orderBy="name", order="ASCENDING", limit=2, offset=1) == ["item-1", "item-2"]
    assert names(api, mine, orderby="x", limit="x", offset="-1") == names(api, mine, offset=1)
    assert names(api, mine, sortBy="CREATED", sort="ascend", limit=1) == ["item-0"]
    assert names(api, mine, limit=3, offset=4) == ["item-1", "item-0"]
    assert names(api, mine, offset=600) == []
    assert names(api, mine, limit=0) == []
    for order in ("uuid", "tenantId", "schemaId", "internalUsername", "value", "owner"):
        assert sorted(names(api, mine, orderBy=order)) == sorted(names(api, mine))


def test_orders_that_are_none(api: Api) -> None:
    text = (
        "Invalid order field. Please specify one of uuid,tenantId,schemaId,internalUsername,lastUpdated,name,"
    )
    assert api.refused("GET", f"{DATA}?orderBy=colour", 400) == text + "value,created,owner"
    text = "Invalid order value. Please specify one of: ASC, DESC"
    assert api.refused("GET", f"{DATA}?order=UP", 400) == text


@pytest.mark.parametrize(
    "q", ["{", "nonsense", "[]", "5", '{"a":{"$near":1}}', '{"a":NaN}', "[" * 3000, "\x00"]
)
def test_queries_that_are_none(api: Api, q: str) -> None:
    assert api.refused("GET", DATA, 400, params={"q": q}).startswith("Malformed JSON Query, ")


def test_an_expression_that_would_try_for_ever_is_stopped(items: dict[str, str], api: Api) -> None:
    api.call("POST", DATA, json={"name": "bait", "value": "a" * 60 + "b"})
    text = api.refused("GET", DATA, 400, params={"q": '{"value":{"$regex":"(a|aa)+$"}}'})
    assert "takes longer than" in text


def test_filters_of_any_depth(items: dict[str, str], api: Api) -> None:
    url = f"{DATA}/{items['item-3']}?filter="
    assert api.call("GET", url + "name,value.number") == {"name": "item-3", "value": {"number": 3}}
    deep = api.call("GET", url + "value.by.who,value.list.x,value.list.y,value.by.absent")
    assert deep == {"value": {"by": {"who": "w3", "absent": None}, "list": [{"x": 3, "y": 3}, {"x": 9}]}}
    assert api.call("GET", url + "_links.self.href") == {
        "_links": {"self": {"href": f"{api.url}/{DATA}/{items['item-3']}"}}
    }
    assert api.call("GET", url + "*")["_links"]["owner"]
    listed = api.call("GET", f'{DATA}?filter=uuid&q={{"name":"item-3"}}')
    assert listed == [{"uuid": items["item-3"]}]


def test_the_metadata_links_of_other_resources_lead_here(api: Api, items: dict[str, str]) -> None:
    system = api.call("GET", "systems/v2?filter=*&limit=1")[0]
    app = api.call("GET", "apps/v2?filter=*&limit=1")[0]
    for resource in (system, app):
        body = {"name": "about", "associationIds": [resource["uuid"]]}
        uuid = api.call("POST", DATA, json=body)["uuid"]
        href = resource["_links"]["metadata"]["href"]
        assert [item["uuid"] for item in api.session.get(href).json()["result"]] == [uuid]
