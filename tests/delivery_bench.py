"""Deliveries without an engine or a server: events are fired by hand, messages really go out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from emulator.api.v2.messages import V2Messages
from emulator.domain.notification import Policy, Subscription
from emulator.domain.ports import Gate
from emulator.domain.states import JobState
from emulator.engine.clock import RealClock
from emulator.engine.clocks import WorldClocks
from emulator.engine.deliveries import DeliveryQueue
from emulator.engine.ids import WorldIds
from emulator.engine.journal import Journal
from emulator.engine.striking import NoGate, Strikes
from emulator.notify.mailbox import Mailbox
from emulator.notify.router import Router
from emulator.settings import Settings
from emulator.store import Store
from tests.job_samples import sample_job
from tests.real.waiting import wait_until


class Bench:
    """A store, a journal and a delivery queue around one job. ``clock`` None: the real time."""

    def __init__(
        self,
        directory: Path,
        settings: Settings,
        clock: Any = None,
        gate: Callable[[Bench], Gate] | None = None,
    ) -> None:
        self.directory = directory
        self.store = Store.at(directory)
        self.clock = clock or RealClock()
        self.clocks = WorldClocks(self.clock)
        self.ids = WorldIds()
        self.mailbox = Mailbox(directory / "mailbox", self.clocks, settings.mail_from)
        self.settings = settings
        self.journal = Journal(
            self.clocks,
            self.ids,
            V2Messages(lambda *_: "http://emulator"),
            lambda world: self.queue.wake(world),
        )
        self.strikes = Strikes(gate(self) if gate else NoGate(), self.clocks)
        self.queue = self.new_queue()
        self.job = sample_job(status=JobState.RUNNING)

    def new_queue(self) -> DeliveryQueue:
        return DeliveryQueue(
            store=self.store,
            clocks=self.clocks,
            journal=self.journal,
            channel_for=Router(self.settings, self.mailbox),
            keep_all_attempts=self.settings.keep_all_attempts,
            strikes=self.strikes,
        )

    def subscribe(
        self,
        url: str,
        event: str = "*",
        persistent: bool = True,
        policy: Policy | None = None,
        uuid: str = "",
    ) -> Subscription:
        now = self.clock.now()
        subscription = Subscription(
            world=self.job.world,
            id=self.ids.of(self.job.world).legacy("011"),
            owner=self.job.owner,
            url=url,
            event=event,
            associated_uuid=uuid or self.job.id,
            created=now,
            last_updated=now,
            persistent=persistent,
            policy=policy or Policy(),
        )
        with self.store.write() as tx:
            tx.subscriptions.add(subscription)
        return subscription

    def fire(self, *states: str) -> None:
        for state in states:
            with self.store.write() as tx:
                self.journal.record(
                    tx,
                    world=self.job.world,
                    subject=self.job.id,
                    kind="job",
                    status=state,
                    description=f"about {state}",
                    created_by=self.job.owner,
                    resource=self.job,
                )

    def status(self, subscription: Subscription) -> Subscription:
        with self.store.read() as tx:
            found = tx.subscriptions.get(subscription.world, subscription.id)
        assert found is not None
        return found

    def wait_until_sent(self) -> None:
        wait_until(lambda: self._waiting() == 0, what="all messages sent or given up")

    def events(self, subscription: Subscription) -> list[str]:
        """What the log says of the notification itself."""
        with self.store.read() as tx:
            return [event.status for event in tx.events.of(subscription.world, subscription.id)]

    def _waiting(self) -> int:
        with self.store.read() as tx:
            return tx.subscriptions.waiting(self.job.world)

    def close(self) -> None:
        self.queue.stop()
        if isinstance(self.clock, RealClock):
            self.clock.stop()
        self.store.close()
