"""``/_emulator/worlds/<w>/webhooks``: webhooks are taken, kept and answered, without a server of the test's own."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from emulator.app import Emulator
from emulator.domain.webhook import KEPT, KEPT_BYTES, ReceivedHook
from tests.served import Api, served

JOB = {"name": "night", "appId": "classifier-1.0.0", "parameters": {"imagefile": "pictures/night-sky.png"}}
LONG = 60


@pytest.fixture(autouse=True)
def tidy(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "emulator" in request.fixturenames:
        for path in ("webhooks", "webhook-answers"):
            ask(request.getfixturevalue("emulator").url, "DELETE", path)


def ask(url: str, method: str, path: str, expect: int = 200, world: str = "default", **options: Any) -> Any:
    where = f"{url}/_emulator/worlds/{world}/{path}"
    answer = requests.request(method, where, timeout=2 * LONG, **options)
    assert answer.status_code == expect, answer.text
    return answer.json()


def post(url: str, path: str, body: bytes = b"", method: str = "POST", **options: Any) -> requests.Response:
    where = f"{url}/_emulator/worlds/default/webhooks/{path}"
    return requests.request(method, where, data=body, timeout=LONG, **options)


def received(url: str, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ask(url, "GET", f"webhooks{query}")["received"]
    return found


class TestKeeping:
    @pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
    def test_everything_of_a_request_is_kept(self, emulator: Emulator, method: str) -> None:
        answer = post(emulator.url, "a/b c?x=1&y=ü", b'{"n": [1]}', method, headers={"X-Own": "yes"})
        assert (answer.status_code, answer.content) == (200, b"")
        (hook,) = received(emulator.url)
        assert (hook["method"], hook["path"], hook["query"]) == (method, "a/b c", "x=1&y=%C3%BC")
        assert hook["headers"]["x-own"] == "yes"
        assert (hook["body"], hook["json"]) == ('{"n": [1]}', {"n": [1]})
        assert hook["received"].endswith("Z") and hook["answered"] == 200

    @pytest.mark.parametrize(
        "body", [b"", b"\0\xff\xfe", b"no json", "Grüße".encode(), b"[" * 100_000, b"x" * 1_000_000]
    )
    def test_any_body(self, emulator: Emulator, body: bytes) -> None:
        assert post(emulator.url, "any", body).status_code == 200
        (hook,) = received(emulator.url)
        text = hook["body"]
        assert (base64.b64decode(hook["bodyBase64"]) if text is None else text.encode()) == body
        assert "json" not in hook

    @pytest.mark.parametrize("body", [b'"\\ud800"', b"NaN", b"[1e999]", b"[" * 976 + b"]" * 976])
    def test_json_that_cannot_be_answered_is_shown_as_text(self, emulator: Emulator, body: bytes) -> None:
        post(emulator.url, "x", body)
        (hook,) = received(emulator.url)
        assert hook["body"].encode() == body and "json" not in hook

    def test_a_body_without_a_length(self, emulator: Emulator) -> None:
        where = f"{emulator.url}/_emulator/worlds/default/webhooks/chunks"
        assert requests.post(where, data=iter([b"one ", b"two"]), timeout=LONG).status_code == 200
        assert received(emulator.url)[0]["body"] == "one two"

    def test_one_that_is_too_large_is_refused_and_not_kept(self, tmp_path: Path) -> None:
        with served(tmp_path, max_request_mb=1) as emulator:
            assert post(emulator.url, "big", b"x" * 1_100_000).status_code == 413
            where = f"{emulator.url}/_emulator/worlds/default/webhooks/big"
            assert requests.post(where, data=iter([b"x" * 1_100_000]), timeout=LONG).status_code == 413
            assert received(emulator.url) == []

    def test_the_newest_are_kept(self, emulator: Emulator) -> None:
        assert post(emulator.url, "first").ok
        (first,) = received(emulator.url)
        now = emulator.clocks.of("default").now()
        with emulator.store.write() as tx:
            for number in range(KEPT):
                hook = ReceivedHook(
                    world="default",
                    method="PUT",
                    path=str(number),
                    query="",
                    headers={},
                    body=b"",
                    received=now,
                )
                tx.webhooks.add(hook)
        found = received(emulator.url)
        assert len(found) == KEPT and first["seq"] < found[0]["seq"]
        assert post(emulator.url, "last").ok
        found = received(emulator.url)
        assert (len(found), found[0]["path"], found[-1]["path"]) == (KEPT, "1", "last")

    def test_large_ones_make_room_for_each_other(self, emulator: Emulator) -> None:
        now = emulator.clocks.of("default").now()
        for number, size in enumerate(
            (1000, KEPT_BYTES // 2, 1000, KEPT_BYTES // 2, 1000, KEPT_BYTES + 1, 1000)
        ):
            hook = ReceivedHook(
                world="default",
                method="PUT",
                path=str(number),
                query="",
                headers={},
                body=bytes(size),
                received=now,
            )
            with emulator.store.write() as tx:
                tx.webhooks.add(hook)
                kept = [each.path for each in tx.webhooks.of("default")]
            wanted = {1: ["0", "1"], 3: ["2", "3"], 4: ["2", "3", "4"], 5: ["5"], 6: ["5", "6"]}
            assert kept == wanted.get(number, kept), number

    def test_many_at_once_are_all_kept(self, emulator: Emulator) -> None:
        with ThreadPoolExecutor(16) as pool:
            assert {r.status_code for r in pool.map(lambda n: post(emulator.url, f"n/{n}"), range(64))} == {
                200
            }
        found = received(emulator.url)
        assert {hook["path"] for hook in found} == {f"n/{n}" for n in range(64)} and len(found) == 64

    def test_they_are_there_after_a_restart(self, tmp_path: Path) -> None:
        with served(tmp_path) as emulator:
            ask(emulator.url, "POST", "webhook-answers", 201, json={"status": 503, "times": 2})
            assert post(emulator.url, "before").status_code == 503
        with served(tmp_path) as emulator:
            assert post(emulator.url, "after").status_code == 503
            assert post(emulator.url, "after").status_code == 200
            assert [hook["path"] for hook in received(emulator.url)] == ["before", "after", "after"]

    def test_each_world_has_its_own(self, emulator: Emulator) -> None:
        listener = requests.post(
            f"{emulator.url}/_emulator/listeners", json={"world": "hooked", "create": True}, timeout=LONG
        ).json()
        theirs = f"{listener['url']}/_emulator/worlds/hooked/webhooks/x"
        assert requests.post(theirs, timeout=LONG).status_code == 200
        assert received(emulator.url) == []
        assert len(ask(emulator.url, "GET", "webhooks", world="hooked")["received"]) == 1
        ours = f"{listener['url']}/_emulator/worlds/default/webhooks"
        for method, where in (("GET", ours), ("POST", f"{ours}/x"), ("DELETE", ours)):
            assert requests.request(method, where, timeout=LONG).status_code in (403, 404)
        assert received(emulator.url) == []


class TestWaiting:
    def test_an_answer_comes_with_the_webhook(self, emulator: Emulator) -> None:
        assert post(emulator.url, "early").ok
        after = ask(emulator.url, "GET", "webhooks")["next"]
        with ThreadPoolExecutor() as pool:
            waiting = pool.submit(received, emulator.url, f"?after={after}&path=late&wait={LONG}")
            assert post(emulator.url, "other").ok and post(emulator.url, "late").ok
            (hook,) = waiting.result(2 * LONG)
        assert hook["path"] == "late"

    def test_the_emulators_own_messages_come_by_http(self, emulator: Emulator, api: Api) -> None:
        url = ask(emulator.url, "GET", "webhooks")["url"]
        notification = {"url": f"{url}/jobs/${{JOB_ID}}?s=${{JOB_STATUS}}", "event": "FINISHED"}
        job = api.call("POST", "jobs/v2", json=JOB | {"notifications": [notification]})["id"]
        (hook,) = received(emulator.url, f"?wait={LONG}")
        assert (hook["method"], hook["path"], hook["query"]) == ("POST", f"jobs/{job}", "s=FINISHED")
        assert hook["json"]["status"] == "FINISHED"
        assert hook["headers"]["user-agent"].startswith("Agave-Hookbot/")

    def test_mail_is_waited_for_too(self, emulator: Emulator, api: Api) -> None:
        known = len(ask(emulator.url, "GET", "mailbox"))
        api.call(
            "POST", "jobs/v2", json=JOB | {"notifications": [{"url": "me@example.org", "event": "FINISHED"}]}
        )
        mails = ask(emulator.url, "GET", f"mailbox?known={known}&wait={LONG}")
        assert mails[-1]["to"] == "me@example.org" and "FINISHED" in mails[-1]["subject"]


class TestAnswers:
    def test_so_many_times_and_then_as_before(self, emulator: Emulator) -> None:
        ask(emulator.url, "POST", "webhook-answers", 201, json={"status": 500, "times": 2})
        assert [post(emulator.url, "x").status_code for _ in range(4)] == [500, 500, 200, 200]
        assert [hook["answered"] for hook in received(emulator.url)] == [500, 500, 200, 200]

    def test_one_after_the_other_and_by_path(self, emulator: Emulator) -> None:
        for body in (
            {"status": 503, "times": 1, "path": "jobs/*", "headers": {"Retry-After": "7"}, "body": "later"},
            {"status": 410, "path": "gone"},
        ):
            ask(emulator.url, "POST", "webhook-answers", 201, json=body)
        first = post(emulator.url, "jobs/1")
        assert (first.status_code, first.text, first.headers["Retry-After"]) == (503, "later", "7")
        assert [post(emulator.url, path).status_code for path in ("jobs/1", "gone", "gone")] == [
            200,
            410,
            410,
        ]
        assert ask(emulator.url, "DELETE", "webhook-answers") == {"removed": 1}
        assert post(emulator.url, "gone").status_code == 200

    def test_none_is_used_twice(self, emulator: Emulator) -> None:
        ask(emulator.url, "POST", "webhook-answers", 201, json={"status": 500, "times": 10})
        with ThreadPoolExecutor(16) as pool:
            statuses = list(pool.map(lambda _: post(emulator.url, "x").status_code, range(32)))
        assert (statuses.count(500), statuses.count(200)) == (10, 22)

    def test_the_emulator_tries_again(self, emulator: Emulator, api: Api) -> None:
        ask(emulator.url, "POST", "webhook-answers", 201, json={"status": 500, "times": 1})
        url = ask(emulator.url, "GET", "webhooks")["url"]
        policy = {"retryStrategy": "IMMEDIATE", "retryLimit": 3, "retryRate": 0, "retryDelay": 0}
        body = JOB | {"notifications": [{"url": f"{url}/x", "event": "FINISHED", "policy": policy}]}
        api.call("POST", "jobs/v2", json=body)
        (first,) = received(emulator.url, f"?wait={LONG}")
        (second,) = received(emulator.url, f"?after={first['seq']}&wait={LONG}")
        assert (first["answered"], second["answered"]) == (500, 200)
        assert first["headers"]["x-agave-delivery"] == second["headers"]["x-agave-delivery"]

    @pytest.mark.parametrize(
        ("body", "words"),
        [
            ({}, "status must be there"),
            ({"status": "500"}, "status must be a whole number"),
            ({"status": True}, "status must be a whole number"),
            ({"status": 99}, "status must lie between 200 and 599"),
            ({"status": 200, "times": 0}, "times must be 1 or more"),
            ({"status": 200, "times": -1}, "times must be 1 or more"),
            ({"status": 200, "wait": 1}, "There is no field 'wait'"),
            ({"status": 200, "times": 10**19}, "times must be 1 or more, up to 1000000000"),
            ({"status": 200, "body": "\ud800"}, "The body is no JSON: body holds half of a character"),
            ({"status": 204, "body": "x"}, "has no body"),
            ({"status": 200, "headers": {"a\r\nb": "c"}}, "headers: 'a\\r\\nb' cannot be sent"),
            ({"status": 200, "headers": {"a": "b\nc"}}, "headers: 'a' cannot be sent"),
            ({"status": 200, "headers": {"": "b"}}, "headers: '' cannot be sent"),
            ({"status": 200, "headers": {"Content-Length": "5"}}, "headers: 'Content-Length' cannot be sent"),
            ([], "The body must be a JSON object"),
        ],
    )
    def test_mistakes_change_nothing(self, emulator: Emulator, body: Any, words: str) -> None:
        assert words in ask(emulator.url, "POST", "webhook-answers", 400, json=body)["error"]
        assert ask(emulator.url, "GET", "webhook-answers") == []
