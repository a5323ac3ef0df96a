"""Worlds are made, listed, reset and removed by one call each, whatever happens in them meanwhile."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from emulator.app import Emulator
from tests.contract.worlds.full_world import JOB, control
from tests.real.waiting import wait_until
from tests.served import Api

pytestmark = pytest.mark.sample(2, of="module")


def make(url: str, **wanted: Any) -> dict[str, Any]:
    found: dict[str, Any] = control(url, "POST", expect=201, json={"listener": True, **wanted})
    return found


class TestMaking:
    def test_a_world_can_be_asked_at_once_and_is_listed(self, url: str) -> None:
        world = make(url, name="first", chance_seed=7, clock="frozen")
        assert Api(world["url"]).call("GET", "systems/v2/tacc.corral")["id"] == "tacc.corral"
        (shown,) = [each for each in control(url, "GET") if each["name"] == "first"]
        assert shown == control(url, "GET", "/first") == world
        assert (shown["users"], shown["systems"], shown["apps"], shown["jobs"]) == (42, 2, 1, 0)
        assert shown["clock"]["mode"] == "frozen" and shown["clock"]["now"] == "2026-01-01T00:00:00.000Z"
        # the times of what it began with are by its own clock
        history = Api(world["url"]).call("GET", "systems/v2/tacc.corral/history")
        assert {event["created"] for event in history} == {"2026-01-01T00:00:00Z"}
        assert control(url, "DELETE", "/first") == {"removed": "first"}

    def test_without_a_name_it_gets_the_next_number(self, url: str) -> None:
        names = [make(url)["name"], make(url)["name"]]
        assert names == ["world-1", "world-2"]
        for name in names:
            control(url, "DELETE", f"/{name}")

    def test_the_same_seed_gives_the_same_ids(self, url: str) -> None:
        seen = []
        for _ in range(2):
            world = make(url, name="seeded", chance_seed=7, clock="frozen", simulated=True)
            user = Api(world["url"])
            job = user.call("POST", "jobs/v2", json=JOB)["id"]
            user.wait_for_job(job)
            seen.append(
                (
                    job,
                    user.call("GET", "systems/v2/tacc.corral")["uuid"],
                    user.call("GET", f"jobs/v2/{job}/history"),
                )
            )
            control(url, "DELETE", "/seeded")
        assert seen[0] == seen[1]

    @pytest.mark.parametrize(
        ("wanted", "named"),
        [
            ({"name": "Upper"}, "name"),
            ({"name": "../up"}, "name"),
            ({"name": ".hidden"}, "name"),
            ({"name": "a" * 64}, "name"),
            ({"name": "a.2"}, "name"),
            ({"name": "å"}, "name"),
            ({"name": "a\n"}, "name"),
            ({"name": 3}, "name"),
            ({"seed": "nowhere"}, "seed"),
            ({"seed": "/etc"}, "seed"),
            ({"seed": "/etc/hostname"}, "mapping"),
            ({"seed": ""}, "seed"),
            ({"seed": "a\0b"}, "seed"),
            ({"seed": "a" * 5000}, "seed"),
            ({"seed": "~nobody-at-all/x"}, "seed"),
            ({"chance_seed": 2**64}, "chance_seed"),
            ({"chance_seed": "7"}, "chance_seed"),
            ({"clock": "sideways"}, "clock"),
            ({"clock": {"mode": "scaled", "factor": 0}}, "factor"),
            ({"clock": {"mode": "frozen", "factor": 3}}, "factor"),
            ({"clock": {"start": "yesterday"}}, "start"),
            ({"clock": {"mode": "frozen", "start": "1066-01-01"}}, "start"),
            ({"simulated": {"a*": {"duration": "never"}}}, "simulated"),
            ({"simulated": {"a*": 3}}, "simulated"),
            ({"listener": "yes"}, "listener"),
            ({"listener": 70000}, "port"),
            ({"colour": "red"}, "colour"),
        ],
    )
    def test_a_mistake_is_named_and_nothing_is_left(
        self, url: str, emulator: Emulator, wanted: Any, named: str
    ) -> None:
        before = [world["name"] for world in control(url, "GET")]
        error = control(url, "POST", expect=400, json={"name": "never", **wanted})["error"]
        assert named in error
        assert [world["name"] for world in control(url, "GET")] == before
        data = emulator.directory.path
        assert not [path for folder in ("worlds", "hosts") for path in (data / folder).glob("*never*")]

    def test_names_and_ports_that_are_taken_are_refused(self, url: str) -> None:
        world = make(url, name="taken")
        assert "taken" in control(url, "POST", expect=409, json={"name": "taken"})["error"]
        port = int(world["url"].rpartition(":")[2])
        assert (
            str(port) in control(url, "POST", expect=409, json={"name": "another", "listener": port})["error"]
        )
        control(url, "GET", "/another", expect=404)
        again = make(url, name="taken", replace=True)
        assert again["url"] == world["url"] and again["generation"] == 2
        control(url, "DELETE", "/taken")

    def test_a_world_may_be_called_as_a_listener_of_the_emulator_is(self, url: str) -> None:
        world = make(url, name="tls")
        assert Api(world["url"]).call("GET", "profiles/v2/me")["username"] == "testuser"
        control(url, "DELETE", "/tls")

    def test_of_many_that_want_a_name_one_gets_it(self, url: str) -> None:
        def ask(_: int) -> int:
            return requests.post(f"{url}/_emulator/worlds", json={"name": "wanted"}, timeout=60).status_code

        with ThreadPoolExecutor(8) as pool:
            assert sorted(pool.map(ask, range(8))) == [201] + [409] * 7
        control(url, "DELETE", "/wanted")


class TestDeleting:
    def test_twice_is_not_found_and_the_default_world_stays(self, url: str, emulator: Emulator) -> None:
        world = make(url, name="gone")
        data = emulator.directory.path
        control(url, "DELETE", "/gone")
        control(url, "DELETE", "/gone", expect=404)
        control(url, "DELETE", "/default", expect=403)
        for path in ("reset", "snapshot", "restore"):
            control(url, "POST", f"/gone/{path}", expect=404, json={})
        with pytest.raises(requests.ConnectionError):
            requests.get(f"{world['url']}/tenants", timeout=60)
        wait_until(lambda: not list(data.glob("*/*gone*")), 30, "its files are removed")

    def test_scripts_that_run_are_killed(self, url: str, emulator: Emulator, tmp_path: Path) -> None:
        world = make(url, name="killed", chance_seed=3)
        job = run_long(world["url"])
        control(url, "DELETE", "/killed")
        assert not (emulator.directory.path / "spool" / job).exists()
        # the same ids again: nothing of the old job is left in its way
        world = make(url, name="killed", chance_seed=3)
        assert run_long(world["url"]) == job
        control(url, "DELETE", "/killed")


def run_long(url: str) -> str:
    """A real job that would run for a minute; returns once its script runs."""
    user = Api(url)
    app = user.call("GET", "apps/v2/classifier-1.0.0")
    wrapper = f"files/v2/media/system/{app['deploymentSystem']}/{app['deploymentPath']}"
    user.call("POST", wrapper, files={"fileToUpload": ("wrapper.sh", b"sleep 60\n")})
    job = str(user.call("POST", "jobs/v2", json=JOB)["id"])
    assert user.wait_for_job(job, ("RUNNING", "FAILED")) == "RUNNING"
    return job


class TestResetting:
    def test_everything_is_as_it_was_made(self, url: str) -> None:
        world = make(url, name="anew", chance_seed=5, clock="frozen", simulated=True)
        user = Api(world["url"], "testuser")
        before = [user.call("GET", path) for path in ("systems/v2/tacc.corral", "apps/v2/classifier-1.0.0")]
        job = user.call(
            "POST", "jobs/v2", json=JOB | {"notifications": [{"url": "a@example.org", "event": "*"}]}
        )["id"]
        user.wait_for_job(job)
        wait_until(lambda: control(url, "GET", "/anew/mailbox"), 30, "mail has come")
        user.call("POST", "files/v2/media/system/tacc.corral/testuser", files={"fileToUpload": ("x", b"x")})
        user.call("DELETE", "apps/v2/classifier-1.0.0")
        scenario = {"name": "down", "rules": [{"at": "http.*", "do": {"status": 503}}]}
        control(url, "POST", "/anew/scenarios", expect=201, json=scenario)
        control(url, "PUT", "/anew/clock", json={"mode": "scaled", "factor": 60})
        assert control(url, "POST", "/anew/reset")["generation"] == 2
        assert user.request("GET", "systems/v2").status_code == 401  # tokens are gone
        now = Api(world["url"])
        assert [
            now.call("GET", path) for path in ("systems/v2/tacc.corral", "apps/v2/classifier-1.0.0")
        ] == before
        assert now.call("GET", "jobs/v2") == [] and now.call("GET", "notifications/v2") == []
        assert [f["name"] for f in now.call("GET", "files/v2/listings/system/tacc.corral/testuser")] == ["."]
        for path in ("mailbox", "scenarios", "journal"):
            assert control(url, "GET", f"/anew/{path}") in ([], {"strikes": [], "next": 0}), path
        assert control(url, "GET", "/anew/clock")["now"] == "2026-01-01T00:00:00.000Z"
        again = Api(world["url"], "testuser")
        assert again.call("POST", "jobs/v2", json=JOB)["id"] == job
        control(url, "DELETE", "/anew")

    def test_jobs_that_run_are_killed_and_forgotten(self, url: str, emulator: Emulator) -> None:
        world = make(url, name="rerun")
        job = run_long(world["url"])
        control(url, "POST", "/rerun/reset")
        assert not (emulator.directory.path / "spool" / job).exists()
        user = Api(world["url"])
        assert user.call("GET", "jobs/v2") == []
        done = user.call("POST", "jobs/v2", json=JOB)["id"]
        assert user.wait_for_job(done) == "FINISHED"
        control(url, "DELETE", "/rerun")

    def test_requests_meanwhile_see_the_old_world_or_the_new(self, url: str) -> None:
        """Each look asks for a file, which is in the old world only, and for what tells of it, in one request."""
        world = make(url, name="busy", simulated=True)
        over, wrong, answers = threading.Event(), [], []

        def ask() -> None:
            user = Api(world["url"])
            while not over.is_set():
                upload = user.request(
                    "POST", "files/v2/media/system/tacc.corral/testuser", files={"fileToUpload": ("x", b"x")}
                )
                submitted = user.request("POST", "jobs/v2", json=JOB)
                jobs = user.request("GET", "jobs/v2")
                listed = user.request("GET", "files/v2/listings/system/tacc.corral/testuser")
                for answer in (upload, submitted, jobs, listed):
                    answers.append(answer.status_code)
                    if answer.status_code not in (200, 201, 202):
                        wrong.append(answer.text)
                for job in jobs.json().get("result", []):
                    shown = user.request("GET", f"jobs/v2/{job['id']}")
                    if shown.status_code not in (200, 404):
                        wrong.append(shown.text)

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(12):
                control(url, "POST", "/busy/reset")
        finally:
            over.set()
            for thread in threads:
                thread.join()
        assert not wrong and len(answers) > 50
        control(url, "POST", "/busy/reset")
        assert Api(world["url"]).call("GET", "jobs/v2") == []
        control(url, "DELETE", "/busy")

    def test_what_scenarios_hold_is_let_go(self, url: str) -> None:
        """A job's step, a message, a request at the edge and one in the middle of its work."""
        world = make(url, name="held", simulated=True)
        rules = [
            {"at": "job.archiving", "do": "hold"},
            {"at": "http.systems.list", "do": "hold"},
            {"at": "transfer.file", "when": {"path": "*held.txt"}, "do": "hold"},
        ]
        control(url, "POST", "/held/scenarios", expect=201, json={"name": "holds", "rules": rules})
        user = Api(world["url"])
        job = user.call("POST", "jobs/v2", json=JOB)["id"]
        user.wait_for_job(job, ("ARCHIVING",))
        at = "files/v2/media/system/tacc.corral/testuser"
        upload = {"files": {"fileToUpload": ("held.txt", b"x")}}
        with ThreadPoolExecutor(2) as pool:
            listing = pool.submit(Api(world["url"]).request, "GET", "systems/v2")
            uploading = pool.submit(Api(world["url"]).request, "POST", at, **upload)
            wait_until(
                lambda: len(control(url, "GET", "/held/journal")["strikes"]) >= 3, 30, "all of it is held"
            )
            control(url, "POST", "/held/reset")
            assert listing.result(60).status_code == 200
            assert uploading.result(60).status_code in (202, 503)
        assert user.call("GET", "jobs/v2") == []
        names = [f["name"] for f in user.call("GET", "files/v2/listings/system/tacc.corral/testuser")]
        assert names == ["."] or uploading.result().status_code == 202
        control(url, "DELETE", "/held")

    def test_the_default_world_too_and_resets_at_once_are_one_after_the_other(self, url: str) -> None:
        Api(url).call(
            "POST", "files/v2/media/system/tacc.corral/testuser", files={"fileToUpload": ("y", b"y")}
        )
        before = control(url, "GET", "/default")["generation"]
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda _: control(url, "POST", "/default/reset")["generation"], range(8)))
        assert max(found) == before + 8
        assert [f["name"] for f in Api(url).call("GET", "files/v2/listings/system/tacc.corral/testuser")] == [
            "."
        ]


def test_forty_worlds_at_once(url: str) -> None:
    names = [f"many-{number}" for number in range(40)]

    def live(name: str) -> str:
        world = make(url, name=name, simulated=True, clock="frozen", chance_seed=1)
        user = Api(world["url"])
        job = user.call("POST", "jobs/v2", json=JOB)["id"]
        assert user.wait_for_job(job, ("FINISHED",)) == "FINISHED"
        control(url, "POST", f"/{name}/reset")
        assert user.call("GET", "jobs/v2") == []
        control(url, "DELETE", f"/{name}")
        return str(job)

    with ThreadPoolExecutor(8) as pool:
        jobs = list(pool.map(live, names))
    assert len(set(jobs)) == 40
    assert not [each for each in control(url, "GET") if each["name"] in names]
    assert json.dumps(control(url, "GET"))
