"""notify.deliver: messages that scenarios lose, double, delay, overtake or have answered [notifications §4]."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from emulator.api.v2 import coverage
from emulator.domain.clock import ClockMode, ClockSetting
from emulator.domain.notification import Policy, SubscriptionStatus
from emulator.domain.ports import Gate
from emulator.engine.armory import Armory
from emulator.engine.gate import ScenarioGate
from emulator.scenario.load import read_scenario
from emulator.scenario.points import Points
from emulator.settings import Settings
from tests import delivery_bench
from tests.real.smtp_sink import SmtpSink
from tests.real.waiting import wait_until
from tests.real.webhook_sink import Hook, WebhookSink

POINTS = Points(coverage.summaries())


class Bench(delivery_bench.Bench):
    """A frozen world whose messages pass a real gate."""

    def __init__(self, directory: Path, settings: Settings) -> None:
        def gate(bench: delivery_bench.Bench) -> Gate:
            self.armory = Armory(
                store=bench.store,
                clocks=bench.clocks,
                ids=bench.ids,
                seed_of=bench.ids.seed_of,
                read=lambda text, source: read_scenario(text, source, POINTS),
            )
            return ScenarioGate(store=bench.store, clocks=bench.clocks, armory=self.armory)

        super().__init__(directory, settings, gate=gate)
        self.world = self.job.world
        self.clocks.begin(self.world, ClockSetting(mode=ClockMode.FROZEN, start=self.clock.now()))
        with self.store.write() as tx:
            tx.jobs.add(self.job)
        self.armory.load()

    def arm(self, do: str, **more: object) -> None:
        text = "\n".join(
            ["name: test", "rules:", "  - at: notify.deliver", f"    do: {do}"]
            + [f"    {name}: {value}" for name, value in more.items()]
        )
        self.armory.arm(self.world, read_scenario(text, "test.yaml", POINTS), text, "test.yaml")

    def struck(self) -> list[dict[str, str]]:
        with self.store.read() as tx:
            return [entry.facts for entry in tx.scenarios.journal(self.world)]

    def advance(self, seconds: float) -> None:
        clock = self.clocks.of(self.world)
        end = clock.now() + timedelta(seconds=seconds)
        while timer := clock.leap(end):
            timer.action()

    def until_sent(self) -> None:
        """Time passes as long as somebody waits for it."""

        def sent() -> bool:
            if self._waiting() and self.clocks.of(self.world).next_awaited() is not None:
                self.advance(600)
            return self._waiting() == 0

        wait_until(sent, what="all messages sent or given up")


@contextmanager
def made(directory: Path, **settings: Any) -> Iterator[Bench]:
    bench = Bench(directory, replace(Settings(), **settings))
    bench.queue.start()
    yield bench
    bench.close()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with made(tmp_path) as found:
        yield found


def told(hooks: list[Hook]) -> list[str]:
    return [hook.json["error_message"].removeprefix("about ") for hook in hooks]


def test_drop(bench: Bench, webhook_sink: WebhookSink) -> None:
    subscription = bench.subscribe(webhook_sink.url)
    bench.arm("drop", when="{event: RUNNING}", times=1)
    bench.fire("PENDING", "RUNNING", "FINISHED")
    bench.wait_until_sent()
    assert told(webhook_sink.wait_for(2)) == ["PENDING", "FINISHED"]
    noted = bench.status(subscription)
    assert (noted.attempts, noted.response_code, noted.success) == (3, 200, True), "nobody knows"
    assert bench.events(subscription) == ["SUCCESS"] * 3
    (facts,) = bench.struck()
    assert (facts["event"], facts["job"], facts["app"]) == ("RUNNING", bench.job.id, bench.job.app_id)
    assert (facts["user"], facts["url"]) == (bench.job.owner, webhook_sink.url)


def test_a_message_that_was_all_there_is_lost(bench: Bench, webhook_sink: WebhookSink) -> None:
    once = bench.subscribe(webhook_sink.url, persistent=False)
    bench.arm("drop")
    bench.fire("FINISHED")
    bench.wait_until_sent()
    assert bench.status(once).status is SubscriptionStatus.COMPLETE
    assert webhook_sink.wait_for(0) == []


@pytest.mark.parametrize(("do", "count"), [("duplicate", 2), ("{duplicate: 5}", 5)])
def test_duplicate(bench: Bench, webhook_sink: WebhookSink, do: str, count: int) -> None:
    subscription = bench.subscribe(webhook_sink.url)
    bench.arm(do, when="{event: RUNNING}")
    bench.fire("PENDING", "RUNNING", "FINISHED")
    bench.wait_until_sent()
    hooks = webhook_sink.wait_for(count + 2)
    assert told(hooks) == ["PENDING", *["RUNNING"] * count, "FINISHED"]
    assert len({hook.headers["x-agave-delivery"] for hook in hooks}) == 3, "receivers can tell"
    assert bench.status(subscription).attempts == 3


@pytest.mark.parametrize("codes", [1, 3])
def test_respond(bench: Bench, webhook_sink: WebhookSink, codes: int) -> None:
    subscription = bench.subscribe(webhook_sink.url)
    bench.arm("{respond: {code: 500, message: Out Of Order}}", times=codes)
    bench.fire("RUNNING")
    bench.until_sent()
    assert told(webhook_sink.wait_for(1)) == ["RUNNING"]
    errors = ["SEND_ERROR", *["RETRY_ERROR"] * (codes - 1)]
    assert bench.events(subscription) == [*errors, "SUCCESS"]
    with bench.store.read() as tx:
        events = tx.events.of(bench.world, subscription.id)
    assert events[0].description == "SEND_ERROR: 500 out of order"
    assert bench.status(subscription).attempts == codes + 1


@pytest.mark.parametrize(
    ("policy", "attempts"),
    [
        (Policy(retry_strategy="NONE"), 2),
        (Policy(retry_limit=5), 4),
        (Policy(retry_strategy="DELAYED", retry_delay=600, retry_rate=3600, retry_limit=4), 3),
    ],
)
def test_respond_until_the_policy_gives_up(
    bench: Bench, webhook_sink: WebhookSink, policy: Policy, attempts: int
) -> None:
    subscription = bench.subscribe(webhook_sink.url, policy=policy)
    bench.arm("{respond: 503}")
    bench.fire("RUNNING")

    def over() -> bool:
        if bench.clocks.of(bench.world).next_awaited() is not None:
            bench.advance(600)
        return bench._waiting() == 0

    wait_until(over, what="the end of patience")
    noted = bench.status(subscription)
    assert (noted.status, noted.attempts, noted.response_code) == (SubscriptionStatus.FAILED, attempts, 503)
    assert bench.events(subscription)[-1] == "FAILURE"
    assert webhook_sink.wait_for(0) == []


def test_reorder_within_a_subscription(bench: Bench, webhook_sink: WebhookSink) -> None:
    bench.subscribe(webhook_sink.url)
    bench.arm("reorder", when="{event: RUNNING}", times=1)
    bench.fire("PENDING", "RUNNING", "CLEANING_UP", "FINISHED")
    bench.wait_until_sent()
    assert told(webhook_sink.wait_for(4)) == ["PENDING", "CLEANING_UP", "RUNNING", "FINISHED"]


def test_reorder_among_subscriptions(bench: Bench, webhook_sink: WebhookSink) -> None:
    """One for each event, as job requests mostly have them."""
    for event in ("RUNNING", "FINISHED"):
        bench.subscribe(webhook_sink.url, event=event, persistent=False)
    bench.arm("reorder", when="{event: RUNNING}")
    bench.fire("RUNNING")
    wait_until(lambda: len(bench.struck()) == 1, what="the strike")
    bench.fire("FINISHED")
    bench.wait_until_sent()
    assert told(webhook_sink.wait_for(2)) == ["FINISHED", "RUNNING"]


def test_the_last_message_waits_in_vain(bench: Bench, webhook_sink: WebhookSink) -> None:
    bench.subscribe(webhook_sink.url)
    bench.arm("{reorder: 10m}")
    bench.fire("FINISHED")
    wait_until(lambda: bench.clocks.of(bench.world).next_awaited() is not None, what="the wait")
    bench.advance(9 * 60)
    assert webhook_sink.wait_for(0) == [] and bench._waiting() == 1
    bench.advance(60)
    bench.wait_until_sent()
    assert told(webhook_sink.wait_for(1)) == ["FINISHED"]


def test_delay(bench: Bench, webhook_sink: WebhookSink) -> None:
    """Those behind it wait with it; other subscriptions do not."""
    subscription = bench.subscribe(f"{webhook_sink.url}/late")
    bench.subscribe(f"{webhook_sink.url}/early")
    bench.arm("{delay: 1h}", when="{event: RUNNING, url: '*/late'}")
    bench.fire("PENDING", "RUNNING", "FINISHED")
    hooks = webhook_sink.wait_for(4)
    wait_until(lambda: len(bench.struck()) == 1, what="the strike")
    assert told([hook for hook in hooks if hook.path == "/late"]) == ["PENDING"]
    bench.advance(3600)
    bench.wait_until_sent()
    hooks = webhook_sink.wait_for(6)
    assert told([hook for hook in hooks if hook.path == "/late"]) == ["PENDING", "RUNNING", "FINISHED"]
    assert bench.status(subscription).attempts == 3 and len(bench.struck()) == 1


@pytest.mark.parametrize("how", ["release", "disarm"])
def test_hold(bench: Bench, webhook_sink: WebhookSink, how: str) -> None:
    bench.subscribe(webhook_sink.url)
    bench.arm("hold", when="{event: RUNNING}")
    bench.fire("RUNNING", "FINISHED")
    wait_until(lambda: len(bench.struck()) == 1, what="the strike")
    bench.advance(24 * 3600)
    assert webhook_sink.wait_for(0) == [] and bench._waiting() == 2
    getattr(bench.armory, how)(bench.world)
    bench.wait_until_sent()
    assert told(webhook_sink.wait_for(2)) == ["RUNNING", "FINISHED"]
    assert len(bench.struck()) == 1


def test_what_is_held_is_held_again_after_a_restart(tmp_path: Path, webhook_sink: WebhookSink) -> None:
    with made(tmp_path) as bench:
        bench.subscribe(webhook_sink.url)
        bench.arm("hold")
        bench.fire("RUNNING")
        wait_until(lambda: len(bench.struck()) == 1, what="the strike")
        bench.queue.stop()
        bench.queue = bench.new_queue()
        bench.queue.start()
        wait_until(lambda: len(bench.struck()) == 2, what="the second one")
        assert webhook_sink.wait_for(0) == []
        bench.armory.disarm(bench.world)
        bench.wait_until_sent()
        assert told(webhook_sink.wait_for(1)) == ["RUNNING"]


def test_by_hand(bench: Bench, webhook_sink: WebhookSink) -> None:
    subscription = bench.subscribe(webhook_sink.url)
    bench.fire("RUNNING")
    bench.wait_until_sent()
    bench.arm("{respond: 502}", times=1)
    with bench.store.read() as tx:
        (event,) = [e for e in tx.events.of(bench.world, bench.job.id) if e.status == "RUNNING"]
    message = V2(bench).message(bench.job, event, subscription)
    forced = bench.queue.force(subscription, message, "attempt-042", "admin")
    assert (forced.code, len(webhook_sink.wait_for(1))) == (502, 1)
    assert bench.queue.force(subscription, message, "again-042", "admin").code == 200
    assert len(webhook_sink.wait_for(2)) == 2


def V2(bench: Bench) -> Any:
    return bench.journal._renderer


# e-mail


@pytest.mark.parametrize(
    ("do", "times", "arrive"),
    [("drop", "1", 0), ("duplicate", "1", 2), ("{respond: 500}", "2", 1), ("{delay: 1h}", "1", 1)],
)
def test_mail_in_the_mailbox(bench: Bench, do: str, times: str, arrive: int) -> None:
    subscription = bench.subscribe("somebody@example.org")
    bench.arm(do, times=times)
    bench.fire("FINISHED")
    bench.until_sent()
    mails = bench.mailbox.mails(bench.world)
    assert len(mails) == len({mail.id for mail in mails}) == arrive
    assert bench.events(subscription)[-1] == "SUCCESS"


def test_mail_by_smtp(tmp_path: Path) -> None:
    with SmtpSink() as sink, made(tmp_path, smtp_host="127.0.0.1", smtp_port=sink.port) as bench:
        bench.subscribe("somebody@example.org")
        bench.arm("duplicate", when="{event: RUNNING}")
        bench.fire("RUNNING", "FINISHED")
        bench.wait_until_sent()
        mails = sink.mails.wait_for(3, 30)
        assert len({mail.message["Message-ID"] for mail in mails}) == 2


def test_nothing_armed_asks_nothing(bench: Bench, webhook_sink: WebhookSink) -> None:
    bench.subscribe(webhook_sink.url)
    bench.fire("RUNNING")
    bench.wait_until_sent()
    assert told(webhook_sink.wait_for(1)) == ["RUNNING"] and bench.struck() == []
