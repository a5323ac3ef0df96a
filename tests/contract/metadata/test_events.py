"""What happens to metadata is told to who wants to know [postits §B.6]."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from emulator.app import Emulator
from tests.real.webhook_sink import WebhookSink
from tests.served import Api

DATA = "meta/v2/data"


@pytest.fixture
def sink() -> Iterator[WebhookSink]:
    with WebhookSink() as running:
        yield running


def told(sink: WebhookSink, count: int) -> list[Any]:
    hooks = sink.wait_for(count)
    assert len(hooks) == count
    return hooks


def test_subscribers_named_in_the_item_hear_of_it_from_the_beginning(
    emulator: Emulator, api: Api, sink: WebhookSink
) -> None:
    url = f"{sink.url}/?event=${{EVENT}}&uuid=${{UUID}}"
    wanted = {"url": url, "event": "*", "persistent": True}
    item = api.call("POST", DATA, json={"name": "watched", "value": 1, "notifications": [wanted]})
    uuid = item["uuid"]
    steps: list[tuple[str, str, Any, str]] = [
        ("POST", f"{DATA}/{uuid}", {"name": "changed"}, "UPDATED"),
        ("POST", f"{DATA}/{uuid}/pems/ann", {"permission": "READ"}, "PERMISSION_GRANT"),
        ("POST", f"{DATA}/{uuid}/pems/ann", {"permission": "ALL"}, "PERMISSION_UPDATE"),
        ("DELETE", f"{DATA}/{uuid}/pems/ann", None, "PERMISSION_REVOKE"),
        ("DELETE", f"{DATA}/{uuid}", None, "DELETED"),
    ]
    for number, (method, path, body, _) in enumerate(steps, 1):
        told(sink, number)
        api.call(method, path, json=body)
    hooks = told(sink, len(steps) + 1)
    assert [hook.path for hook in hooks] == [
        f"/?event={event}&uuid={uuid}" for event in ("CREATED", *(step[3] for step in steps))
    ]
    first = hooks[0].json
    assert (first["uuid"], first["name"], first["value"]) == (uuid, "watched", 1)
    assert hooks[1].json["name"] == "changed"


def test_what_an_item_is_about_hears_of_it(api: Api, sink: WebhookSink) -> None:
    about = api.call("POST", "meta/v2/schemas", json={"title": "about"})["uuid"]
    body = {"url": f"{sink.url}/${{EVENT}}", "event": "*", "persistent": True, "associatedUuid": about}
    api.call("POST", "notifications/v2", json=body)
    item = api.call("POST", DATA, json={"name": "x", "associationIds": [about]})["uuid"]
    told(sink, 1)
    api.call("POST", f"{DATA}/{item}", json={"name": "y"})
    told(sink, 2)
    api.call("DELETE", f"{DATA}/{item}")
    events = [hook.path for hook in told(sink, 3)]
    assert events == ["/METADATA_CREATED", "/METADATA_UPDATED", "/METADATA_DELETED"]


def test_a_subscription_that_is_wrong_leaves_no_item(api: Api) -> None:
    body = {"name": "unheard", "notifications": [{"url": "a@example.org", "event": "*"}, {"url": "nowhere"}]}
    assert "notifications[1]" in api.refused("POST", DATA, 400, json=body)
    assert api.call("GET", f'{DATA}?q={{"name":"unheard"}}') == []
