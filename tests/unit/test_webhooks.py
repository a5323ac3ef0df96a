"""Where webhooks go and what they carry: redirects, credentials, local hosts, other channels [notifications §4, §6]."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator.domain.callback_url import check_url
from emulator.domain.errors import Invalid
from emulator.domain.notification import DeliveryResult, Message
from emulator.notify.webhook import WebhookChannel
from emulator.settings import Settings
from tests.delivery_bench import Bench
from tests.real.webhook_sink import WebhookSink


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path, Settings())
    made.queue.start()
    yield made
    made.close()


@pytest.fixture
def second_sink() -> Iterator[WebhookSink]:
    with WebhookSink() as sink:
        yield sink


def send(bench: Bench, channel: WebhookChannel, url: str) -> DeliveryResult:
    message = Message(url=url, event="E", body='{"a":1}', subject="", text="")
    return channel.send(bench.subscribe(url), message, "1-042")


@pytest.mark.parametrize(
    ("status", "method", "body"), [(301, "POST", b'{"a":1}'), (307, "POST", b'{"a":1}'), (303, "GET", b"")]
)
def test_redirects_are_followed(
    bench: Bench,
    webhook_sink: WebhookSink,
    second_sink: WebhookSink,
    status: int,
    method: str,
    body: bytes,
) -> None:
    webhook_sink.redirect(f"{second_sink.url}/elsewhere", status)
    result = send(bench, WebhookChannel(), webhook_sink.url.replace("http://", "http://me:secret@"))
    assert (result.code, result.text) == (200, "200 ok")
    first, last = webhook_sink.wait_for(1)[0], second_sink.wait_for(1)[0]
    assert first.headers["authorization"].startswith("Basic ")
    assert "authorization" not in last.headers  # it was meant for the first
    assert (last.method, last.path, last.body) == (method, "/elsewhere", body)


def test_redirects_in_a_circle_end(bench: Bench, webhook_sink: WebhookSink) -> None:
    for _ in range(20):
        webhook_sink.redirect("/again")
    result = send(bench, WebhookChannel(), webhook_sink.url)
    assert (result.code, result.text) == (500, "too many redirects")
    assert len(webhook_sink.wait_for(6)) == 6


def test_a_redirect_to_something_else_is_not_followed(bench: Bench, webhook_sink: WebhookSink) -> None:
    webhook_sink.redirect("file:///etc/passwd")
    assert send(bench, WebhookChannel(), webhook_sink.url).code == 500


def test_tls_is_not_verified_and_its_failure_has_a_code(bench: Bench, webhook_sink: WebhookSink) -> None:
    result = send(bench, WebhookChannel(), webhook_sink.url.replace("http://", "https://"))
    assert result.code == 404  # the receiver speaks no TLS


def test_what_stands_for_an_answer_that_did_not_come(
    bench: Bench, webhook_sink: WebhookSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("emulator.notify.webhook._READ_SECONDS", 0.1)
    with webhook_sink.held():
        assert send(bench, WebhookChannel(), webhook_sink.url).code == 408
    with WebhookSink() as gone:
        pass
    assert send(bench, WebhookChannel(), gone.url).code == 500
    assert send(bench, WebhookChannel(), "http://no-such-host.invalid/").code == 500
    webhook_sink.answer(204, 404)
    channel = WebhookChannel()
    assert [send(bench, channel, webhook_sink.url).code for _ in range(3)] == [204, 404, 200]


class OwnAddress:
    """The receiver plays the emulator itself."""

    def __init__(self, url: str) -> None:
        self.url = url

    def bearer(self, url: str, world: str, username: str) -> str | None:
        return f"{world}/{username}" if url.startswith(self.url) else None


def test_the_emulator_itself_is_shown_a_token_and_nobody_else(
    bench: Bench, webhook_sink: WebhookSink, second_sink: WebhookSink
) -> None:
    channel = WebhookChannel(own=OwnAddress(webhook_sink.url))
    webhook_sink.redirect(f"{second_sink.url}/elsewhere")
    send(bench, channel, f"{webhook_sink.url}/own")
    own = webhook_sink.wait_for(1)[0]
    assert own.headers["authorization"] == f"Bearer {bench.job.world}/{bench.job.owner}"
    assert "authorization" not in second_sink.wait_for(1)[0].headers
    send(bench, channel, webhook_sink.url.replace("http://", "http://me:secret@"))
    assert webhook_sink.wait_for(2)[1].headers["authorization"].startswith("Basic ")


PRIVATE = [
    "http://localhost/x",
    "http://LOCALHOST:8000",
    "http://my.localhost/",
    "http://printer.local",
    "http://127.0.0.1/",
    "http://127.1/",
    "http://255.255.255.255/",
    "http://172.16.0.1/",
    "http://192.168.1.1/",
    "https://10.0.0.1:8443/",
    "http://169.254.169.254/latest",
    "http://0.0.0.0/",
    "http://[::1]/",
    "http://[fe80::1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://2130706433/",
    "http://0x7f.0.0.1/",
    "http://0177.0.0.1/",
    "http://user@127.0.0.1/",
    "http://localhost./",
]
PUBLIC = [
    "http://example.org/",
    "https://8.8.8.8/x",
    "http://localhost.example.org/",
    "http://example.org/127.0.0.1",
    "http://[2606:4700::1111]/",
    "someone@localhost",
    "agave://localhost/x",
]


@pytest.mark.parametrize("url", PRIVATE)
def test_local_addresses_are_refused_where_the_setting_says_so(url: str) -> None:
    check_url(url)
    with pytest.raises(Invalid, match="Invalid callback url value"):
        check_url(url, block_private=True)


@pytest.mark.parametrize("url", PUBLIC)
def test_other_addresses_are_not(url: str) -> None:
    check_url(url, block_private=True)


def test_what_macros_and_redirects_lead_to_is_looked_at_again(
    bench: Bench, webhook_sink: WebhookSink
) -> None:
    result = send(bench, WebhookChannel(block_private=True), webhook_sink.url)
    assert (result.code, result.text) == (500, f"127.0.0.1:{webhook_sink.port} is a local address")
    assert webhook_sink.hooks.wait_for(0, 0) == []


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("+1 512 555 1234", 'The status of job {id}, "{name}," has changed to RUNNING.'),
        ("agave://some.system/folder/me@example.org", None),
        ("https://hooks.slack.com/services/T0/B0/x", None),
        ("agave://ünïcode/" + "x" * 1000, None),
    ],
)
def test_what_has_no_way_out_is_kept_as_it_would_have_gone(bench: Bench, url: str, text: str | None) -> None:
    subscription = bench.subscribe(url, persistent=False)
    bench.fire("RUNNING")
    bench.wait_until_sent()
    assert bench.status(subscription).response_code == 200
    (kept,) = bench.mailbox.mails(bench.job.world)
    assert kept.to == url
    if text is not None:
        assert kept.text.strip() == text.format(id=bench.job.id, name=bench.job.name)
        return
    document = json.loads(kept.text)
    if "slack" not in url:
        assert (document["id"], document["status"]) == (bench.job.id, "RUNNING")
        return
    assert document["mrkdwn"] is True and document["username"] and document["icon_emoji"]
    (attachment,) = document["attachments"]
    assert attachment["title"] == "RUNNING Webhook Notification"
    assert attachment["title_link"] == f"http://emulator/jobs/v2/{bench.job.id}"
    assert attachment["color"] == "good"
    assert attachment["fallback"].startswith(f"The status of job {bench.job.id}")
    assert f"*App ID*: {bench.job.app_id}" in attachment["text"]
    assert attachment["mrkdwn_in"] == ["text"]
