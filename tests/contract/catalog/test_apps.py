"""Apps: registering, showing, updating, removing, finding [apps §2-§9]."""

from __future__ import annotations

import json
import re
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from tests.catalog import ADMIN, APP, OTHER, OWNER, THIRD, Catalog, changed

COURSE = Path(__file__).parents[3] / "fixtures" / "course"


@pytest.fixture
def catalog(catalog: Catalog) -> Catalog:
    """A registry with the systems and files that APP needs."""
    catalog.add_app_material()
    return catalog


# registering


def test_the_least_app_as_it_is_answered(catalog: Catalog) -> None:
    record = catalog.post("/apps/v2/", APP)
    assert re.fullmatch(r"[0-9]{16,20}-[0-9a-f]{8}-0001-005", record.pop("uuid"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}-0[56]:00", record.pop("lastModified"))
    links = record.pop("_links")
    assert links.pop("metadata")["href"].startswith("http://localhost/meta/v2/data/?q=")
    assert {name: link["href"].removeprefix("http://localhost/") for name, link in links.items()} == {
        "self": "apps/v2/wc-1.00",
        "executionSystem": "systems/v2/cluster",
        "storageSystem": "systems/v2/data.storage",
        "history": "apps/v2/wc-1.00/history",
        "owner": "profiles/v2/testuser",
        "permissions": "apps/v2/wc-1.00/pems",
    }
    assert record == {
        **APP,
        "id": "wc-1.00",
        "icon": None,
        "defaultProcessorsPerNode": 1,
        "defaultMemoryPerNode": 1,
        "defaultNodeCount": 1,
        "defaultMaxRunTime": None,
        "defaultQueue": None,
        "revision": 1,
        "isPublic": False,
        "helpURI": None,
        "label": None,
        "owner": OWNER,
        "shortDescription": None,
        "longDescription": None,
        "tags": [],
        "ontology": [],
        "checkpointable": False,
        "modules": [],
        "available": True,
        "inputs": [],
        "parameters": [],
        "outputs": [],
    }


def test_the_app_of_the_course_registers_and_shows_what_was_sent(catalog: Catalog) -> None:
    for name in ("storage-system.json", "execution-system.json"):
        catalog.post("/systems/v2", json.loads((COURSE / name).read_text()))
    for name in ("wrapper.sh", "test/test.sh"):
        catalog.write(f"/home/testuser/applications/imageclassify-1.0.0/{name}")
    body = json.loads((COURSE / "app.json").read_text())
    record = catalog.post("/apps/v2/", body)
    for name in set(body) - {"inputs", "parameters", "outputs"}:
        assert record[name] == body[name]
    for kind in ("inputs", "parameters", "outputs"):
        for sent, shown in zip(body[kind], record[kind], strict=True):
            for section in ("value", "details", "semantics"):
                assert sent[section].items() <= shown[section].items()


def test_arguments_are_answered_in_full_and_in_order(catalog: Catalog) -> None:
    body = changed(
        APP,
        inputs=[{"id": "late", "value": {"order": 2}}, {"id": "query"}],
        parameters=[
            {"id": "flag", "value": {"type": "FLAG", "visible": 1}},
            {
                "id": "mode",
                "value": {
                    "type": "enumeration",
                    "enumValues": ["fast", {"slow": "Slow!"}],
                    "default": "slow",
                },
                "details": {"label": "Mode", "showArgument": True, "argument": "-m "},
            },
            {
                "id": "many",
                "value": {"type": "number", "default": [1, 2.5]},
                "semantics": {"maxCardinality": -1},
            },
        ],
        outputs=[{"id": "out", "value": {"default": "a.txt"}}],
    )
    record = catalog.post("/apps/v2", body)
    query, late = record["inputs"]
    assert late["id"] == "late"
    assert query == {
        "id": "query",
        "value": {
            "validator": None,
            "visible": True,
            "required": False,
            "order": 0,
            "enquote": False,
            "default": None,
        },
        "details": {
            "label": "query",
            "description": None,
            "argument": None,
            "showArgument": False,
            "repeatArgument": False,
        },
        "semantics": {"minCardinality": 0, "maxCardinality": 1, "ontology": [], "fileTypes": []},
    }
    flag, mode, many = record["parameters"]
    assert (flag["value"]["type"], flag["value"]["default"]) == ("flag", False)
    assert mode["value"]["enum_values"] == [{"fast": "fast"}, {"slow": "Slow!"}]
    assert "validator" not in mode["value"]
    assert many["value"]["default"] == [1, 2.5]
    (out,) = record["outputs"]
    assert out["value"] == {"validator": None, "order": 0, "default": "a.txt"}
    assert out["semantics"]["maxCardinality"] == -1
    # and what was shown can be sent back
    again = catalog.post("/apps/v2/wc-1.00", record, status=200)
    kept = set(record) - {"revision", "lastModified"}
    assert {name: again[name] for name in kept} == {name: record[name] for name in kept}


def test_registering_again_is_an_update(catalog: Catalog) -> None:
    first = catalog.post("/apps/v2", APP)
    second = catalog.post("/apps/v2", changed(APP, name="WC", label="Words"), status=200)
    assert (second["id"], second["uuid"], second["revision"]) == ("wc-1.00", first["uuid"], 2)
    assert second["label"] == "Words"
    refused = (
        "Permission denied. An application with this unique id already exists and you do not have permission to "
        "update this application. Please either change your application name or update the version number past "
        "1.00"
    )
    # looked at before anything else in the body
    assert catalog.post("/apps/v2", {"name": "wc", "version": "1.00"}, user=OTHER, status=403) == refused
    assert catalog.post("/apps/v2/wc-1.00", APP, user=OTHER, status=403) == refused


def test_an_empty_upload_makes_nothing(catalog: Catalog) -> None:
    response = catalog.send("POST", "/apps/v2/", data={"fileToUpload": (BytesIO(b""), "tmp.x")})
    assert response.status_code == 400
    assert response.get_json()["message"].startswith("No content found.")
    assert catalog.get("/apps/v2") == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": ...}, "Invalid 'app.name' value. Please enter a valid name for this app."),
        (
            {"executionSystem": "nope"},
            "Invalid executionSystem value, nope. Please specify a valid system id representing an execution "
            "system on which this app should run.",
        ),
        (
            {"executionSystem": "data.storage"},
            "Invalid executionSystem value. The specified executionSystem value, data.storage, is not an "
            "execution system. Please specify a valid system id representing an execution system on which this "
            "app should run.",
        ),
        (
            {"executionType": "CONDOR"},
            "Invalid executionType value. The execution system cluster execution type is incompatible with the "
            "executionType provided. Please specify one of HPC,CLI",
        ),
        (
            {"defaultQueue": "huge"},
            "Invalid defaultQueue value. If specified, one of the queues on cluster must be specified. The "
            "available queues are: normal,big-mem",
        ),
        (
            {"defaultQueue": "normal", "defaultNodeCount": 17},
            "Invalid defaultNodeCount value. If specified, defaultNodeCount must be a postitive integer value "
            "less than the max nodes of the target system queue.",
        ),
        (
            {"defaultQueue": "normal", "defaultMemoryPerNode": "97GB"},
            "Invalid defaultMemoryPerNode value. If specified, defaultMemoryPerNode must be a postitive integer "
            "value less than the max memory per node of the target system queue.",
        ),
        (
            {"defaultQueue": "big-mem", "defaultMaxRunTime": "02:00:01"},
            "Invalid defaultMaxRunTime value. The defaultMaxRunTime must not exceed the defaultQueue max "
            "requested time of 02:00:00",
        ),
        (
            {"deploymentSystem": "nope"},
            "Invalid deploymentSystem value, nope. Please specify a valid storage system id on which the assets "
            "of this application are stored.",
        ),
        (
            {"deploymentSystem": "cluster"},
            "Invalid deploymentSystem value. cluster is not a storage system. Please specify a valid storage "
            "system id on which the assets of this application are stored.",
        ),
        (
            {"deploymentPath": "nowhere/"},
            "Invalid deploymentPath value. nowhere does not exist on deploymentSystem data.storage. Please "
            "specify a valid deploymentPath.",
        ),
        (
            {"deploymentPath": "../../../etc"},
            "Invalid deploymentPath value. ../../../etc does not exist on deploymentSystem data.storage. Please "
            "specify a valid deploymentPath.",
        ),
        (
            {"templatePath": "none.sh"},
            "Invalid templatePath value. testuser/apps/wc/none.sh does not exist on the deploymentSystem "
            "data.storage. Please specify a valid templatePath.",
        ),
        (
            {"testPath": "../wc/test/test.sh"},
            "Invalid testPath value. testuser/apps/wc/../wc/test/test.sh does not exist on the deploymentSystem "
            "data.storage. Please specify a valid testPath.",
        ),
    ],
    ids=str,
)
def test_what_does_not_fit_is_refused_and_leaves_nothing(
    catalog: Catalog, changes: dict[str, Any], message: str
) -> None:
    assert catalog.post("/apps/v2", changed(APP, **changes), status=400) == message
    assert catalog.get("/apps/v2") == []


