"""Notification subscriptions: finding and cancelling them [notifications §1]. Jobs create theirs on submission."""

from __future__ import annotations

from dataclasses import replace

from emulator.domain.errors import Forbidden, NotFound
from emulator.domain.identity import Caller
from emulator.domain.notification import Subscription, SubscriptionStatus
from emulator.domain.ports import Clock
from emulator.store import Store, Transaction


class SubscriptionService:
    def __init__(self, *, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def listing(self, caller: Caller, associated_uuid: str | None = None) -> list[Subscription]:
        """The caller's own that can still fire; of one resource, when its uuid is given."""
        with self._store.read() as tx:
            if associated_uuid:
                found = tx.subscriptions.of(caller.world, associated_uuid)
                found = [s for s in found if caller.admin or s.owner == caller.username]
            else:
                found = tx.subscriptions.owned_by(caller.world, caller.username)
        return [s for s in found if s.status is SubscriptionStatus.ACTIVE]

    def show(self, caller: Caller, subscription_id: str) -> Subscription:
        """Raises NotFound, Forbidden."""
        with self._store.read() as tx:
            return self._own(
                tx, caller, subscription_id, "User does not have permission to view this notification"
            )

    def cancel(self, caller: Caller, subscription_id: str) -> None:
        """It never fires again, and what it had on the way is dropped. Raises NotFound, Forbidden."""
        refusal = "User does not have access to delete this notification"
        with self._store.write() as tx:
            subscription = self._own(tx, caller, subscription_id, refusal)
            ended = replace(subscription, status=SubscriptionStatus.INACTIVE, last_updated=self._clock.now())
            tx.subscriptions.save(ended)
            tx.subscriptions.drop_deliveries(subscription.id)

    def _own(self, tx: Transaction, caller: Caller, subscription_id: str, refusal: str) -> Subscription:
        found = tx.subscriptions.get(caller.world, subscription_id)
        if found is None:
            raise NotFound(f"No notification found matching {subscription_id}")
        if found.status is SubscriptionStatus.INACTIVE:
            raise NotFound(f"Notification {subscription_id} has been deleted.")
        if not caller.admin and found.owner != caller.username:
            raise Forbidden(refusal)
        return found
