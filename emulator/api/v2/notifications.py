"""Notification subscriptions and their attempts over HTTP [notifications §1, §8]."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from emulator.api.edge import caller, services
from emulator.api.v2 import bodies
from emulator.api.v2.notification_record import attempt as attempt_record
from emulator.api.v2.notification_record import full, summary
from emulator.api.v2.search import BOOLEAN, DATE, INTEGER, TEXT, Terms, Words, conditions
from emulator.api.v2.wire import reply, wants_full
from emulator.domain.errors import Invalid
from emulator.domain.notification import DELIVERY_HEADER, Attempt, Subscription, SubscriptionStatus
from emulator.domain.notification_rules import STRATEGIES

_NOTHING = "No notification object provided."
_NO_OBJECT = "Notification should be a valid JSON object."
TERMS: Terms = {
    "associateduuid": ("associated_uuid", TEXT),
    "url": ("url", TEXT),
    "created": ("created", DATE),
    "event": ("event", TEXT),
    "id": ("id", TEXT),
    "lastupdated": ("last_updated", DATE),
    "owner": ("owner", TEXT),
    "persistent": ("persistent", BOOLEAN),
    "policy.retrystrategy": ("policy.retry_strategy", Words("retry strategy", STRATEGIES)),
    "policy.retrylimit": ("policy.retry_limit", INTEGER),
    "policy.retryrate": ("policy.retry_rate", INTEGER),
    "policy.retrydelay": ("policy.retry_delay", INTEGER),
    "policy.saveonfailure": ("policy.save_on_failure", BOOLEAN),
    "status": ("status", Words("notification status", SubscriptionStatus)),
    "visible": ("visible", BOOLEAN),
}


def list_notifications() -> Response:
    # agave-cli sends the parameter even when it was given no uuid
    wanted = [c for c in conditions(TERMS) if not (c.field == "associated_uuid" and c.value == "")]
    found = services().subscriptions.listing(caller(), wanted, bodies.page())
    paths = services().subscriptions.resource_paths(caller(), (s.associated_uuid for s in found))
    show = full if wants_full() else summary
    return reply([show(subscription, paths) for subscription in found])


def subscribe() -> Response:
    return _show(services().subscriptions.subscribe(caller(), _document()), 201)


def show_notification(notification: str) -> Response:
    return _show(services().subscriptions.show(caller(), notification))


def update_notification(notification: str) -> Response:
    return _show(services().subscriptions.update(caller(), notification, _document()))


def delete_notification(notification: str) -> Response:
    services().subscriptions.cancel(caller(), notification)
    return reply()


def list_attempts(notification: str) -> Response:
    found = services().subscription_attempts.listing(caller(), notification, bodies.page())
    return reply(_attempts(notification, found))


def fire(notification: str) -> Response:
    """Fields that mean nothing are let pass: agave-cli sends ``foo=bar``.

    Firing waits for the answer of the receiver. Were that the firing itself, it would go on for ever.
    """
    if DELIVERY_HEADER in request.headers:
        raise Invalid("A notification cannot be fired by the message of a notification.")
    body = bodies.fields(no_object=_NO_OBJECT)
    fired = services().subscription_attempts.fire(caller(), notification, body)
    return reply(_attempts(notification, [fired])[0])


def clear_attempts(notification: str) -> Response:
    services().subscription_attempts.clear(caller(), notification)
    return reply()


def show_attempt(notification: str, attempt: str) -> Response:
    found = services().subscription_attempts.show(caller(), notification, attempt)
    return reply(_attempts(notification, [found])[0])


def delete_attempt(notification: str, attempt: str) -> Response:
    services().subscription_attempts.remove(caller(), notification, attempt)
    return reply()


def _document() -> dict[str, Any]:
    body = bodies.fields(_NOTHING, _NO_OBJECT)
    if not body:
        raise Invalid(_NOTHING)
    return body


def _show(subscription: Subscription, status: int = 200) -> Response:
    paths = services().subscriptions.resource_paths(caller(), [subscription.associated_uuid])
    return reply(full(subscription, paths), status)


def _attempts(notification: str, found: list[Attempt]) -> list[dict[str, Any]]:
    owner = services().subscriptions.show(caller(), notification).owner
    paths = services().subscriptions.resource_paths(caller(), (one.associated_uuid for one in found))
    return [attempt_record(one, owner, paths) for one in found]
