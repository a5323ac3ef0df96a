"""Notification subscriptions over HTTP [notifications §1, §2]."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from emulator.api.http import caller, services
from emulator.api.v2 import bodies
from emulator.api.v2.wire import chicago, link, reply, wants_full
from emulator.domain.notification import Subscription

# what the uuid's last part says of the resource, and where that lives [conventions §7, postits §C]
_RESOURCES = {"007": ("job", "jobs/v2/")}


def list_notifications() -> Response:
    uuid = request.args.get("associatedUuid") or request.args.get("associatedUuid.eq")
    found = services().subscriptions.listing(caller(), uuid)
    page = bodies.page()
    assert page.limit is not None
    shown = found[page.offset : page.offset + page.limit]
    return reply([_full(s) if wants_full() else _summary(s) for s in shown])


def show_notification(notification: str) -> Response:
    return reply(_full(services().subscriptions.show(caller(), notification)))


def delete_notification(notification: str) -> Response:
    services().subscriptions.cancel(caller(), notification)
    return reply()


def _summary(subscription: Subscription) -> dict[str, Any]:
    links = {
        "self": link(f"notifications/v2/{subscription.id}"),
        "profile": link(f"profiles/v2/{subscription.owner}"),
    }
    return {
        "id": subscription.id,
        "url": subscription.url,
        "associatedUuid": subscription.associated_uuid,
        "event": subscription.event,
        "_links": links | _resource_link(subscription),
    }


def _full(subscription: Subscription) -> dict[str, Any]:
    policy = subscription.policy
    return {
        "id": subscription.id,
        "owner": subscription.owner,
        "url": subscription.url,
        "associatedUuid": subscription.associated_uuid,
        "event": subscription.event,
        "responseCode": subscription.response_code,
        "attempts": subscription.attempts,
        "lastSent": chicago(subscription.last_sent),
        "success": subscription.success,
        "persistent": subscription.persistent,
        "status": subscription.status.value,
        "lastUpdated": chicago(subscription.last_updated),
        "created": chicago(subscription.created),
        "policy": {
            "retryStrategy": policy.retry_strategy,
            "retryLimit": policy.retry_limit,
            "retryRate": policy.retry_rate,
            "retryDelay": policy.retry_delay,
            "saveOnFailure": policy.save_on_failure,
        },
        "_links": {
            "self": link(f"notifications/v2/{subscription.id}"),
            "attempts": link(f"notifications/v2/{subscription.id}/attempts"),
            "owner": link(f"profiles/v2/{subscription.owner}"),
        }
        | _resource_link(subscription),
    }


def _resource_link(subscription: Subscription) -> dict[str, Any]:
    kind = _RESOURCES.get(subscription.associated_uuid.rpartition("-")[2])
    return {} if kind is None else {kind[0]: link(kind[1] + subscription.associated_uuid)}
