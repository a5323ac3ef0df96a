"""``/_emulator/worlds/<w>/scenarios`` and the journal, as tests, teachers and the command line use them."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from emulator.app import Emulator
from emulator.settings import BadSetting
from tests.real.waiting import wait_until
from tests.served import Api, served

TWICE = "name: busy\nrules:\n- {name: twice, at: http.jobs.list, do: {status: 503}, times: 2}\n"
HELD = "name: held\nrules:\n- {name: stop, at: http.apps.list, do: hold}\n"


class Control:
    """The scenarios of one world."""

    def __init__(self, url: str, world: str = "default") -> None:
        self.base = f"{url}/_emulator/worlds/{world}"

    def ask(self, method: str, path: str = "scenarios", expect: int = 200, **options: Any) -> Any:
        answer = requests.request(method, f"{self.base}/{path}", timeout=60, **options)
        assert answer.status_code == expect, answer.text
        assert answer.headers["Content-Type"] == "application/json"
        return answer.json()

    def arm(self, text: str | bytes, expect: int = 201, **query: str) -> Any:
        return self.ask("POST", expect=expect, data=text, params=query)

    def lines(self, **query: str) -> list[dict[str, Any]]:
        answer = requests.get(f"{self.base}/journal", params={"form": "lines", **query}, timeout=60)
        assert answer.headers["Content-Type"] == "application/x-ndjson"
        return [json.loads(line) for line in answer.text.splitlines()]


@pytest.fixture
def control(emulator: Emulator) -> Iterator[Control]:
    found = Control(emulator.url)
    yield found
    found.ask("DELETE")
    found.ask("DELETE", "journal")


def listing(url: str, what: str = "jobs") -> int:
    return requests.get(f"{url}/{what}/v2", timeout=60).status_code


def test_what_is_armed_strikes_is_counted_and_told(emulator: Emulator, control: Control) -> None:
    armed = control.arm(TWICE, source="busy.yaml")
    assert (armed["name"], armed["state"], armed["source"]) == ("busy", "armed", "busy.yaml")
    assert [listing(emulator.url) for _ in range(3)] == [503, 503, 200]
    (state,) = control.ask("GET")
    assert state["state"] == "spent" and state["rules"][0]["struck"] == 2
    assert control.ask("GET", "scenarios/busy")["text"] == TWICE
    found = control.ask("GET", "journal")
    assert [strike["number"] for strike in found["strikes"]] == [1, 2]
    first = found["strikes"][0]
    assert (first["scenario"], first["rule"], first["point"], first["action"]) == (
        "busy",
        "twice",
        "http.jobs.list",
        "status",
    )
    assert first["facts"]["user"] == "testuser"
    assert control.ask("GET", f"journal?after={found['next']}") == {"strikes": [], "next": found["next"]}
    assert len(control.ask("GET", "journal?limit=1")["strikes"]) == 1


def test_a_mistake_is_told_with_file_and_line_and_arms_nothing(control: Control) -> None:
    text = "name: n\nrules:\n- at: job.stagng\n  do: hold\n- at: job.staged\n  do: {delay: 30x}\n"
    found = control.arm(text, expect=400, source="lesson.yaml")
    assert found["error"].splitlines() == [
        "lesson.yaml:3: unknown point `job.stagng`; did you mean `job.staging_inputs` or `job.staging_job`?",
        "lesson.yaml:6: `for` of `delay` cannot be `30x`: it is a duration such as 90, 1.5s, 10m, 48h or 7d",
    ]
    assert [mistake["line"] for mistake in found["mistakes"]] == [3, 6]
    assert control.ask("GET") == []


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"{", b"null", b"[]", b"x" * 300_000, b"a: &a [*a, *a]"])
def test_whatever_is_sent_is_answered_in_words(control: Control, body: bytes) -> None:
    assert control.arm(body, expect=400)["error"].startswith("scenario:")
    assert control.ask("GET") == []


def test_queries_that_mean_nothing(control: Control) -> None:
    assert "again must be true or false" in control.arm(TWICE, expect=400, again="yes")["error"]
    for source in ("a\nb", "x" * 1001):
        assert "source must be the name of a file" in control.arm(TWICE, expect=400, source=source)["error"]
    assert "form must be json or lines" in control.ask("GET", "journal?form=xml", 400)["error"]
    assert "after must be" in control.ask("GET", "journal?after=-1", 400)["error"]
    assert (
        "There is no field 'rul'"
        in control.ask("POST", "scenarios/x/release", 400, json={"rul": "a"})["error"]
    )


def test_what_is_not_there(emulator: Emulator, control: Control) -> None:
    nowhere = Control(emulator.url, "nowhere")
    for method, path in (
        ("GET", "scenarios"),
        ("DELETE", "scenarios"),
        ("GET", "journal"),
        ("GET", "journal?form=lines"),
    ):
        assert nowhere.ask(method, path, 404)["error"] == "There is no world 'nowhere'"
    assert nowhere.arm(TWICE, expect=404)["error"] == "There is no world 'nowhere'"
    for method, path in (("GET", "x"), ("DELETE", "x"), ("POST", "x/release")):
        assert "No scenario 'x' is armed" in control.ask(method, f"scenarios/{path}", 404)["error"]
    said = control.arm(b'{"name": "storage-flap"}', expect=404)["error"]
    assert said == "unknown scenario `storage-flap`; did you mean `storage-flaps`?"


def test_armed_once_or_again(emulator: Emulator, control: Control) -> None:
    control.arm(TWICE)
    assert listing(emulator.url) == 503
    assert "armed in world default already" in control.arm(TWICE, expect=409)["error"]
    assert control.arm(TWICE, again="true")["rules"][0]["struck"] == 0
    control.ask("DELETE", "scenarios/busy")
    assert listing(emulator.url) == 200 and control.ask("GET") == []


def test_of_many_that_arm_one_at_once_one_does(control: Control) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(
            lambda _: requests.post(f"{control.base}/scenarios", data=TWICE, timeout=60).status_code,
            range(16),
        )
    assert sorted(answers) == [201] + [409] * 15
    assert len(control.ask("GET")) == 1


def test_a_held_request_goes_on_when_it_is_released(emulator: Emulator, control: Control) -> None:
    control.arm(HELD)
    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(listing, emulator.url, "apps") for _ in range(3)]

        def held() -> list[Any]:
            return list(control.ask("GET", "scenarios/held")["rules"][0]["holding"])

        wait_until(lambda: len(held()) == 3, 30, "three requests are held")
        assert held()[0]["facts"]["point"] == "http.apps.list"
        assert not any(answer.done() for answer in waiting)
        assert control.ask("POST", "scenarios/held/release", json={"rule": "stop"})["released"] == 3
        assert [answer.result(60) for answer in waiting] == [200] * 3
        waiting = [pool.submit(listing, emulator.url, "apps")]
        wait_until(lambda: len(held()) == 1, 30, "another request is held")
        control.ask("DELETE", "scenarios/held")
        assert waiting[0].result(60) == 200


def test_a_client_that_hangs_up_is_held_no_more(emulator: Emulator, control: Control) -> None:
    control.arm(HELD)

    def held() -> list[Any]:
        return list(control.ask("GET", "scenarios/held")["rules"][0]["holding"])

    address = urlsplit(emulator.url)
    with socket.create_connection((address.hostname, address.port), timeout=60) as client:
        client.sendall(b"GET /apps/v2 HTTP/1.1\r\nHost: x\r\n\r\n")
        wait_until(held, 60, "the request is held")
    wait_until(lambda: not held(), 60, "nothing is held")


def test_whoever_waits_for_a_strike_is_told_at_once(emulator: Emulator, control: Control) -> None:
    control.arm(TWICE)
    with ThreadPoolExecutor(1) as pool:
        told = pool.submit(control.ask, "GET", "journal?wait=60")
        assert listing(emulator.url) == 503
        assert told.result(60)["strikes"][0]["rule"] == "twice"


def test_the_journal_as_lines(emulator: Emulator, control: Control) -> None:
    control.arm(TWICE)
    listing(emulator.url)
    (line,) = control.lines()
    assert set(line) == {"at", "scenario", "rule", "point", "action", "args", "facts"}
    assert control.lines(times="false") == [{key: value for key, value in line.items() if key != "at"}]
    assert control.ask("DELETE", "journal") == {"removed": 1}
    assert control.lines() == []


def test_a_long_journal_comes_in_pages_whoever_was_first(
    emulator: Emulator, control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What one answer holds in memory is bounded, and so is what the journal keeps of a page that was answered."""
    monkeypatch.setattr("emulator.services.scenarios.PAGE", 2)
    page = "x" * 5000
    control.arm(f"name: n\nrules: [{{at: http.*.list, do: {{status: {{code: 503, body: {page}}}}}}}]")
    for what in ("systems", "jobs", "apps", "jobs", "systems"):
        assert listing(emulator.url, what) == 503
    seen = control.lines(times="false")
    assert len(seen) == 5 and all(line["args"]["body"] == page[:2000] + "…" for line in seen)
    first = control.ask("GET", "journal")
    assert (
        len(first["strikes"]) == 2
        and len(control.ask("GET", f"journal?after={first['next']}")["strikes"]) == 2
    )


