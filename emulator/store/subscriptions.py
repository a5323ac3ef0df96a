"""Rows of notification subscriptions and of messages still on their way."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, func, insert, select, union_all, update

from emulator.domain.document import from_document, to_document
from emulator.domain.notification import WILDCARD, Delivery, Message, Subscription, SubscriptionStatus
from emulator.domain.search import Condition, Operator, Page
from emulator.store.rows import Searchable, paged, where
from emulator.store.tables import deliveries, jobs, subscriptions, systems

_POLICY_TEXTS = ("retry_strategy",)
_POLICY_NUMBERS = ("retry_limit", "retry_rate", "retry_delay")
_document = subscriptions.c.document
SEARCHABLE: Searchable = (
    {column.name: column for column in subscriptions.c if column.name not in ("world", "document")}
    | {"persistent": _document["persistent"].as_boolean()}
    | {"policy.save_on_failure": _document["policy", "save_on_failure"].as_boolean()}
    | {f"policy.{name}": _document["policy", name].as_string() for name in _POLICY_TEXTS}
    | {f"policy.{name}": _document["policy", name].as_integer() for name in _POLICY_NUMBERS}
)
_NAMING = (Operator.EQ, Operator.IN)
_ACTIVE = select(subscriptions.c.document).where(
    subscriptions.c.world == bindparam("world"),
    subscriptions.c.status == "ACTIVE",
    subscriptions.c.event.in_(bindparam("events", expanding=True)),
)
_LISTENING = _ACTIVE.where(subscriptions.c.associated_uuid.in_(bindparam("uuids", expanding=True)))
_SYSTEM = (
    select(systems.c.uuid)
    .where(systems.c.world == bindparam("world"), systems.c.id == bindparam("system_id"))
    .scalar_subquery()
)
# two searches of the index: an OR would walk through all there is
_LISTENING_WITH_SYSTEM = union_all(_LISTENING, _ACTIVE.where(subscriptions.c.associated_uuid == _SYSTEM))
# and what every message asks: worded once
_ADD = insert(subscriptions)
_SAVE = update(subscriptions).where(subscriptions.c.id == bindparam("key"))
_BY_ID = select(subscriptions.c.document).where(
    subscriptions.c.world == bindparam("world"), subscriptions.c.id == bindparam("id")
)
_ANY_OF_JOBS = (
    select(subscriptions.c.id)
    .where(subscriptions.c.world == bindparam("world"), subscriptions.c.associated_uuid.like("%-007"))
    .limit(1)
)
_ENQUEUE = insert(deliveries)
_DONE = delete(deliveries).where(deliveries.c.id == bindparam("id"))
_WAITING = (
    select(deliveries.c.seq).where(deliveries.c.subscription_id == bindparam("subscription_id")).limit(1)
)


class SubscriptionRows:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, subscription: Subscription) -> None:
        self._connection.execute(_ADD, _values(subscription))

    def save(self, subscription: Subscription) -> None:
        self._connection.execute(_SAVE, _values(subscription) | {"key": subscription.id})

    def get(self, world: str, subscription_id: str) -> Subscription | None:
        document = self._connection.scalar(_BY_ID, {"world": world, "id": subscription_id})
        return None if document is None else from_document(Subscription, document)

    def of(self, world: str, associated_uuid: str) -> list[Subscription]:
        """All subscriptions to a resource, oldest first."""
        rows = self._connection.execute(
            select(subscriptions.c.document)
            .where(subscriptions.c.world == world, subscriptions.c.associated_uuid == associated_uuid)
            .order_by(subscriptions.c.created, subscriptions.c.id)
        )
        return [from_document(Subscription, row.document) for row in rows]

    def listening(
        self, world: str, uuids: Iterable[str], system_id: str, events: Iterable[str]
    ) -> list[Subscription]:
        """Active subscriptions to any of these resources, and to the system of an id ("" for none); oldest first.

        To one of these ``events``, or to all: of a resource that tells several, not each may be for each subscription.
        One look at an index, as every event asks for it.
        """
        query = _LISTENING_WITH_SYSTEM if system_id else _LISTENING
        wanted = sorted({WILDCARD, *(event.upper() for event in events)})
        values: dict[str, Any] = {"world": world, "uuids": list(uuids), "events": wanted}
        if system_id:
            values["system_id"] = system_id
        found = [from_document(Subscription, row.document) for row in self._connection.execute(query, values)]
        return sorted(found, key=lambda one: (one.created, one.id))

    def find(
        self, world: str, owner: str | None, conditions: Iterable[Condition], page: Page
    ) -> list[Subscription]:
        """One page of an owner's subscriptions, or with None of everybody's."""
        wanted = list(conditions)
        columns = subscriptions.c
        here, whose = columns.world, columns.owner
        if any(c.field in ("id", "associated_uuid") and c.operator in _NAMING for c in wanted):
            # not to be found by the indexes of all that somebody has: these name the few that are meant
            here, whose = here + "", whose + ""  # type: ignore[assignment]
        query = select(columns.document).where(here == world, where(SEARCHABLE, wanted))
        if owner is not None:
            query = query.where(whose == owner)
        query = paged(query, SEARCHABLE, page, subscriptions.c.id)
        return [from_document(Subscription, row.document) for row in self._connection.execute(query)]

    def end_of(self, world: str, associated_uuid: str) -> None:
        """The resource is gone: nothing is subscribed to it any more; messages on their way still go out."""
        for subscription in self.of(world, associated_uuid):
            ended = replace(subscription, status=SubscriptionStatus.INACTIVE, visible=False)
            self.save(ended)

    def purge_of_jobs(self, world: str, before: datetime) -> int:
        """Remove what is subscribed to jobs of a world that ended before a time, attempts and all; how many."""
        ended = select(jobs.c.id).where(jobs.c.world == world, jobs.c.ended < before)
        gone = self._connection.execute(
            delete(subscriptions).where(
                subscriptions.c.world == world,
                subscriptions.c.associated_uuid.like("%-007"),
                subscriptions.c.associated_uuid.in_(ended),
            )
        )
        return gone.rowcount

    def has_of_jobs(self, world: str) -> bool:
        """Whether anything is subscribed to a job of the world."""
        return self._connection.scalar(_ANY_OF_JOBS, {"world": world}) is not None

    # messages on their way

    def enqueue(self, delivery: Delivery) -> None:
        self._connection.execute(
            _ENQUEUE,
            {
                "world": delivery.world,
                "id": delivery.id,
                "subscription_id": delivery.subscription_id,
                "event_seq": delivery.event_seq,
                "message": to_document(delivery.message),
                "created": delivery.created,
                "due": delivery.due,
                "attempts": delivery.attempts,
            },
        )

    def postpone(self, delivery: Delivery, due: datetime, attempts: int) -> None:
        self._connection.execute(
            update(deliveries).where(deliveries.c.id == delivery.id).values(due=due, attempts=attempts)
        )

    def done(self, delivery: Delivery) -> None:
        self._connection.execute(_DONE, {"id": delivery.id})

    def drop_deliveries(self, subscription_id: str) -> None:
        self._connection.execute(delete(deliveries).where(deliveries.c.subscription_id == subscription_id))

    def has_waiting(self, subscription_id: str) -> bool:
        """Whether a message of the subscription has not gone out yet."""
        return self._connection.scalar(_WAITING, {"subscription_id": subscription_id}) is not None

    def worlds_waiting(self) -> list[str]:
        """Worlds that have messages on their way."""
        return list(self._connection.scalars(select(deliveries.c.world).distinct()))

    def heads(
        self, world: str, limit: int = 100, behind: Collection[str] = (), held: Collection[str] = ()
    ) -> list[Delivery]:
        """The oldest waiting message of each subscription: the others wait their turn [notifications §4].

        Those ``behind`` (ids) give way to the next; those that are ``held`` are left out, and none comes before them.
        """
        first = select(func.min(deliveries.c.seq)).where(deliveries.c.world == world)
        if behind:
            first = first.where(deliveries.c.id.not_in(behind))
        first = first.group_by(deliveries.c.subscription_id)
        query = select(deliveries).where(deliveries.c.seq.in_(first))
        if held:
            query = query.where(deliveries.c.id.not_in(held))
        query = query.order_by(deliveries.c.due, deliveries.c.seq).limit(limit)
        return [_delivery(row) for row in self._connection.execute(query)]

    def waiting(self, world: str) -> int:
        """How many messages have not arrived yet."""
        return (
            self._connection.scalar(
                select(func.count()).select_from(deliveries).where(deliveries.c.world == world)
            )
            or 0
        )


def _values(subscription: Subscription) -> dict[str, Any]:
    return {
        "world": subscription.world,
        "id": subscription.id,
        "owner": subscription.owner,
        "associated_uuid": subscription.associated_uuid,
        "event": subscription.event,
        "url": subscription.url,
        "status": subscription.status.value,
        "created": subscription.created,
        "last_updated": subscription.last_updated,
        "visible": subscription.visible,
        "document": to_document(subscription),
    }


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(
        world=row.world,
        id=row.id,
        subscription_id=row.subscription_id,
        event_seq=row.event_seq,
        message=from_document(Message, row.message),
        created=row.created,
        due=row.due,
        attempts=row.attempts,
        seq=row.seq,
    )
