"""What a subscription may say: in a job request and on its own [jobs §3.8, notifications §3, §4]."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any
from urllib.parse import urlsplit

from emulator.domain.errors import Invalid
from emulator.domain.notification import Policy

WILDCARD = "*"

_EVENT = re.compile(r"\*|[A-Za-z][A-Za-z0-9_]{0,31}", re.ASCII)
_EMAIL = re.compile(r"[^@\s:/,;<>()\[\]\"\\\x00]+@[A-Za-z0-9${}_-]+(\.[A-Za-z0-9${}_-]+)*", re.ASCII)
_PHONE = re.compile(r"\+?[0-9][0-9 ().-]{5,}[0-9]", re.ASCII)
_WEB = re.compile(r"https?://[^\s\x00-\x1f]+", re.IGNORECASE)
_AGAVE = re.compile(r"agave://[^\s\x00-\x1f/][^\x00-\x1f]*", re.IGNORECASE)
_SHORTEST_URL, _LONGEST_URL = 4, 1024
_PROPERTIES = ("url", "event", "persistent", "policy", "status", "associatedUuid")
_POLICY = ("retryStrategy", "retryLimit", "retryRate", "retryDelay", "saveOnFailure")
_LIMITS = {"retryLimit": 1440, "retryRate": 86400, "retryDelay": 86400}
_STRATEGIES = ("NONE", "IMMEDIATE", "DELAYED", "EXPONENTIAL")
_ENDINGS = ("FINISHED", "FAILED", "STOPPED")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A subscription as asked for: checked, ``event`` in upper case."""

    url: str
    event: str
    persistent: bool = False
    policy: Policy = field(default_factory=Policy)


def parse_subscriptions(value: Any) -> list[Wanted]:
    """``notifications`` of a job request; raises Invalid for the first element that is not right.

    A bare string is a URL to be told of the job's end, whichever it is, as older clients send it.
    """
    if value is None or value == "":
        return []
    if isinstance(value, str):
        check_url(value)
        return [Wanted(url=value, event=event) for event in _ENDINGS]
    if not isinstance(value, list):
        raise Invalid(
            "Invalid notification value given. notifications must be an array of notification objects "
            "specifying a valid url, event, and an optional boolean persistence attribute."
        )
    return [parse_subscription(element, index) for index, element in enumerate(value)]


def parse_subscription(element: Any, index: int) -> Wanted:
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
    check_url(url)
    policy = given.get("policy")
    return Wanted(
        url=url,
        event=event.upper(),
        persistent=persistent,
        policy=Policy() if policy is None else parse_policy(policy),
    )


def check_url(url: str) -> None:
    """Raises Invalid unless it is an e-mail address, a phone number, a web or an agave URL.

    Macros may stand in it; they are not expanded for the check.
    """
    well_formed = _EMAIL.fullmatch(url) or _PHONE.fullmatch(url) or _AGAVE.fullmatch(url) or _is_web(url)
    if not (_SHORTEST_URL <= len(url) <= _LONGEST_URL and well_formed):
        raise Invalid(
            f"Invalid callback url value, {url}. Valid callback urls may be an email address, phone number, "
            "web url, or agave url."
        )


def parse_policy(document: Any) -> Policy:
    """The retry policy of a subscription; raises Invalid [notifications §4]."""
    if not isinstance(document, dict):
        raise Invalid("Invalid notification policy. policy should be a JSON object.")
    given = _properties(document, _POLICY)
    strategy = str(given.get("retryStrategy") or "IMMEDIATE").upper()
    if strategy not in _STRATEGIES:
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
    save = given.get("saveOnFailure")
    if save is not None and not isinstance(save, bool):
        raise Invalid("Invalid notification policy saveOnFailure. saveOnFailure must be a boolean value.")
    return Policy(
        retry_strategy=strategy,
        retry_limit=_count(given, "retryLimit", default.retry_limit),
        retry_rate=_count(given, "retryRate", default.retry_rate),
        retry_delay=delay,
        save_on_failure=bool(save),
    )


def _properties(document: Mapping[str, Any], known: tuple[str, ...]) -> dict[str, Any]:
    """The document by the names' proper spelling; raises Invalid for names that are not known."""
    spelling = {name.lower(): name for name in known}
    given = {}
    for name, value in document.items():
        if name.lower() not in spelling:
            close = get_close_matches(name.lower(), spelling, n=1)
            hint = f"Did you mean {spelling[close[0]]}?" if close else f"Valid values are: {', '.join(known)}"
            raise Invalid(f"Unknown property {name}. {hint}")
        given[spelling[name.lower()]] = value
    return given


def _count(given: Mapping[str, Any], name: str, default: int) -> int:
    value = given.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _LIMITS[name]:
        raise Invalid(
            f"Invalid notification policy {name}. {name} must be an integer between 0 and {_LIMITS[name]}."
        )
    return value


def _is_web(url: str) -> bool:
    if not _WEB.fullmatch(url):
        return False
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port or a bracketed address that is none
        return False