def test_paths_with_a_needless_prefix_or_slash(catalog: Catalog) -> None:
    body = changed(
        APP,
        deploymentPath="/home/testuser/apps/wc/",
        templatePath="/home/testuser/apps/wc/wrapper.sh",
        testPath="/test/test.sh",
    )
    record = catalog.post("/apps/v2", body)
    shown = [record[name] for name in ("deploymentPath", "templatePath", "testPath")]
    assert shown == ["/home/testuser/apps/wc", "wrapper.sh", "test/test.sh"]


def test_the_default_storage_system_stands_in(catalog: Catalog) -> None:
    body = changed(APP, deploymentSystem=...)
    assert catalog.post("/apps/v2", body, status=400).startswith(
        "Invalid deploymentSystem value. No deployment"
    )
    catalog.put("/systems/v2/data.storage", {"action": "setDefault"})
    assert catalog.post("/apps/v2", body)["deploymentSystem"] == "data.storage"


def test_the_right_to_publish_and_to_read_the_files_is_needed(catalog: Catalog) -> None:
    refused = 'User does not have permission to publish applications on execution system "cluster"'
    assert catalog.post("/apps/v2", APP, user=OTHER, status=403) == refused
    catalog.post("/systems/v2/cluster/roles", {"username": OTHER, "role": "PUBLISHER"})
    refused = "Permission denied. You do not have permission to access the deployment path testuser/apps/wc"
    assert catalog.post("/apps/v2", APP, user=OTHER, status=403) == refused
    catalog.post("/systems/v2/data.storage/roles", {"username": OTHER, "role": "GUEST"})
    assert catalog.post("/apps/v2", APP, user=OTHER)["owner"] == OTHER


