"""Writing events down: the log entry, and with it the messages that it causes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from emulator.domain.event import Event
from emulator.domain.job import Job
from emulator.domain.notification import Delivery
from emulator.domain.ports import Clock, Ids, Renderer
from emulator.store import Transaction

EVENT_TYPES = {"job": "028", "app": "026", "system": "027", "file": "023", "notification": "032"}


class Journal:
    """Appends events inside the caller's transaction, so that a change and its event are one."""

    def __init__(self, clock: Clock, ids: Ids, renderer: Renderer, on_message: Callable[[], None]) -> None:
        """``on_message`` is called after a commit that has put messages on their way."""
        self._clock = clock
        self._ids = ids
        self._renderer = renderer
        self._on_message = on_message

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
        job: Job | None = None,
    ) -> Event:
        """One entry about the resource ``subject`` (a uuid) of ``kind`` (job, app, system, file).

        For events of a job give the job as it is after the change: its subscribers are told, except
        for entries with ``progress`` [job-lifecycle §3.3].
        """
        event = tx.events.append(
            Event(
                world=world,
                subject=subject,
                kind=kind,
                status=status,
                description=description,
                created=self._clock.now(),
                created_by=created_by,
                progress=progress,
                uuid=self._ids.legacy(EVENT_TYPES[kind]),
            )
        )
        if job is not None and progress is None:
            self._tell_subscribers(tx, event, job)
        return event

    def _tell_subscribers(self, tx: Transaction, event: Event, job: Job) -> None:
        """Put a message on its way for each subscription that wants the event [notifications §4].

        The message is made now: it shows the job as it is at the event, however late it is delivered.
        """
        told = False
        for subscription in tx.subscriptions.of(event.world, event.subject):
            if not subscription.matches(event.status):
                continue
            if not subscription.persistent and tx.subscriptions.has_waiting(subscription.id):
                continue  # one message is all that a subscription that does not persist ever sends
            tx.subscriptions.enqueue(
                Delivery(
                    world=event.world,
                    id=self._ids.legacy("042"),
                    subscription_id=subscription.id,
                    event_seq=event.seq,
                    message=self._renderer.job_message(job, event, subscription),
                    created=event.created,
                    due=event.created,
                )
            )
            told = True
        if told:
            tx.after_commit(self._on_message)
