"""An emulator that runs already sends the seeded systems' jobs to the cluster from ``up`` on, and until ``down``."""

from __future__ import annotations

from tests.live.hpc.conftest import Hpc
from tests.live.serve_process import ServeProcess
from tests.served import Api, course_document

JOB_SECONDS = 120


def test_the_running_server_follows_the_map(hpc: Hpc) -> None:
    arguments = ("--data-dir", str(hpc.data), "--port", "0")
    with ServeProcess(hpc.folder, *arguments, environment=hpc.environment) as server:
        api = Api(server.url)
        hpc.run("up", "--port", "0")
        on_the_cluster = _finished(api)
        names = hpc.ssh("sacct -c --noheader --parsable2 --format=JobID,State").splitlines()
        assert names == [f"{on_the_cluster['remoteJobId']}|COMPLETED"]
        assert _predictions(api, on_the_cluster["id"])
        hpc.run("down")
        in_a_sandbox = _finished(api)
        assert _predictions(api, in_a_sandbox["id"]) == _predictions(api, on_the_cluster["id"])
        assert server.stop().code == 0


def _finished(api: Api) -> dict[str, str]:
    job_id = api.call("POST", "jobs/v2", json=course_document("job-public.json"))["id"]
    status = api.wait_for_job(job_id, timeout=JOB_SECONDS)
    job: dict[str, str] = api.call("GET", f"jobs/v2/{job_id}")
    assert status == "FINISHED", job["lastStatusMessage"]
    return job


def _predictions(api: Api, job_id: str) -> bytes:
    return api.request("GET", f"jobs/v2/{job_id}/outputs/media/predictions.txt").content
