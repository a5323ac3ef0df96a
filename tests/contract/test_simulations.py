"""Declaring what is simulated: over the control API and the command line; what holds, what is refused, who may."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from emulator.app import Emulator
from emulator.cli import main
from tests.live.own_app import register_cluster, register_script
from tests.real.waiting import wait_until
from tests.served import Api, served

WORLD = "_emulator/worlds/default/simulations"


@pytest.fixture(autouse=True)
def none_declared(api: Api) -> Iterator[None]:
    yield
    assert api.request("DELETE", WORLD).status_code == 200


@pytest.fixture(scope="module")
def app(api: Api) -> str:
    """An app that really runs when it is not simulated: its script says so."""
    register_cluster(api, "own.cluster")
    return register_script(api, "own", "own.cluster", "echo really\n")


def put(api: Api, app: str, body: Any, status: int = 201) -> Any:
    answer = api.request("PUT", f"{WORLD}/{app}", data=body if isinstance(body, bytes) else json.dumps(body))
    assert answer.status_code == status, answer.text
    return answer.json()


def said(api: Api, app: str, **changes: Any) -> str:
    """What a job of it has written to its standard output."""
    job_id = api.call("POST", "jobs/v2", json={"name": "a job", "appId": app, "archive": False, **changes})[
        "id"
    ]
    assert api.wait_for_job(job_id) == "FINISHED", api.call("GET", f"jobs/v2/{job_id}")
    return api.request("GET", f"jobs/v2/{job_id}/outputs/media/a-job.out").text


def test_simulated_and_real_jobs_live_side_by_side(api: Api, app: str) -> None:
    assert said(api, app) == "really\n"
    put(api, "own-*", {"stdout": "played by ${AGAVE_JOB_OWNER}: ${AGAVE_JOB_NAME}, ${nothing:-nothing}\n"})
    assert said(api, app) == "played by testuser: a job, nothing\n"
    put(api, app, {"run": True})
    assert said(api, app) == "really\n"
    assert api.request("DELETE", f"{WORLD}/{app}").json() == {"removed": [app]}
    put(api, "*", {"stdout": "the whole world\n"})
    put(api, "own-1.*", {"stdout": "longer\n"})
    assert said(api, app) == "longer\n"


def test_what_is_declared_is_shown_replaced_and_taken_back(api: Api) -> None:
    body = {"duration": ["10s", "5m"], "exit_code": 3, "outputs": {"ä/b.txt": "ü", "c": "1MiB"}}
    assert put(api, "x-1.0", body) == {"app": "x-1.0", "simulation": body}
    assert put(api, "x-1.0", {"signal": 9}, 200)["simulation"] == {"signal": 9}
    assert api.request("GET", WORLD).json() == [{"app": "x-1.0", "simulation": {"signal": 9}}]
    assert api.request("GET", f"{WORLD}/x-1.0").json()["simulation"] == {"signal": 9}
    assert api.request("DELETE", f"{WORLD}/x-1.0").status_code == 200
    for method in ("GET", "DELETE"):
        answer = api.request(method, f"{WORLD}/x-1.0")
        assert (answer.status_code, "x-1.0" in answer.text) == (404, True)
    assert put(api, "y-1.0", b"") == {"app": "y-1.0", "simulation": {}}


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"{", "no JSON"),
        (b"\xff", "no JSON"),
        ([], "mapping"),
        ("text", "mapping"),
        ({"duratoin": "1s"}, "'duratoin'"),
        ({"duration": -1}, "duration"),
        ({"duration": "soon"}, "duration"),
        ({"duration": True}, "duration"),
        ({"duration": 1e300}, "duration"),
        ({"duration": ["5m", "10s"]}, "duration"),
        ({"duration": ["5m"]}, "duration"),
        ({"duration": [["1s", "2s"], "3s"]}, "duration"),
        ({"queue_wait": "forever"}, "queue_wait"),
        ({"exit_code": 256}, "exit_code"),
        ({"exit_code": "three"}, "exit_code"),
        ({"exit_code": 1, "signal": 9}, "signal"),
        ({"signal": 65}, "signal"),
        ({"scheduler_state": "done!"}, "scheduler_state"),
        ({"stdout": "\ud800"}, "stdout"),
        ({"stdout": -5}, "stdout"),
        ({"stderr": "9999TiB"}, "stderr"),
        ({"outputs": []}, "outputs"),
        ({"outputs": {"../x": ""}}, "outputs"),
        ({"outputs": {"/etc/passwd": ""}}, "outputs"),
        ({"outputs": {"a//b": ""}}, "outputs"),
        ({"outputs": {"": ""}}, "outputs"),
        ({"outputs": {"a\x00b": ""}}, "outputs"),
        ({"outputs": {"x" * 300: ""}}, "outputs"),
        ({"outputs": {"a": None}}, "outputs: a"),
        ({"outputs": {f"f{n}": "" for n in range(10_001)}}, "outputs"),
        ({"reject": 3}, "reject"),
        ({"stdout": "x" * 1_100_000}, "too long"),
        ({"run": "yes"}, "run"),
        ({"run": True, "duration": 1}, "run"),
        (b'{"outputs": ' + b'{"a": ' * 20_000 + b"1" + b"}" * 20_000 + b"}", "JSON"),
        pytest.param(b'{"duration": ' + b"[" * 90 + b"1" + b"]" * 90 + b"}", "duration", id="ninety lists"),
        pytest.param(
            b'{"duration": ' + b"[" * 400 + b"1" + b"]" * 400 + b"}", "too deep", id="four hundred lists"
        ),
    ],
)
def test_a_mistake_is_named_and_changes_nothing(api: Api, body: Any, named: str) -> None:
    put(api, "x-1.0", {"exit_code": 7})
    assert named in put(api, "x-1.0", body, 400)["error"]
    assert api.request("GET", WORLD).json() == [{"app": "x-1.0", "simulation": {"exit_code": 7}}]


@pytest.mark.parametrize("app", ["a b", "ä", "x" * 129, "a%2Fb", "%00"])
def test_what_is_no_pattern_of_ids_is_refused(api: Api, app: str) -> None:
    assert "app" in put(api, app, {}, 400)["error"]


def test_a_world_that_is_not_there(api: Api) -> None:
    for method, path in (("GET", ""), ("PUT", "/x"), ("DELETE", "/x"), ("DELETE", "")):
        answer = api.request(method, f"_emulator/worlds/nowhere/simulations{path}")
        assert (answer.status_code, "nowhere" in answer.text) == (404, True)


def test_who_was_given_a_listener_declares_nothing(api: Api) -> None:
    url = api.request("POST", "_emulator/listeners", json={"user": "student01"}).json()["url"]
    other = Api(url)
    assert other.request("PUT", f"{WORLD}/x-1.0", json={}).status_code == 403
    assert other.request("DELETE", WORLD).status_code == 403
    assert other.request("GET", WORLD).json() == []


def test_a_range_is_drawn_for_each_job(api: Api, app: str) -> None:
    put(api, app, {"queue_wait": ["100ms", "200ms"], "duration": [0, 0.1]})
    api.call("POST", "jobs/v2", json={"name": "a job", "appId": app, "archive": False})
    job_id = api.call("GET", "jobs/v2", params={"limit": 1})[0]["id"]
    assert api.wait_for_job(job_id) == "FINISHED"


def test_a_restart_keeps_what_is_declared_and_what_is_played(tmp_path: Path) -> None:
    with served(tmp_path) as emulator:
        api = Api(emulator.url)
        register_cluster(api, "own.cluster")
        app = register_script(api, "own", "own.cluster", "echo really\n")
        put(api, app, {"queue_wait": "1s", "outputs": {"kept.txt": "kept"}})
        body = {"name": "a job", "appId": app, "archive": True}
        job_id = api.call("POST", "jobs/v2", json=body)["id"]
        api.wait_for_job(job_id, ("QUEUED",))
    with served(tmp_path) as emulator:
        api = Api(emulator.url)
        assert [one["app"] for one in api.request("GET", WORLD).json()] == [app]
        assert api.wait_for_job(job_id) == "FINISHED"
        assert api.request("GET", f"jobs/v2/{job_id}/outputs/media/kept.txt").text == "kept"
        wait_until(lambda: list((tmp_path / "simulated").iterdir()) == [])


# the command line


def tool(emulator: Emulator, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["simulate", *arguments, "--url", emulator.url])


def test_the_command_line_declares_lists_and_removes(emulator: Emulator, tmp_path: Path) -> None:
    file = tmp_path / "app.yaml"
    file.write_text("duration: [1s, 2s]\noutputs: {a.txt: text}\n")
    done = tool(
        emulator,
        *("app", "x-*", "--from", str(file), "--exit-code", "3", "--output", "b=c=d", "--stdout", "ü ${y}"),
    )
    expected = {
        "duration": ["1s", "2s"],
        "outputs": {"a.txt": "text", "b": "c=d"},
        "exit_code": "3",
        "stdout": "ü ${y}",
    }
    assert done.exit_code == 0, done.output
    listed = tool(emulator, "list").output
    app, _, document = listed.strip().partition("  ")
    assert (app, json.loads(document)) == ("x-*", expected)
    assert tool(emulator, "app", "y-1.0", "--run").exit_code == 0
    assert tool(emulator, "remove", "y-1.0").output == "y-1.0\n"
    assert tool(emulator, "remove", "--all").output == "x-*\n"
    assert tool(emulator, "list").output == ""


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("app", "x-1.0", "--duration", "soon"), "duration"),
        (("app", "x 1.0"), "app"),
        (("app", "x-1.0", "--output", "nothing"), "PATH=TEXT"),
        (("app", "x-1.0", "--world", "nowhere"), "nowhere"),
        (("remove", "x-1.0"), "x-1.0"),
        (("remove",), "--all"),
    ],
)
def test_mistakes_on_the_command_line_are_named(
    emulator: Emulator, arguments: tuple[str, ...], named: str
) -> None:
    done = tool(emulator, *arguments)
    assert done.exit_code != 0
    assert named in done.output and "Traceback" not in done.output


def test_a_file_that_is_none(emulator: Emulator, tmp_path: Path) -> None:
    for text in ("[", "- a", "a: 2026-01-01\n"):
        (tmp_path / "x.yaml").write_text(text)
        done = tool(emulator, "app", "x-1.0", "--from", str(tmp_path / "x.yaml"))
        assert done.exit_code == 1 and done.output.startswith("Error: "), done.output
