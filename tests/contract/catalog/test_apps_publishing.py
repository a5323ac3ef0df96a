"""Publishing apps: a public copy with its files in a zip file [apps §6.1]."""

from __future__ import annotations

import hashlib
import io
import stat
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.catalog import ADMIN, APP, EXECUTION, OTHER, OWNER, STORAGE, WORLD, Catalog, changed

AT = "/apps/v2/wc-1.00"
PUBLISH = {"action": "publish"}


@pytest.fixture
def catalog(catalog: Catalog) -> Catalog:
    """The app, on a public execution system, and a public default storage system to publish to."""
    catalog.add_app_material()
    catalog.post("/apps/v2", APP)
    catalog.put("/systems/v2/cluster", {"action": "publish"}, user=ADMIN)
    public = changed(
        STORAGE, id="public.storage", storage__host="public.example.org", storage__homeDir="/home"
    )
    catalog.post("/systems/v2", changed(public, storage__publicAppsDir="/published"), user=ADMIN)
    for action in ("publish", "setGlobalDefault"):
        catalog.put("/systems/v2/public.storage", {"action": action}, user=ADMIN)
    return catalog


def publish(catalog: Catalog, status: int = 202, user: str = ADMIN, at: str = AT, **rest: Any) -> Any:
    return catalog.put(at, PUBLISH | rest, user=user, status=status)


def archive(catalog: Catalog, path: str) -> bytes:
    with catalog.hosts.host(WORLD, "public.example.org").files.reader(path) as stream:
        content: bytes = stream.read()
    return content


def events(catalog: Catalog, at: str = AT) -> list[str]:
    return [event["status"] for event in catalog.get(f"{at}/history", user=ADMIN)]


def test_a_published_app_is_a_public_copy(catalog: Catalog) -> None:
    private = catalog.get(AT)
    public = publish(catalog)
    assert (public["id"], public["revision"], public["isPublic"], public["owner"]) == (
        "wc-1.00u1",
        1,
        True,
        OWNER,
    )
    assert public["uuid"] != private["uuid"]
    assert public["deploymentSystem"] == "public.storage"
    assert public["deploymentPath"] == "/published/wc-1.00u1.zip"
    kept = ("name", "version", "executionSystem", "executionType", "templatePath", "testPath", "parallelism")
    assert {key: public[key] for key in kept} == {key: private[key] for key in kept}
    assert catalog.get(AT) == private
    assert catalog.get("/apps/v2/WC-1.00U1", user=OTHER) == public
    assert [app["id"] for app in catalog.get("/apps/v2", user=OTHER)] == ["wc-1.00u1"]
    assert events(catalog) == ["CREATED", "PUBLISHED"]
    assert events(catalog, "/apps/v2/wc-1.00u1") == ["CREATED"]


def test_the_files_are_kept_as_a_zip_of_the_folder_with_their_checksum(catalog: Catalog) -> None:
    machine = catalog.hosts.host(WORLD, "data.example.org").files
    machine.chmod("/home/testuser/apps/wc/wrapper.sh", 0o755)
    machine.mkdir("/home/testuser/apps/wc/hollow")
    catalog.write("/home/testuser/apps/wc/größe ü.txt", "x" * 3_000_000)
    publish(catalog)
    content = archive(catalog, "/published/wc-1.00u1.zip")
    with zipfile.ZipFile(io.BytesIO(content)) as made:
        assert made.testzip() is None
        names = set(made.namelist())
        assert names == {
            "wc/", "wc/wrapper.sh", "wc/test/", "wc/test/test.sh", "wc/hollow/", "wc/größe ü.txt",
        }  # fmt: skip
        assert made.read("wc/größe ü.txt") == b"x" * 3_000_000
        assert stat.S_IMODE(made.getinfo("wc/wrapper.sh").external_attr >> 16) == 0o755
    checksum = hashlib.md5(content).hexdigest()
    assert [app["id"] for app in catalog.get("/apps/v2", checksum=checksum)] == ["wc-1.00u1"]


def test_each_publication_counts(catalog: Catalog) -> None:
    publish(catalog)
    catalog.post("/apps/v2", changed(APP, label="Better"), status=200)
    second = publish(catalog)
    assert (second["id"], second["revision"], second["label"]) == ("wc-1.00u2", 2, "Better")
    assert catalog.get("/apps/v2/wc-1.00u1")["label"] is None
    assert events(catalog) == ["CREATED", "PUBLISHED", "UPDATED", "REPUBLISHED"]
    renamed = publish(catalog, name="words", version="2.0")
    assert (renamed["id"], renamed["name"], renamed["version"]) == ("words-2.0u1", "words", "2.0")


def test_publishing_at_once_gives_each_its_number(catalog: Catalog) -> None:
    with ThreadPoolExecutor(4) as threads:
        ids = list(threads.map(lambda _: publish(catalog)["id"], range(4)))
    assert sorted(ids) == [f"wc-1.00u{number}" for number in range(1, 5)]


