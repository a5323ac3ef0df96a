"""Two users on one served emulator, and what they register."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from emulator.app import Emulator
from tests.real.waiting import wait_until
from tests.real.webhook_sink import Hook, WebhookSink
from tests.served import Api


@pytest.fixture(scope="module")
def other(emulator: Emulator) -> Api:
    """Requests with a token of student02, from whom student01 keeps something."""
    return Api(emulator.url, "student02")


@pytest.fixture
def sink() -> Iterator[WebhookSink]:
    with WebhookSink() as running:
        yield running


def storage(name: str) -> dict[str, Any]:
    """The definition of a private storage system on a machine of its own."""
    login = {"type": "PASSWORD", "username": "u", "password": "p"}
    machine = {"host": f"{name}.example.org", "port": 22, "protocol": "SFTP", "auth": login}
    return {
        "id": name,
        "name": name,
        "type": "STORAGE",
        "storage": {**machine, "rootDir": "/", "homeDir": "/home"},
    }


def upload(api: Api, system: str, folder: str, name: str, content: str) -> dict[str, Any]:
    """The file's record."""
    files = {"fileToUpload": (name, content)}
    record: dict[str, Any] = api.call("POST", f"files/v2/media/system/{system}/{folder}", files=files)
    return record


def job(api: Api, **more: Any) -> str:
    """The id of a job of the seeded app that has ended."""
    picture = {"imagefile": "pictures/zebra.png"}
    request = {"name": "together", "appId": "classifier-1.0.0", "archive": True, "parameters": picture} | more
    job_id = str(api.call("POST", "jobs/v2", json=request)["id"])
    assert api.wait_for_job(job_id) == "FINISHED"
    return job_id


def heard(sink: WebhookSink, wanted: Callable[[Hook], bool]) -> list[Hook]:
    """All that has come, once one of them is what is waited for."""
    wait_until(lambda: any(map(wanted, sink.hooks.items)), 30, "a message that was waited for")
    return sink.hooks.items
