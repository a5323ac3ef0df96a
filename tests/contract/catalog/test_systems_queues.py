"""Queues of execution systems, one by one, with their load [systems §4.2]."""

from __future__ import annotations

import pytest

from emulator.domain.states import JobState
from tests.catalog import ADMIN, EXECUTION, OTHER, STORAGE, WORLD, Catalog
from tests.job_samples import sample_job

AT = "/systems/v2/cluster/queues"


@pytest.fixture
def catalog(catalog: Catalog) -> Catalog:
    catalog.post("/systems/v2", STORAGE)
    catalog.post("/systems/v2", EXECUTION)
    return catalog


def test_queues_as_they_are_answered(catalog: Catalog) -> None:
    normal, big = catalog.get(AT)
    assert normal["id"].endswith("-041")
    assert isinstance(normal["maxMemoryPerNode"], float)
    assert (normal["name"], normal["maxMemoryPerNode"]) == ("normal", 96.0)
    assert (big["name"], big["maxJobs"], big["maxUserJobs"]) == ("big-mem", 10, 2)
    assert normal["_links"] == {
        "self": {"href": f"http://localhost{AT}/normal"},
        "executionSystem": {"href": "http://localhost/systems/v2/cluster"},
    }
    shown = catalog.get(f"{AT}/normal")
    assert (shown | {"load": None}) == (normal | {"load": None})
    assert [queue["name"] for queue in catalog.get(AT, limit=1, offset=1)] == ["big-mem"]


def test_of_several_defaults_the_last_is_the_one(catalog: Catalog) -> None:
    names = ("first", "last", "other")
    queues = [{"name": name, "default": name != "other"} for name in names]
    updated = catalog.post("/systems/v2/cluster", {**EXECUTION, "queues": queues}, status=200)
    assert [queue["default"] for queue in updated["queues"]] == [False, True, False]
    assert [queue["default"] for queue in catalog.get(AT)] == [False, True, False]


def test_the_load_counts_jobs_by_state(catalog: Catalog) -> None:
    states = [
        JobState.PENDING,
        JobState.STAGED,
        JobState.QUEUED,
        JobState.RUNNING,
        JobState.RUNNING,
        JobState.FINISHED,
    ]
    with catalog.store.write() as tx:
        for number, state in enumerate(states):
            tx.jobs.add(sample_job(number, {"execution_system": "cluster"}, status=state, world=WORLD))
    normal, big = catalog.get(AT)
    load = normal["load"]
    assert {name: count for name, count in load.items() if isinstance(count, int) and count} == {
        "active": 5,
        "backlogged": 2,
        "pending": 1,
        "staging": 1,
        "queued": 1,
        "running": 2,
    }
    assert big["load"]["active"] == 0
    assert load["name"] == "normal"
    assert load["created"].endswith(("-05:00", "-06:00"))


def test_adding_replacing_and_removing(catalog: Catalog) -> None:
    (normal, _) = catalog.get(AT)
    added = catalog.post(AT, {"name": "new", "default": True, "maxNodes": 4}, status=200)
    assert (added["name"], added["default"], added["maxNodes"]) == ("new", True, 4)
    system = catalog.get("/systems/v2/cluster")
    assert [(queue["name"], queue["default"]) for queue in system["queues"]] == [
        ("normal", False),
        ("big-mem", False),
        ("new", True),
    ]
    replaced = catalog.post(f"{AT}/normal", {"maxNodes": 8}, status=200)
    assert (replaced["id"], replaced["maxNodes"], replaced["maxProcessorsPerNode"]) == (normal["id"], 8, -1)
    assert [queue["name"] for queue in catalog.get(AT)] == ["normal", "big-mem", "new"]
    assert "result" not in catalog.send("DELETE", f"{AT}/new").get_json()
    missing = "No queue found matching new on system cluster"
    assert catalog.get(f"{AT}/new", status=404) == missing
    assert catalog.delete(f"{AT}/new", status=404) == missing
    events = [event["status"] for event in catalog.get("/systems/v2/cluster/history")]
    assert events == ["CREATED", "QUEUE_CREATE", "QUEUE_UPDATE", "QUEUE_DELETE"]


def test_refusals(catalog: Catalog) -> None:
    assert catalog.get("/systems/v2/data.storage/queues", status=400) == (
        "Invalid system id. data.storage is a storage system. Only execution systems have batch queues."
    )
    assert catalog.get("/systems/v2/nope/queues", status=404) == "No system found matching nope"
    refused = "User does not have the necessary role to view this system."
    assert catalog.get(AT, user=OTHER, status=403) == refused
    catalog.post("/systems/v2/cluster/roles", {"username": OTHER, "role": "USER"})
    refused = "User does not have the necessary role to edit this system."
    assert catalog.post(AT, {"name": "new"}, user=OTHER, status=403) == refused
    assert catalog.post(AT, {"name": "a_b"}, status=400) == (
        "'queue.name' may only contain alphanumeric characters, periods, and dashes."
    )
    catalog.put("/systems/v2/cluster", {"action": "publish"}, user=ADMIN)
    public = (
        "Public system queues cannot be updated. Please unpublish this system before updating its queues."
    )
    assert catalog.post(AT, {"name": "new"}, user=ADMIN, status=501) == public
    assert catalog.delete(f"{AT}/normal", user=ADMIN, status=501) == public
    assert len(catalog.get(AT, user=OTHER)) == 2


def test_an_updated_system_keeps_the_ids_of_its_queues(catalog: Catalog) -> None:
    before = {queue["name"]: queue["id"] for queue in catalog.get(AT)}
    catalog.post("/systems/v2", EXECUTION)
    assert {queue["name"]: queue["id"] for queue in catalog.get(AT)} == before
