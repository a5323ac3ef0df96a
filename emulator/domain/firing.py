"""Who may fire a notification by hand, and as what [notifications §8]."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emulator.domain.errors import Forbidden, Invalid
from emulator.domain.notification import WILDCARD, Subscription

FORCED_EVENT = "FORCED_EVENT"
_LONGEST_EVENT = 32


def fired_event(body: Mapping[str, Any], subscription: Subscription, admin: bool) -> str:
    """The event that ``body`` asks for, in upper case; FORCED_EVENT where it names none.

    Raises Invalid and Forbidden.
    """
    value = body.get("event")
    if value is None:
        return FORCED_EVENT
    if not isinstance(value, str):
        raise Invalid(f"Event must be a string value, {_json_type(value)} was found.")
    event = value.strip().upper()
    if event == WILDCARD:
        raise Invalid("Event must not be a wildcard value")
    if not event or event == FORCED_EVENT:
        return FORCED_EVENT
    if not admin:
        if subscription.event == WILDCARD:
            raise Forbidden("User does not have access to trigger custom event notifications")
        raise Invalid(
            "only the generic FORCED_EVENT is supported for manual invocation by non-privileged users."
        )
    if subscription.event not in (WILDCARD, event):
        raise Invalid(f"event must match the {subscription.event} event of the registered notification.")
    if len(event) > _LONGEST_EVENT:
        raise Invalid(f"Event must have at most {_LONGEST_EVENT} characters.")
    return event


def fired_body(body: Mapping[str, Any], admin: bool) -> Any:
    """The content that is to go out instead of the resource; None for the resource. Raises Forbidden."""
    content = body.get("message")
    if content is not None and not admin:
        raise Forbidden("User does not have access to send custom event messages")
    return content


def fired_uuid(body: Mapping[str, Any], subscription: Subscription) -> str:
    """The resource that the message is about: that of the subscription, unless this is about all of them.

    Raises Invalid.
    """
    uuid = body.get("associatedUuid")
    if uuid is not None and not isinstance(uuid, str):
        raise Invalid(f"associatedUuid must be a string value, {_json_type(uuid)} was found.")
    if not uuid or uuid == subscription.associated_uuid:
        return subscription.associated_uuid
    if subscription.associated_uuid != WILDCARD:
        raise Invalid(
            f"associatedUuid must match the {subscription.associated_uuid} associatedUuid of the registered "
            "notification."
        )
    return uuid


def _json_type(value: Any) -> str:
    if isinstance(value, bool):
        return "BOOLEAN"
    if isinstance(value, int | float):
        return "NUMBER"
    return "ARRAY" if isinstance(value, list) else "OBJECT"