def test_dry_run_tells_and_arms_nothing(control: Control) -> None:
    told = control.arm(b'{"name": "storage-flaps"}', expect=200, **{"dry-run": "true"})["timeline"]
    assert told.startswith("storage-flaps\n") and "\n1. " in told and control.ask("GET") == []
    assert control.arm("name: n", expect=404, **{"dry-run": "true"})["error"].startswith("unknown scenario")


def test_the_library_the_points_and_the_actions(emulator: Emulator, control: Control) -> None:
    def get(path: str) -> Any:
        return requests.get(f"{emulator.url}/_emulator/{path}", timeout=60).json()

    library = {each["name"]: each for each in get("scenarios")}
    assert library["storage-flaps"]["description"] and not any(each["problem"] for each in library.values())
    assert control.arm(b'{"name": "storage-flaps"}')["source"] == "storage-flaps.yaml"
    points = {each["name"]: each for each in get("points")}
    assert "read-error" in points["transfer.file"]["actions"] and "path" in points["transfer.file"]["facts"]
    assert "status" in points["http.jobs.submit"]["actions"]
    delay = next(each for each in get("actions") if each["name"] == "delay" and each["points"] == ["*"])
    assert delay["args"]["for"] == {"unit": "duration", "required": True, "text": "how long"}


