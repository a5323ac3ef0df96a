"""Systems: registering, showing, updating, removing, finding [systems §1-§6]."""

from __future__ import annotations

import json
import re
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from tests.catalog import ADMIN, EXECUTION, OTHER, OWNER, STORAGE, Catalog, changed

COURSE = Path(__file__).parents[3] / "fixtures" / "course"


# registering


def test_a_storage_system_as_it_is_answered(catalog: Catalog) -> None:
    record = catalog.post("/systems/v2/", STORAGE)
    uuid = record.pop("uuid")
    assert re.fullmatch(r"[0-9]{16,20}-[0-9a-f]{8}-0001-006", uuid)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}-0[56]:00", record.pop("lastModified"))
    links = record.pop("_links")
    assert links.pop("metadata")["href"].startswith("http://localhost/meta/v2/data/?q=%7B%22associationIds")
    assert {name: link["href"] for name, link in links.items()} == {
        "self": "http://localhost/systems/v2/data.storage",
        "roles": "http://localhost/systems/v2/data.storage/roles",
        "credentials": "http://localhost/systems/v2/data.storage/credentials",
        "owner": "http://localhost/profiles/v2/testuser",
    }
    assert record == {
        "id": "data.storage",
        "name": "Data",
        "type": "STORAGE",
        "status": "UP",
        "description": "Where data lie",
        "site": "example.org",
        "available": True,
        "owner": OWNER,
        "revision": 1,
        "public": False,
        "globalDefault": False,
        "default": False,
        "storage": {
            "host": "data.example.org",
            "port": 22,
            "protocol": "SFTP",
            "rootDir": "/",
            "homeDir": "/home",
            "publicAppsDir": None,
            "mirror": False,
            "proxy": None,
            "auth": {"type": "PASSWORD"},
        },
    }
    assert catalog.get("/systems/v2/data.storage")["uuid"] == uuid


def test_an_execution_system_as_it_is_answered(catalog: Catalog) -> None:
    record = catalog.post("/systems/v2", EXECUTION)
    shown = {name: record[name] for name in ("executionType", "scheduler", "environment", "startupScript")}
    assert shown == {
        "executionType": "HPC",
        "scheduler": "SLURM",
        "environment": None,
        "startupScript": None,
    }
    assert (record["workDir"], record["scratchDir"]) == ("", "/scratch/")
    assert record["maxSystemJobs"] == record["maxSystemJobsPerUser"] == 2147483647
    assert record["login"] == {
        "host": "login.example.org",
        "port": 22,
        "protocol": "SSH",
        "proxy": None,
        "auth": {"type": "SSHKEYS"},
    }
    assert "publicAppsDir" not in record["storage"]
    assert record["_links"]["history"]["href"] == "http://localhost/systems/v2/cluster/history"
    normal, big = record["queues"]
    assert normal == {
        "name": "normal",
        "default": True,
        "description": None,
        "mappedName": None,
        "maxJobs": -1,
        "maxUserJobs": -1,
        "maxNodes": 16,
        "maxProcessorsPerNode": 48,
        "maxRequestedTime": "24:00:00",
        "maxMemoryPerNode": 96,
        "customDirectives": None,
    }
    assert (big["maxMemoryPerNode"], big["maxNodes"]) == (1536, -1)


@pytest.mark.parametrize("name", ["storage-system.json", "execution-system.json"])
def test_the_systems_of_the_course_register(catalog: Catalog, name: str) -> None:
    body = json.loads((COURSE / name).read_text())
    record = catalog.post("/systems/v2/", body)
    assert (record["id"], record["type"]) == (body["id"], body["type"])


def test_secrets_are_kept_and_never_shown(catalog: Catalog) -> None:
    catalog.post("/systems/v2", EXECUTION)
    for path in ("", "/cluster", "/cluster/roles", "/cluster/queues", "/cluster/history"):
        text = catalog.send("GET", f"/systems/v2{path}?filter=*").get_data(as_text=True)
        assert "very-" not in text
    with catalog.store.read() as tx:
        system = tx.systems.get("tests", "cluster")
        assert system is not None
        assert "very-" not in repr(system)
        kept = tx.credentials.own(system)
    assert kept["login"]["privateKey"] == "very-private"
    assert kept["storage"] == {"type": "PASSWORD", "username": "u", "password": "very-secret"}


