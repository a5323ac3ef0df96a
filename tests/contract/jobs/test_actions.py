"""Stopping, hiding and showing jobs, in both forms of the call [jobs §9]."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from emulator.domain.job import Job
from emulator.domain.states import ACTIVE, TERMINAL, JobState
from tests.contract.jobs.conftest import RUNNING, Bench, opened
from tests.job_samples import OWNER, sample_job

UNKNOWN = "0feb1aa5-01aa-4445-b580-a008064a4c44-007"
VIEW_REFUSED = "User does not have permission to view this job"
STORED_ACTIVE = sorted(ACTIVE - {JobState.ACCEPTED})

FORMS: dict[str, dict[str, Any]] = {
    "json": {"json": {"action": "{}"}},
    "form": {"data": {"action": "{}"}},
    "json under another type": {"data": '{{"action":"{}"}}', "content_type": "application/octet-stream"},
    "older client": {"json": {"action": "{}", "ignoreInputConflicts": True, "preserveNotifications": False}},
}


def by_body(form: str, verb: str) -> dict[str, Any]:
    options = dict(FORMS[form])
    for key in ("json", "data"):
        if isinstance(options.get(key), dict):
            options[key] = options[key] | {"action": verb}
        elif key in options:
            options[key] = options[key].format(verb)
    return options


# cancel


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("verb", ["cancel", "kill", "stop", "STOP"])
def test_cancel_by_body(bench: Bench, running: Job, form: str, verb: str) -> None:
    message = bench.message("POST", f"/jobs/v2/{running.id}", **by_body(form, verb))
    assert message == f"Job {running.id} cancel request accepted."
    assert bench.job(running.id).cancel_requested
    assert bench.woken == [running.id]


@pytest.mark.parametrize("verb", ["cancel", "kill", "stop"])
@pytest.mark.parametrize("body", ["", '{"action":"hide"}', "not json"])
def test_cancel_by_suffix_does_not_read_its_body(bench: Bench, running: Job, verb: str, body: str) -> None:
    message = bench.message(
        "POST", f"/jobs/v2/{running.id}/{verb}/", data=body, content_type="application/json"
    )
    assert message == f"Job {running.id} cancel request accepted."
    stored = bench.job(running.id)
    assert stored.cancel_requested and stored.visible


@pytest.mark.parametrize("state", STORED_ACTIVE)
def test_cancel_in_every_active_state(bench: Bench, state: JobState) -> None:
    job = bench.add(sample_job(1, **RUNNING | {"status": state}))
    bench.message("POST", f"/jobs/v2/{job.id}/cancel")
    stored = bench.job(job.id)
    assert stored.cancel_requested
    assert stored.status is state, "only the engine changes states"
    assert bench.events(job) == []


@pytest.mark.parametrize("state", sorted(TERMINAL))
def test_cancel_of_an_ended_job(bench: Bench, state: JobState) -> None:
    job = bench.add(sample_job(1, status=state))
    message = f"Job {job.id} is already in a terminal state: {state}."
    assert bench.refused("POST", f"/jobs/v2/{job.id}/cancel") == (400, message)
    assert not bench.job(job.id).cancel_requested
    assert bench.woken == []


def test_cancel_of_an_ended_job_may_be_silent(tmp_path: Path) -> None:
    with opened(tmp_path, cancel_terminal_error=False) as bench:
        job = bench.add(sample_job(1))
        bench.message("POST", f"/jobs/v2/{job.id}/cancel")
        assert not bench.job(job.id).cancel_requested
        assert bench.woken == []


# visibility


@pytest.mark.parametrize("call", [("POST", "/hide"), ("DELETE", "")])
def test_hide(bench: Bench, finished: Job, call: tuple[str, str]) -> None:
    method, suffix = call
    for _ in range(2):  # the second time nothing is left to do
        message = bench.message(method, f"/jobs/v2/{finished.id}{suffix}", content_type="application/json")
        assert message == f"Job {finished.id} is hidden."
    stored = bench.job(finished.id)
    assert not stored.visible and not stored.cancel_requested
    assert stored.last_updated > finished.last_updated
    assert bench.events(finished) == [("DELETED", f"Job was deleted by user {OWNER}.", OWNER)]
    assert bench.get("/jobs/v2") == []
    assert [job["id"] for job in bench.get("/jobs/v2", visible="false")] == [finished.id]
    assert bench.refused("GET", f"/jobs/v2/{finished.id}")[0] == 404


@pytest.mark.parametrize("call", [("/unhide", {}), ("", {"json": {"action": "restore"}})])
def test_unhide(bench: Bench, call: tuple[str, dict[str, Any]]) -> None:
    suffix, options = call
    job = bench.add(sample_job(1, visible=False))
    for _ in range(2):
        bench.message("POST", f"/jobs/v2/{job.id}{suffix}", **options)
    assert bench.job(job.id).visible
    assert bench.events(job) == [("RESTORED", f"Job was restored by {OWNER}", OWNER)]
    assert len(bench.get("/jobs/v2")) == 1


def test_delete_stops_an_active_job(bench: Bench, running: Job) -> None:
    bench.message("DELETE", f"/jobs/v2/{running.id}")
    stored = bench.job(running.id)
    assert stored.cancel_requested and not stored.visible
    assert bench.woken == [running.id]


def test_hide_stops_nothing(bench: Bench, running: Job) -> None:
    bench.message("POST", f"/jobs/v2/{running.id}", json={"action": "hide"})
    stored = bench.job(running.id)
    assert not stored.cancel_requested and not stored.visible
    assert bench.woken == []


def test_subscribers_are_told_of_hiding(bench: Bench, finished: Job) -> None:
    from emulator.domain.notification import Subscription

    with bench.store.write() as tx:
        tx.subscriptions.add(
            Subscription(
                world=finished.world,
                id="0000000000000001-5056a550b8-0001-011",
                owner=OWNER,
                url="http://localhost:1/",
                event="DELETED",
                associated_uuid=finished.id,
                created=finished.accepted,
                last_updated=finished.accepted,
                persistent=True,
            )
        )
    bench.message("POST", f"/jobs/v2/{finished.id}/hide")
    with bench.store.read() as tx:
        (waiting,) = tx.subscriptions.heads(finished.world)
    assert waiting.message.event == "DELETED"
    assert '"visible":false' in waiting.message.body


# who may, and what is refused

ACTIONS = [("POST", "/cancel"), ("POST", "/hide"), ("POST", "/unhide"), ("POST", "/resubmit"), ("DELETE", "")]


@pytest.mark.parametrize(("method", "suffix"), ACTIONS)
def test_actions_need_write(bench: Bench, running: Job, method: str, suffix: str) -> None:
    for permission in (None, "READ", "EXECUTE", "READ_EXECUTE"):
        if permission:
            bench.grant(running, "student01", permission)
        refused = bench.refused(method, f"/jobs/v2/{running.id}{suffix}", "student01")
        assert refused == (403, VIEW_REFUSED)
    assert bench.job(running.id) == running
    assert bench.events(running) == [] and bench.woken == []


@pytest.mark.parametrize(("method", "suffix"), [action for action in ACTIONS if action[1] != "/resubmit"])
@pytest.mark.parametrize("user", ["student01", "admin"])
def test_writers_and_admins_may_act(bench: Bench, running: Job, method: str, suffix: str, user: str) -> None:
    bench.grant(running, "student01", "WRITE")
    bench.message(method, f"/jobs/v2/{running.id}{suffix}", user)


@pytest.mark.parametrize(("method", "suffix"), ACTIONS)
def test_actions_on_an_unknown_job(bench: Bench, method: str, suffix: str) -> None:
    refused = bench.refused(method, f"/jobs/v2/{UNKNOWN}{suffix}")
    assert refused == (404, f"No job found with job id {UNKNOWN}.")


@pytest.mark.parametrize("suffix", ["/cancel", "/resubmit"])
def test_hidden_jobs_are_not_acted_on(bench: Bench, suffix: str) -> None:
    job = bench.add(sample_job(1, visible=False, **RUNNING))
    assert bench.refused("POST", f"/jobs/v2/{job.id}{suffix}") == (
        404,
        f"Job with uuid {job.id} is not visible.",
    )
    assert not bench.job(job.id).cancel_requested


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "No action specified"),
        ({"json": {"verb": "stop"}}, "No action specified"),
        ({"json": {"action": None}}, "No action specified"),
        ({"json": {"action": " "}}, "No action specified"),
        ({"data": {"action": ""}}, "No action specified"),
        ({"json": {"action": "dance"}}, "Invalid action dance"),
        ({"json": {"action": "reset"}}, "Invalid action reset"),
        ({"data": {"action": "rollback"}}, "Invalid action rollback"),
        ({"json": {"action": 5}}, "Invalid action 5"),
        ({"json": ["stop"]}, "Invalid JSON found. Expected a JSON object, found an array."),
    ],
)
def test_actions_that_are_none(bench: Bench, running: Job, options: dict[str, Any], message: str) -> None:
    assert bench.refused("POST", f"/jobs/v2/{running.id}", **options) == (400, message)
    assert bench.job(running.id) == running


def test_malformed_json(bench: Bench, running: Job) -> None:
    for text in ('{"action": ', '{"action": "\\ud800"}', "[" * 100_000):
        status, message = bench.refused(
            "POST", f"/jobs/v2/{running.id}", data=text, content_type="application/json"
        )
        assert status == 400
        assert message.startswith("Invalid JSON found. ")
