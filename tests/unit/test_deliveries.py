"""Messages leave the store in order, once, and are retried as their policy says [notifications §4]."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator.domain.notification import Policy, SubscriptionStatus
from emulator.domain.states import JobState
from emulator.settings import Settings
from tests.delivery_bench import Bench
from tests.job_samples import sample_job
from tests.real.smtp_sink import SmtpSink
from tests.real.webhook_sink import WebhookSink


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path, Settings())
    made.queue.start()
    yield made
    made.close()


def test_one_message_per_event_in_order_with_the_services_headers(
    bench: Bench, webhook_sink: WebhookSink
) -> None:
    subscription = bench.subscribe(f"{webhook_sink.url}/${{JOB_ID}}?status=${{EVENT}}&name=${{JOB_NAME}}")
    bench.fire("PENDING", "RUNNING", "FINISHED")
    hooks = webhook_sink.wait_for(3)
    assert [hook.json["error_message"] for hook in hooks] == [
        "about PENDING",
        "about RUNNING",
        "about FINISHED",
    ]
    assert hooks[0].path.startswith(f"/{bench.job.id}?status=PENDING&name=")
    assert hooks[0].method == "POST"
    assert hooks[0].headers["content-type"] == "application/json"
    assert hooks[0].headers["x-agave-notification"] == subscription.id
    assert hooks[0].headers["x-agave-delivery"].endswith("-042")
    assert len({hook.headers["x-agave-delivery"] for hook in hooks}) == 3
    assert {"id", "uuid", "executionSystem", "batchQueue", "localId", "maxRunTime"} <= set(hooks[0].json)
    assert "inputs" not in hooks[0].json
    bench.wait_until_sent()
    noted = bench.status(subscription)
    assert (noted.status, noted.attempts, noted.response_code) == (SubscriptionStatus.ACTIVE, 3, 200)


def test_many_events_arrive_each_once_and_in_order(bench: Bench, webhook_sink: WebhookSink) -> None:
    subscriptions = [bench.subscribe(f"{webhook_sink.url}/{number}") for number in range(4)]
    names = [f"EVENT_{number}" for number in range(50)]
    bench.fire(*names)
    bench.wait_until_sent()
    hooks = webhook_sink.wait_for(len(names) * len(subscriptions))
    for number in range(len(subscriptions)):
        told = [hook.json["error_message"] for hook in hooks if hook.path == f"/{number}"]
        assert told == [f"about {name}" for name in names]


def test_a_subscription_that_does_not_persist_sends_one_message(
    bench: Bench, webhook_sink: WebhookSink
) -> None:
    with webhook_sink.held():
        once = bench.subscribe(webhook_sink.url, persistent=False)
        bench.fire("PENDING", "RUNNING")
    bench.wait_until_sent()
    bench.fire("FINISHED")
    assert [hook.json["error_message"] for hook in webhook_sink.wait_for(1)] == ["about PENDING"]
    assert bench.status(once).status is SubscriptionStatus.COMPLETE
    bench.wait_until_sent()
    assert len(webhook_sink.wait_for(1)) == 1


def test_only_the_subscribed_event_is_told(bench: Bench, webhook_sink: WebhookSink) -> None:
    bench.subscribe(webhook_sink.url, event="FINISHED")
    bench.fire("PENDING", "RUNNING", "FINISHED")
    bench.wait_until_sent()
    assert [hook.json["error_message"] for hook in webhook_sink.wait_for(1)] == ["about FINISHED"]


def test_a_failed_delivery_is_tried_again_before_later_ones(bench: Bench, webhook_sink: WebhookSink) -> None:
    webhook_sink.answer(500, 503)
    bench.subscribe(webhook_sink.url)
    bench.fire("PENDING", "RUNNING")
    told = [hook.json["error_message"] for hook in webhook_sink.wait_for(4)]
    assert told == ["about PENDING", "about PENDING", "about PENDING", "about RUNNING"]


def test_it_gives_up_as_the_policy_says_and_stays_silent(bench: Bench, webhook_sink: WebhookSink) -> None:
    webhook_sink.answer(*[500] * 10)
    subscription = bench.subscribe(webhook_sink.url, policy=Policy(retry_strategy="NONE"))
    bench.fire("PENDING", "RUNNING")
    bench.wait_until_sent()
    assert len(webhook_sink.wait_for(2)) == 2
    assert bench.status(subscription).status is SubscriptionStatus.FAILED
    bench.fire("FINISHED")
    bench.wait_until_sent()
    assert len(webhook_sink.wait_for(2)) == 2


def test_an_unreachable_receiver_holds_up_nobody_else(bench: Bench, webhook_sink: WebhookSink) -> None:
    gone = WebhookSink()
    gone.close()
    lost = bench.subscribe(gone.url, policy=Policy(retry_strategy="NONE"))
    bench.subscribe(webhook_sink.url)
    bench.fire("PENDING")
    assert webhook_sink.wait_for(1)
    bench.wait_until_sent()
    assert bench.status(lost).response_code == 500


def test_what_was_waiting_goes_out_after_a_restart(bench: Bench, webhook_sink: WebhookSink) -> None:
    bench.queue.stop()
    bench.subscribe(webhook_sink.url)
    bench.fire("PENDING", "RUNNING")
    bench.queue = bench.new_queue()
    bench.queue.start()
    told = [hook.json["error_message"] for hook in webhook_sink.wait_for(2)]
    assert told == ["about PENDING", "about RUNNING"]


def test_mails_are_kept_in_the_mailbox_without_a_mail_server(bench: Bench) -> None:
    bench.subscribe("someone@example.org")
    bench.fire("PENDING", "FINISHED")
    bench.wait_until_sent()
    mails = bench.mailbox.mails(bench.job.world)
    assert [mail.subject for mail in mails] == [
        f"Job {bench.job.id} received a PENDING event",
        f"Job {bench.job.id} received a FINISHED event",
    ]
    assert mails[0].to == "someone@example.org"
    assert mails[0].text.startswith(
        f'The status of job {bench.job.id}, "{bench.job.name}," has changed to PENDING.\n\n'
    )
    assert f"App ID: {bench.job.app_id}" in mails[0].text
    assert bench.mailbox.mails(bench.job.world, "SOMEONE@example.org") == mails
    assert bench.mailbox.mails(bench.job.world, "nobody@example.org") == []
    assert bench.mailbox.mails("another-world") == []
    assert bench.mailbox.empty(bench.job.world) == 2


def test_mails_go_to_the_mail_server_and_are_retried(tmp_path: Path, smtp_sink: SmtpSink) -> None:
    bench = Bench(tmp_path, Settings(smtp_host=smtp_sink.host, smtp_port=smtp_sink.port))
    bench.queue.start()
    smtp_sink.refuse("451 try again")
    bench.subscribe("someone@example.org")
    bench.fire("RUNNING")
    mail = smtp_sink.wait_for(1)[0]
    assert mail.recipients == ("someone@example.org",)
    assert mail.message["Subject"] == f"Job {bench.job.id} received a RUNNING event"
    assert "has changed to RUNNING" in mail.text
    bench.close()


def test_user_and_password_of_a_url_become_a_header(bench: Bench, webhook_sink: WebhookSink) -> None:
    bench.subscribe(webhook_sink.url.replace("http://", "http://me:p%40ss@"))
    bench.fire("RUNNING")
    hook = webhook_sink.wait_for(1)[0]
    assert hook.headers["authorization"] == "Basic bWU6cEBzcw=="
    assert "me" not in hook.headers["host"]


def test_a_message_shows_the_job_as_it_was_at_the_event(bench: Bench, webhook_sink: WebhookSink) -> None:
    bench.queue.stop()
    bench.subscribe(webhook_sink.url)
    bench.fire("RUNNING")
    bench.job = sample_job(id=bench.job.id, status=JobState.FINISHED)
    bench.queue = bench.new_queue()
    bench.queue.start()
    assert webhook_sink.wait_for(1)[0].json["status"] == "RUNNING"
    assert json.loads(webhook_sink.wait_for(1)[0].body)["id"] == bench.job.id


def test_receivers_that_do_not_answer_hold_up_nobody_else(bench: Bench, webhook_sink: WebhookSink) -> None:
    with WebhookSink() as deaf, deaf.held():
        for _ in range(40):
            bench.subscribe(deaf.url)
        bench.subscribe(webhook_sink.url)
        bench.fire("PENDING", "RUNNING", "FINISHED")
        webhook_sink.wait_for(3, timeout=8)  # before the first of the others is given up


def test_stopping_leaves_a_receiver_behind_that_does_not_answer(bench: Bench) -> None:
    with WebhookSink() as deaf:
        subscription = bench.subscribe(deaf.url)
        with deaf.held():
            bench.fire("PENDING")
            deaf.wait_for(1)
            bench.queue.stop()
            (left_behind,) = (thread for thread in threading.enumerate() if thread.name == "notify")
            assert left_behind.daemon  # the program can end
        left_behind.join()
        assert bench.status(subscription).attempts == 0
        bench.queue = bench.new_queue()
        bench.queue.start()
        first, again = deaf.wait_for(2)
        assert first.headers["x-agave-delivery"] == again.headers["x-agave-delivery"]
        bench.wait_until_sent()


def test_an_answer_without_end_is_not_read(bench: Bench) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        subscription = bench.subscribe(f"http://127.0.0.1:{server.getsockname()[1]}/", persistent=False)
        bench.fire("PENDING")
        connection, _ = server.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
            with pytest.raises(OSError, match=r"reset|Broken pipe"):
                while True:
                    connection.sendall(b"x" * 65536)
    bench.wait_until_sent()
    assert bench.status(subscription).response_code == 200
