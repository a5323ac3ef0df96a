"""Subscriptions of one's own over HTTP: made, listed, changed, cancelled [notifications §1-§3]."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.served import Api

STORAGE = "emulator.storage"
UNKNOWN_UUID = (
    "Invalid associatedUuid. The provided uuid was not recognized as a valid resource uuid type. Please "
    "provide an associatedUuid for which this notification should apply."
)


@pytest.fixture(scope="module")
def system(api: Api) -> dict[str, Any]:
    """A storage system of the default user's."""
    definition = {
        "id": "notes.storage",
        "name": "notes",
        "type": "STORAGE",
        "storage": {
            "host": "notes.example.org",
            "port": 22,
            "protocol": "SFTP",
            "rootDir": "/",
            "homeDir": "/home",
            "auth": {"type": "PASSWORD", "username": "u", "password": "p"},
        },
    }
    made: dict[str, Any] = api.call("POST", "systems/v2", json=definition)
    return made


@pytest.fixture
def wanted(system: dict[str, Any]) -> dict[str, Any]:
    return {"url": "someone@example.org", "event": "*", "associatedUuid": system["uuid"], "persistent": True}


def test_a_subscription_is_made_and_shown_in_full(
    api: Api, system: dict[str, Any], wanted: dict[str, Any]
) -> None:
    made = api.call("POST", "notifications/v2", 201, json=wanted | {"event": "updated"})
    assert made == api.call("GET", f"notifications/v2/{made['id']}/")
    links = made.pop("_links")
    assert made == {
        "id": made["id"],
        "owner": "testuser",
        "url": "someone@example.org",
        "associatedUuid": system["uuid"],
        "event": "UPDATED",
        "responseCode": None,
        "attempts": 0,
        "lastSent": None,
        "success": False,
        "persistent": True,
        "status": "ACTIVE",
        "lastUpdated": made["lastUpdated"],
        "created": made["created"],
        "policy": {
            "retryStrategy": "IMMEDIATE",
            "retryLimit": 5,
            "retryRate": 5,
            "retryDelay": 0,
            "saveOnFailure": False,
        },
    }
    here = f"{api.url}/notifications/v2/{made['id']}"
    assert links == {
        "self": {"href": here},
        "attempts": {"href": f"{here}/attempts"},
        "owner": {"href": f"{api.url}/profiles/v2/testuser"},
        "system": {"href": f"{api.url}/systems/v2/notes.storage"},
    }


@pytest.mark.parametrize("form", ["json", "octets", "urlencoded", "upload", "fields"])
def test_every_form_of_body_makes_the_same(api: Api, wanted: dict[str, Any], form: str) -> None:
    document = wanted | {"policy": {"retryStrategy": "DELAYED", "retryDelay": 7, "saveOnFailure": True}}
    flat = wanted | {
        "persistent": "true",
        "policy.retryStrategy": "delayed",
        "policy.retryDelay": "7",
        "policy.saveOnFailure": "true",
    }
    forms: dict[str, dict[str, Any]] = {
        "json": {"json": document},
        "octets": {
            "data": json.dumps(document),
            "headers": {"Content-Type": "application/octet-stream"},
        },
        "urlencoded": {"data": flat},
        "upload": {"files": {"fileToUpload": ("n.json", json.dumps(document))}},
        "fields": {"files": {name: (None, str(value)) for name, value in flat.items()}},
    }
    made = api.call("POST", "notifications/v2", 201, **forms[form])
    policy = {"retryStrategy": "DELAYED", "retryLimit": 5, "retryRate": 5, "retryDelay": 7}
    assert made["policy"] == policy | {"saveOnFailure": True}
    assert (made["persistent"], made["event"], made["url"]) == (True, "*", "someone@example.org")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"json": []}, "Notification should be a valid JSON object."),
        ({"json": "text"}, "Notification should be a valid JSON object."),
        ({"data": ""}, "No notification object provided."),
        ({"json": {}}, "No notification object provided."),
        ({"files": {"fileToUpload": ("empty", "")}}, "No notification object provided."),
        # what agave-cli's search sends, whose -G got lost
        ({"data": {"event": "*"}}, "No url provided. Please specify a valid url for this notification."),
    ],
    ids=str,
)
def test_a_body_that_is_no_subscription_makes_nothing(api: Api, body: dict[str, Any], message: str) -> None:
    before = len(api.call("GET", "notifications/v2?limit=250"))
    assert api.refused("POST", "notifications/v2", 400, **body) == message
    assert len(api.call("GET", "notifications/v2?limit=250")) == before


