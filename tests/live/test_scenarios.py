"""Scenarios from the command line against a real process, and one that ends it as ``kill -9`` does."""

from __future__ import annotations

import json
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from tests.live.serve_process import ServeProcess, run
from tests.real.waiting import wait_until

pytestmark = pytest.mark.sample(2, of="module")

BUSY = "name: busy\nrules:\n- {name: twice, at: http.jobs.list, do: {status: 503}, times: 2}\n"
HELD = "name: held\nrules:\n- {name: stop, at: 'http.apps.list', do: hold}\n"
DEADLY = """
name: deadly
rules:
- {name: power cut, at: http.jobs.list, when: {nth: 2}, do: stop-emulator, times: once}
"""


def test_arm_show_release_disarm_from_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "busy.yaml").write_text(BUSY, encoding="utf-8")
    (tmp_path / "held.yaml").write_text(HELD, encoding="utf-8")
    (tmp_path / "wrong.yaml").write_text("name: n\nrules:\n- {at: job.stagd, do: hold}\n", encoding="utf-8")
    where = ("--data-dir", str(tmp_path / "data"))

    def scenario(*arguments: str, code: int = 0) -> str:
        done: subprocess.CompletedProcess[str] = run("scenario", *arguments, *where, folder=tmp_path)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    assert "no emulator" in scenario("list", code=1)
    with ServeProcess(tmp_path, "--port", "0", *where) as server:
        assert "busy is armed in world default: 1 rule" in scenario("arm", "busy.yaml")
        assert "armed in world default already" in scenario("arm", "busy.yaml", code=1)
        (tmp_path / "past.yaml").write_text(
            BUSY.replace("busy", "past").replace("2}", "2, until: 2001-01-01}"), "utf-8"
        )
        assert "past is expired in world default: 1 rule" in scenario("arm", "past.yaml")
        scenario("disarm", "past")
        wrong = scenario("arm", "wrong.yaml", code=1)
        assert "wrong.yaml:3: unknown point `job.stagd`; did you mean `job.staged`?" in wrong
        assert requests.get(f"{server.url}/jobs/v2", timeout=60).status_code == 503
        assert "twice: status at http.jobs.list: armed, struck 1" in scenario("show", "busy")
        journal = scenario("journal")
        assert "busy: twice  status at http.jobs.list  user testuser" in journal
        assert [json.loads(line)["rule"] for line in scenario("journal", "--lines").splitlines()] == ["twice"]
        scenario("arm", "held.yaml")
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(requests.get, f"{server.url}/apps/v2", timeout=60)
            armed = f"{server.url}/_emulator/worlds/default/scenarios/held"
            wait_until(
                lambda: requests.get(armed, timeout=60).json()["rules"][0]["holding"], 60, "it is held"
            )
            assert "holds: point http.apps.list, user testuser" in scenario("show", "held")
            assert "1 released\n  point http.apps.list" in scenario("release", "held", "stop")
            assert waiting.result(60).status_code == 200
        assert "has no rule 'go'" in scenario("release", "held", "go", code=1)
        assert scenario("list").splitlines() == ["busy  armed  struck 1", "held  armed  struck 1"]
        assert scenario("journal", "--empty") == "2 removed\n" and scenario("journal") == ""
        scenario("disarm", "busy")
        scenario("disarm", "--all")
        assert scenario("list") == ""
        assert "There is no world 'nowhere'" in scenario("list", "--world", "nowhere", code=1)


def test_what_ends_the_emulator_ends_it_once(tmp_path: Path) -> None:
    (tmp_path / "deadly.yaml").write_text(DEADLY, encoding="utf-8")
    arguments = ("--port", "0", "--data-dir", str(tmp_path / "data"), "--scenario", "deadly.yaml")
    with ServeProcess(tmp_path, *arguments) as server:
        assert requests.get(f"{server.url}/jobs/v2", timeout=60).status_code == 200
        with pytest.raises(requests.ConnectionError):
            requests.get(f"{server.url}/jobs/v2", timeout=60)
        wait_until(lambda: server.process.poll() is not None, 30, "the emulator is dead")
        assert server.process.returncode == -signal.SIGKILL
    with ServeProcess(tmp_path, *arguments) as server:
        assert [requests.get(f"{server.url}/jobs/v2", timeout=60).status_code for _ in range(3)] == [200] * 3
        (state,) = requests.get(f"{server.url}/_emulator/worlds/default/scenarios", timeout=60).json()
        assert state["state"] == "spent" and state["rules"][0]["struck"] == 1


def test_a_mistake_stops_the_start_with_all_that_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "wrong.yaml").write_text("name: n\nrulez: []\n", encoding="utf-8")
    done = run(
        "serve",
        "--port",
        "0",
        "--data-dir",
        str(tmp_path / "data"),
        "--scenario",
        "wrong.yaml",
        folder=tmp_path,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "Error: --scenario wrong.yaml: nothing is armed",
        "wrong.yaml:1: `rules` is missing in a scenario",
        "wrong.yaml:2: unknown key of a scenario `rulez`; did you mean `rules`?",
    ]


def test_killed_in_the_middle_no_strike_is_counted_twice_or_forgotten(tmp_path: Path) -> None:
    (tmp_path / "many.yaml").write_text(BUSY.replace("times: 2", "times: 300"), encoding="utf-8")
    arguments = ("--port", "0", "--data-dir", str(tmp_path / "data"), "--scenario", "many.yaml")
    refused: list[int] = []

    def ask_until_served_or_dead(url: str) -> None:
        with requests.Session() as session:
            try:
                while session.get(f"{url}/jobs/v2", timeout=60).status_code == 503:
                    refused.append(503)
            except requests.ConnectionError:
                return

    with ServeProcess(tmp_path, *arguments) as server:
        with ThreadPoolExecutor(6) as pool:
            for _ in range(6):
                pool.submit(ask_until_served_or_dead, server.url)
            wait_until(lambda: len(refused) >= 20, 60, "some strikes")
            server.kill()
    assert len(refused) < 300
    with ServeProcess(tmp_path, *arguments) as server:
        with ThreadPoolExecutor(6) as pool:
            for _ in range(6):
                pool.submit(ask_until_served_or_dead, server.url)
        journal = requests.get(f"{server.url}/_emulator/worlds/default/journal", timeout=60).json()
    # what was under way at the kill is counted, though nobody saw it
    assert [strike["number"] for strike in journal["strikes"]] == list(range(1, 301))
    assert 300 - 6 <= len(refused) <= 300