def test_updating_under_another_id(catalog: Catalog) -> None:
    catalog.post("/apps/v2", APP)
    body = changed(APP, version="2.0")
    text = (
        "Uploaded application description does not match target uri. You uploaded an application description for "
        '"wc-2.0" to the uri for "wc-1.00". Please '
    )
    assert catalog.post("/apps/v2/wc-1.00", body, status=400) == (
        f"{text}post your application description to http://localhost/apps/v2 to create a new app."
    )
    catalog.post("/apps/v2", body)
    assert catalog.post("/apps/v2/wc-1.00", body, status=400) == (
        f"{text}either register a new application or post your update to http://localhost/apps/v2/wc-2.0 to "
        "update that app."
    )
    assert catalog.post("/apps/v2/nope-1.0", body, status=404) == "No software found matching nope-1.0"


# showing, switching off and on, removing


def test_showing(catalog: Catalog) -> None:
    app = catalog.post("/apps/v2", APP)
    assert catalog.get("/apps/v2/WC-1.00/")["id"] == "wc-1.00"
    assert catalog.get(f"/apps/v2/{app['uuid']}")["id"] == "wc-1.00"
    assert catalog.get("/apps/v2/wc-2.0", status=404) == "No software found matching wc-2.0"
    refused = "Permission denied. You do not have permission to view this application"
    assert catalog.get("/apps/v2/wc-1.00", user=OTHER, status=403) == refused
    catalog.post("/apps/v2/wc-1.00/pems", {"username": "world", "permission": "READ"})
    assert catalog.get("/apps/v2/wc-1.00", user=OTHER)["id"] == "wc-1.00"
    assert catalog.get("/apps/v2/wc-1.00", user=ADMIN)["id"] == "wc-1.00"


