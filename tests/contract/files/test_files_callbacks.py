"""Who is told of uploads and imports [files §6.4, §9]."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.files.conftest import OTHER, OWNER, Bench, ended, start_import
from tests.real.webhook_sink import Hook, WebhookSink
from tests.served import Api

ENDINGS = ["STAGING_COMPLETED", "STAGING_FAILED", "UPLOAD"]


@pytest.fixture
def sink() -> Iterator[WebhookSink]:
    with WebhookSink() as receiver:
        yield receiver


def titles(record: dict[str, Any]) -> list[str]:
    return [link["title"] for link in record["_links"]["notification"]]


def statuses(hooks: list[Hook]) -> list[str]:
    return sorted(hook.json["status"] for hook in hooks)


@pytest.mark.parametrize("field", ["callbackURL", "callbackUrl", "CALLBACKURL", "notifications"])
def test_a_plain_address(bench: Bench, private: str, sink: WebhookSink, field: str) -> None:
    answer = bench.upload(f"system/{private}", b"1", "a", **{field: f"{sink.url}/x"})
    assert answer.status == 202
    record = answer.json["result"]
    assert titles(record) == ENDINGS
    for link in record["_links"]["notification"]:
        path = link["href"].partition(f":{bench.port}/")[2]
        shown = Api(f"http://127.0.0.1:{bench.port}").call("GET", path)
        assert (shown["associatedUuid"], shown["owner"], shown["persistent"]) == (
            record["uuid"],
            OWNER,
            False,
        )
    assert sorted(hook.json["status"] for hook in sink.wait_for(2)) == ["STAGING_COMPLETED", "UPLOAD"]


def test_no_address_at_all(bench: Bench, private: str) -> None:
    for fields in ({}, {"callbackURL": ""}, {"notifications": "[]"}, {"notifications": " "}):
        assert (
            bench.upload(f"system/{private}", b"1", "a", **fields).json["result"]["_links"]["notification"]
            == []
        )


def test_subscriptions_in_a_form(bench: Bench, private: str, sink: WebhookSink) -> None:
    one = {"url": f"{sink.url}/one", "event": "staging_completed", "associatedUuid": "something else"}
    all_of_them = {"url": f"{sink.url}/all?e=${{EVENT}}", "event": "*", "persistent": True}
    record = bench.upload(f"system/{private}", b"1", "a", notifications=json.dumps([one, all_of_them])).json[
        "result"
    ]
    assert titles(record) == ["STAGING_COMPLETED", "*"]
    hooks = sink.wait_for(4)
    assert [hook.path for hook in hooks if hook.path == "/one"] == ["/one"]
    heard = [hook.path for hook in hooks if hook.path != "/one"]
    assert heard == [f"/all?e={name}" for name in ("STAGING_QUEUED", "UPLOAD", "STAGING_COMPLETED")]
    bench.call("DELETE", f"media/system/{private}/a")
    assert sink.wait_for(5)[-1].path == "/all?e=DELETED"


def test_subscriptions_of_an_import(bench: Bench, private: str, sink: WebhookSink) -> None:
    bench.put(private, "/home/file", b"1")
    wanted = {"url": f"{sink.url}/${{EVENT}}", "event": "*", "persistent": True}
    record = start_import(bench, private, f"agave://{private}/file", fileName="b", notifications=wanted)
    assert titles(record) == ["*"]
    ended(bench, record)
    assert [hook.path for hook in sink.wait_for(3)] == ["/STAGING_QUEUED", "/STAGING", "/STAGING_COMPLETED"]
    record = start_import(bench, private, f"agave://{private}/nope", callbackURL=f"{sink.url}/failed")
    assert titles(record) == ENDINGS
    ended(bench, record)
    last = sink.wait_for(4)[-1]
    assert (last.path, last.json["status"]) == ("/failed", "STAGING_FAILED")


def test_macros(bench: Bench, private: str, sink: WebhookSink) -> None:
    wanted = {
        "url": f"{sink.url}/${{NAME}}/${{STATUS}}/${{SOURCE_FORMAT}}?u=${{UUID}}&p=${{PATH}}&s=${{SYSTEM}}&x=${{NONE}}",
        "event": "STAGING_COMPLETED",
    }
    record = bench.upload(f"system/{private}", b"1", "a.txt", notifications=json.dumps(wanted)).json["result"]
    (hook,) = sink.wait_for(1)
    assert hook.path == (
        f"/a.txt/STAGING_COMPLETED/raw?u={record['uuid']}&p=%2Fhome%2Fa.txt&s={private}&x=$%7BNONE%7D"
    )


def test_glued_fields_of_the_shell_client(bench: Bench, private: str, sink: WebhookSink) -> None:
    glued = f"new.json&fileType=raw&notifications={sink.url}/x?a=1&b=2"
    record = bench.upload(f"system/{private}", b"1", "a", fileName=glued).json["result"]
    assert (record["name"], titles(record)) == ("new.json", ENDINGS)
    assert {hook.path for hook in sink.wait_for(2)} == {"/x?a=1&b=2"}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("not an address", "Invalid callback url value, not an address. "),
        ('[{"url": "http://localhost"}]', "No event"),
        ('[{"event": "*"}]', "No url"),
        ("[7]", "Notification should be a valid JSON object."),
        ("[[]]", "Notification should be a valid JSON object."),
        ("{broken", "Invalid JSON found. "),
        ('{"url": "http://localhost", "event": "a b"}', "Invalid event value"),
        ('{"url": "http://localhost", "event": "*", "colour": 1}', "Unknown property colour"),
        (json.dumps(["http://localhost"] * 100), "At most 100 notifications"),
    ],
)
def test_what_is_no_callback_is_refused_before_anything_is_written(
    bench: Bench, private: str, value: str, message: str
) -> None:
    status, said = bench.upload(f"system/{private}", b"1", "a", notifications=value).refusal
    assert (status, said[: len(message)]) == (400, message)
    body = {"urlToIngest": f"agave://{private}/a", "notifications": value}
    assert bench.request("POST", f"media/system/{private}", body=body).refusal == (400, said)
    assert bench.names(f"system/{private}") == ["."]
    assert bench.unfinished() == []


def test_every_event_of_a_file_is_also_one_of_its_system(
    bench: Bench, private: str, sink: WebhookSink
) -> None:
    api = Api(f"http://127.0.0.1:{bench.port}", OWNER)
    body = {
        "url": f"{sink.url}/${{EVENT}}",
        "event": "*",
        "persistent": True,
        "associatedUuid": bench.record(private).uuid,
    }
    api.call("POST", "notifications/v2", json=body)
    bench.upload(f"system/{private}", b"1", "a")
    bench.request("GET", f"media/system/{private}/a")
    heard = [hook.path for hook in sink.wait_for(5)]
    assert heard == [
        "/SYSTEM_STAGING_QUEUED",
        "/SYSTEM_UPLOAD",
        "/SYSTEM_STAGING_COMPLETED",
        "/SYSTEM_CONTENT_CHANGE",
        "/SYSTEM_DOWNLOAD",
    ]


def test_a_stranger_hears_nothing(bench: Bench, private: str, sink: WebhookSink) -> None:
    record = bench.upload(f"system/{private}", b"1", "a").json["result"]
    body = {"url": f"{sink.url}/x", "event": "*", "associatedUuid": record["uuid"]}
    answer = Api(f"http://127.0.0.1:{bench.port}", OTHER).request("POST", "notifications/v2", json=body)
    assert answer.status_code in (403, 404), answer.text
