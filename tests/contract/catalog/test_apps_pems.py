"""Permissions on apps, what they allow, and what a job may run [apps §7, jobs §3]."""

from __future__ import annotations

from dataclasses import replace

import pytest

from emulator.domain.errors import Forbidden, Invalid
from tests.catalog import ADMIN, APP, OTHER, OWNER, THIRD, Catalog


@pytest.fixture
def catalog(catalog: Catalog) -> Catalog:
    """A registry with the systems and files that APP needs."""
    catalog.add_app_material()
    return catalog


def test_permissions(catalog: Catalog) -> None:
    catalog.post("/apps/v2", APP)
    at = "/apps/v2/wc-1.00/pems"
    granted = catalog.post(at, {"username": OTHER, "permission": "read_write"})
    links = granted.pop("_links")
    assert links["self"]["href"] == f"http://localhost{at}/student01"
    assert set(links) == {"self", "app", "profile"}
    assert granted == {
        "username": OTHER,
        "permission": {"read": True, "write": True, "execute": False},
    }
    assert [pem["username"] for pem in catalog.get(at)] == [OWNER, OTHER]
    assert [pem["username"] for pem in catalog.get(at, user=ADMIN)] == [OWNER, OTHER, ADMIN]
    assert catalog.get(f"{at}/{OTHER}", user=OTHER)["permission"]["write"] is True
    assert catalog.get(f"{at}/{OWNER}")["permission"]["execute"] is True
    for user in (THIRD, "nobody"):
        assert catalog.get(f"{at}/{user}", status=404) == f"No permissions found for user {user}"
    none = catalog.post(f"{at}/{OTHER}", {"permission": "NONE"})
    assert none["permission"] == {"read": False, "write": False, "execute": False}
    assert [pem["username"] for pem in catalog.get(at)] == [OWNER]
    history = [event["description"] for event in catalog.get("/apps/v2/wc-1.00/history")]
    assert history[1:] == [
        "User student01 was granted READ_WRITE permission by testuser",
        "User student01 had their permissions revoked by testuser",
    ]


def test_revoking(catalog: Catalog) -> None:
    catalog.post("/apps/v2", APP)
    at = "/apps/v2/wc-1.00/pems"
    for user in (OTHER, THIRD):
        catalog.post(at, {"username": user, "permission": "ALL"})
    assert "result" not in catalog.send("DELETE", f"{at}/{OTHER}").get_json()
    assert [pem["username"] for pem in catalog.get(at)] == [OWNER, THIRD]
    refused = "User does not have permission to clear this app permissions"
    assert catalog.delete(at, user=OTHER, status=403) == refused
    refused = "User does not have permission to update this app permissions"
    assert catalog.delete(f"{at}/{THIRD}", user=OTHER, status=403) == refused
    catalog.delete(at)
    assert [pem["username"] for pem in catalog.get(at)] == [OWNER]
    catalog.post(at, {"username": OTHER, "permission": "READ"})
    catalog.post(at, {"username": OTHER, "permission": ""}, status=200)
    assert [pem["username"] for pem in catalog.get(at)] == [OWNER]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            {"permission": "READ"},
            "Missing username. Please provide a username for whom the permission will be granted.",
        ),
        ({"username": OTHER}, "Missing permission field."),
        (
            {"username": OTHER, "permission": "SOME"},
            "Invalid permission value. Valid values are: ALL, READ, WRITE, READ_WRITE, EXECUTE, READ_EXECUTE, "
            "WRITE_EXECUTE, NONE",
        ),
        (
            {"username": "x" * 65, "permission": "READ"},
            "Invalid username. A username has at most 64 characters.",
        ),
        (
            {"username": "a\x00b", "permission": "READ"},
            "Invalid username. A username has at most 64 characters.",
        ),
    ],
)
def test_permissions_that_cannot_be_given(catalog: Catalog, body: dict[str, str], message: str) -> None:
    catalog.post("/apps/v2", APP)
    assert catalog.post("/apps/v2/wc-1.00/pems", body, status=400) == message


