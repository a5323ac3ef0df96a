"""The notifications commands of tapis-cli, and agavepy's calls that have no command [clients §3]."""

from __future__ import annotations

from typing import Any

import pytest

from tests.client.conftest import STORAGE, Page
from tests.real.webhook_sink import WebhookSink

pytestmark = [pytest.mark.xdist_group("course-page"), pytest.mark.sample(6, of="module")]


@pytest.fixture
def made(page: Page, webhook_sink: WebhookSink) -> dict[str, Any]:
    """A subscription of the user's to the page's storage system."""
    uuid = page.api.call("GET", f"systems/v2/{STORAGE}")["uuid"]
    body = {"url": webhook_sink.url, "event": "CLIENT_TEST", "associatedUuid": uuid, "persistent": True}
    answer: dict[str, Any] = page.api.call("POST", "notifications/v2", json=body)
    return answer


def test_list_shows_ones_own_and_those_of_a_resource(page: Page, made: dict[str, Any]) -> None:
    columns = ("id", "associatedUuid", "event", "url")
    row = {name: made[name] for name in columns}
    everything = page.tapis_json("notifications", "list")
    assert row in [{name: one[name] for name in columns} for one in everything]
    narrow = page.tapis_json("notifications", "list", made["associatedUuid"])
    assert row in [{name: one[name] for name in columns} for one in narrow]
    assert {one["associatedUuid"] for one in narrow} == {made["associatedUuid"]}
    assert page.tapis_json("notifications", "list", "7341557475441971686-242ac11f-0001-006") == []


def test_list_pages(page: Page, made: dict[str, Any]) -> None:
    newest = page.tapis_json("notifications", "list", "-l", "1")
    assert [one["id"] for one in newest] == [made["id"]]


def test_show_says_all_there_is(page: Page, made: dict[str, Any]) -> None:
    shown = page.tapis_json("notifications", "show", made["id"])
    for name in ("id", "associatedUuid", "event", "url"):
        assert shown[name] == made[name]
    verbose = page.tapis_json("notifications", "show", made["id"], "-v")
    assert verbose["policy"] == made["policy"]
    assert (verbose["status"], verbose["persistent"]) == ("ACTIVE", True)


def test_delete_cancels(page: Page, made: dict[str, Any]) -> None:
    page.tapis("notifications", "delete", made["id"])
    text = f"Notification {made['id']} has been deleted."
    assert page.api.refused("GET", f"notifications/v2/{made['id']}", 404) == text


def test_agavepy_subscribes_changes_and_lists(page: Page, webhook_sink: WebhookSink) -> None:
    uuid = page.api.call("GET", f"systems/v2/{STORAGE}")["uuid"]
    body = {"url": webhook_sink.url, "event": "*", "associatedUuid": uuid, "persistent": True}
    change = {"url": webhook_sink.url, "event": "updated", "policy": {"retryLimit": 2}}
    made, changed, found, shown = page.agavepy(
        f"made = ag.notifications.add(body={body!r})\n"
        f"changed = ag.notifications.update(uuid=made['id'], body={change!r})\n"
        f"found = ag.notifications.list(associatedUuid={uuid!r})\n"
        "shown = ag.notifications.get(uuid=made['id'])\n"
        "ag.notifications.delete(uuid=made['id'])\n"
        "answer = [made, changed, found, shown]"
    )
    assert (made["event"], changed["event"], changed["policy"]["retryLimit"]) == ("*", "UPDATED", 2)
    assert made["id"] in [one["id"] for one in found]
    assert shown["id"] == made["id"]
    assert page.api.refused("GET", f"notifications/v2/{made['id']}", 404)


def test_what_agave_cli_sends(page: Page, made: dict[str, Any], webhook_sink: WebhookSink) -> None:
    """Its search posts a form where it meant a query, and its fire posts a field that means nothing."""
    path = "notifications/v2"
    before = page.api.call("GET", f"{path}?limit=250")
    assert page.api.refused("POST", f"{path}/", 400, data={"event": "*"})
    assert page.api.call("GET", f"{path}?limit=250") == before
    fired = page.api.call("POST", f"{path}/{made['id']}/attempts", data={"foo": "bar"})
    assert fired["response"]["code"] == 200
    assert webhook_sink.wait_for(1)[0].json["id"] == STORAGE
    assert page.api.call("GET", f"{path}/{made['id']}/attempts") == []