def test_worlds_and_listeners_see_and_touch_their_own(emulator: Emulator, control: Control) -> None:
    control.arm(TWICE)
    body = {"user": "student01", "world": "second", "create": True}
    made = requests.post(f"{emulator.url}/_emulator/listeners", json=body, timeout=60).json()
    try:
        theirs = Control(made["url"], "second")
        assert listing(made["url"]) == 200
        assert theirs.ask("GET") == [] and theirs.ask("GET", "journal")["strikes"] == []
        assert "ordinary port" in theirs.arm(TWICE, expect=403)["error"]
        for method, path in (("DELETE", "scenarios"), ("POST", "scenarios/release"), ("DELETE", "journal")):
            assert "ordinary port" in theirs.ask(method, path, 403)["error"]
        other = Control(made["url"], "default")
        for path in ("scenarios", "scenarios/busy", "journal"):
            assert other.ask("GET", path, 404)["error"] == "No world found with name default"
        Control(emulator.url, "second").arm(TWICE)
        assert listing(made["url"]) == 503
    finally:
        requests.delete(f"{emulator.url}/_emulator/listeners/{made['name']}", timeout=60)
    said = control.ask("POST", expect=403, data=TWICE, headers={"Origin": "https://example.org"})["error"]
    assert "example.org" in said


