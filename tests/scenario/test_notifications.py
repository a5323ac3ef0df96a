"""What goes wrong with messages on their way, as a webhook receiver and the subscription tell of it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.scenario.lesson import JOB, Lesson

pytestmark = pytest.mark.xdist_group("scenario-two")

EVENTS = [
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


def submit(lesson: Lesson, url: str, **policy: Any) -> tuple[str, str]:
    """A job that tells each change of its state to ``url``; its id, and that of its subscription."""
    wanted = JOB | {"notifications": [{"url": url, "event": "*", "persistent": True, "policy": policy}]}
    answer = lesson.get("ag.jobs.submit(body=body)", body=wanted).result
    (link,) = answer["_links"]["notification"]
    return answer["id"], link["href"].rpartition("/")[2]


def told(lesson: Lesson) -> list[str]:
    """What the receiver was told, in its order."""
    return [hook.json["status"] for hook in lesson.world.webhooks.received]


def subscription(lesson: Lesson, found: str) -> dict[str, Any]:
    """As agavepy shows it."""
    shown: dict[str, Any] = lesson.get("ag.notifications.get(uuid=found)", found=found).result
    return shown


def test_webhook_answers_500(lesson: Lesson) -> None:
    lesson.arm()
    policy = {"retryStrategy": "DELAYED", "retryLimit": 5, "retryDelay": 60, "retryRate": 60}
    job, found = submit(lesson, lesson.world.webhooks.url, **policy)
    lesson.run(job)
    assert "FINISHED" not in told(lesson), "two attempts at once, the third after a minute"
    lesson.world.clock.advance("10m")
    assert told(lesson) == EVENTS
    shown = subscription(lesson, found)
    assert (shown["status"], shown["responseCode"], shown["attempts"]) == ("ACTIVE", 200, len(EVENTS) + 3)
    assert lesson.struck() == [("notify.deliver", "respond")] * 3


def test_webhook_is_gone(lesson: Lesson) -> None:
    lesson.arm()
    job, found = submit(lesson, lesson.world.webhooks.url)
    assert lesson.run(job) == "FINISHED", "the job does not care"
    lesson.world.clock.run_until_idle()
    assert told(lesson) == []
    shown = subscription(lesson, found)
    assert (shown["status"], shown["success"], shown["responseCode"]) == ("FAILED", False, 410)
    assert lesson.get("ag.notifications.list(associatedUuid=job)", job=job).result == []
    assert len(lesson.struck()) == shown["attempts"]


def test_messages_arrive_twice(lesson: Lesson) -> None:
    lesson.arm()
    job, _ = submit(lesson, lesson.world.webhooks.url)
    assert lesson.run(job) == "FINISHED"
    lesson.world.clock.run_until_idle()
    assert told(lesson) == [event for event in EVENTS for _ in range(2)]
    marks = [hook.headers["x-agave-delivery"] for hook in lesson.world.webhooks.received]
    assert marks[::2] == marks[1::2] and len(set(marks)) == len(EVENTS)
    assert lesson.struck() == [("notify.deliver", "duplicate")] * len(EVENTS)


def test_messages_out_of_order(lesson: Lesson) -> None:
    lesson.arm()
    job, _ = submit(lesson, lesson.world.webhooks.url)
    assert lesson.run(job) == "FINISHED"
    lesson.world.clock.run_until_idle()
    at = EVENTS.index("QUEUED")
    assert told(lesson) == [*EVENTS[:at], "RUNNING", "QUEUED", *EVENTS[at + 2 :]]
    assert lesson.states(job) == EVENTS, "the service itself has it right"
    assert lesson.struck() == [("notify.deliver", "reorder")]


def test_message_of_the_end_is_lost(lesson: Lesson) -> None:
    """By mail, this time: the mailbox is what a student looks into."""
    lesson.arm()
    job, found = submit(lesson, "testuser@example.org")
    assert lesson.run(job) == "FINISHED"
    lesson.world.clock.run_until_idle()
    subjects = {mail.subject for mail in lesson.world.mailbox.to("testuser@example.org")}
    assert subjects == {f"Job {job} received a {event} event" for event in EVENTS[:-1]}
    shown = subscription(lesson, found)
    assert (shown["status"], shown["success"]) == ("ACTIVE", True), "it counts as delivered"
    assert lesson.struck() == [("notify.deliver", "drop")]