@pytest.mark.parametrize(
    "uuid", ["", "no-such-type", "0001-999", "7341557475441971686-242ac11f-0001-", "\x00-006"]
)
def test_a_uuid_of_no_type_is_refused(api: Api, wanted: dict[str, Any], uuid: str) -> None:
    body = wanted | {"associatedUuid": uuid}
    assert api.refused("POST", "notifications/v2", 400, json=body) == UNKNOWN_UUID


def test_the_resource_must_be_there_and_readable(
    api: Api, student: Api, admin: Api, system: dict[str, Any], wanted: dict[str, Any]
) -> None:
    missing = "7341557475441971686-242ac11f-0001-006"
    body = wanted | {"associatedUuid": missing}
    assert api.refused("POST", "notifications/v2", 404, json=body) == f"No system found matching {missing}"
    text = f"User does not have permission to view the system {system['uuid']}"
    assert student.refused("POST", "notifications/v2", 403, json=wanted) == text
    granted = {"username": "student01", "role": "GUEST"}
    api.call("POST", f"systems/v2/{system['id']}/roles", json=granted)
    assert student.call("POST", "notifications/v2", 201, json=wanted)["owner"] == "student01"
    assert admin.call("POST", "notifications/v2", 201, json=wanted)["owner"] == "admin"


def test_all_resources_at_once_are_for_admins(api: Api, admin: Api, wanted: dict[str, Any]) -> None:
    body = wanted | {"associatedUuid": "*", "event": "NEVER"}
    text = "Administrator permissions are required to set wildcard notifications."
    assert api.refused("POST", "notifications/v2", 403, json=body) == text
    made = admin.call("POST", "notifications/v2", 201, json=body)
    assert made["associatedUuid"] == "*"
    assert set(made["_links"]) == {"self", "attempts", "owner"}


@pytest.mark.parametrize("kind", ["system", "app", "job", "file", "notification", "profile"])
def test_every_kind_of_resource_has_its_link(
    api: Api, system: dict[str, Any], wanted: dict[str, Any], kind: str
) -> None:
    uuid, path = resource(api, system, kind)
    made = api.call("POST", "notifications/v2", 201, json=wanted | {"associatedUuid": uuid})
    assert made["_links"][kind] == {"href": f"{api.url}/{path}"}
    assert api.request("GET", path).status_code == 200
    listed = api.call("GET", f"notifications/v2?associatedUuid={uuid}&url={made['url']}")
    assert listed[0]["_links"][kind] == {"href": f"{api.url}/{path}"}


def resource(api: Api, system: dict[str, Any], kind: str) -> tuple[str, str]:
    """The uuid of a thing of a kind, and the path of its URL."""
    if kind == "system":
        return system["uuid"], f"systems/v2/{system['id']}"
    if kind == "app":
        app = api.call("GET", "apps/v2/classifier-1.0.0")
        return app["uuid"], "apps/v2/classifier-1.0.0"
    if kind == "job":
        request = {"name": "told", "appId": "classifier-1.0.0"}
        job = api.call("POST", "jobs/v2", json=request | sample_inputs(api))
        return job["id"], f"jobs/v2/{job['id']}"
    if kind == "file":
        files = {"fileToUpload": ("told of.txt", b"text")}
        made = api.call("POST", f"files/v2/media/system/{system['id']}/", files=files)
        return made["uuid"], f"files/v2/media/system/{system['id']}//home/told%20of.txt"
    if kind == "profile":
        return api.call("GET", "profiles/v2/me")["uuid"], "profiles/v2/testuser"
    body = {"url": "x@example.org", "event": "NEVER", "associatedUuid": system["uuid"]}
    made = api.call("POST", "notifications/v2", json=body)
    return made["id"], f"notifications/v2/{made['id']}"


def sample_inputs(api: Api) -> dict[str, Any]:
    from tests.served import course_document

    document = course_document("job-public.json")
    return {name: document[name] for name in ("inputs", "parameters") if name in document}


# listing and searching


