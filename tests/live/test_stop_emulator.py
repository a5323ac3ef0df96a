"""``stop-emulator``: the process ends as by ``kill -9``, and the next start goes on where it was, once."""

from __future__ import annotations

import signal
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import requests

from emulator.app import Emulator
from emulator.data_directory import DataDirectory
from emulator.settings import Settings
from tests.engine.test_course import CHAIN
from tests.live.own_app import register_cluster, register_script
from tests.live.serve_process import ServeProcess
from tests.real.webhook_sink import WebhookSink
from tests.served import Api

COURSE = [state for state in CHAIN if state != "STAGING_INPUTS"]
"""Of a job without inputs."""
POWER_CUTS = """
name: power-cuts
rules:
- {name: before the script is there, at: job.staging_job, do: stop-emulator}
- {name: as it is handed over, at: job.queued, do: stop-emulator}
- {name: in the middle of the archive, at: transfer.file, when: {path: "*/b.txt"}, do: stop-emulator, times: once}
- {name: as it is told, at: notify.deliver, when: {event: FINISHED}, do: stop-emulator, times: once}
"""
"""The first two are for ever: a step that was begun is not asked about again."""


def arm(api: Api, text: str) -> None:
    answer = api.request("POST", "_emulator/worlds/default/scenarios", data=text)
    assert answer.status_code == 201, answer.text


def journal(api: Api) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.request("GET", "_emulator/worlds/default/journal").json()["strikes"]
    return found


def submit(api: Api, name: str, script: str, **more: Any) -> str:
    register_cluster(api, f"{name}.cluster")
    app = register_script(api, name, f"{name}.cluster", script)
    job: str = api.call("POST", "jobs/v2", 201, json={"name": name, "appId": app, "archive": True, **more})[
        "id"
    ]
    return job


def states(api: Api, job: str) -> list[str]:
    """Without transfers and notes."""
    lines = api.call("GET", f"jobs/v2/{job}/history?limit=100")
    return list(dict.fromkeys(line["status"] for line in lines))


@pytest.mark.campaign
def test_a_job_outlives_four_power_cuts(tmp_path: Path, webhook_sink: WebhookSink) -> None:
    runs = tmp_path / "runs"
    arguments = ("--port", "0", "--data-dir", str(tmp_path / "data"))
    server = ServeProcess(tmp_path, *arguments)
    api = Api(server.url)
    arm(api, POWER_CUTS)
    told = [{"url": webhook_sink.url, "event": event} for event in ("RUNNING", "FINISHED")]
    script = f"#!/bin/sh\necho run >> {runs}\nfor each in a b c; do echo $each > $each.txt; done\n"
    job = submit(api, "struck", script, notifications=told)
    for _ in range(4):
        assert server.process.wait(60) == -signal.SIGKILL, server.complaints()
        server = ServeProcess(tmp_path, *arguments)
    with server:
        api = Api(server.url)
        assert api.wait_for_job(job) == "FINISHED"
        assert Counter(strike["rule"] for strike in journal(api)) == dict.fromkeys(
            [
                "before the script is there",
                "as it is handed over",
                "in the middle of the archive",
                "as it is told",
            ],
            1,
        )
        assert states(api, job) == COURSE
        assert runs.read_text(encoding="utf-8") == "run\n"
        names = {entry["name"] for entry in api.call("GET", f"jobs/v2/{job}/outputs/listings")}
        assert {"a.txt", "b.txt", "c.txt"} <= names
        webhook_sink.wait_for(2)


def start(directory: Path) -> Emulator:
    made = Emulator(Settings(port=0, data_dir=str(directory)), DataDirectory(directory))
    made.start()
    return made


@pytest.mark.parametrize(
    ("rule", "state"),
    [
        ("{at: job.staging_job, do: stop-emulator}", "STAGING_JOB"),
        ("{at: transfer.file, when: {path: '*/out.txt'}, do: stop-emulator, times: once}", "ARCHIVING"),
        ("{at: job.running, do: stop-emulator}", "RUNNING"),
    ],
)
def test_an_emulator_that_shares_its_process_is_abandoned(tmp_path: Path, rule: str, state: str) -> None:
    """What it had begun stays as it was, clients are cut off, and the next one goes on."""
    first = start(tmp_path)
    api = Api(first.url)
    arm(api, f"name: test\nrules:\n- {rule}\n")
    job = submit(api, "abandoned", "#!/bin/sh\necho run >> out.txt\n")
    assert first.abandoned.wait(30)
    with pytest.raises(requests.ConnectionError):
        api.request("GET", "jobs/v2")
    with first.store.read() as tx:
        found = tx.jobs.by_id(job)
    assert found is not None and found.status == state
    second = start(tmp_path)
    first.stop()  # whoever has started it may still do so
    api = Api(second.url)
    assert api.wait_for_job(job) == "FINISHED"
    assert len(journal(api)) == 1 and states(api, job) == COURSE
    second.stop()


def test_abandoned_at_a_request_and_in_a_temporary_directory() -> None:
    directory = DataDirectory.temporary()
    emulator = Emulator(Settings(port=0, ephemeral=True), directory)
    emulator.start()
    api = Api(emulator.url)
    arm(api, "name: test\nrules:\n- {at: transfer.file, do: stop-emulator, times: once}\n")
    with pytest.raises(requests.ConnectionError):
        api.request(
            "POST", "files/v2/media/system/tacc.corral/", files={"fileToUpload": ("cut.txt", b"content")}
        )
    assert emulator.abandoned.wait(30)
    assert directory.path.exists(), "as it was left"
    again = Emulator(Settings(port=0, ephemeral=True), directory)
    again.start()
    api = Api(again.url)
    assert [strike["action"] for strike in journal(api)] == ["stop-emulator"]
    names = [entry["name"] for entry in api.call("GET", "files/v2/listings/system/tacc.corral/")]
    assert "cut.txt" not in names
    again.stop()
    emulator.stop()
    assert not directory.path.exists()


def test_threads_that_come_to_the_end_together(tmp_path: Path) -> None:
    emulator = start(tmp_path)
    api = Api(emulator.url)
    register_cluster(api, "c.cluster")
    app = register_script(api, "both", "c.cluster", "true\n")
    arm(api, "name: test\nrules:\n- {at: job.*, do: stop-emulator}\n")
    with suppress(requests.ConnectionError):
        for number in range(3):
            api.request("POST", "jobs/v2", json={"name": f"job {number}", "appId": app})
    assert emulator.abandoned.wait(30)
    emulator.stop()
    emulator.stop()
