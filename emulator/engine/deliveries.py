"""Messages on their way out: kept in the store until they have arrived or are given up [notifications §4].

Messages of one subscription go out one after the other, in the order of their events; subscriptions do not
wait for each other. A message may arrive twice when the program is killed between the answer of the other
side and the note of it; it is never lost.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import timedelta

from emulator.domain.message_ports import Channel
from emulator.domain.notification import Attempt, Delivery, Message, Subscription
from emulator.domain.ports import Clock
from emulator.engine.delivery_notes import DeliveryNotes, Tried
from emulator.engine.journal import Journal
from emulator.store import Store

log = logging.getLogger(__name__)

_SENDERS = 64
"""Messages on their way at the same time. A receiver that does not answer holds one for ten seconds."""
_GRACE_SECONDS = 2.0
"""How long :meth:`DeliveryQueue.stop` waits for messages that are on their way."""
_KEPT_AFTER_JOB = timedelta(days=7)
"""How long subscriptions to a job outlive it [notifications §10]."""
_BETWEEN_PURGES = timedelta(days=1)


class DeliveryQueue:
    """Sends what the journal has put on its way, from threads of its own."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        journal: Journal,
        channel_for: Callable[[Subscription], Channel],
        keep_all_attempts: bool = False,
    ) -> None:
        """``keep_all_attempts``: delivered messages too are kept to be looked at, not only lost ones."""
        self._store = store
        self._clock = clock
        self._channel_for = channel_for
        self._notes = DeliveryNotes(clock=clock, journal=journal, keep_all=keep_all_attempts)
        self._next_purge = clock.now()
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

    def force(
        self, subscription: Subscription, message: Message, attempt_id: str, created_by: str
    ) -> Attempt:
        """Send a message now, past the queue and once only; the answer says what came of it."""
        tried = Tried(id=attempt_id, message=message, started=self._clock.now())
        result = self._channel_for(subscription).send(subscription, message, attempt_id)
        with self._store.write() as tx:
            return self._notes.forced(tx, subscription, tried, result, created_by)

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._news and not self._stopped:
                    self._changed.wait()
                if self._stopped:
                    return
                self._news = False
            self._purge()
            self._dispatch()

    def _purge(self) -> None:
        """Once a day: forget what is subscribed to jobs that ended long ago."""
        now = self._clock.now()
        if now < self._next_purge:
            return
        with self._store.write() as tx:
            gone = tx.subscriptions.purge_of_jobs(now - _KEPT_AFTER_JOB)
        if gone:
            log.info("forgot %d subscriptions to jobs that ended long ago", gone)
        self._next_purge = now + _BETWEEN_PURGES
        self._clock.call_at(self._next_purge, self.wake)

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
            if subscription is None:
                return  # purged, and its messages with it
            tried = Tried(id=delivery.id, message=delivery.message, started=self._clock.now())
            result = self._channel_for(subscription).send(subscription, delivery.message, delivery.id)
            if self._left_behind:
                return
            with self._store.write() as tx:
                self._notes.of_delivery(tx, delivery, tried, result)
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