@pytest.fixture(scope="module")
def shelf(api: Api, system: dict[str, Any]) -> list[dict[str, Any]]:
    """Three subscriptions that differ in everything, oldest first."""
    common = {"associatedUuid": system["uuid"]}
    plain = {"url": "shelf-one@example.org", "event": "SHELF_A"}
    hooked = {"url": "http://127.0.0.1:9/shelf-two", "event": "SHELF_B", "persistent": True}
    delayed = {"retryStrategy": "DELAYED", "retryDelay": 60, "retryRate": 30, "retryLimit": 9}
    patient = {"url": "shelf-three@example.org", "event": "SHELF_B", "policy": delayed}
    return [
        api.call("POST", "notifications/v2", json=common | one)
        for one in (plain, hooked, patient | {"policy": delayed | {"saveOnFailure": True}})
    ]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("event=shelf_a", [0]),
        ("event.like=shelf_*", [2, 1, 0]),
        ("event.neq=SHELF_A", [2, 1]),
        ("event.in=SHELF_A,OTHER", [0]),
        ("event.nin=SHELF_A,OTHER", [2, 1]),
        ("event.rlike=SHELF_[AC]", [0]),
        ("url=shelf-one@example.org", [0]),
        ("URL.like=*SHELF-T*", [2, 1]),
        ("persistent=true", [1]),
        ("persistent.neq=true", [2, 0]),
        ("policy.retryStrategy=delayed", [2]),
        ("policy.retryLimit.gt=5", [2]),
        ("policy.retryRate=30", [2]),
        ("policy.retryDelay.lte=0", [1, 0]),
        ("policy.saveOnFailure=true", [2]),
        ("owner=testuser", [2, 1, 0]),
        ("owner=student01", []),
        ("status=ACTIVE", [2, 1, 0]),
        ("status=FAILED", []),
        ("status.in=ACTIVE,FAILED", [2, 1, 0]),
        ("visible=true", [2, 1, 0]),
        ("visible=false", []),
        ("created.after=yesterday", [2, 1, 0]),
        ("created.before=yesterday", []),
        ("lastUpdated.on=today", [2, 1, 0]),
        ("nonsense=1", [2, 1, 0]),
        ("limit=1", [2]),
        ("limit=1&offset=1", [1]),
        ("limit=x&offset=-1", [2, 1, 0]),
    ],
)
def test_searches(api: Api, shelf: list[dict[str, Any]], query: str, expected: list[int]) -> None:
    ours = "url.like=*shelf-*&" if "url" not in query.lower() else ""
    found = api.call("GET", f"notifications/v2?{ours}{query}")
    assert [one["id"] for one in found] == [shelf[number]["id"] for number in expected]


def test_searches_by_id_and_resource(api: Api, shelf: list[dict[str, Any]], system: dict[str, Any]) -> None:
    one = shelf[1]
    assert [s["id"] for s in api.call("GET", f"notifications/v2?id={one['id']}")] == [one["id"]]
    found = api.call("GET", f"notifications/v2?associatedUuid={system['uuid']}&event=SHELF_B")
    assert [s["id"] for s in found] == [shelf[2]["id"], one["id"]]
    # agave-cli sends the parameter whether it was given a uuid or not
    assert api.call("GET", "notifications/v2?associatedUuid=&event=SHELF_B") == found
    summary = {"id", "url", "associatedUuid", "event", "_links"}
    assert set(found[0]) == summary
    full = api.call("GET", "notifications/v2?filter=*&event=SHELF_B")
    assert full == [shelf[2], one]
    assert api.call("GET", f"notifications/v2?filter=id,policy.retryRate&id={one['id']}") == [
        {"id": one["id"], "policy": {"retryRate": 5}}
    ]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("status=SLEEPING", "Unknown notification status SLEEPING"),
        ("policy.retryStrategy=OFTEN", "Unknown retry strategy OFTEN"),
        ("policy.retryLimit=few", "Illegal integer value for policy.retrylimit"),
        ("created=gibberish", "Illegal date format for created"),
    ],
)
def test_bad_searches(api: Api, query: str, message: str) -> None:
    assert api.refused("GET", f"notifications/v2?{query}", 400) == message


def test_admins_find_those_of_others(
    student: Api, admin: Api, shelf: list[dict[str, Any]], system: dict[str, Any]
) -> None:
    ids = {one["id"] for one in shelf}
    assert ids <= {one["id"] for one in admin.call("GET", "notifications/v2?owner=testuser&limit=250")}
    found = admin.call("GET", f"notifications/v2?associatedUuid={system['uuid']}&limit=250")
    assert ids <= {one["id"] for one in found}
    assert ids.isdisjoint(one["id"] for one in admin.call("GET", "notifications/v2?limit=250"))
    found = student.call("GET", f"notifications/v2?associatedUuid={system['uuid']}&limit=250")
    assert ids.isdisjoint(one["id"] for one in found)


