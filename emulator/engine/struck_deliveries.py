"""Scenarios at messages on their way out (``notify.deliver``): lost, doubled, late, overtaken, answered by nobody."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from emulator.domain.errors import Unavailable
from emulator.domain.fault import Occasion, Strike
from emulator.domain.message_ports import Channel
from emulator.domain.notification import Delivery, DeliveryResult, Message, Subscription
from emulator.domain.ports import Clocks
from emulator.engine.occasions import occasion_of
from emulator.engine.striking import DELAY, HOLD, Strikes, after
from emulator.store import Store

FAMILY = "notify"
POINT = "notify.deliver"
_JOB = "-007"


@dataclass(frozen=True, slots=True)
class _Overtaken:
    """A message that lets the next one about the same thing go first."""

    world: str
    subscription_id: str
    about: str
    let_go: Callable[[], None]

    def gives_way_to(self, delivery: Delivery) -> bool:
        same = delivery.subscription_id == self.subscription_id or delivery.message.about == self.about
        return delivery.world == self.world and same


class StruckDeliveries:
    """What the gate says of each attempt, and the messages that it keeps back meanwhile.

    Which ones these are is not stored: after a restart the gate is asked about them again.
    """

    def __init__(
        self, *, strikes: Strikes, store: Store, clocks: Clocks, wake: Callable[[str], None]
    ) -> None:
        """``wake`` is told the world of a message that may go on."""
        self._strikes = strikes
        self._store = store
        self._clocks = clocks
        self._wake = wake
        self._lock = threading.Lock()
        self._held: dict[str, str] = {}
        """Ids, each with its world."""
        self._overtaken: dict[str, _Overtaken] = {}
        self._asked: set[str] = set()

    def held(self) -> set[str]:
        """Messages that wait, and those of their subscriptions with them."""
        with self._lock:
            return set(self._held)

    def overtaken(self) -> set[str]:
        """Messages that others go before."""
        with self._lock:
            return set(self._overtaken)

    def ask(self, subscription: Subscription, delivery: Delivery) -> Strike | None:
        """What happens to an attempt. Not asked again for one that was kept back and may go now."""
        with self._lock:
            if delivery.id in self._asked:
                self._asked.discard(delivery.id)
                return None
        return self._said(subscription, delivery.message)

    def keeps_back(self, strike: Strike | None, delivery: Delivery) -> bool:
        """Whether the message waits now; it will be woken."""
        if strike is None:
            return False
        if strike.action.kind in (DELAY, HOLD):
            with self._lock:
                self._held[delivery.id] = delivery.world
            self._strikes.gate.on_release(strike, lambda: self._release(delivery))
            return True
        if strike.action.kind == "reorder":
            self._step_aside(delivery, strike.action.args["within"])
            return True
        return False

    def send(
        self,
        strike: Strike | None,
        channel: Channel,
        subscription: Subscription,
        message: Message,
        delivery_id: str,
    ) -> DeliveryResult:
        """One attempt, as the strike has it."""
        kind = "" if strike is None else strike.action.kind
        if strike is not None and kind == "drop":
            return DeliveryResult(code=200, text="200 ok")
        if strike is not None and kind == "respond":
            code = strike.action.args["code"]
            return DeliveryResult(code=code, text=f"{code} {strike.action.args['message']}".strip().lower())
        result = channel.send(subscription, message, delivery_id)
        if strike is not None and kind == "duplicate" and result.ok:
            for copy in range(2, strike.action.args["copies"] + 1):
                channel.send(subscription, replace(message, copy=copy), delivery_id)
        return result

    def by_hand(
        self, channel: Channel, subscription: Subscription, message: Message, delivery_id: str
    ) -> DeliveryResult:
        """An attempt that somebody waits for: what would be kept back, keeps them waiting."""
        strike = self._said(subscription, message)
        if strike is not None and strike.action.kind in (DELAY, HOLD):
            self._strikes.wait_out(strike, self._strikes.pausing(subscription.world, _stopping))
        return self.send(strike, channel, subscription, message, delivery_id)

    def passed(self, delivery: Delivery) -> None:
        """A message has gone out: those that it was to overtake follow."""
        with self._lock:
            behind = [one for one in self._overtaken.values() if one.gives_way_to(delivery)]
        for one in behind:
            one.let_go()

    def forget(self, world: str) -> None:
        """The world is gone with all its messages."""
        with self._lock:
            self._held = {one: where for one, where in self._held.items() if where != world}
            self._overtaken = {one: it for one, it in self._overtaken.items() if it.world != world}

    def _said(self, subscription: Subscription, message: Message) -> Strike | None:
        if not self._strikes.armed(subscription.world, FAMILY):
            return None
        return self._strikes.strike(self._occasion(subscription, message))

    def _occasion(self, subscription: Subscription, message: Message) -> Occasion:
        about = message.about or subscription.associated_uuid
        occasion = Occasion(world=subscription.world, point=POINT)
        if about.endswith(_JOB):
            with self._store.read() as tx:
                job = tx.jobs.get(subscription.world, about)
            occasion = occasion if job is None else occasion_of(job)
        return replace(occasion, point=POINT, user=subscription.owner, event=message.event, url=message.url)

    def _step_aside(self, delivery: Delivery, within: float) -> None:
        clock = self._clocks.of(delivery.world)
        taken_back: list[Callable[[], None]] = []

        def let_go() -> None:
            for take_back in taken_back:
                take_back()
            self._release(delivery)

        with self._lock:
            self._overtaken[delivery.id] = _Overtaken(
                delivery.world, delivery.subscription_id, delivery.message.about, let_go
            )
        taken_back.append(clock.call_at(after(within, clock.now()), lambda: self._release(delivery)))

    def _release(self, delivery: Delivery) -> None:
        with self._lock:
            waited = delivery.id in self._held or delivery.id in self._overtaken
            self._held.pop(delivery.id, None)
            self._overtaken.pop(delivery.id, None)
            if waited:
                self._asked.add(delivery.id)
        if waited:
            self._wake(delivery.world)


def _stopping() -> Exception:
    return Unavailable("The emulator is about to stop.")
