"""Messages on their way out: kept in the store until they have arrived or are given up [notifications §4].

Messages of one subscription go out one after the other, in the order of their events; subscriptions do not
wait for each other. A message may arrive twice when the program is killed between the answer of the other
side and the note of it; it is never lost.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from emulator.domain.notification import (
    Delivery,
    DeliveryResult,
    Subscription,
    SubscriptionStatus,
    retry_after,
)
from emulator.domain.ports import Channel, Clock
from emulator.store import Store, Transaction

log = logging.getLogger(__name__)

_SENDERS = 64
"""Messages on their way at the same time. A receiver that does not answer holds one for ten seconds."""
_GRACE_SECONDS = 2.0
"""How long :meth:`DeliveryQueue.stop` waits for messages that are on their way."""


class DeliveryQueue:
    """Sends what the journal has put on its way, from threads of its own."""

    def __init__(self, *, store: Store, clock: Clock, channel_for: Callable[[Subscription], Channel]) -> None:
        self._store = store
        self._clock = clock
        self._channel_for = channel_for
        self._changed = threading.Condition()
        self._news = True
        self._stopped = False
        self._sending: set[str] = set()
        self._left_behind = False
        self._thread = threading.Thread(target=self._run, name="deliveries", daemon=True)

    def start(self) -> None:
        """Begin to send, what was left from before a restart first."""
        self._thread.start()

    def wake(self) -> None:
        """There is something new to send, or a waiting message has become due."""
        with self._changed:
            self._news = True
            self._changed.notify()

    def stop(self) -> None:
        """Stop sending; what has not gone out stays in the store.

        Nobody waits for a receiver that does not answer: it will be sent the message again.
        """
        with self._changed:
            self._stopped = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join()
        with self._changed:
            self._changed.wait_for(lambda: not self._sending, _GRACE_SECONDS)
            self._left_behind = True

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._news and not self._stopped:
                    self._changed.wait()
                if self._stopped:
                    return
                self._news = False
            self._dispatch()

    def _dispatch(self) -> None:
        """Hand every subscription's oldest message to a sender, if it is due and none is being sent."""
        with self._changed:
            # before the look at the store: what was being sent then may have arrived since, unseen by it
            busy = set(self._sending)
        with self._store.read() as tx:
            heads = tx.subscriptions.heads()
        now = self._clock.now()
        for delivery in heads:
            if delivery.due > now:
                self._clock.call_at(delivery.due, self.wake)
                return  # the heads are in order of their time
            with self._changed:
                if len(self._sending) >= _SENDERS or self._stopped:
                    return  # the end of one of them is a reason to look again
                if delivery.subscription_id in busy:
                    continue
                self._sending.add(delivery.subscription_id)
            # threads of our own, as those of an executor would keep the program from ending
            threading.Thread(target=self._attempt, args=[delivery], name="notify", daemon=True).start()

    def _attempt(self, delivery: Delivery) -> None:
        try:
            with self._store.read() as tx:
                subscription = tx.subscriptions.get(delivery.world, delivery.subscription_id)
            if subscription is not None and subscription.status is SubscriptionStatus.ACTIVE:
                channel = self._channel_for(subscription)
                result = channel.send(subscription, delivery.message, delivery.id)
                if self._left_behind:
                    return
                with self._store.write() as tx:
                    self._note(tx, delivery, result)
            else:
                with self._store.write() as tx:
                    tx.subscriptions.done(delivery)
        except Exception:
            if self._left_behind:
                return  # the store may be closed by now
            # a mistake of ours: keep the message, but do not try it over and over
            log.exception("sending %s failed", delivery.id)
            with self._store.write() as tx:
                due = self._clock.now() + timedelta(minutes=1)
                tx.subscriptions.postpone(delivery, due, delivery.attempts + 1)
        finally:
            with self._changed:
                self._sending.discard(delivery.subscription_id)
            self.wake()

    def _note(self, tx: Transaction, delivery: Delivery, result: DeliveryResult) -> None:
        """Write down what came of an attempt."""
        subscription = tx.subscriptions.get(delivery.world, delivery.subscription_id)
        if subscription is None:
            return  # deleted meanwhile, and its messages with it
        now, attempts = self._clock.now(), delivery.attempts + 1
        noted = replace(
            subscription,
            attempts=subscription.attempts + 1,
            last_sent=now,
            last_updated=now,
            response_code=result.code,
            success=result.ok,
        )
        pause = None if result.ok else retry_after(subscription.policy, attempts)
        if result.ok:
            tx.subscriptions.done(delivery)
            if not subscription.persistent:
                noted = replace(noted, status=SubscriptionStatus.COMPLETE)
        elif pause is not None:
            tx.subscriptions.postpone(delivery, now + timedelta(seconds=pause), attempts)
        else:
            log.warning("gave up on %s after %d attempts: %s", subscription.url, attempts, result.text)
            noted = replace(noted, status=SubscriptionStatus.FAILED)
            tx.subscriptions.drop_deliveries(subscription.id)
        tx.subscriptions.save(noted)
