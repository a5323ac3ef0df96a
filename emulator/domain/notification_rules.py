"""What a subscription may say: in a job request and on its own [jobs §3.8, notifications §3, §4]."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from emulator.domain.callback_url import check_url
from emulator.domain.errors import Invalid
from emulator.domain.notification import Policy, SubscriptionStatus

_EVENT = re.compile(r"\*|[A-Za-z][A-Za-z0-9_]{0,31}", re.ASCII)
_DIGITS = re.compile("[0-9]{1,9}", re.ASCII)
_PROPERTIES = ("url", "event", "persistent", "policy", "status", "associatedUuid")
# what a client posts back that has changed the answer to its GET
_ANSWERED = (
    "id",
    "owner",
    "responseCode",
    "attempts",
    "lastSent",
    "success",
    "lastUpdated",
    "created",
    "visible",
    "_links",
)
_POLICY = ("retryStrategy", "retryLimit", "retryRate", "retryDelay", "saveOnFailure")
_LIMITS = {"retryLimit": 1440, "retryRate": 86400, "retryDelay": 86400}
STRATEGIES = ("NONE", "IMMEDIATE", "DELAYED", "EXPONENTIAL")
UNKNOWN_UUID = (
    "Invalid associatedUuid. The provided uuid was not recognized as a valid resource uuid type. Please "
    "provide an associatedUuid for which this notification should apply."
)
_ENDINGS = ("FINISHED", "FAILED", "STOPPED")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A subscription as asked for: checked, ``event`` in upper case.

    ``associated_uuid`` is empty where the resource goes without saying; ``status`` ACTIVE or INACTIVE.
    """

    url: str
    event: str
    persistent: bool = False
    policy: Policy = field(default_factory=Policy)
    associated_uuid: str = ""
    status: SubscriptionStatus = SubscriptionStatus.ACTIVE


def parse_wanted(document: Mapping[str, Any], block_private: bool = False) -> Wanted:
    """A subscription as posted to the notifications service; raises Invalid, naming the field.

    Names of properties may be in any case; those of the policy stand in an object, or as in a form by
    themselves: ``policy.retryLimit``. Numbers and truth values may be texts. What only answers hold is let pass.
    """
    given = _properties(_nested(document), _PROPERTIES, _ANSWERED)
    url, event = (_required(given, name) for name in ("url", "event"))
    if not _EVENT.fullmatch(event):
        raise Invalid(
            f"Invalid event value, {event}. An event is * or a name of at most 32 letters, digits and "
            "underscores that begins with a letter."
        )
    check_url(url, block_private)
    policy, uuid = given.get("policy"), given.get("associatedUuid")
    if uuid is not None and not isinstance(uuid, str):
        raise Invalid(UNKNOWN_UUID)
    return Wanted(
        url=url,
        event=event.upper(),
        persistent=_truth("persistent", given.get("persistent")),
        policy=Policy() if policy is None else parse_policy(policy),
        associated_uuid=(uuid or "").strip(),
        status=_status(given.get("status")),
    )


def parse_subscriptions(value: Any, block_private: bool = False) -> list[Wanted]:
    """``notifications`` of a job request; raises Invalid for the first element that is not right.

    A bare string is a URL to be told of the job's end, whichever it is, as older clients send it.
    """
    if value is None or value == "":
        return []
    if isinstance(value, str):
        check_url(value, block_private)
        return [Wanted(url=value, event=event) for event in _ENDINGS]
    if not isinstance(value, list):
        raise Invalid(
            "Invalid notification value given. notifications must be an array of notification objects "
            "specifying a valid url, event, and an optional boolean persistence attribute."
        )
    return [parse_subscription(element, index, block_private) for index, element in enumerate(value)]


def parse_subscription(element: Any, index: int, block_private: bool = False) -> Wanted:
    """One element of ``notifications``; raises Invalid. Names of properties may be in any case."""
    refusal = Invalid(
        f"Invalid notifications[{index}] value given. Each notification object should specify a valid url, "
        "event, and an optional boolean persistence attribute."
    )
    if not isinstance(element, dict):
        raise refusal
    given = _properties(element, _PROPERTIES)
    url, event, persistent = given.get("url"), given.get("event"), given.get("persistent")
    if not isinstance(url, str) or not isinstance(event, str) or not _EVENT.fullmatch(event):
        raise refusal
    if persistent is None:
        persistent = False
    elif not isinstance(persistent, bool):
        raise refusal
    check_url(url, block_private)
    policy = given.get("policy")
    return Wanted(
        url=url,
        event=event.upper(),
        persistent=persistent,
        policy=Policy() if policy is None else parse_policy(policy),
    )


