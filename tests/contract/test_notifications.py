"""A job's subscriptions over HTTP, and the mailbox of the control API [notifications §1, §2]."""

from __future__ import annotations

import pytest

from tests.real.waiting import wait_until
from tests.served import Api, course_document


@pytest.fixture(scope="module")
def job(api: Api) -> str:
    """A finished job of the seeded app with a persistent mail subscription and one that fires once."""
    notifications = [
        {"url": "first@example.org", "event": "*", "persistent": True},
        {"url": "once@example.org", "event": "finished"},
    ]
    made = api.call(
        "POST", "jobs/v2", json=course_document("job-public.json") | {"notifications": notifications}
    )
    told = [entry["title"] for entry in made["_links"]["notification"]]
    assert told == ["*", "FINISHED"]
    assert api.wait_for_job(made["id"]) == "FINISHED"
    wait_until(lambda: api.request("GET", "_emulator/health").json()["waitingMessages"] == 0)
    return str(made["id"])


def test_the_links_of_a_job_lead_to_its_subscriptions(api: Api, job: str) -> None:
    link = api.call("GET", f"jobs/v2/{job}")["_links"]["notifications"]["href"]
    found = api.session.get(link, timeout=30).json()["result"]
    # the one that fired once is complete, and listings show what can still fire
    assert [(s["url"], s["event"], s["associatedUuid"]) for s in found] == [("first@example.org", "*", job)]
    assert found[0]["id"].endswith("-011")
    assert found[0]["_links"]["job"]["href"].endswith(f"/jobs/v2/{job}")


def test_a_subscription_shows_what_came_of_it(api: Api, job: str) -> None:
    summary = api.call("GET", f"notifications/v2?associatedUuid={job}")[0]
    full = api.call("GET", f"notifications/v2/{summary['id']}")
    assert (full["persistent"], full["status"], full["success"]) == (True, "ACTIVE", True)
    assert (full["attempts"], full["responseCode"]) == (10, 200)
    assert full["policy"]["retryStrategy"] == "IMMEDIATE"
    assert full["owner"] == "testuser"
    assert api.call("GET", f"notifications/v2?filter=*&associatedUuid={job}") == [full]


def test_subscriptions_of_others_are_neither_listed_nor_shown(
    api: Api, student: Api, admin: Api, job: str
) -> None:
    mine = api.call("GET", f"notifications/v2?associatedUuid={job}")[0]["id"]
    assert student.call("GET", f"notifications/v2?associatedUuid={job}") == []
    text = "User does not have permission to view this notification"
    assert student.refused("GET", f"notifications/v2/{mine}", 403) == text
    text = "User does not have access to delete this notification"
    assert student.refused("DELETE", f"notifications/v2/{mine}", 403) == text
    assert admin.call("GET", f"notifications/v2/{mine}")["owner"] == "testuser"


def test_a_cancelled_subscription_is_gone(api: Api) -> None:
    request = course_document("job-public.json")
    request["notifications"] = [{"url": "gone@example.org", "event": "*", "persistent": True}]
    made = api.call("POST", "jobs/v2", json=request)
    subscription = api.call("GET", f"notifications/v2?associatedUuid={made['id']}")[0]["id"]
    assert "result" not in api.request("DELETE", f"notifications/v2/{subscription}").json()
    text = f"Notification {subscription} has been deleted."
    assert api.refused("GET", f"notifications/v2/{subscription}", 404) == text
    assert api.refused("DELETE", f"notifications/v2/{subscription}", 404) == text
    assert api.call("GET", f"notifications/v2?associatedUuid={made['id']}") == []
    unknown = api.refused("GET", "notifications/v2/0001-011", 404)
    assert unknown == "No notification found matching 0001-011"


def test_the_mailbox_is_read_by_address_and_emptied(api: Api, job: str) -> None:
    def mails(query: str = "") -> list[dict[str, str]]:
        found: list[dict[str, str]] = api.request("GET", f"_emulator/mailbox{query}").json()
        return found

    once = mails("?to=ONCE@example.org")
    assert [mail["subject"] for mail in once] == [f"Job {job} received a FINISHED event"]
    assert once[0]["text"].startswith(f"The status of job {job}, ")
    assert "<strong>App ID:</strong> classifier-1.0.0" in once[0]["html"]
    assert len([m for m in mails("?to=first@example.org") if job in m["subject"]]) == 10
    assert mails("?to=nobody@example.org") == []
    count = len(mails())
    removed = api.request("DELETE", "_emulator/mailbox").json()["removed"]
    assert removed >= count
    assert [mail for mail in mails() if job in mail["subject"]] == []