# changing and cancelling


def test_an_update_replaces_everything_but_the_resource(api: Api, wanted: dict[str, Any]) -> None:
    old = api.call("POST", "notifications/v2", json=wanted)
    change = {"url": "other@example.org", "event": "deleted", "policy": {"retryLimit": 0}}
    new = api.call("POST", f"notifications/v2/{old['id']}", 200, json=change)
    assert (new["url"], new["event"], new["persistent"]) == ("other@example.org", "DELETED", False)
    assert new["policy"]["retryLimit"] == 0
    assert [new[name] for name in ("id", "associatedUuid", "created", "owner", "status")] == [
        old[name] for name in ("id", "associatedUuid", "created", "owner", "status")
    ]
    assert api.call("GET", f"notifications/v2/{old['id']}") == new
    # what was answered can be posted back
    assert api.call("POST", f"notifications/v2/{old['id']}", json=new)["event"] == "DELETED"
    bad = change | {"associatedUuid": "7341557475441971686-242ac11f-0001-006"}
    text = "Invalid associatedUuid. The resource of a notification cannot be changed."
    assert api.refused("POST", f"notifications/v2/{old['id']}", 400, json=bad) == text
    assert "No url provided" in api.refused("POST", f"notifications/v2/{old['id']}", 400, json={"event": "*"})


def test_one_that_was_switched_off_is_past(api: Api, wanted: dict[str, Any]) -> None:
    made = api.call("POST", "notifications/v2", json=wanted)
    path = f"notifications/v2/{made['id']}"
    assert api.call("POST", path, json=wanted | {"status": "inactive"})["status"] == "INACTIVE"
    assert api.call("GET", path)["status"] == "INACTIVE"
    text = "Notification has already fired. You can not update past notifications."
    assert api.refused("POST", path, 412, json=wanted) == text
    assert made["id"] not in {s["id"] for s in api.call("GET", "notifications/v2?limit=250")}
    found = api.call("GET", "notifications/v2?status=INACTIVE")
    assert [s["id"] for s in found] == [made["id"]]


def test_a_cancelled_one_is_gone_for_everybody(api: Api, admin: Api, wanted: dict[str, Any]) -> None:
    made = api.call("POST", "notifications/v2", json=wanted)
    path = f"notifications/v2/{made['id']}"
    api.call("DELETE", path)
    text = f"Notification {made['id']} has been deleted."
    for method, tail in (
        ("GET", ""),
        ("POST", ""),
        ("DELETE", ""),
        ("GET", "/attempts"),
        ("POST", "/attempts"),
        ("DELETE", "/attempts"),
        ("GET", "/attempts/1-042"),
        ("DELETE", "/attempts/1-042"),
    ):
        assert admin.refused(method, path + tail, 404, json=wanted) == text
    assert api.call("GET", f"notifications/v2?id={made['id']}&status=INACTIVE") == []


@pytest.mark.parametrize(
    ("method", "tail", "message"),
    [
        ("GET", "", "User does not have permission to view this notification"),
        ("POST", "", "User does not have access to view this notification"),
        ("DELETE", "", "User does not have access to delete this notification"),
        ("GET", "/attempts", "User does not have permission to view this notification"),
        ("POST", "/attempts", "User does not have permission to view this notification"),
        ("DELETE", "/attempts", "User does not have access to delete this notification attempt"),
        ("GET", "/attempts/1-042", "User does not have permission to view this notification"),
        ("DELETE", "/attempts/1-042", "User does not have access to delete this notification attempt"),
    ],
)
def test_strangers_are_refused(
    api: Api, student: Api, wanted: dict[str, Any], method: str, tail: str, message: str
) -> None:
    made = api.call("POST", "notifications/v2", json=wanted)
    assert student.refused(method, f"notifications/v2/{made['id']}{tail}", 403, json=wanted) == message
    unknown = "7341557475441971686-242ac11f-0001-011"
    text = f"No notification found matching {unknown}"
    assert student.refused(method, f"notifications/v2/{unknown}{tail}", 404, json=wanted) == text


@pytest.mark.parametrize("tail", ["", "/x", "/x/attempts", "/x/attempts/y"])
def test_put_is_no_verb_here(api: Api, tail: str) -> None:
    assert "not supported" in api.refused("PUT", f"notifications/v2{tail}", 405)
