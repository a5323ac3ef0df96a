"""Actions with arguments that nobody should give, and answers that HTTP has rules for."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from emulator.api.gateway import BY_STATUS, FAULTS
from emulator.app import Emulator
from emulator.scenario.catalog.http import GATEWAY_CODES
from tests.contract.struck.conftest import Call, Calls, Control
from tests.served import Api, served
from tests.server.client import Wire


def test_the_catalog_knows_the_gateways_codes() -> None:
    assert set(GATEWAY_CODES) == set(FAULTS)
    assert all(FAULTS[code].status == status for status, code in BY_STATUS.items())


@pytest.mark.parametrize("code", GATEWAY_CODES)
@pytest.mark.parametrize("form", ["json", "xml"])
def test_every_fault_of_the_gateway(control: Control, api: Api, code: int, form: str) -> None:
    control.arm("http.jobs.list", {"gateway": {"code": code, "format": form, "message": "<&>"}})
    answer = api.request("GET", "jobs/v2")
    assert answer.status_code == FAULTS[code].status
    if form == "json":
        assert answer.json()["fault"]["message"] == "<&>"
    else:
        assert answer.headers["Content-Type"] == "application/xml"
        assert f":code>{900904 if code == 900901 else code}</" in answer.text
        assert ":message>&lt;&amp;&gt;</" in answer.text


@pytest.mark.parametrize("status", [200, 204, 302, 304, 400, 416, 451, 599])
@pytest.mark.parametrize("body", [None, "", "given"])
def test_every_status_leaves_the_connection_in_order(
    control: Control, calls: Calls, wire: Callable[..., Wire], status: int, body: str | None
) -> None:
    """204 and 304 have no body, whatever was given."""
    call = calls.make("post")
    control.arm(
        f"http.{call.operation}", {"status": {"code": status, "body": body} if body is not None else status}
    )
    with wire() as client:
        answer = client.send(call.raw()).answer(call.method)
        assert answer.status == status
        if body is not None and status not in (204, 304):
            assert answer.body == body.encode()
        assert client.send(Call("jobs.list", "GET", "jobs/v2").raw()).answer().status == 200
    call.undone()


@pytest.mark.parametrize(
    ("at", "do", "named"),
    [
        ("http.*", {"status": 99}, "200 to 599"),
        ("http.*", {"status": 600}, "200 to 599"),
        ("http.*", {"status": "teapot"}, "code"),
        ("http.*", {"status": {}}, "code"),
        ("http.*", {"status": {"code": 500, "by": "gateway"}}, "gateway"),
        ("http.*", {"status": {"code": 500, "headers": "no colon"}}, "headers"),
        ("http.*", {"status": {"code": 500, "headers": "X: ä"}}, "headers"),
        ("http.*", {"status": {"code": 500, "headers": "Content-Length: 7"}}, "truncate"),
        ("http.*", {"status": {"code": 500, "headers": "transfer-encoding : chunked"}}, "truncate"),
        ("http.*", {"status": {"code": 500, "body": "x", "content_type": "a\r\nb: c"}}, "content_type"),
        ("http.*", {"gateway": 42}, "900901"),
        ("http.*", {"slow-body": "0B/s"}, "rate"),
        ("http.*", {"truncate": {"share": "150%"}}, "share"),
        ("http.*", {"truncate": -5}, "bytes"),
        ("http.*", {"malformed-json": "sideways"}, "comma"),
        ("http.*", {"expire-token": 3}, "no arguments"),
        ("http.*", "refuse", "token"),
        ("token.issue", "expire", "token.check"),
        ("token.issue", {"refuse": "no_way"}, "invalid_grant"),
        ("token.issue", {"short-lived": "0s"}, "lifetime"),
        ("token.issue", {"short-lived": "9999999d"}, "lifetime"),
        ("http.jobs.sumbit", "reset", "http.jobs.submit"),
    ],
)
def test_a_mistake_is_named_and_arms_nothing(control: Control, at: str, do: Any, named: str) -> None:
    document = {"name": "mistaken", "rules": [{"at": at, "do": do}]}
    answer = control.request("POST", "scenarios", data=json.dumps(document))
    assert answer.status_code == 400, answer.text
    assert named in answer.json()["error"], answer.json()["error"]
    assert control.request("GET", "scenarios").json() == []


def test_who_hangs_up_in_a_slow_answer(control: Control, calls: Calls, wire: Callable[..., Wire]) -> None:
    call = calls.make("range")
    control.arm(f"http.{call.operation}", {"slow-body": "1B/s"}, times=1)
    since = control.last()
    with wire() as client:
        assert client.send(call.raw()).head().status == 206
    assert control.struck(since)["bytes"] < 4000


def test_once_is_once_however_many_come(control: Control, emulator: Emulator) -> None:
    control.arm("http.tenants.list", {"status": 500}, times=3)

    def ask(_: int) -> int:
        return requests.get(f"{emulator.url}/tenants", timeout=60).status_code

    with ThreadPoolExecutor(16) as many:
        statuses = list(many.map(ask, range(48)))
    assert sorted(statuses) == [200] * 45 + [500] * 3


def test_many_held_are_let_go_together(control: Control, emulator: Emulator) -> None:
    name = control.arm("http.tenants.list", "hold")
    since = control.last()
    with ThreadPoolExecutor(16) as many:
        held = [many.submit(requests.get, f"{emulator.url}/tenants", timeout=60) for _ in range(16)]
        while len([each for each in control.requests(since=since) if each["faults"]]) < 16:
            control.requests(since=control.last(), wait=0.05)
        assert not any(each.done() for each in held)
        control.release(name)
        control.request("DELETE", "scenarios")
        assert [each.result().status_code for each in held] == [200] * 16


def test_a_slow_or_broken_answer_holds_nobody_else(
    control: Control, api: Api, calls: Calls, wire: Callable[..., Wire]
) -> None:
    call = calls.make("range")
    control.arm("http.files.download", {"slow-body": "1B/s"}, times=1)
    with wire() as client:
        client.send(call.raw()).head()
        assert api.request("GET", call.path).status_code == 200
        calls.make("post")
        assert api.call("POST", "meta/v2/data", json={"name": "meanwhile", "value": 1})


def test_armed_rules_of_another_family_or_world_cost_nothing(control: Control, emulator: Emulator) -> None:
    """Only the families that are listened to are asked about."""
    control.arm("job.running", {"delay": "1s"})
    assert emulator.gate.armed("default", "job")
    assert not emulator.gate.armed("default", "http")
    assert not emulator.gate.armed("elsewhere", "job")


def test_an_emulator_that_stops_waits_for_nobody_who_is_held(tmp_path: Path) -> None:
    """The next one goes on: what was held has not been done, and the rule stands as it was."""
    with served(tmp_path) as first:
        control = Control(first)
        control.arm("http.meta.addMetadata", "hold", times=2)
        control.arm("http.tenants.list", {"status": 500}, times=1)
        with ThreadPoolExecutor(1) as one:
            body = {"name": "never", "value": 1}
            held = one.submit(requests.post, f"{first.url}/meta/v2/data", json=body, timeout=60)
            while not [each for each in control.requests(wait=1) if each["faults"]]:
                pass
            first.ways_in.stop()
            with pytest.raises(requests.ConnectionError):
                held.result(60)
    with served(tmp_path) as second:
        assert Api(second.url).call("GET", "meta/v2/data") == []
        assert Control(second).requests(operation="tenants.*") == []
        assert requests.get(f"{second.url}/tenants", timeout=60).status_code == 500
        assert requests.get(f"{second.url}/tenants", timeout=60).status_code == 200
