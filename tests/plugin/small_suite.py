"""A user's tests, each in a world of its own: the same names, files, users and failures in all of them.

Copied into projects by the tests of the plugin, and run there with any number of workers on one server.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from emulator.testing import JobEndedOtherwise, Refused

JOB = {"name": "night", "appId": "classifier-1.0.0", "parameters": {"imagefile": "pictures/night-sky.png"}}
STORM = """
name: storm
rules:
  - at: http.jobs.submit
    do: {status: 503}
    times: 1
"""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    metafunc.parametrize("turn", range(int(metafunc.config.getini("turns"))))


@pytest.fixture(autouse=True)
def turn(turn: int) -> int:
    return turn


@pytest.mark.tapis(simulated=True)
def test_the_jobs_are_those_of_this_test(tapis_world):
    jobs = [tapis_world.submit(JOB) for _ in range(3)]
    for job in jobs:
        tapis_world.wait(job, "FINISHED")
    assert [job.id for job in tapis_world.jobs] == [job.id for job in jobs]
    assert {each["id"] for each in tapis_world.call("GET", "jobs/v2")} == {job.id for job in jobs}


@pytest.mark.tapis(simulated=True)
def test_the_messages_are_those_of_this_test(tapis_world):
    notifications = [
        {"url": tapis_world.webhooks.url, "event": "FINISHED"},
        {"url": "me@example.org", "event": "FINISHED"},
    ]
    job = tapis_world.submit(JOB, notifications=notifications)
    hook = tapis_world.webhooks.wait_for(lambda hook: hook.json["status"] == "FINISHED")
    mail = tapis_world.mailbox.wait_for(lambda mail: mail.to == "me@example.org")
    assert hook.json["id"] == job.id and job.id in mail.subject
    assert len(tapis_world.webhooks.received) == len(tapis_world.mailbox.received) == 1


@pytest.mark.tapis(clock="frozen", simulated={"*": {"queue_wait": "48h", "duration": "5m"}})
def test_time_is_that_of_this_test(tapis_world):
    begin = tapis_world.clock.now
    job = tapis_world.submit(JOB)
    tapis_world.clock.run_until(job, "RUNNING")
    assert tapis_world.clock.now - begin == timedelta(hours=48)
    tapis_world.clock.run_until_idle()
    assert job.status == "FINISHED"
    tapis_world.clock.advance("1h")
    assert tapis_world.clock.now - begin == timedelta(hours=49, minutes=5)


@pytest.mark.tapis(simulated=True)
def test_failures_are_those_of_this_test(tapis_world):
    assert not tapis_world.journal
    with tapis_world.scenario(STORM) as storm:
        with pytest.raises(Refused) as refusal:
            tapis_world.submit(JOB)
        assert refusal.value.status == 503
        tapis_world.wait(tapis_world.submit(JOB), "FINISHED")
        assert storm.struck == 1
    assert [entry.point for entry in tapis_world.journal] == ["http.jobs.submit"]
    assert [request.status for request in tapis_world.requests.all][:2] == [503, 201]


def test_files_and_users_are_those_of_this_test(tapis_world, turn):
    student = tapis_world.user("student01")
    assert tapis_world.files.put("same/name.txt", f"turn {turn}").startswith("agave://")
    student.files.put("student01/name.txt", f"of the student, turn {turn}")
    assert tapis_world.files.list("same") == ["name.txt"]
    assert tapis_world.files.read("same/name.txt") == f"turn {turn}".encode()
    assert student.files.read("student01/name.txt") == f"of the student, turn {turn}".encode()
    assert student.call("GET", "profiles/v2/me")["username"] == "student01"


@pytest.mark.tapis(simulated={"classifier-*": {"exit_code": 3}})
def test_an_end_that_was_not_wanted_is_told_at_once(tapis_world):
    job = tapis_world.submit(JOB)
    with pytest.raises(JobEndedOtherwise, match="FAILED"):
        tapis_world.wait(job, "FINISHED")
