"""Finding apps: listings and searches [apps §8]."""

from __future__ import annotations

from typing import Any

import pytest

from tests.catalog import ADMIN, APP, OTHER, THIRD, Catalog, changed


@pytest.fixture
def catalog(catalog: Catalog) -> Catalog:
    """A registry with the systems and files that APP needs."""
    catalog.add_app_material()
    return catalog


@pytest.fixture
def several(catalog: Catalog) -> Catalog:
    catalog.post("/apps/v2", changed(APP, tags=["Text", "count"], inputs=[{"id": "query"}]))
    catalog.post("/apps/v2", changed(APP, name="wc.new", version="0.1", label="New", defaultMemoryPerNode=4))
    catalog.post("/apps/v2/wc.new-0.1/pems", {"username": OTHER, "permission": "EXECUTE"})
    return catalog


def ids(found: list[dict[str, Any]]) -> list[str]:
    return [app["id"] for app in found]


def test_summaries_newest_first(several: Catalog) -> None:
    found = several.get("/apps/v2/")
    assert ids(found) == ["wc.new-0.1", "wc-1.00"]
    assert set(found[0]) == {
        "id",
        "name",
        "version",
        "revision",
        "executionSystem",
        "shortDescription",
        "isPublic",
        "label",
        "lastModified",
        "_links",
    }
    assert ids(several.get("/apps/v2", user=OTHER)) == ["wc.new-0.1"]
    assert ids(several.get("/apps/v2", user=THIRD)) == []
    assert ids(several.get("/apps/v2", user=ADMIN)) == ["wc.new-0.1", "wc-1.00"]
    assert "inputs" in several.get("/apps/v2", filter="*")[0]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"name.like": "*WC*"}, ["wc.new-0.1", "wc-1.00"]),
        ({"name.like": "wc"}, ["wc-1.00"]),
        ({"id": "wc.new-0.1"}, ["wc.new-0.1"]),
        ({"executionsystem.like": "clu*"}, ["wc.new-0.1", "wc-1.00"]),
        ({"publicOnly": "false"}, []),
        ({"privateOnly": "false"}, ["wc.new-0.1", "wc-1.00"]),
        ({"public": "False"}, ["wc.new-0.1", "wc-1.00"]),
        ({"tags": "text"}, ["wc-1.00"]),
        ({"tags.neq": "text"}, ["wc.new-0.1"]),
        ({"tags.like": "co*"}, ["wc-1.00"]),
        ({"inputs.id": "query"}, ["wc-1.00"]),
        ({"defaultmemorypernode.gt": "1"}, ["wc.new-0.1"]),
        ({"label": "null"}, ["wc-1.00"]),
        ({"parallelism": "serial", "limit": "1"}, ["wc.new-0.1"]),
        ({"checkpointable": "false", "offset": "1"}, ["wc-1.00"]),
    ],
    ids=str,
)
def test_searches(several: Catalog, query: dict[str, str], expected: list[str]) -> None:
    assert ids(several.get("/apps/v2", **query)) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("name/wc-1.00", ["wc-1.00"]),
        ("name/wc", []),
        ("name/wc*", ["wc.new-0.1", "wc-1.00"]),
        ("tag/count", ["wc-1.00"]),
        ("ontology/none", []),
        ("system/cluster", ["wc.new-0.1", "wc-1.00"]),
    ],
)
def test_searches_in_the_path(several: Catalog, path: str, expected: list[str]) -> None:
    assert ids(several.get(f"/apps/v2/{path}")) == expected


def test_search_values_that_do_not_fit(several: Catalog) -> None:
    assert several.get("/apps/v2", parallelism="SOME", status=400) == "Unknown parallelism type SOME"
    assert several.get("/apps/v2", revision="x", status=400) == "Illegal integer value for revision"