def test_disable_and_enable(catalog: Catalog) -> None:
    catalog.post("/apps/v2", APP)
    at = "/apps/v2/wc-1.00"
    for _ in range(2):
        assert catalog.put(at, {"action": "disable"})["available"] is False
    assert catalog.get("/apps/v2") == []
    assert [app["id"] for app in catalog.get("/apps/v2", available="false")] == ["wc-1.00"]
    assert catalog.get(at)["available"] is False
    assert catalog.put(at, {"action": "ENABLE"})["available"] is True
    history = [(event["status"], event["description"]) for event in catalog.get(f"{at}/history")]
    assert history == [
        ("CREATED", "App was registered by testuser"),
        ("DISABLED", "App was disabled by user testuser"),
        ("RESTORED", "App was restored by user testuser"),
    ]


def test_actions_as_forms_and_their_refusals(catalog: Catalog) -> None:
    catalog.post("/apps/v2", APP)
    at = "/apps/v2/wc-1.00"
    response = catalog.send("PUT", at, data={"action": "disable"})
    assert response.get_json()["result"]["available"] is False
    valid = "Valid actions are: PUBLISH,ENABLE,DISABLE,CLONE,ERASE"
    assert catalog.put(at, {}, status=400) == f"Please provide a valid action to perform on the app. {valid}"
    refused = f"Invalid action, unpublish, on software entry. {valid}"
    assert catalog.put(at, {"action": "unpublish"}, status=400) == refused
    assert catalog.put("/apps/v2/nope-1.0", {"action": "disable"}, status=404).startswith("No software")
    catalog.post(f"{at}/pems", {"username": OTHER, "permission": "READ"})
    for action, user in (("disable", OTHER), ("publish", OWNER), ("erase", OWNER)):
        message = catalog.put(at, {"action": action}, user=user, status=403)
        assert message == "Permission denied. You do not have permission to perform this action."
    assert "result" not in catalog.send("PUT", at, ADMIN, json={"action": "erase"}).get_json()
    assert catalog.get(at, status=404) == "No software found matching wc-1.00"


def test_deleting_a_private_app_frees_its_name(catalog: Catalog) -> None:
    first = catalog.post("/apps/v2", APP)
    catalog.post("/apps/v2/wc-1.00/pems", {"username": OTHER, "permission": "ALL"})
    refused = "User does not have permission to delete this app"
    assert catalog.delete("/apps/v2/wc-1.00", user=THIRD, status=403) == refused
    assert "result" not in catalog.send("DELETE", "/apps/v2/wc-1.00").get_json()
    assert catalog.get("/apps/v2/wc-1.00", status=404)
    again = catalog.post("/apps/v2", APP)
    assert again["uuid"] != first["uuid"]
    assert [pem["username"] for pem in catalog.get("/apps/v2/wc-1.00/pems")] == [OWNER]


def test_history_entries(catalog: Catalog) -> None:
    catalog.post("/apps/v2", APP)
    catalog.post("/apps/v2", APP, status=200)
    history = catalog.get("/apps/v2/wc-1.00/history")
    assert [event["status"] for event in history] == ["CREATED", "UPDATED"]
    assert set(history[0]) == {"status", "createdBy", "description", "created", "id", "_links"}
    assert history[0]["id"].endswith("-026")
    assert set(history[0]["_links"]) == {"self", "app", "profile"}
    path = history[1]["_links"]["self"]["href"].removeprefix("http://localhost")
    assert catalog.get(path) == history[1]
    assert [event["status"] for event in catalog.get("/apps/v2/wc-1.00/history", offset=1)] == ["UPDATED"]
