"""The course page "Intro to Tapis (Aloe) Jobs", step by step, through the unmodified clients."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from tests.client.conftest import APP, STORAGE, Page
from tests.real.smtp_sink import SmtpSink
from tests.real.waiting import wait_until
from tests.real.webhook_sink import WebhookSink
from tests.served import Api, course_document, register_course, served

pytestmark = pytest.mark.xdist_group("course-page")

CHAIN = [
    "PENDING",
    "PROCESSING_INPUTS",
    "STAGED",
    "STAGING_JOB",
    "SUBMITTING",
    "QUEUED",
    "RUNNING",
    "CLEANING_UP",
    "ARCHIVING",
    "FINISHED",
]


def once(states: list[str]) -> list[str]:
    """States in order, without the repeats that progress entries make."""
    return [state for i, state in enumerate(states) if i == 0 or states[i - 1] != state]


# step 1: list apps, submit


def test_the_app_is_listed(page: Page) -> None:
    assert APP in [app["id"] for app in page.tapis_json("apps", "list")]
    assert APP in page.agavepy("answer = [app['id'] for app in ag.apps.list()]")


def test_a_submission_is_answered_with_the_full_job(page: Page) -> None:
    job = page.submit()
    assert job["id"].endswith("-007") and len(job["id"]) == 40
    assert (job["status"], job["appId"], job["archive"]) == ("ACCEPTED", APP, True)
    assert job["archiveSystem"] == STORAGE
    assert job["parameters"] == {"imagefile": "pictures/sunflower.png", "predictions": 5}
    page.api.wait_for_job(job["id"])


@pytest.mark.parametrize(("asked", "gigabytes"), [("1", 1.0), ("200MB", 200 / 1024), ("1.5GB", 1.5)])
def test_memory_is_understood_in_every_spelling(page: Page, asked: str, gigabytes: float) -> None:
    job = page.submit(memoryPerNode=asked)
    assert page.api.wait_for_job(job["id"]) == "FINISHED"
    assert page.api.call("GET", f"jobs/v2/{job['id']}")["memoryPerNode"] == pytest.approx(gigabytes)


def test_queue_nodes_and_time_come_from_the_job_else_the_app_else_the_default_queue(page: Page) -> None:
    default = page.submit()
    chosen = page.submit(batchQueue="development", nodeCount=2, maxRunTime="00:30:00")
    for job in (default, chosen):
        page.api.wait_for_job(job["id"])
    first = page.api.call("GET", f"jobs/v2/{default['id']}")
    second = page.api.call("GET", f"jobs/v2/{chosen['id']}")
    assert (first["remoteQueue"], first["nodeCount"], first["maxHours"]) == ("normal", 1, 24.0)
    assert (second["remoteQueue"], second["nodeCount"], second["maxHours"]) == ("development", 2, 0.5)


def test_agavepy_submits_and_gets_the_job_not_the_envelope(page: Page) -> None:
    job = page.agavepy(f"answer = ag.jobs.submit(body={course_document('job.json')!r})")
    assert job["status"] == "ACCEPTED" and job["id"].endswith("-007")
    assert page.api.wait_for_job(job["id"]) == "FINISHED"


# step 2: list, status, history


def test_the_job_is_listed_shown_and_has_a_status(page: Page, finished: dict[str, Any]) -> None:
    assert finished["id"] in [job["id"] for job in page.tapis_json("jobs", "list")]
    assert page.tapis_json("jobs", "show", finished["id"])["id"] == finished["id"]
    assert page.tapis_json("jobs", "status", finished["id"])["status"] == "FINISHED"
    found = page.tapis_json("jobs", "search", "--name", "eq", finished["name"])
    assert finished["id"] in [job["id"] for job in found]
    assert page.agavepy(f"answer = ag.jobs.getStatus(jobId={finished['id']!r})['status']") == "FINISHED"


def test_the_history_tells_the_whole_life_with_the_services_words(
    page: Page, finished: dict[str, Any]
) -> None:
    told = page.tapis_json("jobs", "history", finished["id"])
    assert once([entry["status"] for entry in told]) == CHAIN
    descriptions = [entry["description"] for entry in told]
    for text in (
        "Job processing beginning",
        "Job queued to execution system queue",
        "Job running on execution system",
        "Job completed successfully",
    ):
        assert text in descriptions
    created = page.agavepy(
        f"answer = [str(entry['created']) for entry in ag.jobs.getHistory(jobId={finished['id']!r})]"
    )
    assert created == sorted(created) and len(created) == len(told)


def test_a_job_with_an_input_stages_it(page: Page) -> None:
    picture = page.folder / "imageclassify-1.0.0" / "pictures" / "zebra.png"
    mine = page.folder / "mine.png"
    mine.write_bytes(picture.read_bytes())
    page.tapis("files", "mkdir", f"agave://{STORAGE}/home/testuser", "pictures")
    page.tapis("files", "upload", f"agave://{STORAGE}/home/testuser/pictures", str(mine))
    job = page.submit(**course_document("job-input.json"))
    assert page.api.wait_for_job(job["id"]) == "FINISHED", page.api.call("GET", f"jobs/v2/{job['id']}")
    history = [entry["status"] for entry in page.api.call("GET", f"jobs/v2/{job['id']}/history")]
    assert "STAGING_INPUTS" in history
    text = page.api.request("GET", f"jobs/v2/{job['id']}/outputs/media/predictions.txt").text
    assert text.startswith("zebra")


# step 3: outputs


def test_outputs_are_listed_and_downloaded_from_the_archive(page: Page, finished: dict[str, Any]) -> None:
    names = [entry["name"] for entry in page.tapis_json("jobs", "outputs", "list", finished["id"])]
    assert "predictions.txt" in names and "wrapper.sh" not in names
    assert f"{finished['name'].replace('.', '-')}-{finished['id']}.out" in names
    page.tapis("jobs", "outputs", "download", finished["id"])
    files = list(page.folder.rglob(f"*{finished['id']}*/predictions.txt"))
    assert files and files[0].read_text().startswith("sunflower")
    log = page.tapis("jobs", "outputs", "logs", finished["id"], "--stdout")
    assert "sunflower" in log


def test_outputs_come_from_the_scratch_directory_when_nothing_was_archived(page: Page) -> None:
    job = page.submit(**course_document("job-scratch.json"))
    assert page.api.wait_for_job(job["id"]) == "FINISHED"
    record = page.api.call("GET", f"jobs/v2/{job['id']}")
    assert record["_links"]["archiveData"]["href"].endswith(f"jobs/v2/{job['id']}/outputs/listings")
    names = [entry["name"] for entry in page.tapis_json("jobs", "outputs", "list", job["id"])]
    assert {"predictions.txt", "wrapper.sh"} <= set(names)
    code = f"answer = [f['name'] for f in ag.jobs.listOutputs(jobId={job['id']!r}, filePath='/pictures')]"
    assert "sunflower.png" in page.agavepy(code)


def test_folders_are_downloaded_recursively(page: Page) -> None:
    page.tapis(
        "files", "download", f"agave://{STORAGE}/home/testuser/applications", "-W", str(page.folder / "down")
    )
    fetched = {path.name for path in (page.folder / "down").rglob("*") if path.is_file()}
    assert {"wrapper.sh", "test.sh", "sunflower.png"} <= fetched


# step 4: curl with the client's own token


def test_curl_fetches_an_archived_file_with_the_clients_token(page: Page, finished: dict[str, Any]) -> None:
    token = json.loads((page.folder / ".agave" / "current").read_text())["access_token"]
    path = f"files/v2/media/system/{STORAGE}/testuser/archive/jobs/job-{finished['id']}/predictions.txt"

    def curl(bearer: str) -> tuple[str, str]:
        url, header = f"{page.emulator.url}/{path}", f"Authorization: Bearer {bearer}"
        done = subprocess.run(
            ["curl", "-sk", "-w", "\n%{http_code}", "-H", header, url],
            capture_output=True,
            text=True,
            check=True,
        )
        body, _, code = done.stdout.rpartition("\n")
        return body, code

    body, code = curl(token)
    assert code == "200" and body.startswith("sunflower (score = 0.")
    body, code = curl("0" * 32)
    assert code == "401" and body.startswith('{"fault":{"code":900901,')


# step 5: notifications


def test_every_change_of_state_is_told_once_by_mail_and_webhook(
    page: Page, webhook_sink: WebhookSink
) -> None:
    request = course_document("job-notify.json")
    target = f"{webhook_sink.url}/jobs/${{JOB_ID}}?status=${{JOB_STATUS}}"
    request["notifications"].append({"url": target, "event": "*", "persistent": True})
    job = page.submit(**request)
    hooks = webhook_sink.wait_for(len(CHAIN), timeout=60)
    assert [hook.json["status"] for hook in hooks] == CHAIN
    assert [hook.path for hook in hooks] == [f"/jobs/{job['id']}?status={state}" for state in CHAIN]

    def told() -> list[str]:
        mails = page.emulator.mailbox.mails("default", "testuser@example.org")
        return [mail.subject.split()[-2] for mail in mails if job["id"] in mail.subject]

    wait_until(lambda: "FINISHED" in told(), what="the last mail")
    assert told() == CHAIN


def test_mails_go_out_by_smtp_when_a_server_is_configured(tmp_path: Any, smtp_sink: SmtpSink) -> None:
    with served(tmp_path, smtp_host=smtp_sink.host, smtp_port=smtp_sink.port) as emulator:
        api = Api(emulator.url)
        register_course(api)
        job = api.call("POST", "jobs/v2", json=course_document("job-notify.json"))
        mails = smtp_sink.wait_for(len(CHAIN), timeout=60)
        assert [mail.message["Subject"].split()[-2] for mail in mails] == CHAIN
        assert all(job["id"] in mail.message["Subject"] for mail in mails)
