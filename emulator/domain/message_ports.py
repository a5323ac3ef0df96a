"""Messages on their way to the outside world, and the built-in mailbox, as contracts; see ports.py."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from emulator.domain.event import Event
from emulator.domain.notification import DeliveryResult, Message, Subscription


class Renderer(Protocol):
    """A dialect's words for a message about an event [notifications §6]."""

    def message(self, resource: object, event: Event, subscription: Subscription) -> Message:
        """``resource`` is what the event happened to: a Job, App, System, LogicalFile, Subscription, …

        ``event.status`` is the event's name for the subscriber, who may have subscribed to another resource
        that hears of it.
        """


class Channel(Protocol):
    """A way out for messages."""

    def send(self, subscription: Subscription, message: Message, delivery_id: str) -> DeliveryResult:
        """One attempt. Never raises for what the other side does: that is the result's code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """An e-mail kept in the built-in mailbox."""

    id: str
    sender: str
    to: str
    subject: str
    received: datetime
    text: str
    html: str = ""


class MailReader(Protocol):
    """The built-in mailbox, for reading."""

    def mails(self, world: str, to: str | None = None) -> list[Mail]:
        """Oldest first; only those to one address when ``to`` is given (in any case)."""

    def empty(self, world: str) -> int:
        """Throw all away; the answer is how many there were."""
