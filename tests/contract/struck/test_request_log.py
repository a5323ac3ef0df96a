"""``/_emulator/worlds/<w>/requests``: what the API of a world was asked."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from emulator.api.v2.coverage import operations
from emulator.api.v2.coverage.routing import sample
from emulator.app import Emulator
from tests.contract.struck.conftest import CONTENT, Calls, Control, rest
from tests.real.waiting import wait_until
from tests.served import Api
from tests.server.client import Wire


def after(control: Control, asked: Callable[[], object]) -> list[dict[str, Any]]:
    """What a call leaves in the log."""
    since = control.last()
    asked()
    return control.requests(since=since)


def test_what_is_told_of_a_request(control: Control, api: Api, emulator: Emulator) -> None:
    student = Api(emulator.url, "student01")
    since = control.last()
    answer = student.request(
        "GET", "jobs/v2", params={"limit": "1"}, headers={"User-Agent": "tests/1 ☕".encode()}
    )
    found = control.requests(since=since)
    assert len(found) == 1
    told = found[0]
    assert told.pop("received").endswith("Z")
    told.pop("seconds")  # for the server it may not be over yet
    assert told.pop("agent").startswith("tests/1")
    assert told == {
        "number": since + 1,
        "method": "GET",
        "path": "/jobs/v2",
        "query": "limit=1",
        "operation": "jobs.list",
        "user": "student01",
        "status": 200,
        "bytes": len(answer.content),
        "faults": [],
    }


@pytest.mark.parametrize(
    ("method", "path", "operation", "status", "user"),
    [
        ("GET", "tenants", "tenants.list", 200, ""),
        ("DELETE", "jobs/v2", "unknown", 405, ""),
        ("GET", "nowhere/v2", "unknown", 404, ""),
        ("GET", "_emulatorish", "unknown", 404, ""),
        ("GET", "monitors/v2", "monitors.list", 501, ""),
        ("GET", "/jobs/v2/", "jobs.list", 200, "testuser"),
        ("GET", "jobs/v2/nope/status", "jobs.getStatus", 404, "testuser"),
        ("GET", "files/v2/listings/system/tacc.corral//", "files.list", 200, "testuser"),
        ("GET", "files/v2/media/system/tacc.corral/%00", "files.download", 400, "testuser"),
        ("GET", "clients/v2/x%C3%A4", "clients.getClientByName", 404, ""),
    ],
)
def test_operations_by_path(
    control: Control, api: Api, method: str, path: str, operation: str, status: int, user: str
) -> None:
    told = after(control, lambda: api.request(method, path))
    assert [(each["operation"], each["status"], each["user"]) for each in told] == [(operation, status, user)]


def test_unknown_paths_are_a_point_too(control: Control, api: Api) -> None:
    control.arm("http.unknown", {"status": 502})
    for path in ("nowhere/v2", "jobs/v2/a/b/c/d"):
        assert api.request("GET", path).status_code == 502
    assert api.request("DELETE", "jobs/v2").status_code == 502
    control.arm("http.monitors.list", {"throttle": 1})
    assert api.request("GET", "monitors/v2").status_code == 429


def test_users_of_clients_and_tokens(control: Control, api: Api) -> None:
    told = after(control, lambda: Api(api.url, "student02"))
    assert [(each["operation"], each["user"]) for each in told] == [
        ("clients.delete", "student02"),
        ("clients.create", "student02"),
        ("tokens.create", "student02"),
    ]


def test_neither_control_nor_preflight(control: Control, api: Api, emulator: Emulator) -> None:
    def ask() -> None:
        api.request("OPTIONS", "jobs/v2")
        for path in ("health", "nothing/here", "coverage", ""):
            requests.get(f"{emulator.url}/_emulator/{path}", timeout=60)

    assert after(control, ask) == []
    control.arm("http.*", {"status": 500})
    assert requests.get(f"{emulator.url}/_emulator/health", timeout=60).status_code == 200
    assert api.request("OPTIONS", "jobs/v2").status_code == 200


@pytest.mark.parametrize(
    ("query", "fits"),
    [
        ({"operation": "jobs.*"}, [0, 2]),
        ({"operation": "systems.get"}, [1]),
        ({"status": "404"}, [1, 2]),
        ({"status": "4xx"}, [1, 2]),
        ({"status": "none"}, []),
        ({"user": "testuser", "method": "GET"}, [0, 1, 2]),
        ({"user": "student*"}, []),
        ({"path": "/jobs/v2/*"}, [2]),
        ({"limit": "2"}, [0, 1]),
        ({"agent": "python-requests/*", "status": "200"}, [0]),
    ],
)
def test_filters(control: Control, api: Api, query: dict[str, str], fits: list[int]) -> None:
    since = control.last()
    for path in ("jobs/v2", "systems/v2/nope", "jobs/v2/nope"):
        api.request("GET", path)
    found = control.requests(since=since, **query)
    assert [each["number"] - since - 1 for each in found] == fits


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("status=teapot", "status"),
        ("status=6xx", "status"),
        ("since=yesterday", "since"),
        ("since=2026-01-01T00:00:00", "since"),
        ("since=-1", "since"),
        ("since=" + "9" * 40, "since"),
        ("wait=-1", "wait"),
        ("wait=nan", "wait"),
        ("limit=x", "limit"),
    ],
)
def test_a_filter_that_is_none(control: Control, query: str, named: str) -> None:
    answer = control.request("GET", f"requests?{query}")
    assert answer.status_code == 400
    assert named in answer.json()["error"]


def test_since_a_time(control: Control, api: Api) -> None:
    api.request("GET", "jobs/v2")
    newest = control.requests()[-1]
    found = control.requests(since=newest["received"])
    assert newest["number"] in [each["number"] for each in found]
    assert control.requests(since="2100-01-01T00:00:00+02:00") == []


def test_waiting_for_a_request(control: Control, api: Api, emulator: Emulator) -> None:
    waiting = Control(emulator)
    since = control.last()
    with ThreadPoolExecutor(1) as one:
        found = one.submit(waiting.requests, since=since, wait=60, status="404", operation="systems.get")
        api.request("GET", "jobs/v2")
        assert not found.done() or found.result()
        api.request("GET", "systems/v2/nope")
        told = found.result(60)
    assert [(each["operation"], each["status"]) for each in told] == [("systems.get", 404)]


def test_waiting_in_vain(control: Control) -> None:
    assert control.requests(since=control.last(), wait=0.01) == []


def test_forgetting(control: Control, api: Api) -> None:
    api.request("GET", "jobs/v2")
    last = control.last()
    assert control.request("DELETE", "requests").json()["removed"] >= 1
    assert control.requests() == []
    api.request("GET", "jobs/v2")
    assert [each["number"] for each in control.requests()] == [last + 1]


def test_an_unknown_world(emulator: Emulator) -> None:
    url = f"{emulator.url}/_emulator/worlds/nope/requests"
    for method in ("GET", "DELETE"):
        answer = requests.request(method, url, timeout=60)
        assert (answer.status_code, answer.json()) == (404, {"error": "No world found with name nope"})


def test_a_world_sees_its_own(control: Control, emulator: Emulator) -> None:
    made = requests.post(
        f"{emulator.url}/_emulator/listeners", json={"world": "beside", "create": True}, timeout=60
    ).json()
    since = control.last()
    assert requests.get(f"{made['url']}/jobs/v2", timeout=60).status_code == 200
    assert control.requests(since=since) == []
    found = requests.get(f"{emulator.url}/_emulator/worlds/beside/requests", timeout=60).json()["requests"]
    assert [each["operation"] for each in found] == ["jobs.list"]
    seen = requests.get(f"{made['url']}/_emulator/worlds/default/requests", timeout=60)
    assert seen.status_code in (403, 404) and "requests" not in seen.json()
    assert requests.delete(f"{made['url']}/_emulator/worlds/beside/requests", timeout=60).status_code == 403


def test_who_hangs_up_in_a_hold(control: Control, calls: Calls, wire: Callable[..., Wire]) -> None:
    call = calls.make("upload")
    control.arm("http.files.importData", "hold")
    since = control.last()
    with wire() as client:
        client.send(call.raw())
        held = control.requests(since=since, wait=60)[0]
        assert (held["status"], held["seconds"]) == (None, None)
    struck = control.struck(since)
    assert (struck["status"], struck["bytes"], struck["faults"][0]["action"]) == (None, 0, "hold")
    control.request("DELETE", "scenarios")
    call.undone()


def test_bytes_are_those_that_were_sent(control: Control, calls: Calls, wire: Callable[..., Wire]) -> None:
    call = calls.make("range")
    control.arm("http.files.download", {"reset": "1000B"})
    since = control.last()
    with wire() as client:
        client.send(call.raw()).head()
        assert rest(client) == (CONTENT[100:1100], "reset")
    assert control.struck(since)["bytes"] == 1000


def test_by_the_worlds_clock(control: Control, api: Api) -> None:
    face = control.request("PUT", "clock", json={"mode": "frozen"}).json()
    try:
        since = control.last()
        api.request("GET", "jobs/v2")
        wait_until(
            lambda: any(each["seconds"] is not None for each in control.requests(since=since)), 60, "over"
        )
        told = control.requests(since=since)[0]
        assert (told["seconds"], told["received"][:19]) == (0.0, face["now"][:19])
    finally:
        control.request("PUT", "clock", json={"mode": "real"})


def test_a_delay_by_a_frozen_clock(control: Control, api: Api, wire: Callable[..., Wire]) -> None:
    """Two days pass in no time, and the request says so."""
    control.request("PUT", "clock", json={"mode": "frozen"})
    try:
        control.arm("http.jobs.list", {"delay": "48h"}, times=1)
        since = control.last()
        with wire() as client:
            client.send(b"GET /jobs/v2 HTTP/1.1\r\nHost: x\r\n\r\n")
            wait_until(
                lambda: [each for each in control.requests(since=since) if each["faults"]], 60, "struck"
            )
            assert control.request("POST", "clock", json={"advance": "48h"}).status_code == 200
            assert client.answer().status == 200
        assert control.struck(since)["seconds"] == 48 * 3600
    finally:
        control.request("PUT", "clock", json={"mode": "real"})


def test_many_at_once_lose_nothing(control: Control, emulator: Emulator) -> None:
    since = control.last()
    start = threading.Barrier(8)

    def ask(_: int) -> None:
        mine = Api(emulator.url)
        start.wait()
        for _ in range(10):
            assert mine.request("GET", "tenants").status_code == 200

    with ThreadPoolExecutor(8) as many:
        list(many.map(ask, range(8)))
    found = control.requests(since=since, operation="tenants.list")
    assert len(found) == 80
    assert [each["number"] for each in found] == list(range(since + 1, since + 81))


def test_every_operation_is_a_point(control: Control, api: Api) -> None:
    control.arm("http.*", {"status": 418})
    asked = [
        (operation.name, verb, sample(path))
        for operation in operations()
        for path in operation.paths
        for verb in operation.verbs.split()
    ]
    since = control.last()
    for _, verb, path in asked:
        assert api.request(verb, path).status_code == 418, (verb, path)
    struck = [each["faults"][0]["point"] for each in control.requests(since=since)]
    assert struck == [f"http.{name}" for name, _, _ in asked]


@pytest.mark.parametrize(
    ("path", "fact"),
    [
        ("jobs/v2/some-job/history", {"job": "some-job"}),
        ("jobs/v2/some-job/outputs/media/a/b%20c", {"job": "some-job", "path": "/a/b c"}),
        ("apps/v2/some-app/form", {"app": "some-app"}),
        ("apps/v2/some-app-1.0", {"app": "some-app-*"}),
        ("systems/v2/some-system/queues", {"system": "some-system"}),
        ("files/v2/listings/system/some-system//a/b.jpg", {"system": "some-system", "path": "*.jpg"}),
        ("files/v2/media/a/b.jpg", {"path": "/a/b.jpg"}),
        ("profiles/v2/me", {"path": "/profiles/v2/me", "user": "testuser"}),
    ],
)
def test_what_a_rule_can_ask_of_a_request(
    control: Control, api: Api, path: str, fact: dict[str, str]
) -> None:
    control.arm("http.*", {"status": 418}, when=fact)
    assert api.request("GET", path).status_code == 418
    assert api.request("GET", "tenants").status_code == 200


@pytest.mark.parametrize("side", ["answer", "request"])
def test_a_slow_body_by_a_frozen_clock(
    control: Control, calls: Calls, wire: Callable[..., Wire], side: str
) -> None:
    """Nothing passes while time stands still; all of it once enough time has gone by."""
    call = calls.make("upload" if side == "request" else "range")
    control.arm(f"http.{call.operation}", {"slow-body": {"rate": "1B/s", "side": side}}, times=1)
    control.request("PUT", "clock", json={"mode": "frozen"})
    since = control.last()
    try:
        with wire() as client:
            client.send(call.raw())
            if side == "answer":
                client.head()
            wait_until(
                lambda: [each for each in control.requests(since=since) if each["faults"]], 60, "struck"
            )
            for _ in range(3):
                assert control.request("POST", "clock", json={"advance": "1d"}).status_code == 200
            if side == "answer":
                assert client.file.read(4000) == CONTENT[100:4100]
            else:
                assert client.answer().status == 202
    finally:
        control.request("PUT", "clock", json={"mode": "real"})
    call.is_done()
