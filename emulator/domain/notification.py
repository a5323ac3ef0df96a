"""Subscriptions to events and the messages that go out for them [notifications §2-§4]."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

WILDCARD = "*"
"""As a subscription's event: every event. As its uuid: every resource of the world, for admins only."""
DELIVERY_HEADER = "X-Agave-Delivery"
"""Every webhook carries it, with the id of its message [notifications §6]."""


class DeliveryEvent(StrEnum):
    """What sending does to the notification itself [notifications §4.4]."""

    SUCCESS = "SUCCESS"
    SEND_ERROR = "SEND_ERROR"
    """The first attempt of a message has failed."""
    RETRY_ERROR = "RETRY_ERROR"
    """A further attempt has failed."""
    FAILURE = "FAILURE"
    """A message was given up."""
    FORCED_ATTEMPT = "FORCED_ATTEMPT"


def is_delivery_event(kind: str, status: str) -> bool:
    """Whether an event of a resource of ``kind`` is about the sending of messages."""
    return kind == "notification" and status in DeliveryEvent.__members__


class SubscriptionStatus(StrEnum):
    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"
    FAILED = "FAILED"
    COMPLETE = "COMPLETE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """When a failed delivery is tried again; rate and delay in seconds [notifications §4]."""

    retry_strategy: str = "IMMEDIATE"
    retry_limit: int = 5
    retry_rate: int = 5
    retry_delay: int = 0
    save_on_failure: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    world: str
    id: str
    owner: str
    url: str
    event: str
    associated_uuid: str
    created: datetime
    last_updated: datetime
    persistent: bool = False
    status: SubscriptionStatus = SubscriptionStatus.ACTIVE
    policy: Policy = field(default_factory=Policy)
    attempts: int = 0
    last_sent: datetime | None = None
    response_code: int | None = None
    success: bool = False
    visible: bool = True
    """False once it was cancelled: nobody sees it any more."""

    def matches(self, event: str) -> bool:
        return self.status is SubscriptionStatus.ACTIVE and self.event in (WILDCARD, event.upper())


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What goes out, rendered when the event was recorded: later changes of the resource do not alter it.

    ``url`` has its macros expanded. ``body`` is the JSON of a webhook; ``subject`` and ``text`` are the
    e-mail's.
    """

    url: str
    event: str
    body: str
    subject: str
    text: str
    html: str = ""
    about: str = ""
    """The uuid of the resource that it is about."""
    copy: int = 1
    """More than 1 for one that goes out once more, though it has arrived."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One message on its way: kept until it has arrived or is given up. ``due`` is the next attempt's time."""

    world: str
    id: str
    subscription_id: str
    event_seq: int
    message: Message
    created: datetime
    due: datetime
    attempts: int = 0
    seq: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A message that was sent, or given up, and is kept to be looked at [notifications §8].

    ``url`` has its macros expanded; ``started`` and ``ended`` are those of the last try, ``code`` and ``text``
    what came of it. ``body`` is what was, or would have been, posted.
    """

    world: str
    id: str
    notification_id: str
    url: str
    event: str
    associated_uuid: str
    started: datetime
    ended: datetime
    code: int
    text: str
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryResult:
    """What came of one attempt. ``code`` is the HTTP status, or 408, 404, 500 where there was none [§4.5]."""

    code: int
    text: str

    @property
    def ok(self) -> bool:
        return 200 <= self.code < 300


POLLER_PAUSE = 1
"""Seconds before an IMMEDIATE retry: the real service's come when its poller comes round."""


def retry_after(policy: Policy, attempts: int) -> int | None:
    """Seconds until the next attempt after ``attempts`` failed ones; None means give up [notifications §4.3].

    The second attempt always follows at once, whatever the policy.
    """
    if attempts == 1:
        return 0
    if policy.retry_strategy == "NONE" or attempts >= policy.retry_limit - 1:
        return None
    if policy.retry_strategy == "DELAYED":
        return policy.retry_delay if attempts == 2 else policy.retry_rate
    if policy.retry_strategy == "EXPONENTIAL":
        steps = ((5, 5), (9, 15), (14, 60), (18, 900))
        return next((pause for below, pause in steps if attempts < below), 3600)
    return POLLER_PAUSE
