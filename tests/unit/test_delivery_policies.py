"""How often and when a failing message is tried, and what is left of it, by policy [notifications §4, §8].

The receiver is real; only time is the test's.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from emulator.domain.notification import Attempt, Policy, Subscription, SubscriptionStatus
from emulator.settings import Settings
from tests.delivery_bench import Bench
from tests.engine.doubles import ManualClock
from tests.job_samples import sample_job
from tests.real.waiting import wait_until
from tests.real.webhook_sink import WebhookSink

DELAYED: dict[str, Any] = {"retry_strategy": "DELAYED", "retry_delay": 7, "retry_rate": 3}
EXPONENTIAL_PAUSES = [0, *[5] * 3, *[15] * 4, *[60] * 5, *[900] * 4, *[3600] * 2]
POLICIES = [
    (Policy(retry_strategy="NONE", retry_limit=50), [0]),
    *[(Policy(retry_strategy="IMMEDIATE", retry_limit=limit), [0]) for limit in (0, 1, 2, 3)],
    (Policy(retry_strategy="IMMEDIATE", retry_limit=4), [0, 1]),
    (Policy(retry_strategy="IMMEDIATE", retry_limit=5), [0, 1, 1]),
    (Policy(**DELAYED, retry_limit=3), [0]),
    (Policy(**DELAYED, retry_limit=4), [0, 7]),
    (Policy(**DELAYED, retry_limit=7), [0, 7, 3, 3, 3]),
    (Policy(retry_strategy="EXPONENTIAL", retry_limit=6), [0, 5, 5, 5]),
    (Policy(retry_strategy="EXPONENTIAL", retry_limit=21), EXPONENTIAL_PAUSES),
]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def bench(tmp_path: Path, clock: ManualClock) -> Iterator[Bench]:
    made = Bench(tmp_path, Settings(), clock)
    made.queue.start()
    yield made
    made.close()


def pass_time(clock: ManualClock, seconds: int) -> None:
    """Let the queue's pause go by, once it has begun: it must be exactly this long."""
    wanted = clock.now() + timedelta(seconds=seconds)
    wait_until(lambda: clock.due() == wanted, what=f"a pause of {seconds} s, not until {clock.due()}")
    clock.advance(timedelta(seconds=seconds))


def kept(bench: Bench, subscription: Subscription) -> list[Attempt]:
    with bench.store.read() as tx:
        return tx.attempts.of(subscription.id)


@pytest.mark.parametrize("persistent", [True, False], ids=["persistent", "once"])
@pytest.mark.parametrize(("policy", "pauses"), POLICIES, ids=lambda value: str(value)[:90])
def test_tries_and_pauses(
    bench: Bench,
    clock: ManualClock,
    webhook_sink: WebhookSink,
    policy: Policy,
    pauses: list[int],
    persistent: bool,
) -> None:
    tries = len(pauses) + 1
    webhook_sink.answer(*[503] * (tries + 1))
    subscription = bench.subscribe(webhook_sink.url, policy=policy, persistent=persistent)
    bench.fire("PENDING")
    for number, pause in enumerate(pauses, 1):
        webhook_sink.wait_for(number)
        if pause:
            pass_time(clock, pause)
    bench.wait_until_sent()
    assert len(webhook_sink.wait_for(tries)) == tries
    noted = bench.status(subscription)
    assert (noted.status, noted.attempts, noted.response_code, noted.success) == (
        SubscriptionStatus.FAILED,
        tries,
        503,
        False,
    )
    assert bench.events(subscription) == ["SEND_ERROR", *["RETRY_ERROR"] * len(pauses), "FAILURE"]
    assert kept(bench, subscription) == []
    # nothing more goes out
    bench.fire("RUNNING")
    bench.wait_until_sent()
    assert len(webhook_sink.wait_for(tries)) == tries