@pytest.mark.parametrize("how", ["json", "text", "form", "multipart"])
def test_bodies_arrive_in_every_form_that_clients_use(catalog: Catalog, how: str) -> None:
    text = json.dumps(dict(STORAGE))
    options: dict[str, Any] = {
        "json": {"data": text, "content_type": "application/json"},
        "text": {"data": text, "content_type": "application/octet-stream"},
        "form": {"data": text, "content_type": "application/x-www-form-urlencoded"},
        "multipart": {"data": {"fileToUpload": (BytesIO(text.encode()), "system.json")}},
    }[how]
    response = catalog.send("POST", "/systems/v2/", **options)
    assert response.status_code == 201
    assert response.get_json()["result"]["id"] == "data.storage"


def test_flat_form_fields_are_refused(catalog: Catalog) -> None:
    response = catalog.send("POST", "/systems/v2", data={"id": "a", "name": "b"})
    assert response.status_code == 400
    assert response.get_json()["message"].startswith("Unsupported content type. Please POST your system")


def test_an_empty_upload_makes_nothing(catalog: Catalog) -> None:
    response = catalog.send("POST", "/systems/v2/", data={"fileToUpload": (BytesIO(b""), "tmp.x")})
    assert response.status_code == 400
    assert catalog.get("/systems/v2") == []


# a second registration, and updates


def test_registering_an_id_again_is_an_update(catalog: Catalog) -> None:
    first = catalog.post("/systems/v2", STORAGE)
    second = catalog.post("/systems/v2", changed(STORAGE, name="Other", description=...))
    assert (second["uuid"], second["revision"], second["owner"]) == (first["uuid"], 2, OWNER)
    assert (second["name"], second["description"]) == ("Other", None)
    message = "System data.storage already exists and you do not have the necessary role to update it."
    assert catalog.post("/systems/v2", STORAGE, user=OTHER, status=403) == message


def test_an_id_stays_taken_after_delete(catalog: Catalog) -> None:
    catalog.post("/systems/v2", STORAGE)
    assert catalog.delete("/systems/v2/data.storage") is None
    message = "The id data.storage is already taken. Please select a different identifier for this system."
    assert catalog.post("/systems/v2", STORAGE, status=400) == message


def test_what_was_shown_can_be_sent_back(catalog: Catalog) -> None:
    """Credentials are not shown, and are kept when left out."""
    catalog.post("/systems/v2", EXECUTION)
    shown = catalog.get("/systems/v2/cluster")
    body = changed(shown, storage__auth=..., login__auth=..., site=..., status="MAINTENANCE")
    record = catalog.post("/systems/v2/cluster", body, status=200)
    assert (record["revision"], record["status"]) == (2, "MAINTENANCE")
    same = set(shown) - {"revision", "status", "lastModified"}
    assert {name: record[name] for name in same} == {name: shown[name] for name in same}
    with catalog.store.read() as tx:
        system = tx.systems.get("tests", "cluster")
        assert system is not None
        assert tx.credentials.own(system)["login"]["privateKey"] == "very-private"


def test_auth_without_its_secrets_is_refused(catalog: Catalog) -> None:
    shown = catalog.post("/systems/v2", changed(STORAGE))
    message = catalog.post("/systems/v2/data.storage", shown, status=400)
    assert message == (
        "Failed to parse 'storage' object: Invalid authentication combination. PASSWORD 'auth.type' specified, "
        "but no 'auth.username' provided."
    )


def test_a_new_system_needs_auth(catalog: Catalog) -> None:
    message = catalog.post("/systems/v2", changed(STORAGE, storage__auth=...), status=400)
    assert message == (
        "Failed to parse 'storage' object: No 'storage.auth' value specified. Please specify a JSON object "
        "representing a valid 'storage.auth' configuration."
    )
    assert catalog.get("/systems/v2") == []


