"""Writing events down: the log entry, and with it the messages that it causes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from emulator.domain import legacy
from emulator.domain.event import Event
from emulator.domain.job import Job
from emulator.domain.message_ports import Renderer
from emulator.domain.notification import WILDCARD, Delivery, Subscription, is_delivery_event
from emulator.domain.ports import Clocks, Ids
from emulator.domain.propagation import echoes_of
from emulator.domain.uuids import CODES
from emulator.store import Transaction

_NOWHERE: Mapping[str, str] = {}
Hears = Callable[[Transaction, str, Event, object], bool]
"""Whether a user, by name, may hear of an event and see the resource that it happened to."""


def _everybody(_tx: Transaction, _username: str, _event: Event, _resource: object) -> bool:
    return True


class Journal:
    """Appends events inside the caller's transaction, so that a change and its event are one."""

    def __init__(
        self,
        clocks: Clocks,
        ids: Ids,
        renderer: Renderer,
        on_message: Callable[[str], None],
        hears: Hears = _everybody,
        on_event: Callable[[str], None] = lambda _world: None,
    ) -> None:
        """``on_message`` is called after a commit that has put messages on their way, ``on_event`` after one
        that has written an entry: with its world.

        ``hears`` is asked for who has subscribed to another resource than the event's own.
        """
        self._clocks = clocks
        self._ids = ids
        self._renderer = renderer
        self._on_message = on_message
        self._hears = hears
        self._on_event = on_event

    def record(
        self,
        tx: Transaction,
        *,
        world: str,
        subject: str,
        kind: str,
        status: str,
        description: str,
        created_by: str,
        progress: dict[str, Any] | None = None,
        resource: object | None = None,
        also: Mapping[str, str] = _NOWHERE,
        when: datetime | None = None,
    ) -> Event:
        """One entry about the resource ``subject`` (a uuid) of ``kind``, the lower-case type of its uuid.

        ``resource`` is the thing itself as it is after the change (or, when it goes, as it was last): with it
        subscribers are told, with those of every echo (see propagation.py). Entries without it, and those with
        ``progress``, are history only [job-lifecycle §3.3]. ``also``: further uuids whose subscribers are
        told, each with the event's name there, as ``{uuid: "METADATA_CREATED"}``. ``when`` it happened, where that
        is not now.
        """
        event = tx.events.append(
            Event(
                world=world,
                subject=subject,
                kind=kind,
                status=status,
                description=description,
                created=when or self._clocks.of(world).now(),
                created_by=created_by,
                progress=progress,
                uuid=self._ids.of(world).legacy(CODES[f"{kind.upper()}_EVENT"], subject=subject),
            )
        )
        tx.after_commit(lambda: self._on_event(world))
        if resource is not None and progress is None:
            self._tell_subscribers(tx, event, resource, also)
        return event

    def record_status(self, tx: Transaction, job: Job, profile: str, when: datetime | None = None) -> None:
        """The job has come into its state; ``profile`` says in whose words, ``when`` is as for :meth:`record`."""
        self.record(
            tx,
            world=job.world,
            subject=job.id,
            kind="job",
            status=job.status.value,
            description=legacy.description(job.status, profile),
            created_by=job.owner,
            resource=job,
            when=when,
        )

    def _tell_subscribers(
        self, tx: Transaction, event: Event, resource: object, also: Mapping[str, str]
    ) -> None:
        """Put a message on its way for each subscription that wants the event [notifications §4].

        The message is made now: it shows the resource as it is at the event, however late it is delivered.
        """
        echoes = echoes_of(resource, event.status)
        names = {**also, **echoes.by_uuid, event.subject: event.status, WILDCARD: event.status}
        if is_delivery_event(event.kind, event.status):
            del names[WILDCARD]  # its own deliveries would keep such a subscription busy for ever
        told = False
        words = {*names.values(), echoes.system_event}
        for subscription in tx.subscriptions.listening(event.world, names, echoes.system_id, words):
            about = subscription.associated_uuid
            named = replace(event, status=names.get(about, echoes.system_event))
            if not subscription.matches(named.status):
                continue
            own = about in (event.subject, WILDCARD)
            if own or self._hears(tx, subscription.owner, event, resource):
                told |= self._tell(tx, named, resource, subscription)
        if told:
            tx.after_commit(lambda: self._on_message(event.world))

    def _tell(self, tx: Transaction, event: Event, resource: object, subscription: Subscription) -> bool:
        if not subscription.persistent and tx.subscriptions.has_waiting(subscription.id):
            return False  # one message is all that a subscription that does not persist ever sends
        tx.subscriptions.enqueue(
            Delivery(
                world=event.world,
                id=self._ids.of(event.world).legacy(CODES["NOTIFICATION_DELIVERY"], subject=subscription.id),
                subscription_id=subscription.id,
                event_seq=event.seq,
                message=self._renderer.message(resource, event, subscription),
                created=event.created,
                due=event.created,
            )
        )
        return True