def test_who_may_see_and_give_permissions(catalog: Catalog) -> None:
    catalog.post("/apps/v2", APP)
    at = "/apps/v2/wc-1.00/pems"
    body = {"username": THIRD, "permission": "READ"}
    refused = "User does not have permission to view permissions on this resource"
    assert catalog.get(at, user=OTHER, status=403) == refused
    refused = "User does not have permission to set permissions for app wc-1.00"
    assert catalog.post(at, body, user=OTHER, status=403) == refused
    catalog.post(at, {"username": OTHER, "permission": "ALL"})
    refused = "User does not have permission to publish apps to cluster"
    assert catalog.post(at, body, user=OTHER, status=403) == refused
    catalog.post("/systems/v2/cluster/roles", {"username": OTHER, "role": "PUBLISHER"})
    assert catalog.post(at, body, user=OTHER)["username"] == THIRD
    mismatch = "Username provided in request body, x, does not match the username in the URL, student02"
    assert catalog.post(f"{at}/{THIRD}", body | {"username": "x"}, status=400) == mismatch


# what a job may run


def test_invokable(catalog: Catalog) -> None:
    app = catalog.post("/apps/v2", APP)
    owner, other = (catalog.accounts.caller("tests", name) for name in (OWNER, OTHER))
    with catalog.store.read() as tx:
        assert catalog.apps.invokable(tx, owner, "WC-1.00").uuid == app["uuid"]
        with pytest.raises(Invalid, match=r"No app found matching no-1\.0 for testuser"):
            catalog.apps.invokable(tx, owner, "no-1.0")
        with pytest.raises(Forbidden, match=r"permission to use the requeste app, wc-1\.00"):
            catalog.apps.invokable(tx, other, "wc-1.00")
    catalog.post("/apps/v2/wc-1.00/pems", {"username": OTHER, "permission": "EXECUTE"})
    with catalog.store.read() as tx:
        # the right to run it is enough: the files stay out of sight
        assert catalog.apps.invokable(tx, other, "wc-1.00").uuid == app["uuid"]


def test_an_app_without_its_wrapper_is_disabled_when_a_job_wants_it(catalog: Catalog) -> None:
    catalog.post("/apps/v2", APP)
    owner = catalog.accounts.caller("tests", OWNER)
    catalog.put("/systems/v2/data.storage", {"action": "disable"})
    with catalog.store.read() as tx:  # a system that is switched off is waited for
        assert catalog.apps.invokable(tx, owner, "wc-1.00").id == "wc-1.00"
    assert catalog.get("/apps/v2/wc-1.00")["available"] is True
    catalog.put("/systems/v2/data.storage", {"action": "enable"})
    catalog.hosts.host("tests", "data.example.org").files.remove("/home/testuser/apps/wc/wrapper.sh")
    with catalog.store.read() as tx, pytest.raises(Invalid, match="App is not available for execution"):
        catalog.apps.invokable(tx, owner, "wc-1.00")
    assert catalog.get("/apps/v2/wc-1.00")["available"] is False
    assert catalog.get("/apps/v2/wc-1.00/history")[-1]["status"] == "DISABLED"


def test_public_apps_are_for_all_and_only_admins_change_them(catalog: Catalog) -> None:
    """Publishing is not provided yet: the record is made public in the store."""
    catalog.post("/apps/v2", APP)
    with catalog.store.write() as tx:
        app = tx.apps.get("tests", "wc-1.00")
        assert app is not None
        tx.apps.save(replace(app, public=True))
    at = "/apps/v2/wc-1.00u1"
    assert catalog.get(at, user=OTHER)["isPublic"] is True
    (public,) = catalog.get("/apps/v2", user=OTHER, publicOnly="x")
    assert public["id"] == "wc-1.00u1"
    refused = "Permission denied. Public applications cannot be updated."
    assert catalog.post(at, APP, status=403) == refused
    of_all, of_one = (
        "App permissions are not suported on public apps.",
        "Share permissions are not suported on public applications.",
    )
    read = {"permission": "READ"}
    for user in (OWNER, ADMIN):
        assert catalog.get(f"{at}/pems", user, 501) == catalog.delete(f"{at}/pems", user, 501) == of_all
        assert catalog.post(f"{at}/pems", read | {"username": OTHER}, user, 501) == of_all
        assert catalog.get(f"{at}/pems/x", user, 501) == catalog.delete(f"{at}/pems/x", user, 501) == of_one
        assert catalog.post(f"{at}/pems/{OTHER}", read, user, 501) == of_one
    assert catalog.delete(at, status=403) == "User does not have permission to delete this app"
    catalog.delete(at, user=ADMIN)
    removed = "This application has been removed by the administrator."
    assert catalog.get(at, user=OTHER, status=404) == removed
    assert catalog.get(at, user=ADMIN)["available"] is False
    # the private id is free for a new app
    assert catalog.post("/apps/v2", APP)["id"] == "wc-1.00"