@pytest.mark.parametrize("failures", [1, 2, 3])
def test_a_later_try_succeeds(
    bench: Bench, clock: ManualClock, webhook_sink: WebhookSink, failures: int
) -> None:
    webhook_sink.answer(*[500] * failures)
    policy = Policy(**DELAYED, retry_limit=10, save_on_failure=True)
    subscription = bench.subscribe(webhook_sink.url, policy=policy, persistent=False)
    bench.fire("PENDING")
    for number, pause in zip(range(1, failures + 1), [0, 7, 3], strict=False):
        webhook_sink.wait_for(number)
        if pause:
            pass_time(clock, pause)
    bench.wait_until_sent()
    noted = bench.status(subscription)
    assert (noted.status, noted.attempts, noted.response_code, noted.success, noted.last_sent) == (
        SubscriptionStatus.COMPLETE,
        failures + 1,
        200,
        True,
        clock.now(),
    )
    assert bench.events(subscription) == ["SEND_ERROR", *["RETRY_ERROR"] * (failures - 1), "SUCCESS"]
    assert kept(bench, subscription) == []  # only what was lost for good is kept


def test_a_lost_message_is_kept_where_the_policy_says_so(bench: Bench, webhook_sink: WebhookSink) -> None:
    webhook_sink.answer(500, 502)
    policy = Policy(retry_strategy="NONE", save_on_failure=True)
    subscription = bench.subscribe(f"{webhook_sink.url}/${{EVENT}}", policy=policy)
    bench.fire("PENDING", "RUNNING")
    bench.wait_until_sent()
    (lost,) = kept(bench, subscription)
    sent = webhook_sink.wait_for(2)[-1]
    assert lost.id == sent.headers["x-agave-delivery"]
    assert (lost.url, lost.event, lost.associated_uuid) == (
        f"{webhook_sink.url}/PENDING",
        "PENDING",
        bench.job.id,
    )
    assert (lost.code, lost.text, lost.body.encode()) == (502, "502 bad gateway", sent.body)


def test_all_attempts_are_kept_by_setting_a_hundred_at_most(
    tmp_path: Path, webhook_sink: WebhookSink
) -> None:
    bench = Bench(tmp_path, Settings(keep_all_attempts=True))
    bench.queue.start()
    subscription = bench.subscribe(webhook_sink.url)
    other = bench.subscribe(webhook_sink.url, event="EVENT_0")
    names = [f"EVENT_{number}" for number in range(103)]
    bench.fire(*names)
    bench.wait_until_sent()
    found = kept(bench, subscription)
    assert [attempt.event for attempt in found] == names[:2:-1]
    assert {attempt.code for attempt in found} == {200}
    assert [attempt.event for attempt in kept(bench, other)] == ["EVENT_0"]
    bench.close()


def test_subscriptions_outlive_their_job_by_a_week(
    bench: Bench, clock: ManualClock, webhook_sink: WebhookSink
) -> None:
    elsewhere = bench.subscribe(webhook_sink.url, uuid="7341557475441971686-242ac11f-0001-006")
    ended = sample_job(id=bench.job.id, ended=clock.now(), status="FINISHED")
    running = sample_job(id="11111111-2222-4333-8444-555555555555-007", ended=None)
    with bench.store.write() as tx:
        tx.jobs.add(ended)
        tx.jobs.add(running)
    old, young = bench.subscribe(webhook_sink.url), bench.subscribe(webhook_sink.url, uuid=running.id)
    bench.fire("FINISHED")
    bench.wait_until_sent()

    def there(subscription: Subscription) -> bool:
        with bench.store.read() as tx:
            return tx.subscriptions.get(subscription.world, subscription.id) is not None

    for _ in range(7):
        wait_until(lambda: clock.due() is not None)
        clock.advance(timedelta(days=1))
    assert there(old)
    wait_until(lambda: clock.due() is not None)
    clock.advance(timedelta(days=1))
    wait_until(lambda: not there(old))
    assert there(young) and there(elsewhere)
