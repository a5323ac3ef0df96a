"""Messages on their way out: kept in the store until they have arrived or are given up [notifications §4].

Messages of one subscription go out one after the other, in the order of their events; subscriptions do not
wait for each other. A message may arrive twice when the program is killed between the answer of the other
side and the note of it; it is never lost.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from emulator.domain.message_ports import Channel
from emulator.domain.notification import Attempt, Delivery, Message, Subscription
from emulator.domain.ports import Clocks
from emulator.engine.activity import Activity, Kind, Work, current
from emulator.engine.delivery_notes import DeliveryNotes, Tried
from emulator.engine.journal import Journal
from emulator.engine.striking import NoGate, Strikes
from emulator.engine.struck_deliveries import StruckDeliveries
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
        clocks: Clocks,
        journal: Journal,
        channel_for: Callable[[Subscription], Channel],
        keep_all_attempts: bool = False,
        activity: Activity | None = None,
        strikes: Strikes | None = None,
    ) -> None:
        """``keep_all_attempts``: delivered messages too are kept to be looked at, not only lost ones.

        ``activity`` is told of the messages that are due.
        """
        self._store = store
        self._clocks = clocks
        self._channel_for = channel_for
        self._notes = DeliveryNotes(clocks=clocks, journal=journal, keep_all=keep_all_attempts)
        self._struck = StruckDeliveries(
            strikes=strikes or Strikes(NoGate(), clocks), store=store, clocks=clocks, wake=self.wake
        )
        self._activity = activity or Activity()
        self._activity.listen(self._look_again)
        self._next_purge: dict[str, datetime] = {}
        self._purging: set[str] = set()
        """Worlds in which a timer waits for the next purge."""
        self._timers: dict[str, tuple[datetime, Callable[[], None]]] = {}
        """Of each world, for the first message that is not due yet."""
        self._changed = threading.Condition()
        self._news: dict[str, None] = {}
        """Worlds to be looked at, in the order of their news."""
        self._expected: dict[str, Work] = {}
        """Worlds in which something may be due."""
        self._stopped = False
        self._sending: set[str] = set()
        self._crowded: set[str] = set()
        """Worlds with messages for which there was no sender left."""
        self._left_behind = False
        self._resting: set[str] = set()
        """Worlds in which nothing is sent for the moment."""
        self._generations: Counter[str] = Counter()
        """How often each world has begun anew: what was sent before leaves nothing in it."""
        self._senders: Counter[str] = Counter()
        self._thread = threading.Thread(target=self._run, name="deliveries", daemon=True)

    def start(self) -> None:
        """Begin to send, what was left from before a restart first."""
        with self._store.read() as tx:
            worlds = {world.name for world in tx.accounts.worlds()} | set(tx.subscriptions.worlds_waiting())
        for world in sorted(worlds):
            self.wake(world)
        self._thread.start()

    def wake(self, world: str) -> None:
        """There is something new to send in a world, or a waiting message has become due."""
        with self._changed:
            if self._stopped:
                return
            if world not in self._expected:
                self._expected[world] = self._activity.expect(world, Kind.DELIVERY)
            self._news[world] = None
            self._changed.notify()

    def _look_again(self) -> None:
        """Something has ended that a world's next message may have waited for."""
        if self._expected:
            with self._changed:
                self._news |= dict.fromkeys(self._expected)
                self._changed.notify()

    def stop(self, grace: float = _GRACE_SECONDS) -> None:
        """Stop sending; what has not gone out stays in the store.

        Nobody waits longer than ``grace`` (seconds) for a receiver that does not answer: it will be sent the message
        again.
        """
        with self._changed:
            self._stopped = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join()
        with self._changed:
            self._changed.wait_for(lambda: not self._sending, grace)
            self._left_behind = True

    def let_go(self, world: str, jobs: list[str]) -> None:
        """See domain.world.Runner. A message that is on its way may still arrive; nobody notes that it did."""
        with self._changed:
            self._resting.add(world)
            self._changed.wait_for(lambda: not self._senders[world], _GRACE_SECONDS)
            self._generations[world] += 1
            armed = self._timers.pop(world, None)
            self._next_purge.pop(world, None)
            self._purging.discard(world)
        self._struck.forget(world)
        if armed is not None:
            armed[1]()

    def go_on(self, world: str, jobs: list[str]) -> None:
        """See domain.world.Runner."""
        with self._changed:
            self._resting.discard(world)
        self.wake(world)

    def force(
        self, subscription: Subscription, message: Message, attempt_id: str, created_by: str
    ) -> Attempt:
        """Send a message now, past the queue and once only; the answer says what came of it."""
        tried = Tried(id=attempt_id, message=message, started=self._clocks.of(subscription.world).now())
        result = self._struck.by_hand(self._channel_for(subscription), subscription, message, attempt_id)
        with self._store.write() as tx:
            return self._notes.forced(tx, subscription, tried, result, created_by)

    def _run(self) -> None:
        while (world := self._next_news()) is not None:
            self._purge(world)
            if self._activity.may_begin(world, Kind.DELIVERY):
                self._dispatch(world)

    def _next_news(self) -> str | None:
        """The world to be looked at next; None once stopped."""
        with self._changed:
            while not self._news and not self._stopped:
                self._changed.wait()
            if self._stopped:
                return None
            world = next(iter(self._news))
            del self._news[world]
            return world

    def _purge(self, world: str) -> None:
        """Once a day: forget what is subscribed to jobs that ended long ago."""
        clock = self._clocks.of(world)
        now = clock.now()
        if now >= self._next_purge.get(world, now):
            with self._store.write() as tx:
                gone = tx.subscriptions.purge_of_jobs(world, now - _KEPT_AFTER_JOB)
            if gone:
                log.info("forgot %d subscriptions to jobs that ended long ago", gone)
            self._next_purge[world] = now + _BETWEEN_PURGES
        if world in self._purging:
            return
        with self._store.read() as tx:
            if not tx.subscriptions.has_of_jobs(world):
                return
        self._purging.add(world)
        clock.call_at(self._next_purge[world], partial(self._purge_again, world), background=True)

    def _purge_again(self, world: str) -> None:
        self._purging.discard(world)
        self.wake(world)

    def _dispatch(self, world: str) -> None:
        """Hand every subscription's oldest message to a sender, if it is due and none is being sent."""
        with self._changed:
            # before the look at the store: what was being sent then may have arrived since, unseen by it
            busy = set(self._sending)
            expected = self._expected.pop(world, None)
        with self._store.read() as tx:
            heads = tx.subscriptions.heads(world, behind=self._struck.overtaken(), held=self._struck.held())
        now = self._clocks.of(world).now()
        for delivery in heads:
            if delivery.due > now:
                self._wake_at(world, delivery.due)
                break  # the heads are in order of their time
            with self._changed:
                if world in self._resting:
                    break
                if self._stopped or len(self._sending) >= _SENDERS:
                    self._crowded.add(world)
                    break  # the end of one of them is a reason to look again
                if delivery.subscription_id in busy:
                    continue
                self._sending.add(delivery.subscription_id)
                self._senders[world] += 1
            work = self._activity.begin(world, Kind.DELIVERY)
            # threads of our own, as those of an executor would keep the program from ending
            threading.Thread(target=self._attempt, args=[delivery, work], name="notify", daemon=True).start()
            if self._activity.one_at_a_time(world):
                break
        if expected is not None:
            expected.done()

    def _wake_at(self, world: str, due: datetime) -> None:
        """One timer for each world is enough."""
        armed = self._timers.get(world)
        if armed is not None:
            armed[1]()
        self._timers[world] = due, self._clocks.of(world).call_at(due, partial(self.wake, world))

    def _attempt(self, delivery: Delivery, work: Work) -> None:
        generation = self._generations[delivery.world]
        current.set(work)
        try:
            with self._store.read() as tx:
                subscription = tx.subscriptions.get(delivery.world, delivery.subscription_id)
            if subscription is None:
                return  # purged, and its messages with it
            tried = Tried(
                id=delivery.id, message=delivery.message, started=self._clocks.of(delivery.world).now()
            )
            strike = self._struck.ask(subscription, delivery)
            if self._struck.keeps_back(strike, delivery):
                return
            channel = self._channel_for(subscription)
            result = self._struck.send(strike, channel, subscription, delivery.message, delivery.id)
            if self._left_behind or generation != self._generations[delivery.world]:
                return
            with self._store.write() as tx:
                self._notes.of_delivery(tx, delivery, tried, result)
            self._struck.passed(delivery)
        except Exception:
            if self._left_behind or generation != self._generations[delivery.world]:
                return  # the store may be closed by now
            # a mistake of ours: keep the message, but do not try it over and over
            log.exception("sending %s failed", delivery.id)
            with self._store.write() as tx:
                due = self._clocks.of(delivery.world).now() + timedelta(minutes=1)
                tx.subscriptions.postpone(delivery, due, delivery.attempts + 1)
        finally:
            with self._changed:
                self._sending.discard(delivery.subscription_id)
                self._senders[delivery.world] -= 1
                self._changed.notify_all()
                crowded = self._crowded
                self._crowded = set()
            for world in crowded | {delivery.world}:
                self.wake(world)
            work.done()
