"""Delivery attempts: what is kept of them, and firing a notification by hand [notifications §8]."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from emulator.domain.errors import Forbidden, NotFound
from emulator.domain.event import Event
from emulator.domain.firing import fired_body, fired_event, fired_uuid
from emulator.domain.identity import Caller
from emulator.domain.message_ports import Renderer
from emulator.domain.notification import WILDCARD, Attempt, Message, Subscription
from emulator.domain.ports import Clocks, Ids
from emulator.domain.search import Page
from emulator.domain.uuids import CODES
from emulator.engine.deliveries import DeliveryQueue
from emulator.services.resources import Resource, Resources
from emulator.services.subscriptions import VIEW, SubscriptionService
from emulator.store import Store, Transaction

_DELETE = "User does not have access to delete this notification attempt"


class SubscriptionAttempts:
    def __init__(
        self,
        *,
        store: Store,
        clocks: Clocks,
        ids: Ids,
        renderer: Renderer,
        subscriptions: SubscriptionService,
        resources: Resources,
        deliveries: DeliveryQueue,
    ) -> None:
        self._store = store
        self._clocks = clocks
        self._ids = ids
        self._renderer = renderer
        self._subscriptions = subscriptions
        self._resources = resources
        self._deliveries = deliveries

    def listing(self, caller: Caller, subscription_id: str, page: Page) -> list[Attempt]:
        """What is kept of a notification, newest first. Raises NotFound, Forbidden."""
        with self._store.read() as tx:
            subscription = self._subscriptions.own(tx, caller, subscription_id, VIEW)
            return tx.attempts.of(subscription.id, page.limit, page.offset)

    def show(self, caller: Caller, subscription_id: str, attempt_id: str) -> Attempt:
        """Raises NotFound, Forbidden."""
        with self._store.read() as tx:
            return self._attempt(tx, self._subscriptions.own(tx, caller, subscription_id, VIEW), attempt_id)

    def remove(self, caller: Caller, subscription_id: str, attempt_id: str) -> None:
        """Raises NotFound, Forbidden."""
        with self._store.write() as tx:
            subscription = self._subscriptions.own(tx, caller, subscription_id, _DELETE)
            tx.attempts.remove(self._attempt(tx, subscription, attempt_id))

    def clear(self, caller: Caller, subscription_id: str) -> None:
        """Raises NotFound, Forbidden."""
        with self._store.write() as tx:
            tx.attempts.clear(self._subscriptions.own(tx, caller, subscription_id, _DELETE).id)

    def fire(self, caller: Caller, subscription_id: str, body: Mapping[str, Any]) -> Attempt:
        """Send one message now, once, and say what came of it; the subscription's status stays as it is.

        Raises NotFound, Forbidden, Invalid (see firing.py); nothing is sent then.
        """
        with self._store.read() as tx:
            subscription = self._subscriptions.own(tx, caller, subscription_id, VIEW)
            event = fired_event(body, subscription, caller.admin)
            content = fired_body(body, caller.admin)
            about = self._about(tx, caller, subscription, fired_uuid(body, subscription))
        message = self._message(caller, subscription, event, about, content)
        attempt_id = self._ids.of(caller.world).legacy(CODES["NOTIFICATION_DELIVERY"])
        return self._deliveries.force(subscription, message, attempt_id, caller.username)

    def _about(self, tx: Transaction, caller: Caller, subscription: Subscription, uuid: str) -> Resource:
        """The resource as it is now; of a subscription to all resources, the notification itself."""
        found = self._resources.find(tx, caller, subscription.id if uuid == WILDCARD else uuid)
        if found is None:
            raise NotFound(f"No resource found matching {uuid}")
        if not found.readable:
            raise Forbidden(f"User does not have permission to view the {found.kind.lower()} {uuid}")
        return found

    def _message(
        self, caller: Caller, subscription: Subscription, name: str, about: Resource, content: Any
    ) -> Message:
        event = Event(
            world=subscription.world,
            subject=about.uuid,
            kind=about.kind.lower(),
            status=name,
            description=f"Attempt forced by {caller.username}",
            created=self._clocks.of(caller.world).now(),
            created_by=caller.username,
        )
        message = self._renderer.message(about.record, event, subscription)
        if content is None:
            return message
        text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
        return replace(message, body=text, text=text, html="")

    def _attempt(self, tx: Transaction, subscription: Subscription, attempt_id: str) -> Attempt:
        found = tx.attempts.get(subscription.world, attempt_id)
        if found is None or found.notification_id != subscription.id:
            raise NotFound(
                f"No notification attempt found matching {attempt_id} for notification {subscription.id}"
            )
        return found