def test_a_restart_goes_on_where_it_was(tmp_path: Path) -> None:
    with served(tmp_path) as emulator:
        Control(emulator.url).arm(TWICE)
        assert listing(emulator.url) == 503
    with served(tmp_path) as emulator:
        assert [listing(emulator.url) for _ in range(2)] == [503, 200]
        assert [each["number"] for each in Control(emulator.url).ask("GET", "journal")["strikes"]] == [1, 2]


class TestConfigured:
    """``--scenario``, the setting ``scenarios``."""

    def test_it_is_armed_by_the_first_start_and_goes_on_in_the_next(self, tmp_path: Path) -> None:
        file = tmp_path / "busy.yaml"
        file.write_text(TWICE, encoding="utf-8")
        chosen = (str(file), "storage-flaps@second")
        with served(tmp_path / "data", scenarios=chosen) as emulator:
            assert listing(emulator.url) == 503
            assert [each["name"] for each in Control(emulator.url, "second").ask("GET")] == ["storage-flaps"]
        with served(tmp_path / "data", scenarios=chosen) as emulator:
            assert [listing(emulator.url) for _ in range(2)] == [503, 200]
        file.write_text(TWICE.replace("503", "500"), encoding="utf-8")
        with served(tmp_path / "data", scenarios=chosen) as emulator:
            assert [listing(emulator.url) for _ in range(3)] == [500, 500, 200]

    @pytest.mark.parametrize(
        ("named", "said"),
        [
            ("storage-flap", "unknown scenario `storage-flap`; did you mean `storage-flaps`?"),
            ("./nowhere.yaml", "nowhere.yaml: No such file or directory"),
            ("wrong.yaml", "wrong.yaml:3: unknown point `job.stagd`; did you mean `job.staged`?"),
        ],
    )
    def test_a_mistake_stops_the_start(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str, said: str
    ) -> None:
        monkeypatch.chdir(tmp_path)
        Path("wrong.yaml").write_text("name: n\nrules:\n- {at: job.stagd, do: hold}\n", encoding="utf-8")
        with (
            pytest.raises(BadSetting) as caught,
            served(tmp_path / "data", scenarios=("storage-flaps", named)),
        ):
            pass
        assert str(caught.value).startswith(f"--scenario {named}: ") and said in str(caught.value)
        with served(tmp_path / "data") as emulator:
            assert Control(emulator.url).ask("GET") == []


def test_a_job_that_is_held_survives_everything(tmp_path: Path) -> None:
    """Held at a step of its life, over a restart, then released: the job ends well and no event is there twice."""
    text = (
        "name: class\nrules:\n- {name: wait for the teacher, at: job.staged, do: hold, per: job, times: 1}\n"
    )
    job = {
        "name": "night",
        "appId": "classifier-1.0.0",
        "parameters": {"imagefile": "pictures/night-sky.png"},
    }
    with served(tmp_path) as emulator:
        Control(emulator.url).arm(text)
        job_id = Api(emulator.url).call("POST", "jobs/v2", json=job)["id"]
        control = Control(emulator.url)
        wait_until(lambda: control.ask("GET")[0]["rules"][0]["holding"], 60, "the job is held")
    with served(tmp_path) as emulator:
        control, api = Control(emulator.url), Api(emulator.url)
        (held,) = control.ask("GET")[0]["rules"][0]["holding"]
        assert held["facts"]["job"] == job_id
        assert api.call("GET", f"jobs/v2/{job_id}/status")["status"] != "FINISHED"
        assert control.ask("POST", "scenarios/class/release")["released"] == 1
        assert api.wait_for_job(job_id) == "FINISHED", api.call("GET", f"jobs/v2/{job_id}/history")
        assert control.ask("GET")[0]["rules"][0]["struck"] == 1
        assert len(control.lines()) == 1
