"""Notification subscriptions: made, found, changed, cancelled [notifications §1-§3]."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from emulator.domain.errors import Forbidden, Invalid, NotFound, PreconditionFailed
from emulator.domain.identity import Caller
from emulator.domain.notification import WILDCARD, Subscription, SubscriptionStatus
from emulator.domain.notification_rules import UNKNOWN_UUID, parse_wanted
from emulator.domain.ports import Clocks, Ids
from emulator.domain.search import Condition, Operator, Page
from emulator.domain.uuids import CODES, type_of
from emulator.engine.journal import Journal
from emulator.services.resources import Resources
from emulator.settings import Settings
from emulator.store import Store, Transaction

_SHOWN_ONLY = Condition("visible", Operator.EQ, True)
_ACTIVE_ONLY = Condition("status", Operator.EQ, SubscriptionStatus.ACTIVE.value)
# an admin who asks for these looks at more than what is the admin's own
_OF_OTHERS = ("owner", "associated_uuid")
VIEW = "User does not have permission to view this notification"
_CHANGE = "User does not have access to view this notification"
_DELETE = "User does not have access to delete this notification"


class SubscriptionService:
    def __init__(
        self,
        *,
        store: Store,
        clocks: Clocks,
        ids: Ids,
        journal: Journal,
        resources: Resources,
        settings: Settings,
    ) -> None:
        self._store = store
        self._clocks = clocks
        self._ids = ids
        self._journal = journal
        self._resources = resources
        self._settings = settings

    def listing(
        self, caller: Caller, conditions: Sequence[Condition] = (), page: Page | None = None
    ) -> list[Subscription]:
        """The caller's own that can still fire, or what the conditions say of ``status``.

        Tenant admins also find those of others, by owner or by resource.
        """
        named = {condition.field for condition in conditions}
        wanted = [*conditions, _SHOWN_ONLY]
        if "status" not in named:
            wanted.append(_ACTIVE_ONLY)
        everybodys = caller.admin and not named.isdisjoint(_OF_OTHERS)
        with self._store.read() as tx:
            return tx.subscriptions.find(
                caller.world, None if everybodys else caller.username, wanted, page or Page()
            )

    def show(self, caller: Caller, subscription_id: str) -> Subscription:
        """Raises NotFound, Forbidden."""
        with self._store.read() as tx:
            return self.own(tx, caller, subscription_id, VIEW)

    def subscribe(self, caller: Caller, document: Mapping[str, Any]) -> Subscription:
        """A new subscription as ``document`` says (see ``parse_wanted``).

        Raises Invalid, Forbidden (no read access to the resource; ``*`` without being an admin) and NotFound.
        """
        wanted = parse_wanted(document, self._settings.block_private_hosts)
        now = self._clocks.of(caller.world).now()
        with self._store.write() as tx:
            self._check_resource(tx, caller, wanted.associated_uuid)
            subscription = Subscription(
                world=caller.world,
                id=self._ids.of(caller.world).legacy(CODES["NOTIFICATION"]),
                owner=caller.username,
                url=wanted.url,
                event=wanted.event,
                associated_uuid=wanted.associated_uuid,
                created=now,
                last_updated=now,
                persistent=wanted.persistent,
                policy=wanted.policy,
                status=wanted.status,
            )
            # told before it is there: a subscription to everything is no news to itself
            self._note(tx, caller, subscription, "CREATED", "This notification was created")
            tx.subscriptions.add(subscription)
        return subscription

    def update(self, caller: Caller, subscription_id: str, document: Mapping[str, Any]) -> Subscription:
        """Event, URL, persistence, policy and status anew; what is left out gets its default.

        Raises NotFound, Forbidden, PreconditionFailed for one that has fired, Invalid.
        """
        with self._store.write() as tx:
            old = self.own(tx, caller, subscription_id, _CHANGE)
            if not _can_change(old):
                raise PreconditionFailed(
                    "Notification has already fired. You can not update past notifications."
                )
            wanted = parse_wanted(document, self._settings.block_private_hosts)
            if wanted.associated_uuid not in ("", old.associated_uuid):
                raise Invalid("Invalid associatedUuid. The resource of a notification cannot be changed.")
            changed = replace(
                old,
                url=wanted.url,
                event=wanted.event,
                persistent=wanted.persistent,
                policy=wanted.policy,
                status=wanted.status,
                last_updated=self._clocks.of(caller.world).now(),
            )
            tx.subscriptions.save(changed)
            if changed.status is SubscriptionStatus.INACTIVE:
                tx.subscriptions.drop_deliveries(changed.id)
            self._note(tx, caller, changed, *_change_event(old, changed))
        return changed

    def cancel(self, caller: Caller, subscription_id: str) -> None:
        """It never fires again; its attempts and what it had on the way go. Raises NotFound, Forbidden."""
        with self._store.write() as tx:
            old = self.own(tx, caller, subscription_id, _DELETE)
            ended = replace(
                old,
                status=SubscriptionStatus.INACTIVE,
                visible=False,
                last_updated=self._clocks.of(caller.world).now(),
            )
            tx.subscriptions.save(ended)
            tx.subscriptions.drop_deliveries(ended.id)
            tx.attempts.clear(ended.id)
            self._note(tx, caller, ended, "DELETED", "This notification was deleted")

    def resource_paths(self, caller: Caller, uuids: Iterable[str]) -> dict[str, str]:
        """Paths below the base URL of what subscriptions are about, by uuid (see ``Resources.paths``)."""
        with self._store.read() as tx:
            return self._resources.paths(tx, caller.world, uuids)

    def own(self, tx: Transaction, caller: Caller, subscription_id: str, refusal: str) -> Subscription:
        """The subscription, of the caller's or for an admin anybody's. Raises NotFound, Forbidden(refusal)."""
        found = tx.subscriptions.get(caller.world, subscription_id)
        if found is None:
            raise NotFound(f"No notification found matching {subscription_id}")
        if not found.visible:
            raise NotFound(f"Notification {subscription_id} has been deleted.")
        if not caller.admin and found.owner != caller.username:
            raise Forbidden(refusal)
        return found

    def _check_resource(self, tx: Transaction, caller: Caller, uuid: str) -> None:
        if uuid == WILDCARD:
            if not caller.admin:
                raise Forbidden("Administrator permissions are required to set wildcard notifications.")
            return
        kind = type_of(uuid)
        if kind is None:
            raise Invalid(UNKNOWN_UUID)
        found = self._resources.find(tx, caller, uuid)
        if found is None:
            raise NotFound(f"No {kind.lower()} found matching {uuid}")
        if not found.readable:
            raise Forbidden(f"User does not have permission to view the {kind.lower()} {uuid}")

    def _note(
        self, tx: Transaction, caller: Caller, subscription: Subscription, event: str, text: str
    ) -> None:
        self._journal.record(
            tx,
            world=subscription.world,
            subject=subscription.id,
            kind="notification",
            status=event,
            description=text,
            created_by=caller.username,
            resource=subscription,
        )


def _can_change(subscription: Subscription) -> bool:
    status = subscription.status
    return status is SubscriptionStatus.ACTIVE or (
        subscription.persistent and status is not SubscriptionStatus.INACTIVE
    )


def _change_event(old: Subscription, new: Subscription) -> tuple[str, str]:
    if old.status is new.status:
        return "UPDATED", "This notification was updated"
    if new.status is SubscriptionStatus.INACTIVE:
        return "DISABLED", "This notification was disabled"
    return "ENABLED", "This notification was enabled"
