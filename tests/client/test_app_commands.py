"""Every ``tapis apps`` command that runs without the Internet, through the unmodified client [clients §3]."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.catalog import APP, EXECUTION, changed
from tests.client.conftest import Page
from tests.client.desk import desk_of, document
from tests.real.clients import Clients
from tests.served import Api, course_document

pytestmark = [pytest.mark.xdist_group("catalog-commands"), pytest.mark.sample(6, of="module")]

SEEDED, COUNTER, CLUSTER = "classifier-1.0.0", "wc-1.00", "desk.cluster"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, clients: Clients) -> Iterator[Page]:
    """An app is registered by the command, on a system of its own."""
    with desk_of("admin", tmp_path_factory.mktemp("desk"), clients) as page:
        page.api.call("POST", "systems/v2", json=changed(EXECUTION, id=CLUSTER))
        for folder, name in (("wc", "wrapper.sh"), ("wc/test", "test.sh")):
            page.api.call(
                "PUT",
                "files/v2/media/system/tacc.corral/",
                json={"action": "mkdir", "path": f"admin/{folder}"},
            )
            files = {"fileToUpload": (name, b"#!/bin/bash\ntrue\n")}
            page.api.call("POST", f"files/v2/media/system/tacc.corral/admin/{folder}", files=files)
        assert (
            page.tapis_json("apps", "create", "-F", document(page, "app.json", definition()))["id"] == COUNTER
        )
        yield page


def definition(**changes: Any) -> dict[str, Any]:
    return changed(
        APP, executionSystem=CLUSTER, deploymentSystem="tacc.corral", deploymentPath="admin/wc", **changes
    )


def held(desk: Page, app: str = COUNTER) -> dict[str, Any]:
    record: dict[str, Any] = desk.api.call("GET", f"apps/v2/{app}")
    return record


def ids(found: list[dict[str, Any]]) -> list[str]:
    return sorted(app["id"] for app in found)


def test_what_was_created_is_held_and_shown(desk: Page) -> None:
    shown = desk.tapis_json("apps", "show", COUNTER, "-v")
    record = held(desk)
    for key in (
        "id",
        "owner",
        "executionSystem",
        "deploymentPath",
        "templatePath",
        "revision",
        "uuid",
        "parallelism",
    ):
        assert shown[key] == record[key], key


def test_listings_and_searches(desk: Page) -> None:
    assert ids(desk.tapis_json("apps", "list")) == ids(desk.api.call("GET", "apps/v2")) == [SEEDED, COUNTER]
    for search, wanted in (
        (("--name", "eq", "WC"), [COUNTER]),
        (("--execution-system", "like", "*stampede*"), [SEEDED]),
        (("--id", "start", "class"), [SEEDED]),
        (("--available", "eq", "false"), []),
        (("--revision", "gte", "1", "--owner", "eq", "admin"), [COUNTER]),
    ):
        assert ids(desk.tapis_json("apps", "search", *search)) == wanted


def test_an_update_is_a_new_revision(desk: Page) -> None:
    before = held(desk)["revision"]
    name = document(desk, "changed.json", definition(label="Counts words"))
    desk.tapis("apps", "update", COUNTER, "-F", name)
    assert (held(desk)["revision"], held(desk)["label"]) == (before + 1, "Counts words")


def test_permissions(desk: Page) -> None:
    desk.tapis("apps", "pems", "grant", COUNTER, "student01", "READ_EXECUTE")
    wanted = {"read": True, "write": False, "execute": True}
    assert desk.api.call("GET", f"apps/v2/{COUNTER}/pems/student01")["permission"] == wanted
    assert {"admin", "student01"} <= {
        pem["username"] for pem in desk.tapis_json("apps", "pems", "list", COUNTER)
    }
    shown = desk.tapis_json("apps", "pems", "show", COUNTER, "student01")
    assert shown["username"] == "student01"
    desk.tapis("apps", "pems", "revoke", COUNTER, "student01")
    assert desk.api.refused("GET", f"apps/v2/{COUNTER}/pems/student01", 404)


def test_off_and_on(desk: Page) -> None:
    desk.tapis("apps", "disable", COUNTER)
    assert held(desk)["available"] is False
    desk.tapis("apps", "enable", COUNTER)
    assert held(desk)["available"] is True
    told = desk.tapis_json("apps", "history", COUNTER)
    assert [entry["status"] for entry in told][-2:] == ["DISABLED", "RESTORED"]


def test_a_clone_has_the_files(desk: Page) -> None:
    options = ("-n", "copied", "-x", "2.0", "-e", CLUSTER, "-s", "tacc.corral", "-p", "admin/copied")
    made = desk.tapis_json("apps", "clone", COUNTER, *options)
    assert made["id"] == "copied-2.0"
    record = held(desk, "copied-2.0")
    assert (record["executionSystem"], record["deploymentPath"]) == (CLUSTER, "admin/copied")
    text = desk.api.request("GET", "files/v2/media/system/tacc.corral/admin/copied/test/test.sh").text
    assert text == "#!/bin/bash\ntrue\n"


def test_a_published_app_runs_for_everybody(desk: Page) -> None:
    public = desk.tapis_json("apps", "publish", SEEDED)["id"]
    assert public == f"{SEEDED}u1"
    record = held(desk, public)
    assert (record["isPublic"], record["deploymentSystem"]) == (True, "tacc.corral")
    assert record["deploymentPath"].endswith(f"/{public}.zip")
    student = Api(desk.emulator.url, "student01")
    request = {"name": "public", "appId": public, "parameters": course_document("job.json")["parameters"]}
    job = student.call("POST", "jobs/v2", json=request | {"archive": True})
    assert student.wait_for_job(job["id"]) == "FINISHED", student.call("GET", f"jobs/v2/{job['id']}/history")
    outputs = {entry["name"] for entry in student.call("GET", f"jobs/v2/{job['id']}/outputs/listings")}
    assert "predictions.txt" in outputs and "wrapper.sh" not in outputs
    # what was published does not change unnoticed
    files = {"fileToUpload": (f"{public}.zip", b"not what was published")}
    folder = record["deploymentPath"].rpartition("/")[0]
    desk.api.call("POST", f"files/v2/media/system/tacc.corral/{folder}", files=files)
    job = student.call("POST", "jobs/v2", json=request)
    assert student.wait_for_job(job["id"]) == "FAILED"
    assert "is not what was published" in student.call("GET", f"jobs/v2/{job['id']}")["lastStatusMessage"]
    # there is no unpublishing: the command disables
    desk.tapis("apps", "unpublish", public)
    assert held(desk, public)["available"] is False
    assert student.refused("GET", f"apps/v2/{public}", 404)


def test_what_does_not_exist_is_told(desk: Page) -> None:
    done = desk.clients.tapis(["apps", "show", "nothing-1.0"], desk.environment)
    assert done.returncode != 0
    assert "nothing-1.0" in done.stdout + done.stderr
