"""Every action at ``http.<operation>``, at operations of every shape, as it is on the wire."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import requests

from emulator.app import Emulator
from emulator.scenario.actions import at_point
from tests.contract.struck.conftest import CONTENT, Call, Calls, Control, rest
from tests.served import Api
from tests.server.client import Answer, Wire

pytestmark = pytest.mark.sample(3)

Wires = Callable[..., Wire]
over_both = pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
"""What is done to the connection itself."""


def _sent(wire: Wire, call: Call) -> Answer:
    answer: Answer = wire.send(call.raw()).answer(call.method)
    return answer


def _in_order(wire: Wire, call: Call, status: int) -> None:
    """The same connection serves the next request."""
    assert wire.send(call.raw()).answer(call.method).status == status


@pytest.mark.parametrize(
    ("do", "status", "words"),
    [
        ({"status": 500}, 500, None),
        ({"status": {"code": 404, "message": "Gone fishing"}}, 404, "Gone fishing"),
        ({"status": {"code": 418, "message": "Täglich ☕"}}, 418, "Täglich ☕"),
        ({"status": {"code": 503, "by": "service", "message": "System is down"}}, 503, "System is down"),
    ],
)
def test_an_error_of_the_service(
    control: Control, wire: Wires, call: Call, do: Any, status: int, words: str | None
) -> None:
    control.arm(f"http.{call.operation}", do, times=1)
    with wire() as client:
        answer = _sent(client, call)
        assert answer.status == status
        assert answer["content-type"] == "application/json; charset=UTF-8"
        assert answer["access-control-allow-origin"] == "*"
        if call.method != "HEAD":
            envelope = answer.json()
            assert (envelope["status"], list(envelope)) == ("error", ["status", "message", "version"])
            assert envelope["message"] == words or words is None
    call.undone()
    record = control.struck()
    assert (record["operation"], record["status"]) == (call.operation, status)
    assert [each["action"] for each in record["faults"]] == ["status"]


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (401, 900901, "Invalid Credentials"),
        (403, 900908, "Resource forbidden"),
        (429, 900800, "Message throttled out"),
        (502, 101500, "Runtime Error"),
        (503, 101503, "Runtime Error"),
        (504, 101504, "Runtime Error"),
    ],
)
def test_an_error_of_the_gateway(
    control: Control, wire: Wires, calls: Calls, status: int, code: int, message: str
) -> None:
    call = calls.make("post")
    control.arm(f"http.{call.operation}", {"status": status}, times=1)
    with wire() as client:
        answer = _sent(client, call)
    assert answer.status == status
    assert answer.body.startswith(f'{{"fault":{{"code":{code},"message":"{message}"'.encode())
    call.undone()


def test_a_gateway_that_is_down(control: Control, wire: Wires, call: Call) -> None:
    control.arm("http.*", {"status": 503}, when={"operation": call.operation}, times=1)
    with wire() as client:
        assert _sent(client, call).status == 503
    call.undone()


def test_a_given_body_with_headers(control: Control, wire: Wires, call: Call) -> None:
    args = {
        "code": 302,
        "body": "look <there>",
        "content_type": "text/plain",
        "headers": "Location: /there\nX-Two: b: c",
    }
    control.arm(f"http.{call.operation}", {"status": args})
    with wire() as client:
        answer = _sent(client, call)
    assert (answer.status, answer["location"], answer["x-two"]) == (302, "/there", "b: c")
    assert answer["content-length"] == "12" and answer["content-type"].startswith("text/plain")
    if call.method != "HEAD":
        assert answer.body == b"look <there>"
    call.undone()


@pytest.mark.parametrize(
    "do", [{"status": {"code": 504, "after": True}}, {"gateway": {"code": 101504, "after": True}}]
)
def test_the_work_is_done_and_its_answer_lost(control: Control, wire: Wires, call: Call, do: Any) -> None:
    control.arm(f"http.{call.operation}", do, times=1)
    with wire() as client:
        assert _sent(client, call).status == 504
    call.is_done()


def test_throttle(control: Control, wire: Wires, call: Call) -> None:
    control.arm(f"http.{call.operation}", {"throttle": "90s"})
    with wire() as client:
        answer = _sent(client, call)
    assert (answer.status, answer["retry-after"]) == (429, "90")
    if call.method != "HEAD":
        assert answer.json()["fault"]["code"] == 900800
    call.undone()


def test_gateway_in_xml(control: Control, wire: Wires, call: Call) -> None:
    control.arm(f"http.{call.operation}", {"gateway": {"code": 900903, "format": "xml"}})
    with wire() as client:
        answer = _sent(client, call)
    assert (answer.status, answer["content-type"]) == (401, "application/xml")
    assert answer["www-authenticate"] == 'OAuth2 realm="WSO2 API Manager"'
    if call.method != "HEAD":
        assert b"<ams:code>900903</ams:code><ams:message>Access Token Expired</ams:message>" in answer.body
    call.undone()


def test_delay_and_the_next_request(control: Control, wire: Wires, call: Call) -> None:
    control.arm(f"http.{call.operation}", {"delay": "20ms"}, times=1)
    with wire() as client:
        assert _sent(client, call).status < 300
        call.is_done()
        client.send(b"GET /jobs/v2 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.answer().status == 200
    assert control.struck()["faults"][0]["action"] == "delay"


def test_hold(control: Control, wire: Wires, call: Call) -> None:
    before = control.last()
    name = control.arm(f"http.{call.operation}", "hold")
    with wire() as client:
        client.send(call.raw())
        held = control.requests(operation=call.operation, since=before, wait=30)[0]
        assert (held["status"], held["seconds"]) == (None, None)
        control.release(name)
        assert client.answer(call.method).status < 300
    call.is_done()


@over_both
def test_slow_answer(control: Control, wire: Wires, call: Call, tls: bool) -> None:
    control.arm(f"http.{call.operation}", {"slow-body": {"rate": "100KB/s"}}, times=1)
    with wire(tls) as client:
        answer = _sent(client, call)
        assert answer.status < 300
        if call.method != "HEAD":
            assert len(answer.body) == int(answer["content-length"])
        if call.operation == "files.download" and call.method == "GET":
            assert answer.body == CONTENT[100:4100]
    call.is_done()


@over_both
def test_slow_request(control: Control, wire: Wires, call: Call, tls: bool) -> None:
    do = {"slow-body": {"rate": "1MB/s", "side": "request"}}
    control.arm(f"http.{call.operation}", do, times=1)
    with wire(tls) as client:
        assert _sent(client, call).status < 300
    call.is_done()


@over_both
@pytest.mark.parametrize(("args", "kept"), [({"bytes": 10}, 10), ({"bytes": 0}, 0), ({"share": "50%"}, None)])
def test_truncate(
    control: Control, wire: Wires, call: Call, tls: bool, args: dict[str, Any], kept: int | None
) -> None:
    control.arm(f"http.{call.operation}", {"truncate": args}, times=1)
    with wire(tls) as client:
        head = client.send(call.raw()).head()
        length = int(head["content-length"])
        body, how = rest(client)
    assert (head.status < 300, how) == (True, "closed")
    if call.method == "HEAD":
        assert (length, body) == (len(CONTENT), b"")
    else:
        assert length > len(body) == (length // 2 if kept is None else kept)
    if "Range" in call.headers:
        assert (head.status, length, body) == (206, 4000, CONTENT[100 : 100 + len(body)])
    call.is_done()
    record = control.struck()
    assert (record["operation"], record["status"], record["bytes"]) == (
        call.operation,
        head.status,
        len(body),
    )


@over_both
def test_truncated_chunks(control: Control, wire: Wires, call: Call, tls: bool) -> None:
    control.arm(f"http.{call.operation}", {"truncate": {"bytes": 5, "chunked": True}}, times=1)
    with wire(tls) as client:
        head = client.send(call.raw()).head()
        body, how = rest(client)
    assert how == "closed" and "content-length" not in head.headers
    if call.method != "HEAD":
        assert head["transfer-encoding"] == "chunked"
        assert body.startswith(b"5\r\n") and len(body) == 10, "the last chunk is missing"
    call.is_done()


@over_both
def test_reset_before_anything(control: Control, wire: Wires, call: Call, tls: bool) -> None:
    control.arm(f"http.{call.operation}", "reset", times=1)
    with wire(tls) as client:
        body, how = rest(client.send(call.raw()))
    assert (body, how) == (b"", "closed" if tls and how == "closed" else "reset")
    call.undone()


@over_both
def test_reset_after_the_work(control: Control, wire: Wires, call: Call, tls: bool) -> None:
    control.arm(f"http.{call.operation}", {"reset": {"after": True}}, times=1)
    with wire(tls) as client:
        body, how = rest(client.send(call.raw()))
    assert (body, how) == (b"", "closed" if tls and how == "closed" else "reset")
    call.is_done()


@over_both
def test_reset_within_the_answer(control: Control, wire: Wires, call: Call, tls: bool) -> None:
    control.arm(f"http.{call.operation}", {"reset": "20B"}, times=1)
    with wire(tls) as client:
        head = client.send(call.raw()).head()
        body, how = rest(client)
    assert head.status < 300 and int(head["content-length"]) > 20
    assert len(body) == (0 if call.method == "HEAD" else 20)
    assert how == "reset" or tls
    call.is_done()


@pytest.mark.parametrize("way", ["cut", "comma", "html", "empty"])
def test_malformed_json(control: Control, wire: Wires, call: Call, way: str) -> None:
    control.arm(f"http.{call.operation}", {"malformed-json": way}, times=1)
    with wire() as client:
        answer = _sent(client, call)
        _in_order(client, Call("jobs.list", "GET", "jobs/v2"), 200)
    assert answer.status in ((200,) if way in ("html", "empty") else (200, 201, 202))
    if call.method != "HEAD":
        with pytest.raises(ValueError):
            json.loads(answer.body)
    if way == "html" or (not call.is_json and way != "empty"):
        assert answer["content-type"].startswith("text/html")
    if way == "empty":
        assert (answer.status, answer.body) == (200, b"")
    call.is_done()


def test_expire_token(control: Control, wire: Wires, calls: Calls, call: Call, emulator: Emulator) -> None:
    mine = Api(emulator.url, "testuser")
    call.headers["Authorization"] = mine.session.headers["Authorization"]
    control.arm(f"http.{call.operation}", "expire-token", times=1)
    with wire() as client:
        answer = _sent(client, call)
        assert answer.status == 401
        if call.method != "HEAD":
            assert answer.json()["fault"]["message"] == "Invalid Credentials"
    call.undone()
    xml = mine.request("GET", "profiles/v2/me", headers={"Accept": "application/xml"})
    assert (xml.status_code, "900903" in xml.text) == (401, True), "it stays so, and says why"
    assert Api(emulator.url, "testuser").request("GET", "profiles/v2/me").status_code == 200


def test_every_action_is_tried_here() -> None:
    """Those that everything has are tried by their owner, too."""
    tried = {
        "status", "throttle", "gateway", "slow-body", "truncate", "reset", "malformed-json", "expire-token",
        "delay", "hold", "stop-emulator",
    }  # fmt: skip
    assert {kind.name for kind in at_point("http.jobs.list")} == tried


@over_both
def test_pipelined_requests(control: Control, wire: Wires, tls: bool) -> None:
    control.arm("http.jobs.list", {"status": 500}, when={"nth": 2})
    with wire(tls) as client:
        client.send(b"GET /jobs/v2 HTTP/1.1\r\nHost: x\r\n\r\n" * 3)
        assert [client.answer().status for _ in range(3)] == [200, 500, 200]


@over_both
@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_expect_100_continue(control: Control, wire: Wires, calls: Calls, tls: bool, version: str) -> None:
    """Refused before the body is asked for; asked for where it is to be read, however slowly."""
    upload = calls.make("upload")
    control.arm("http.files.importData", {"status": 503}, times=1)
    head, _, body = upload.raw("Expect: 100-continue").partition(b"\r\n\r\n")
    with wire(tls) as client:
        client.send(head + b"\r\n\r\n")
        assert client.answer().status == 503
    upload.undone()
    control.arm("http.files.importData", {"slow-body": {"rate": "1MB/s", "side": "request"}}, times=1)
    with wire(tls) as client:
        client.send(head + b"\r\n\r\n")
        assert client.head().status == 100
        assert client.send(body).answer().status == 202
    upload.is_done()


@over_both
def test_http_1_0(control: Control, wire: Wires, calls: Calls, tls: bool) -> None:
    call = calls.make("range")
    for keep, chunked in (("Connection: keep-alive", False), ("X-Nothing: x", False), ("X-Nothing: x", True)):
        control.arm("http.files.download", {"truncate": {"bytes": 7, "chunked": chunked}}, times=1)
        with wire(tls) as client:
            head = client.send(call.raw(keep, version="1.0")).head()
            assert head["content-length"] == "4000"
            assert rest(client) == (CONTENT[100:107], "closed")


@over_both
def test_requests_says_what_it_is(control: Control, emulator: Emulator, tls: bool) -> None:
    """The library below agavepy and tapis-cli."""
    url = emulator.url.replace("http:", "https:") if tls else emulator.url
    session = requests.Session()
    session.trust_env, session.verify = False, False
    control.arm("http.jobs.list", "reset", times=1)
    with pytest.raises(requests.ConnectionError):
        session.get(f"{url}/jobs/v2")
    control.arm("http.jobs.list", {"truncate": 9}, times=1)
    with pytest.raises(requests.exceptions.RequestException):
        session.get(f"{url}/jobs/v2")
    control.arm("http.jobs.list", {"truncate": {"bytes": 9, "chunked": True}}, times=1)
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        session.get(f"{url}/jobs/v2")
    control.arm("http.jobs.list", {"malformed-json": "comma"}, times=1)
    with pytest.raises(requests.exceptions.JSONDecodeError):
        session.get(f"{url}/jobs/v2").json()
    assert session.get(f"{url}/jobs/v2").status_code == 200