def test_on_another_execution_system(catalog: Catalog) -> None:
    with_queue = changed(APP, defaultQueue="normal", defaultNodeCount=16, defaultMaxRunTime="24:00:00")
    catalog.post("/apps/v2", with_queue, status=200)
    queue = {"name": "only", "maxNodes": 2, "maxRequestedTime": "01:00:00"}
    catalog.post("/systems/v2", changed(EXECUTION, id="small", queues=[queue]))
    catalog.put("/systems/v2/small", {"action": "publish"}, user=ADMIN)
    public = publish(catalog, executionSystem="small")
    assert (public["executionSystem"], public["defaultQueue"]) == ("small", "only")
    assert (public["defaultNodeCount"], public["defaultMaxRunTime"]) == (2, "01:00:00")


ADVICE = (
    "Please either publish the execution system or specify another execution system on which the published app "
    "should run."
)


def unpublish(catalog: Catalog) -> None:
    catalog.put("/systems/v2/cluster", {"action": "unpublish"}, user=ADMIN)


def private_system(catalog: Catalog) -> None:
    catalog.post("/systems/v2", changed(EXECUTION, id="private"))


def remove_files(catalog: Catalog) -> None:
    catalog.hosts.host(WORLD, "data.example.org").files.remove("/home/testuser/apps")


def storage_down(catalog: Catalog) -> None:
    catalog.post("/systems/v2", changed(STORAGE, status="DOWN"))


def no_public_storage(catalog: Catalog) -> None:
    catalog.put("/systems/v2/public.storage", {"action": "unsetGlobalDefault"}, user=ADMIN)


@pytest.mark.parametrize(
    ("prepare", "body", "status", "message"),
    [
        (
            unpublish,
            {},
            400,
            "No public execution system was specified and the execution system of the original app, cluster, is not "
            f"publicly available. {ADVICE}",
        ),
        (
            private_system,
            {"executionSystem": "private"},
            400,
            f"The target execution system, private, is not publicly available. {ADVICE}",
        ),
        (None, {"executionSystem": "nope"}, 400, "No public execution system found with id nope"),
        (
            None,
            {"executionSystem": "data.storage"},
            400,
            "No public execution system found with id data.storage",
        ),
        (
            remove_files,
            {},
            400,
            "The original application deployment path, testuser/apps/wc, was not found on the deployment system "
            "data.storage",
        ),
        (storage_down, {}, 503, "System data.storage is currently DOWN."),
        (
            no_public_storage,
            {},
            503,
            "No public deployment system is defined for your tenant. Please contact your tenant administrator to "
            "configure your tenant for app publishing.",
        ),
    ],
    ids=lambda value: getattr(value, "__name__", str(value))[:60],
)
def test_what_stands_in_the_way(
    catalog: Catalog,
    prepare: Callable[[Catalog], None] | None,
    body: dict[str, Any],
    status: int,
    message: str,
) -> None:
    if prepare is not None:
        prepare(catalog)
    assert publish(catalog, status=status, **body) == message
    assert [app["id"] for app in catalog.get("/apps/v2", user=ADMIN)] == ["wc-1.00"]
    assert events(catalog)[-1] == "PUBLISHING_FAILED"
    files = catalog.hosts.host(WORLD, "public.example.org").files
    assert not files.exists("/published") or files.names("/published") == []


def test_what_is_refused_leaves_no_trace(catalog: Catalog) -> None:
    refused = "Permission denied. You do not have permission to perform this action."
    assert publish(catalog, status=403, user=OWNER) == refused
    assert publish(catalog, status=403, user=OTHER) == refused
    assert publish(catalog, status=404, at="/apps/v2/no-1.0") == "No software found matching no-1.0"
    assert publish(catalog, status=400, version="one").startswith("Invalid 'app.version' value.")
    assert publish(catalog, status=400, name="a/b").startswith("'app.name' may only contain")
    assert publish(catalog, status=400, name={"a": 1}).startswith("Invalid 'app.name' value.")
    assert events(catalog) == ["CREATED"]
    publish(catalog)
    assert publish(catalog, status=400, at="/apps/v2/wc-1.00u1") == "Software is already public"


def test_public_apps_are_the_administrators(catalog: Catalog) -> None:
    publish(catalog)
    at = "/apps/v2/wc-1.00u1"
    refused = "Permission denied. You do not have permission to perform this action."
    assert catalog.put(at, {"action": "disable"}, status=403) == refused
    assert catalog.delete(at, status=403) == "User does not have permission to delete this app"
    assert catalog.post("/apps/v2/wc-1.00u1", APP, status=403) == (
        "Permission denied. Public applications cannot be updated."
    )
    assert catalog.get(f"{at}/pems", status=501) == "App permissions are not suported on public apps."
    assert catalog.put(at, {"action": "disable"}, user=ADMIN)["available"] is False
    removed = "This application has been removed by the administrator."
    assert catalog.get(at, status=404) == removed
    no_history = "This app has been removed by the administrator."
    assert catalog.get(f"{at}/history", status=404) == no_history
    assert catalog.put(at, {"action": "enable"}, status=404) == removed
    assert catalog.get(at, user=ADMIN)["available"] is False
    assert catalog.put(at, {"action": "enable"}, user=ADMIN)["available"] is True
    catalog.delete(at, user=ADMIN)
    assert catalog.get(at, user=ADMIN)["available"] is False
    assert events(catalog, at) == ["CREATED", "DISABLED", "RESTORED", "DELETED"]
    catalog.put(at, {"action": "erase"}, user=ADMIN)
    assert catalog.get(at, user=ADMIN, status=404) == "No software found matching wc-1.00u1"
