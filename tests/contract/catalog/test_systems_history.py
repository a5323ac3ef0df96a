"""What histories of systems tell, in the service's words [systems §11]."""

from __future__ import annotations

import pytest

from tests.catalog import ADMIN, APP, EXECUTION, OTHER, OWNER, Catalog, changed

AT = "/systems/v2/cluster"


def test_everything_that_happens_is_told_in_order(catalog: Catalog) -> None:
    catalog.add_app_material()
    catalog.post(AT, changed(EXECUTION, status="MAINTENANCE"), status=200)
    catalog.post(f"{AT}/roles", {"username": OTHER, "role": "PUBLISHER"})
    catalog.delete(f"{AT}/roles/{OTHER}")
    catalog.post(f"{AT}/queues", {"name": "more"}, status=200)
    catalog.post(f"{AT}/queues", {"name": "more", "maxJobs": 2}, status=200)
    catalog.delete(f"{AT}/queues/more")
    catalog.post("/apps/v2", APP)
    catalog.post("/apps/v2", APP, status=200)
    catalog.delete("/apps/v2/wc-1.00")
    for action in ("disable", "enable", "setDefault", "unsetDefault"):
        catalog.put(AT, {"action": action})
    for action in ("publish", "setGlobalDefault", "unsetGlobalDefault", "unpublish"):
        catalog.put(AT, {"action": action}, user=ADMIN)
    catalog.delete(AT)
    history = catalog.get(f"{AT}/history")
    assert [(event["status"], event["description"]) for event in history] == [
        ("CREATED", "This system was created"),
        ("UPDATED", "This system was updated"),
        ("STATUS_UPDATE", "The status of this system was changed"),
        ("ROLES_GRANT", f"User {OTHER} was granted the role of PUBLISHER by {OWNER}"),
        ("ROLES_REVOKE", f"User {OTHER} had their roles revoked by {OWNER}"),
        ("QUEUE_CREATE", "The queue more was created"),
        ("QUEUE_UPDATE", "The queue more was updated"),
        ("QUEUE_DELETE", "The queue more was deleted"),
        ("APP_CREATE", f"App wc-1.00: App was registered by {OWNER}"),
        ("APP_UPDATE", f"App wc-1.00: App was updated by {OWNER}"),
        ("APP_DELETE", f"App wc-1.00: App was deleted by user {OWNER}"),
        ("DISABLED", "This system was disabled"),
        ("ENABLED", "This system was enabled"),
        ("SET_USER_DEFAULT", f"This system was set as the default of {OWNER}"),
        ("UNSET_USER_DEFAULT", f"This system is no longer the default of {OWNER}"),
        ("PUBLISH", "This system was published into the public scope"),
        ("SET_PUBLIC_DEFAULT", "This system was set as a public default"),
        ("UNSET_PUBLIC_DEFAULT", "This system is no longer a public default"),
        ("UNPUBLISH", "This system was removed from the public scope"),
        ("DELETED", "This system was deleted"),
    ]
    assert all(event["id"].endswith("-027") and event["created"].endswith("Z") for event in history)
    assert {"self", "system_event", "system"} == set(history[0]["_links"])
    path = history[2]["_links"]["self"]["href"].removeprefix("http://localhost")
    assert catalog.get(path) == history[2]
    assert catalog.get(f"{AT}/history", limit=2, offset=-1) == history[1:3]
    assert (
        catalog.get(f"{AT}/history/none-027", status=404)
        == "No event found matching none-027 for system cluster"
    )
    assert catalog.get(f"{AT}/history/{history[0]['id']}", user=OTHER, status=403) == (
        "User does not have the necessary role to view this system history."
    )


def test_enabling_what_is_public_is_the_tenant_s(catalog: Catalog) -> None:
    catalog.post("/systems/v2", EXECUTION)
    catalog.put(AT, {"action": "publish"}, user=ADMIN)
    assert catalog.put(AT, {"action": "enable"}, status=403) == (
        "Permission denied. Only tenant administrators may enable public systems."
    )


@pytest.mark.parametrize("faithful", [True, False])
def test_the_service_s_own_statuses_can_be_had_back(catalog: Catalog, faithful: bool) -> None:
    """[conventions §9.3]: the same messages, with the status that the service gives them."""
    catalog.add_app_material()
    catalog.post("/apps/v2", APP)
    catalog.put(AT, {"action": "disable"})
    object.__setattr__(catalog.settings, "faithful_5xx", faithful)
    for method, path, body, user, theirs, ours, message in (
        (
            "PUT",
            "/systems/v2/data.storage",
            {"action": "setDefault"},
            OTHER,
            500,
            403,
            "User does not have permission to use this system.",
        ),
        (
            "PUT",
            "/systems/v2/data.storage",
            {"action": "unsetDefault"},
            OWNER,
            500,
            400,
            "Unexpected error processing the request. Cannot change user default status of data.storage.",
        ),
        (
            "PUT",
            "/systems/v2/data.storage",
            {"action": "clone"},
            OWNER,
            500,
            400,
            "No new system id provided.",
        ),
        (
            "PUT",
            "/systems/v2/data.storage",
            {"action": "clone", "id": "cluster"},
            OWNER,
            500,
            400,
            "Cloned system id is already assigned",
        ),
        ("PUT", AT, {"action": "disable"}, OWNER, 500, 400, "cluster is already disabled."),
        (
            "PUT",
            "/systems/v2/data.storage",
            {"action": "unsetGlobalDefault"},
            ADMIN,
            500,
            400,
            "System data.storage is not currently",
        ),
        (
            "DELETE",
            "/systems/v2/data.storage",
            None,
            OTHER,
            401,
            403,
            "User does not have permission to delete this system",
        ),
        (
            "DELETE",
            "/apps/v2/wc-1.00",
            None,
            OTHER,
            401,
            403,
            "User does not have permission to delete this app",
        ),
    ):
        answer = catalog.send(method, path, user, json=body)
        assert answer.status_code == (theirs if faithful else ours), (method, path, body)
        assert answer.get_json()["message"].startswith(message)
