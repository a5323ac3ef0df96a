"""The course page on a real cluster: one line of the host map is written, nothing else of the page changes.

Systems, app and files are those that the page's fixture has registered through tapis-cli while all hosts were
sandboxes; the login is the one of the course's own system definition.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.client.conftest import APP, BUNDLE, STORAGE, Page
from tests.real.cluster import SlurmCluster
from tests.real.waiting import wait_until
from tests.served import TERMINAL, course_document

pytestmark = pytest.mark.xdist_group("course-page")

NAME = "testuser-job-imageclassify"
"""Of the course's job, as schedulers are told it."""
CHICAGO = ZoneInfo("America/Chicago")

HELD = APP.replace("1.0.0", "1.0.1")
HOLD = """
for _ in $(seq 600); do if [ -e go ]; then break; fi; sleep 0.2; done
[ -e go ] || exit 75
"""


@pytest.fixture(scope="module")
def held_app(page: Page) -> str:
    """The page's app once more; its wrapper waits for a file ``go`` before it classifies. Registered in sandboxes."""
    bundle = page.folder / BUNDLE.replace("1.0.0", "1.0.1")
    shutil.copytree(page.folder / BUNDLE, bundle)
    wrapper = bundle / "wrapper.sh"
    text = wrapper.read_text(encoding="utf-8")
    head, found, tail = text.partition("# -B:")
    assert found
    wrapper.write_text(f"{head}{HOLD}{found}{tail}", encoding="utf-8")
    app = course_document("app.json")
    app |= {"version": "1.0.1", "deploymentPath": app["deploymentPath"].replace("1.0.0", "1.0.1")}
    (page.folder / "app-held.json").write_text(json.dumps(app), encoding="utf-8")
    page.tapis("files", "upload", f"agave://{STORAGE}/home/testuser/applications", bundle.name)
    page.tapis("apps", "create", "-F", "app-held.json")
    return HELD


@pytest.fixture(scope="module")
def sandbox_predictions(page: Page, finished: dict[str, Any]) -> bytes:
    """What the page's job has found out in the sandbox."""
    content = page.api.request("GET", f"jobs/v2/{finished['id']}/outputs/media/predictions.txt").content
    assert content.startswith(b"sunflower")
    return content


@pytest.fixture(scope="module")
def cluster(
    page: Page, held_app: str, sandbox_predictions: bytes, slurm: SlurmCluster
) -> Iterator[SlurmCluster]:
    """The one line, for as long as this module's tests run; after it the page's host is a sandbox again."""
    host = course_document("execution-system.json")["login"]["host"]
    host_map = page.emulator.directory.path / "hosts.yaml"
    host_map.write_text(f"hosts:\n  {host}: ssh://{slurm.access.host}:{slurm.access.port}\n")
    yield slurm
    host_map.unlink()


class TapisCli:
    """What the page does by command."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def submit(self, app: str) -> str:
        return str(self._page.submit(appId=app)["id"])

    def listed(self, job: str) -> list[str]:
        return [entry["name"] for entry in self._page.tapis_json("jobs", "outputs", "list", job)]

    def fetched(self, job: dict[str, Any], name: str) -> bytes:
        self._page.tapis("jobs", "outputs", "download", job["id"], name, "--force")
        path: Path = self._page.folder / job["id"] / name
        return path.read_bytes()

    def upload(self, system: str, folder: str, file: Path) -> None:
        self._page.tapis("files", "upload", f"agave://{system}/{folder}", str(file))


class Agavepy:
    """What the page does in Python. ``downloadOutput`` takes files for answers of the service: files.download."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def submit(self, app: str) -> str:
        request = course_document("job.json") | {"appId": app}
        return str(self._page.agavepy(f"answer = ag.jobs.submit(body={request!r})['id']"))

    def listed(self, job: str) -> list[str]:
        listing = f"ag.jobs.listOutputs(jobId={job!r}, filePath='/')"
        names: list[str] = self._page.agavepy(f"answer = [entry['name'] for entry in {listing}]")
        return names

    def fetched(self, job: dict[str, Any], name: str) -> bytes:
        archived = job["status"] == "FINISHED"
        system = job["archiveSystem"] if archived else job["systemId"]
        path = f"{job['archivePath'] if archived else job['workPath']}/{name}"
        download = f"ag.files.download(systemId={system!r}, filePath={path!r})"
        return str(self._page.agavepy(f"answer = {download}.content.decode('latin-1')")).encode("latin-1")

    def upload(self, system: str, folder: str, file: Path) -> None:
        target = f"systemId={system!r}, filePath={folder!r}"
        code = f"with open({str(file)!r}, 'rb') as stream:\n"
        self._page.agavepy(f"{code}    answer = ag.files.importData({target}, fileToUpload=stream)['name']")


