"""Simulated jobs through ``kill -9``: none is lost, none begins anew, and each leaves its files."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.live.own_app import register_cluster, register_script
from tests.live.serve_process import ServeProcess
from tests.served import Api


def test_simulated_jobs_go_on_where_they_were(tmp_path: Path) -> None:
    arguments = ("--port", "0", "--data-dir", str(tmp_path / "data"))
    with ServeProcess(tmp_path, *arguments) as server:
        api = Api(server.url)
        register_cluster(api, "own.cluster")
        app = register_script(api, "own", "own.cluster", "exit 1\n")
        world = "_emulator/worlds/default"
        played = {"queue_wait": "1h", "duration": "1h", "outputs": {"out.txt": "${AGAVE_JOB_NAME}"}}
        assert api.request("PUT", f"{world}/simulations/*", json=played).status_code == 201
        assert api.request("PUT", f"{world}/clock", json={"mode": "frozen"}).status_code == 200
        jobs = {
            name: api.call("POST", "jobs/v2", json={"name": name, "appId": app, "archive": False})["id"]
            for name in ("one", "two", "stopped")
        }
        for job_id in jobs.values():
            api.wait_for_job(job_id, ("QUEUED",))
        api.request("POST", f"{world}/clock", json={"advance": "90m"})
        for job_id in jobs.values():
            api.wait_for_job(job_id, ("RUNNING",))
        started = {
            name: api.call("GET", f"jobs/v2/{job_id}")["remoteStarted"] for name, job_id in jobs.items()
        }
        server.kill()
    with ServeProcess(tmp_path, *arguments) as server:
        api = Api(server.url)
        api.call("POST", f"jobs/v2/{jobs.pop('stopped')}", json={"action": "stop"})
        passed = api.request("POST", f"{world}/clock", json={"run": "idle", "limit": "2h"}).json()
        assert passed["still"] == [] and passed["nextTimer"] is None, str(passed)
        for name, job_id in jobs.items():
            job = api.call("GET", f"jobs/v2/{job_id}")
            assert (job["status"], job["remoteStarted"]) == ("FINISHED", started[name])
            assert job["remoteEnded"] > job["remoteStarted"]
            assert api.request("GET", f"jobs/v2/{job_id}/outputs/media/out.txt").text == name
        assert {job["status"] for job in api.call("GET", "jobs/v2")} == {"FINISHED", "STOPPED"}


@pytest.mark.campaign
@pytest.mark.parametrize("played", [True, False], ids=["played", "real"])
@pytest.mark.parametrize(
    "at", ["host.connect", "host.exec", "scheduler.submit", "scheduler.status", "app.run"]
)
def test_a_rule_stops_the_emulator_at_a_point_and_the_job_runs_once(
    tmp_path: Path, at: str, played: bool
) -> None:
    arguments = ("--port", "0", "--data-dir", str(tmp_path / "data"))
    with ServeProcess(tmp_path, *arguments) as server:
        api = Api(server.url)
        register_cluster(api, "own.cluster")
        app = register_script(api, "own", "own.cluster", 'echo ran >> "$HOME/runs"\necho done\n')
        world = "_emulator/worlds/default"
        if played:
            api.request("PUT", f"{world}/simulations/*", json={"stdout": "done\n"})
        rule = {"at": at, "do": "stop-emulator", "times": 1, "when": {"host": "own.cluster*"}}
        armed = api.request("POST", f"{world}/scenarios", data=json.dumps({"name": "end", "rules": [rule]}))
        assert armed.status_code == 201, armed.text
        job_id = api.call("POST", "jobs/v2", json={"name": "a job", "appId": app, "archive": False})["id"]
        try:
            server.process.wait(30)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it goes on: {api.call('GET', f'jobs/v2/{job_id}')}") from None
        assert server.process.returncode == -9
    with ServeProcess(tmp_path, *arguments) as server:
        api = Api(server.url)
        assert api.wait_for_job(job_id) == "FINISHED", api.call("GET", f"jobs/v2/{job_id}")
        assert api.request("GET", f"jobs/v2/{job_id}/outputs/media/a-job.out").text == "done\n"
        assert len(api.request("GET", f"{world}/journal").json()["strikes"]) == 1
        runs = list((tmp_path / "data" / "hosts").rglob("runs"))
        assert [path.read_text() for path in runs] == ([] if played else ["ran\n"])