def parse_policy(document: Any) -> Policy:
    """The retry policy of a subscription; raises Invalid [notifications §4]."""
    if not isinstance(document, dict):
        raise Invalid("Invalid notification policy. policy should be a JSON object.")
    given = _properties(document, _POLICY)
    strategy = str(given.get("retryStrategy") or "IMMEDIATE").upper()
    if strategy not in STRATEGIES:
        raise Invalid(
            "Unknown notification policy retryStrategy. Strategy must be one of: NONE, IMMEDIATE, DELAYED, or "
            "EXPONENTIAL"
        )
    default = Policy()
    delay = _count(given, "retryDelay", default.retry_delay)
    if strategy in ("NONE", "IMMEDIATE") and delay > 0:
        raise Invalid(
            "Invalid notification policy retryDelay. retryDely cannot be greater than zero when retryStrategy "
            "is NONE or IMMEDIATE"
        )
    if strategy == "DELAYED" and delay < 1:
        raise Invalid(
            "Invalid notification policy retryDelay. retryDely must be a positive integer value when "
            "retryStrategy is DELAYED"
        )
    return Policy(
        retry_strategy=strategy,
        retry_limit=_count(given, "retryLimit", default.retry_limit),
        retry_rate=_count(given, "retryRate", default.retry_rate),
        retry_delay=delay,
        save_on_failure=_truth("policy saveOnFailure", given.get("saveOnFailure")),
    )


def _nested(document: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a form, ``policy.retryLimit``, put where JSON has them."""
    found: dict[str, Any] = {}
    policy: dict[str, Any] = {}
    for name, value in document.items():
        head, dot, rest = name.partition(".")
        if dot and head.lower() == "policy":
            policy[rest] = value
        else:
            found[name] = value
    return found | {"policy": policy} if policy else found


def _properties(
    document: Mapping[str, Any], known: tuple[str, ...], ignored: tuple[str, ...] = ()
) -> dict[str, Any]:
    """The document by the names' proper spelling; raises Invalid for names that are not known."""
    spelling = {name.lower(): name for name in known}
    skipped = {name.lower() for name in ignored}
    given = {}
    for name, value in document.items():
        if name.lower() in skipped:
            continue
        if name.lower() not in spelling:
            close = get_close_matches(name.lower(), spelling, n=1)
            hint = f"Did you mean {spelling[close[0]]}?" if close else f"Valid values are: {', '.join(known)}"
            raise Invalid(f"Unknown property {name}. {hint}")
        given[spelling[name.lower()]] = value
    return given


def _required(given: Mapping[str, Any], name: str) -> str:
    value = given.get(name)
    if value is None or value == "":
        raise Invalid(f"No {name} provided. Please specify a valid {name} for this notification.")
    if not isinstance(value, str):
        raise Invalid(f"Invalid {name} value. The {name} of a notification must be a string.")
    return value


def _truth(name: str, value: Any) -> bool:
    """Null is false. Raises Invalid."""
    words = {"true": True, "1": True, "false": False, "0": False}
    if value is None or isinstance(value, bool):
        return bool(value)
    if not isinstance(value, str | int) or str(value).lower() not in words:
        raise Invalid(f"Invalid notification {name}. {name.split()[-1]} must be a boolean value.")
    return words[str(value).lower()]


def _status(value: Any) -> SubscriptionStatus:
    allowed = (SubscriptionStatus.ACTIVE, SubscriptionStatus.INACTIVE)
    if value is None:
        return SubscriptionStatus.ACTIVE
    if not isinstance(value, str) or value.upper() not in allowed:
        raise Invalid(f"Invalid status value. Status must be one of: {', '.join(allowed)}")
    return SubscriptionStatus(value.upper())


def _count(given: Mapping[str, Any], name: str, default: int) -> int:
    value = given.get(name)
    if value is None:
        return default
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _LIMITS[name]:
        raise Invalid(
            f"Invalid notification policy {name}. {name} must be an integer between 0 and {_LIMITS[name]}."
        )
    return value
