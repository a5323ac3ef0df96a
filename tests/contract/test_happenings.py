"""``/_emulator/worlds/<w>/events`` and ``…/jobs``: told as soon as it happens, and no longer than somebody listens."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from emulator.app import Emulator
from tests.real.waiting import wait_until
from tests.served import Api

JOB = {"name": "night", "appId": "classifier-1.0.0", "parameters": {"imagefile": "pictures/night-sky.png"}}
LONG = 60


def ask(url: str, path: str, expect: int = 200, world: str = "default") -> Any:
    answer = requests.get(f"{url}/_emulator/worlds/{world}/{path}", timeout=2 * LONG)
    assert answer.status_code == expect, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    return answer.json()


def newest(url: str) -> int:
    return int(ask(url, "events?limit=0")["last"])


class TestJobs:
    def test_a_wait_ends_with_the_state_it_was_for(self, emulator: Emulator, api: Api) -> None:
        job = api.call("POST", "jobs/v2", json=JOB)["id"]
        found = ask(emulator.url, f"jobs/{job}/wait?for=FINISHED&wait={LONG}")
        assert (found["status"], found["reached"], found["ended"]) == ("FINISHED", True, True)
        states = [entry["status"] for entry in found["history"] if "progress" not in entry]
        assert states[0] == "PENDING" and states[-1] == "FINISHED"

    def test_a_state_that_was_left_again_counts(self, emulator: Emulator, api: Api) -> None:
        job = api.call("POST", "jobs/v2", json=JOB)["id"]
        ask(emulator.url, f"jobs/{job}/wait?wait={LONG}")
        found = ask(emulator.url, f"jobs/{job}/wait?for=running&wait={LONG}")
        assert (found["status"], found["reached"]) == ("FINISHED", True)

    def test_it_does_not_count_when_it_was_before_the_event_named(self, emulator: Emulator, api: Api) -> None:
        job = api.call("POST", "jobs/v2", json=JOB)["id"]
        ended = ask(emulator.url, f"jobs/{job}/wait?wait={LONG}")["history"][-1]["seq"]
        found = ask(emulator.url, f"jobs/{job}/wait?for=RUNNING&after={ended}&wait={LONG}")
        assert (found["reached"], found["ended"]) == (False, True), "answered at once: it never will be again"

    def test_a_job_that_ends_otherwise_ends_the_wait(self, emulator: Emulator, api: Api) -> None:
        job = api.call("POST", "jobs/v2", json=JOB | {"parameters": {"imagefile": "pictures/none.png"}})["id"]
        found = ask(emulator.url, f"jobs/{job}/wait?for=FINISHED&wait={LONG}")
        assert (found["status"], found["reached"], found["ended"]) == ("FAILED", False, True)
        assert found["message"].startswith("APPS_USER_APP_FAILURE")

    def test_all_jobs_with_their_histories(self, emulator: Emulator, api: Api) -> None:
        ids = [api.call("POST", "jobs/v2", json=JOB)["id"] for _ in range(2)]
        for job in ids:
            ask(emulator.url, f"jobs/{job}/wait?wait={LONG}")
        found = ask(emulator.url, "jobs")
        assert [each["id"] for each in found if each["id"] in ids] == ids
        assert all(each["history"] for each in found)

    def test_hidden_jobs_are_seen(self, emulator: Emulator, api: Api) -> None:
        job = api.call("POST", "jobs/v2", json=JOB)["id"]
        ask(emulator.url, f"jobs/{job}/wait?wait={LONG}")
        api.call("DELETE", f"jobs/v2/{job}")
        assert ask(emulator.url, f"jobs/{job}")["status"] == "FINISHED"


class TestEvents:
    def test_they_come_in_order_and_in_pages(self, emulator: Emulator, api: Api) -> None:
        before = newest(emulator.url)
        job = api.call("POST", "jobs/v2", json=JOB)["id"]
        ask(emulator.url, f"jobs/{job}/wait?wait={LONG}")
        first = ask(emulator.url, f"events?after={before}&limit=3&subject={job}")
        rest = ask(emulator.url, f"events?after={first['next']}&subject={job}")
        numbers = [event["seq"] for event in first["events"] + rest["events"]]
        assert len(first["events"]) == 3 and numbers == sorted(set(numbers))
        assert rest["events"][-1]["status"] == "FINISHED"

    def test_a_wait_ends_with_the_event_that_is_asked_for_and_no_other(
        self, emulator: Emulator, api: Api
    ) -> None:
        before = newest(emulator.url)
        with ThreadPoolExecutor() as pool:
            waiting = pool.submit(ask, emulator.url, f"events?after={before}&status=ARCHIVING&wait={LONG}")
            job = api.call("POST", "jobs/v2", json=JOB)["id"]
            events = waiting.result(2 * LONG)[
                "events"
            ]  # more than one if the archive's progress came meanwhile
        assert {(event["subject"], event["kind"], event["status"]) for event in events} == {
            (job, "job", "ARCHIVING")
        }

    def test_of_many_that_wait_all_are_told(self, emulator: Emulator, api: Api) -> None:
        before = newest(emulator.url)
        with ThreadPoolExecutor(20) as pool:
            path = f"events?after={before}&kind=job&status=PENDING&wait={LONG}"
            waiting = [pool.submit(ask, emulator.url, path) for _ in range(20)]
            job = api.call("POST", "jobs/v2", json=JOB)["id"]
            for each in waiting:
                assert each.result(2 * LONG)["events"][0]["subject"] == job

    def test_nothing_comes_when_the_time_is_over(self, emulator: Emulator) -> None:
        found = ask(emulator.url, f"events?after={newest(emulator.url)}&status=NEVER&wait=0.05")
        assert found["events"] == []


class TestHangingUp:
    def test_a_client_that_goes_leaves_nobody_waiting(self, emulator: Emulator) -> None:
        with _waiting(emulator.url, newest(emulator.url)) as client:
            wait_until(lambda: _waiters(emulator) == 1, what="the wait")
            client.close()
            wait_until(lambda: _waiters(emulator) == 0, what="its end")

    def test_so_does_the_end_of_the_server(self, tmp_path_factory: pytest.TempPathFactory) -> None:
        from tests.served import served

        with served(tmp_path_factory.mktemp("short")) as emulator:
            client = _waiting(emulator.url, newest(emulator.url))
            wait_until(lambda: _waiters(emulator) == 1, what="the wait")
        with client:
            client.settimeout(LONG)
            assert client.recv(100) == b""
        wait_until(lambda: _waiters(emulator) == 0, what="its end")


class TestRefusals:
    @pytest.mark.parametrize(
        ("path", "status", "words"),
        [
            ("events?wait=long", 400, "wait must be a number of seconds"),
            ("events?wait=-1", 400, "wait must be a number of seconds"),
            ("events?wait=nan", 400, "wait must be a number of seconds"),
            ("events?wait=1e9", 400, "wait must be a number of seconds"),
            ("events?after=x", 400, "after must be a whole number"),
            ("events?after=-1", 400, "after must be a whole number"),
            ("events?limit=¹", 400, "limit must be a whole number"),
            ("jobs/none/wait", 404, "No job found in world default with id none"),
            ("jobs/none/wait?for=DONE", 400, "there is no state 'DONE'"),
            ("jobs/" + 5000 * "x", 404, "No job found"),
        ],
    )
    def test_bad_questions(self, emulator: Emulator, path: str, status: int, words: str) -> None:
        assert words in ask(emulator.url, path, status)["error"]

    @pytest.mark.parametrize("path", ["events", "jobs", "jobs/x", "jobs/x/wait", "webhooks", "mailbox"])
    def test_a_world_that_is_not_there(self, emulator: Emulator, path: str) -> None:
        assert "No world found" in ask(emulator.url, path, 404, world="elsewhere")["error"]


def _waiting(url: str, after: int) -> socket.socket:
    """A client that has asked and not been answered yet."""
    client = socket.create_connection(("127.0.0.1", urlsplit(url).port or 80))
    path = f"/_emulator/worlds/default/events?after={after}&status=NEVER&wait=600"
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    return client


def _waiters(emulator: Emulator) -> int:
    return emulator.bell.listening("default")
