"""What is written down after a message was tried: the subscription, its attempts, its own events [notifications §4]."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from emulator.domain.notification import (
    Attempt,
    Delivery,
    DeliveryEvent,
    DeliveryResult,
    Message,
    Subscription,
    SubscriptionStatus,
    retry_after,
)
from emulator.domain.ports import Clocks
from emulator.engine.journal import Journal
from emulator.store import Transaction

log = logging.getLogger(__name__)

MOST_ATTEMPTS = 100
"""Kept of one notification."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A message that has just been tried."""

    id: str
    message: Message
    started: datetime


class DeliveryNotes:
    """All methods work inside the transaction that they are given."""

    def __init__(self, *, clocks: Clocks, journal: Journal, keep_all: bool) -> None:
        self._clocks = clocks
        self._journal = journal
        self._keep_all = keep_all

    def of_delivery(self, tx: Transaction, delivery: Delivery, tried: Tried, result: DeliveryResult) -> None:
        """A message of the queue: gone out, to be tried again, or given up, the subscription with it."""
        subscription = tx.subscriptions.get(delivery.world, delivery.subscription_id)
        if subscription is None:
            return  # purged meanwhile, and its messages with it
        now = self._clocks.of(subscription.world).now()
        count = delivery.attempts + 1
        pause = None if result.ok else retry_after(subscription.policy, count)
        after = _counted(subscription, now, result)
        if result.ok:
            events = [DeliveryEvent.SUCCESS]
            tx.subscriptions.done(delivery)
            if not subscription.persistent:
                after = _turned(after, SubscriptionStatus.COMPLETE)
        else:
            events = [DeliveryEvent.SEND_ERROR if count == 1 else DeliveryEvent.RETRY_ERROR]
            if pause is not None:
                tx.subscriptions.postpone(delivery, now + timedelta(seconds=pause), count)
            else:
                log.warning("gave up on %s after %d attempts: %s", subscription.url, count, result.text)
                events.append(DeliveryEvent.FAILURE)
                after = _turned(after, SubscriptionStatus.FAILED)
                tx.subscriptions.drop_deliveries(subscription.id)
        tx.subscriptions.save(after)
        if pause is None and subscription.visible:
            self._keep(tx, after, tried, result)
        for event in events:
            self._tell(tx, after, event, f"{event}: {result.text}", subscription.owner)

    def forced(
        self,
        tx: Transaction,
        subscription: Subscription,
        tried: Tried,
        result: DeliveryResult,
        created_by: str,
    ) -> Attempt:
        """A message that was sent by hand: the subscription stays in its state."""
        now = self._clocks.of(subscription.world).now()
        current = tx.subscriptions.get(subscription.world, subscription.id) or subscription
        after = _counted(current, now, result)
        tx.subscriptions.save(after)
        text = f"Attempt forced by {created_by}: {result.text}"
        self._tell(tx, after, DeliveryEvent.FORCED_ATTEMPT, text, created_by)
        return self._keep(tx, after, tried, result)

    def _keep(
        self, tx: Transaction, subscription: Subscription, tried: Tried, result: DeliveryResult
    ) -> Attempt:
        """Messages that were lost are kept where the policy says so, delivered ones by setting."""
        message = tried.message
        attempt = Attempt(
            world=subscription.world,
            id=tried.id,
            notification_id=subscription.id,
            url=message.url,
            event=message.event,
            associated_uuid=message.about or subscription.associated_uuid,
            started=tried.started,
            ended=subscription.last_sent or tried.started,
            code=result.code,
            text=result.text,
            body=message.body,
        )
        if self._keep_all or (subscription.policy.save_on_failure and not result.ok):
            tx.attempts.add(attempt, MOST_ATTEMPTS)
        return attempt

    def _tell(
        self, tx: Transaction, subscription: Subscription, event: DeliveryEvent, text: str, by: str
    ) -> None:
        self._journal.record(
            tx,
            world=subscription.world,
            subject=subscription.id,
            kind="notification",
            status=event.value,
            description=text,
            created_by=by,
            resource=subscription,
        )


def _turned(subscription: Subscription, status: SubscriptionStatus) -> Subscription:
    """In another state, unless it was ended meanwhile."""
    if subscription.status is not SubscriptionStatus.ACTIVE:
        return subscription
    return replace(subscription, status=status)


def _counted(subscription: Subscription, now: datetime, result: DeliveryResult) -> Subscription:
    return replace(
        subscription,
        attempts=subscription.attempts + 1,
        last_sent=now,
        last_updated=now,
        response_code=result.code,
        success=result.ok,
    )
