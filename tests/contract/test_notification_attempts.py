"""Attempts: fired by hand, kept, shown and removed [notifications §8]."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from emulator.app import Emulator
from tests.real.waiting import wait_until
from tests.real.webhook_sink import WebhookSink
from tests.served import Api, course_document, served


@pytest.fixture(scope="module")
def system(api: Api) -> dict[str, Any]:
    definition = {
        "id": "attempts.storage",
        "name": "attempts",
        "type": "STORAGE",
        "storage": {
            "host": "attempts.example.org",
            "port": 22,
            "protocol": "SFTP",
            "rootDir": "/",
            "homeDir": "/",
            "auth": {"type": "PASSWORD", "username": "u", "password": "p"},
        },
    }
    made: dict[str, Any] = api.call("POST", "systems/v2", json=definition)
    return made


def subscribe(api: Api, system: dict[str, Any], url: str, **more: Any) -> dict[str, Any]:
    body = {"url": url, "event": "*", "associatedUuid": system["uuid"], "persistent": True}
    made: dict[str, Any] = api.call("POST", "notifications/v2", 201, json=body | more)
    return made


def test_an_attempt_is_made_at_once_and_told_of(
    api: Api, system: dict[str, Any], webhook_sink: WebhookSink
) -> None:
    made = subscribe(api, system, f"{webhook_sink.url}/${{EVENT}}?id=${{SYSTEM_ID}}")
    path = f"notifications/v2/{made['id']}"
    # what agave-cli's notifications-fire sends
    fired = api.call("POST", f"{path}/attempts", 200, data={"foo": "bar"})
    (hook,) = webhook_sink.wait_for(1)
    assert hook.path == "/FORCED_EVENT?id=attempts.storage"
    assert hook.json["id"] == "attempts.storage"
    assert hook.headers["x-agave-delivery"] == fired["id"]
    links = fired.pop("_links")
    assert fired == {
        "id": fired["id"],
        "url": f"{webhook_sink.url}/FORCED_EVENT?id=attempts.storage",
        "event": "FORCED_EVENT",
        "associatedUuid": system["uuid"],
        "notificationId": made["id"],
        "startTime": fired["startTime"],
        "endTime": fired["endTime"],
        "response": {"code": 200, "message": "200 ok"},
    }
    assert fired["id"].endswith("-042")
    assert links == {
        "self": {"href": f"{api.url}/{path}/attempts/{fired['id']}"},
        "notification": {"href": f"{api.url}/{path}"},
        "profile": {"href": f"{api.url}/profiles/v2/testuser"},
        "system": {"href": f"{api.url}/systems/v2/attempts.storage"},
    }
    after = api.call("GET", path)
    assert (after["attempts"], after["responseCode"], after["status"]) == (1, 200, "ACTIVE")
    assert after["lastSent"] == fired["endTime"]


@pytest.mark.parametrize(
    ("who", "event", "asked", "status", "message"),
    [
        ("api", "*", "forced_event", 200, ""),
        ("api", "*", "", 200, ""),
        ("api", "*", None, 200, ""),
        ("api", "*", "*", 400, "Event must not be a wildcard value"),
        ("admin", "*", "*", 400, "Event must not be a wildcard value"),
        ("api", "*", "UPDATED", 403, "User does not have access to trigger custom event notifications"),
        (
            "api",
            "UPDATED",
            "UPDATED",
            400,
            "only the generic FORCED_EVENT is supported for manual invocation by non-privileged users.",
        ),
        ("api", "UPDATED", "FORCED_EVENT", 200, ""),
        ("admin", "UPDATED", "updated", 200, ""),
        (
            "admin",
            "UPDATED",
            "DELETED",
            400,
            "event must match the UPDATED event of the registered notification.",
        ),
        ("admin", "*", "DELETED", 200, ""),
        ("api", "*", 5, 400, "Event must be a string value, NUMBER was found."),
        ("api", "*", 1.5, 400, "Event must be a string value, NUMBER was found."),
        ("api", "*", True, 400, "Event must be a string value, BOOLEAN was found."),
        ("api", "*", [], 400, "Event must be a string value, ARRAY was found."),
        ("api", "*", {}, 400, "Event must be a string value, OBJECT was found."),
        ("admin", "*", "X" * 33, 400, "Event must have at most 32 characters."),
    ],
)
def test_who_may_fire_what(
    api: Api,
    admin: Api,
    system: dict[str, Any],
    webhook_sink: WebhookSink,
    who: str,
    event: str,
    asked: Any,
    status: int,
    message: str,
) -> None:
    made = subscribe(api, system, webhook_sink.url, event=event)
    caller = {"api": api, "admin": admin}[who]
    path = f"notifications/v2/{made['id']}/attempts"
    if status == 200:
        assert caller.call("POST", path, 200, json={"event": asked})["event"] == (
            (asked or "FORCED_EVENT").upper()
        )
        assert len(webhook_sink.wait_for(1)) == 1
    else:
        assert caller.refused("POST", path, status, json={"event": asked}) == message
        assert webhook_sink.hooks.wait_for(0, 0) == []
        assert api.call("GET", f"notifications/v2/{made['id']}")["attempts"] == 0


def test_admins_say_what_is_sent(
    api: Api, admin: Api, system: dict[str, Any], webhook_sink: WebhookSink
) -> None:
    made = subscribe(api, system, webhook_sink.url)
    path = f"notifications/v2/{made['id']}/attempts"
    text = "User does not have access to send custom event messages"
    assert api.refused("POST", path, 403, json={"message": {"a": 1}}) == text
    admin.call("POST", path, json={"message": {"a": "ü"}})
    admin.call("POST", path, json={"message": "plain"})
    assert [hook.body.decode() for hook in webhook_sink.wait_for(2)] == ['{"a": "ü"}', "plain"]


def test_a_notification_about_everything_is_fired_about_something(
    api: Api, admin: Api, system: dict[str, Any], webhook_sink: WebhookSink
) -> None:
    made = subscribe(admin, {"uuid": "*"}, f"{webhook_sink.url}/${{UUID}}", event="NEVER")
    path = f"notifications/v2/{made['id']}/attempts"
    admin.call("POST", path, json={"associatedUuid": system["uuid"]})
    admin.call("POST", path)
    assert [hook.path for hook in webhook_sink.wait_for(2)] == [f"/{system['uuid']}", f"/{made['id']}"]
    missing = "7341557475441971686-242ac11f-0001-006"
    text = f"No resource found matching {missing}"
    assert admin.refused("POST", path, 404, json={"associatedUuid": missing}) == text
    own = subscribe(api, system, webhook_sink.url)
    text = f"associatedUuid must match the {system['uuid']} associatedUuid of the registered notification."
    body = {"associatedUuid": missing}
    assert api.refused("POST", f"notifications/v2/{own['id']}/attempts", 400, json=body) == text


def test_what_was_lost_is_kept_newest_first(
    api: Api, system: dict[str, Any], webhook_sink: WebhookSink
) -> None:
    policy = {"retryStrategy": "NONE", "saveOnFailure": True}
    made = subscribe(api, system, webhook_sink.url, policy=policy)
    path = f"notifications/v2/{made['id']}"
    webhook_sink.answer(500, 502, 200, 404)
    # an event that is given up, then one that arrives and one that is lost, both by hand
    api.call("PUT", f"systems/v2/{system['id']}", json={"action": "disable"})
    wait_until(lambda: api.call("GET", path)["status"] == "FAILED")
    api.call("PUT", f"systems/v2/{system['id']}", json={"action": "enable"})
    assert api.call("POST", f"{path}/attempts")["response"]["code"] == 200
    lost = api.call("POST", f"{path}/attempts")
    found = api.call("GET", f"{path}/attempts")
    assert [(one["event"], one["response"]["code"]) for one in found] == [
        ("FORCED_EVENT", 404),
        ("DISABLED", 502),
    ]
    assert found[0] == lost == api.call("GET", f"{path}/attempts/{lost['id']}")
    assert api.call("GET", f"{path}/attempts?limit=1&offset=1") == found[1:]
    assert api.call("GET", f"{path}/attempts?filter=id") == [{"id": one["id"]} for one in found]
    # it stays failed: firing by hand changes no state
    after = api.call("GET", path)
    assert (after["status"], after["attempts"], after["responseCode"]) == ("FAILED", 4, 404)

    assert "result" not in api.request("DELETE", f"{path}/attempts/{lost['id']}").json()
    missing = f"No notification attempt found matching {lost['id']} for notification {made['id']}"
    assert api.refused("GET", f"{path}/attempts/{lost['id']}", 404) == missing
    assert api.refused("DELETE", f"{path}/attempts/{lost['id']}", 404) == missing
    other = subscribe(api, system, webhook_sink.url)
    elsewhere = f"notifications/v2/{other['id']}/attempts/{found[1]['id']}"
    assert "No notification attempt found" in api.refused("GET", elsewhere, 404)
    assert "result" not in api.request("DELETE", f"{path}/attempts").json()
    assert api.call("GET", f"{path}/attempts") == []


def test_a_failed_one_that_persists_can_be_brought_back(
    api: Api, system: dict[str, Any], webhook_sink: WebhookSink
) -> None:
    made = subscribe(api, system, webhook_sink.url, policy={"retryStrategy": "NONE"})
    path = f"notifications/v2/{made['id']}"
    webhook_sink.answer(500, 500)
    api.call("PUT", f"systems/v2/{system['id']}", json={"action": "disable"})
    wait_until(lambda: api.call("GET", path)["status"] == "FAILED")
    body = {"url": webhook_sink.url, "event": "*", "persistent": True}
    assert api.call("POST", path, json=body)["status"] == "ACTIVE"
    api.call("PUT", f"systems/v2/{system['id']}", json={"action": "enable"})
    webhook_sink.wait_for(3)
    wait_until(lambda: api.call("GET", path)["responseCode"] == 200)


def test_one_that_has_fired_cannot_be_changed(
    api: Api, system: dict[str, Any], webhook_sink: WebhookSink
) -> None:
    made = subscribe(api, system, webhook_sink.url, persistent=False, event="DISABLED")
    path = f"notifications/v2/{made['id']}"
    api.call("PUT", f"systems/v2/{system['id']}", json={"action": "disable"})
    wait_until(lambda: api.call("GET", path)["status"] == "COMPLETE")
    api.call("PUT", f"systems/v2/{system['id']}", json={"action": "enable"})
    text = "Notification has already fired. You can not update past notifications."
    assert api.refused("POST", path, 412, json={"url": webhook_sink.url, "event": "*"}) == text
    assert made["id"] in {s["id"] for s in api.call("GET", "notifications/v2?status=COMPLETE&limit=250")}


# settings


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    directory = tmp_path_factory.mktemp("strict")
    with served(directory, keep_all_attempts=True, block_private_hosts=True) as running:
        yield running


def test_all_attempts_are_kept_by_setting(strict: Emulator) -> None:
    api = Api(strict.url)
    system = api.call("GET", "systems/v2")[0]["id"]
    uuid = api.call("GET", f"systems/v2/{system}")["uuid"]
    body = {"url": "me@example.org", "event": "*", "associatedUuid": uuid}
    made = api.call("POST", "notifications/v2", json=body)
    path = f"notifications/v2/{made['id']}/attempts"
    fired = [api.call("POST", path) for _ in range(2)]
    assert api.call("GET", path) == fired[::-1]
    assert api.call("GET", f"{path}/{fired[0]['id']}") == fired[0]


def test_local_receivers_are_refused_by_setting(strict: Emulator) -> None:
    api = Api(strict.url)
    system = api.call("GET", "systems/v2")[0]["id"]
    uuid = api.call("GET", f"systems/v2/{system}")["uuid"]
    url = "http://127.0.0.1:9/"
    text = (
        f"Invalid callback url value, {url}. Valid callback urls may be an email address, phone number, web "
        "url, or agave url."
    )
    body = {"url": url, "event": "*", "associatedUuid": uuid}
    assert api.refused("POST", "notifications/v2", 400, json=body) == text
    job = course_document("job-public.json") | {"notifications": [{"url": url, "event": "*"}]}
    assert api.refused("POST", "jobs/v2", 400, json=job) == text


def test_a_webhook_to_the_emulator_itself_acts_as_the_owner(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with served(tmp_path_factory.mktemp("own"), anonymous=False) as running:
        student = Api(running.url, "student01")
        target = f"{running.url}/notifications/v2"
        assert Api(running.url).request("POST", "notifications/v2", json={"a": 1}).status_code == 401
        uuid = student.call("GET", "profiles/v2/me")["uuid"]
        body = {"url": target, "event": "*", "associatedUuid": uuid}
        made = student.call("POST", "notifications/v2", json=body)
        fired = student.call("POST", f"notifications/v2/{made['id']}/attempts")
        # a profile is no subscription, and the route says so: it has let the owner in
        assert fired["response"] == {"code": 400, "message": "400 bad request"}