def test_who_may_update_what(catalog: Catalog) -> None:
    catalog.post("/systems/v2", STORAGE)
    catalog.post("/systems/v2", EXECUTION)
    at = "/systems/v2/data.storage"
    assert catalog.post("/systems/v2/nope", STORAGE, status=404) == "No system found matching nope"
    assert (
        catalog.post(at, STORAGE, user=OTHER, status=403)
        == "Permission denied. You do not have permission to update this system"
    )
    assert catalog.post(at, changed(STORAGE, id="elsewhere"), status=400) == (
        "Uploaded system description does not match target uri. You uploaded an system description for "
        "elsewhere to the uri for data.storage. Please either register a new system or post your update to "
        "http://localhost/systems/v2/elsewhere to update that system."
    )
    other_type = changed(EXECUTION, id="data.storage")
    assert catalog.post(at, other_type, status=400) == (
        "System data.storage already exists as a storage system. Once declared, systems cannot be redefined as "
        "a different type."
    )
    catalog.put(at, {"action": "disable"})
    assert catalog.post(at, STORAGE, status=400) == (
        "System has been disabled by the administrator. The system must be re-enabled before updating its "
        "description."
    )
    catalog.put("/systems/v2/cluster", {"action": "publish"}, user=ADMIN)
    assert catalog.post("/systems/v2/cluster", EXECUTION, user=ADMIN, status=403) == (
        "Permission denied. Public systems cannot be updated. The system must be re-enabled before updating its "
        "description."
    )


def test_showing(catalog: Catalog) -> None:
    catalog.post("/systems/v2", STORAGE)
    at = "/systems/v2/data.storage"
    assert catalog.get("/systems/v2/nope", status=404) == "No system found matching nope"
    refused = "Permission denied. You do not have permission to view this system"
    assert catalog.get(at, user=OTHER, status=403) == refused
    catalog.post(f"{at}/roles", {"username": OTHER, "role": "GUEST"})
    assert catalog.get(at, user=OTHER)["id"] == "data.storage"
    catalog.delete(at)
    assert catalog.get(at)["available"] is False
    assert catalog.get(at, user=ADMIN)["available"] is False
    removed = "This system has been removed by the administrator."
    assert catalog.get(at, user=OTHER, status=404) == removed


def test_deleting(catalog: Catalog) -> None:
    catalog.post("/systems/v2", STORAGE)
    at = "/systems/v2/data.storage"
    refused = "User does not have permission to delete this system"
    assert catalog.delete(at, user=OTHER, status=403) == refused
    assert catalog.delete("/systems/v2/nope", status=404) == "No system found matching nope"
    body = catalog.send("DELETE", at).get_json()
    assert "result" not in body
    assert catalog.get("/systems/v2") == []
    assert catalog.put(at, {"action": "enable"})["available"] is True
    assert [found["id"] for found in catalog.get("/systems/v2")] == ["data.storage"]


def test_history(catalog: Catalog) -> None:
    catalog.post("/systems/v2", STORAGE)
    catalog.post("/systems/v2", STORAGE)
    catalog.post("/systems/v2/data.storage/roles", {"username": OTHER, "role": "USER"})
    catalog.delete("/systems/v2/data.storage")
    history = catalog.get("/systems/v2/data.storage/history")
    assert [(entry["status"], entry["description"]) for entry in history] == [
        ("CREATED", "This system was created"),
        ("UPDATED", "This system was updated"),
        ("ROLES_GRANT", "User student01 was granted the role of USER by testuser"),
        ("DELETED", "This system was deleted"),
    ]
    first = history[0]
    assert first["createdBy"] == OWNER
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", first["created"])
    assert first["id"].endswith("-027")
    assert set(first["_links"]) == {"self", "system_event", "system"}
    assert catalog.get(first["_links"]["self"]["href"].removeprefix("http://localhost")) == first
    page = catalog.get("/systems/v2/data.storage/history", limit=1, offset=1)
    assert [entry["status"] for entry in page] == ["UPDATED"]
    refused = "User does not have the necessary role to view this system history."
    assert catalog.get("/systems/v2/data.storage/history", user="student02", status=403) == refused
