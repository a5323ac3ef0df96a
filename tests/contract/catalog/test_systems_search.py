"""Finding systems: listings and searches [systems §6]."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.catalog import ADMIN, EXECUTION, OTHER, STORAGE, Catalog, changed

pytestmark = pytest.mark.sample(2)


@pytest.fixture
def several(catalog: Catalog) -> Catalog:
    """Two systems of testuser, one of them public, and a private one of student01."""
    catalog.post("/systems/v2", STORAGE)
    catalog.post("/systems/v2", EXECUTION)
    catalog.post("/systems/v2", changed(STORAGE, id="theirs", description="x" * 300), user=OTHER)
    catalog.put("/systems/v2/cluster", {"action": "publish"}, user=ADMIN)
    return catalog


def ids(found: list[dict[str, Any]]) -> list[str]:
    return [system["id"] for system in found]


def test_summaries_newest_first(several: Catalog) -> None:
    found = several.get("/systems/v2/")
    assert ids(found) == ["cluster", "data.storage"]
    assert set(found[0]) == {
        "id",
        "name",
        "type",
        "description",
        "status",
        "public",
        "lastUpdated",
        "default",
        "_links",
    }
    assert set(found[0]["_links"]) == {"self"}
    assert ids(several.get("/systems/v2", user=OTHER)) == ["cluster", "theirs"]
    assert ids(several.get("/systems/v2", user=ADMIN)) == ["cluster", "theirs", "data.storage"]
    (theirs,) = several.get("/systems/v2", user=OTHER, id="theirs")
    assert theirs["description"] == "x" * 255 + "..."


def test_a_filter_makes_the_listing_full(several: Catalog) -> None:
    assert "storage" in several.get("/systems/v2", filter="*")[0]
    assert several.get("/systems/v2", filter="id,storage.host", limit=1) == [
        {"id": "cluster", "storage": {"host": "login.example.org"}}
    ]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"type": "STORAGE"}, ["data.storage"]),
        ({"type.eq": "execution"}, ["cluster"]),
        ({"NAME.LIKE": "clu*"}, ["cluster"]),
        ({"public": "True"}, ["cluster"]),
        ({"public": "False"}, ["data.storage"]),
        ({"publicOnly": "true"}, ["cluster"]),
        ({"privateOnly": "true"}, ["data.storage"]),
        ({"storage.protocol": "sftp"}, ["cluster", "data.storage"]),
        ({"storage.port.gte": "23"}, []),
        ({"login.host.neq": "elsewhere"}, ["cluster"]),
        ({"scheduler": "SLURM"}, ["cluster"]),
        ({"queues.name": "BIG-mem"}, ["cluster"]),
        ({"queues.name.neq": "big-mem"}, []),
        ({"queues.maxnodes.gt": "15"}, ["cluster"]),
        ({"queues.maxMemoryPerNode": "1536"}, ["cluster"]),
        ({"queues.default": "true"}, ["cluster"]),
        ({"queues.mappedname": "ignored"}, ["cluster", "data.storage"]),
        ({"storage.zone": "null"}, ["cluster", "data.storage"]),
        ({"created.after": "yesterday"}, ["cluster", "data.storage"]),
        ({"created.after": "tomorrow"}, []),
        ({"id.in": "a,data.storage"}, ["data.storage"]),
        ({"available": "false"}, []),
        ({"limit": "1"}, ["cluster"]),
        ({"limit": "1", "offset": "1"}, ["data.storage"]),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else "",
)
def test_searches(several: Catalog, query: dict[str, str], expected: list[str]) -> None:
    assert ids(several.get("/systems/v2", **query)) == expected


def test_disabled_systems_are_found_when_asked_for(several: Catalog) -> None:
    several.delete("/systems/v2/data.storage")
    assert ids(several.get("/systems/v2", available="false")) == ["data.storage"]
    assert ids(several.get("/systems/v2")) == ["cluster"]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"type": "CLOUD"}, "Unknown system type CLOUD"),
        ({"status": "SLEEPY"}, "Unknown system status SLEEPY"),
        ({"executiontype": "GRID"}, "Unknown execution type GRID"),
        ({"storage.port": "x"}, "Illegal integer value for storage.port"),
    ],
)
def test_search_values_that_do_not_fit(several: Catalog, query: dict[str, str], message: str) -> None:
    response = several.send("GET", "/systems/v2", query_string=query)
    assert (response.status_code, response.get_json()["message"]) == (400, message)


def test_many_members_and_terms_are_no_trouble(several: Catalog) -> None:
    many = ",".join(["x"] * 2000 + ["cluster"])
    assert ids(several.get("/systems/v2", **{"id.in": many})) == ["cluster"]
    response = several.send("GET", "/systems/v2?" + "&".join(["id=cluster"] * 1500))
    assert response.status_code == 400
