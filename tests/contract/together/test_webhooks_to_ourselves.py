"""Webhooks that call the emulator itself: as the user whose they are, and not for ever."""

from __future__ import annotations

from typing import Any

from emulator.app import Emulator
from tests.real.waiting import wait_until
from tests.served import Api

KEPT = {"saveOnFailure": True, "retryStrategy": "NONE"}


def watched(api: Api) -> str:
    """The uuid of something that nothing happens to unless one asks for it."""
    return str(api.call("POST", "meta/v2/data", json={"name": "watched", "value": 1})["uuid"])


def subscription(api: Api, uuid: str, path: str) -> dict[str, Any]:
    wanted = {"url": f"{api.url}/{path}", "event": "*", "persistent": True, "associatedUuid": uuid}
    made: dict[str, Any] = api.call("POST", "notifications/v2", json=wanted | {"policy": KEPT})
    return made


def test_a_notification_that_fires_itself_is_refused(student: Api) -> None:
    made = subscription(student, watched(student), "nowhere")
    path = f"notifications/v2/{made['id']}"
    itself = {"url": f"{student.url}/{path}/attempts", "event": "*", "persistent": True}
    student.call("POST", path, json=itself)
    attempt = student.call("POST", f"{path}/attempts")
    assert attempt["response"]["code"] == 400
    assert student.call("GET", path)["attempts"] == 1


def test_webhooks_of_a_user_who_is_back_are_let_in_again(emulator: Emulator, admin: Api) -> None:
    account = {"username": "comesback", "password": "emulator", "email": "comesback@example.org"}
    for _ in range(2):
        admin.call("POST", "profiles/v2", data=account)
        api = Api(emulator.url, "comesback")
        item = watched(api)
        made = subscription(api, item, "meta/v2/data")
        api.call("POST", f"meta/v2/data/{item}", json={"name": "changed"})

        def tried(api: Api = api, path: str = f"notifications/v2/{made['id']}") -> bool:
            return bool(api.call("GET", path)["attempts"])

        wait_until(tried, 30, "the webhook")
        assert api.call("GET", f"notifications/v2/{made['id']}")["responseCode"] == 201
        admin.call("DELETE", "profiles/v2/comesback")
