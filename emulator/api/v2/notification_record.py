"""How notifications and their attempts look to clients [notifications §1, §2, §8]."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from emulator.api.v2.wire import chicago, link
from emulator.domain.notification import Attempt, Subscription
from emulator.domain.uuids import attempt_path, resource_path, type_of

Paths = Mapping[str, str]
"""Paths of the URLs of resources below the base URL, by uuid."""


def summary(subscription: Subscription, paths: Paths) -> dict[str, Any]:
    """One line of a listing."""
    links = {"self": link(_path(subscription.id)), "profile": _profile(subscription.owner)}
    return {
        "id": subscription.id,
        "url": subscription.url,
        "associatedUuid": subscription.associated_uuid,
        "event": subscription.event,
        "_links": links | resource_link(subscription.associated_uuid, paths),
    }


def full(subscription: Subscription, paths: Paths) -> dict[str, Any]:
    policy = subscription.policy
    here = _path(subscription.id)
    links = {
        "self": link(here),
        "attempts": link(f"{here}/attempts"),
        "owner": _profile(subscription.owner),
    }
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
        "_links": links | resource_link(subscription.associated_uuid, paths),
    }


def attempt(one: Attempt, owner: str, paths: Paths) -> dict[str, Any]:
    links = {
        "self": link(attempt_path(one.notification_id, one.id)),
        "notification": link(_path(one.notification_id)),
        "profile": _profile(owner),
    }
    return {
        "id": one.id,
        "url": one.url,
        "event": one.event,
        "associatedUuid": one.associated_uuid,
        "notificationId": one.notification_id,
        "startTime": chicago(one.started),
        "endTime": chicago(one.ended),
        "response": {"code": one.code, "message": one.text},
        # what a notification is about never hides its own links: it may be about a notification
        "_links": resource_link(one.associated_uuid, paths) | links,
    }


def resource_link(uuid: str, paths: Paths) -> dict[str, Any]:
    """``{"<type>": {"href": …}}`` of what a notification is about; nothing where that has no URL."""
    kind = type_of(uuid)
    return {kind.lower(): link(paths[uuid])} if kind is not None and uuid in paths else {}


def _path(notification_id: str) -> str:
    return resource_path("NOTIFICATION", notification_id) or ""


def _profile(username: str) -> dict[str, str]:
    return link(f"profiles/v2/{quote(username, safe='')}")