@pytest.mark.parametrize("client", [TapisCli, Agavepy])
def test_the_course_runs_on_the_cluster(
    page: Page,
    cluster: SlurmCluster,
    held_app: str,
    sandbox_predictions: bytes,
    client: Callable[[Page], TapisCli | Agavepy],
) -> None:
    person = client(page)
    job_id = person.submit(held_app)
    assert page.api.wait_for_job(job_id, ("RUNNING", *TERMINAL)) == "RUNNING", _record(page, job_id)

    job = _record(page, job_id)
    question = ("squeue", "--noheader", "--format=%i|%j|%u|%T", f"--jobs={job['remoteJobId']}")
    assert cluster.exec(*question).splitlines() == [f"{job['remoteJobId']}|{NAME}|testuser|RUNNING"]
    log = f"{NAME}-{job_id}.out"
    said = f"classifier: job {job_id} on {job['systemId']}, queue normal\n".encode()
    wait_until(lambda: said in _output(page, job_id, log), what="the app to say where it runs")
    listed = person.listed(job_id)
    assert {log, "wrapper.sh"} <= set(listed) and "predictions.txt" not in listed
    assert said in person.fetched(job, log)

    go = page.folder / "go"
    go.touch()
    person.upload(job["systemId"], job["workPath"], go)
    assert page.api.wait_for_job(job_id) == "FINISHED", _record(page, job_id)["lastStatusMessage"]
    job = _record(page, job_id)
    listed = person.listed(job_id)
    assert {log, "predictions.txt"} <= set(listed) and "wrapper.sh" not in listed
    assert person.fetched(job, "predictions.txt") == sandbox_predictions
    _agrees(cluster, job, "COMPLETED", "0:0")


def test_the_page_as_it_stands(page: Page, cluster: SlurmCluster, sandbox_predictions: bytes) -> None:
    job_id = page.submit()["id"]
    assert page.api.wait_for_job(job_id) == "FINISHED", _record(page, job_id)["lastStatusMessage"]
    assert _output(page, job_id, "predictions.txt") == sandbox_predictions
    _agrees(cluster, _record(page, job_id), "COMPLETED", "0:0")


def test_a_failure_has_the_clusters_exit_code(page: Page, cluster: SlurmCluster) -> None:
    request = course_document("job.json") | {"parameters": {"imagefile": "pictures/nothing.png"}}
    job_id = page.api.call("POST", "jobs/v2", json=request)["id"]
    assert page.api.wait_for_job(job_id) == "FAILED"
    job = _record(page, job_id)
    code = cluster.accounting(job["remoteJobId"])["ExitCode"]
    assert code not in ("", "0:0")
    assert job["lastStatusMessage"].endswith(f"Slurm status FAILED with user application return code: {code}")
    _agrees(cluster, job, "FAILED", code)


def _record(page: Page, job_id: str) -> dict[str, Any]:
    record: dict[str, Any] = page.api.call("GET", f"jobs/v2/{job_id}")
    return record


def _output(page: Page, job_id: str, name: str) -> bytes:
    answer = page.api.request("GET", f"jobs/v2/{job_id}/outputs/media/{name}")
    return answer.content if answer.status_code == 200 else b""


def _agrees(cluster: SlurmCluster, job: dict[str, Any], state: str, exit_code: str) -> None:
    """What ``sacct -c`` tells of a job, by Chicago's clock, is what its record tells by UTC, to the second."""
    columns = "JobID,JobName,User,State,ExitCode,Start,End"
    question = ("sacct", "-c", "--noheader", "--parsable2", f"--format={columns}")
    line = cluster.exec(*question, f"--jobs={job['remoteJobId']}").strip()
    number, name, user, *how, started, ended = line.split("|")
    assert (number, name, user.partition("(")[0], how) == (
        job["remoteJobId"],
        NAME,
        "testuser",
        [state, exit_code],
    )
    assert [_second(job[key]) for key in ("remoteStarted", "remoteEnded")] == [
        datetime.fromisoformat(moment).replace(tzinfo=CHICAGO) for moment in (started, ended)
    ]


def _second(moment: str) -> datetime:
    return datetime.fromisoformat(moment).replace(microsecond=0)
