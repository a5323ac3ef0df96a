"""What a subscription posted on its own may say, rule by rule [notifications §3, §4]."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.domain.errors import Forbidden, Invalid
from emulator.domain.firing import fired_event
from emulator.domain.notification import Policy, Subscription, SubscriptionStatus
from emulator.domain.notification_rules import UNKNOWN_UUID, Wanted, parse_wanted
from tests.job_samples import NOON

UUID = "7341557475441971686-242ac11f-0001-006"
PLAIN = {"url": "me@example.org", "event": "*", "associatedUuid": UUID}
URL_ERROR = (
    "Invalid callback url value, {}. Valid callback urls may be an email address, phone number, web url, or "
    "agave url."
)
EVENT_ERROR = (
    "Invalid event value, {}. An event is * or a name of at most 32 letters, digits and underscores that begins "
    "with a letter."
)
COUNT_ERROR = "Invalid notification policy {0}. {0} must be an integer between 0 and {1}."
TRUTH_ERROR = "Invalid notification {}. {} must be a boolean value."
NO_DELAY = (
    "Invalid notification policy retryDelay. retryDely cannot be greater than zero when retryStrategy is NONE or "
    "IMMEDIATE"
)
NEEDS_DELAY = (
    "Invalid notification policy retryDelay. retryDely must be a positive integer value when retryStrategy is "
    "DELAYED"
)
UNKNOWN_STRATEGY = (
    "Unknown notification policy retryStrategy. Strategy must be one of: NONE, IMMEDIATE, DELAYED, or "
    "EXPONENTIAL"
)
POLICY_NAMES = "retryStrategy, retryLimit, retryRate, retryDelay, saveOnFailure"
NAMES = "url, event, persistent, policy, status, associatedUuid"


def test_the_least_that_will_do() -> None:
    assert parse_wanted(PLAIN) == Wanted(url="me@example.org", event="*", associated_uuid=UUID)


@pytest.mark.parametrize(
    ("given", "field", "value"),
    [
        ({"EVENT": "Running"}, "event", "RUNNING"),
        ({"persistent": "TRUE"}, "persistent", True),
        ({"persistent": 1}, "persistent", True),
        ({"persistent": "0"}, "persistent", False),
        ({"persistent": None}, "persistent", False),
        ({"status": "inactive"}, "status", SubscriptionStatus.INACTIVE),
        ({"Status": "ACTIVE"}, "status", SubscriptionStatus.ACTIVE),
        ({"policy": None}, "policy", Policy()),
        ({"policy": {}}, "policy", Policy()),
        ({"policy": {"RETRYLIMIT": "7"}}, "policy", Policy(retry_limit=7)),
        ({"policy.retryLimit": "0", "Policy.retryRate": 1}, "policy", Policy(retry_limit=0, retry_rate=1)),
        ({"policy": {"retryStrategy": "none"}}, "policy", Policy(retry_strategy="NONE")),
        (
            {"policy": {"retryStrategy": "EXPONENTIAL", "retryDelay": 86400, "retryRate": 86400}},
            "policy",
            Policy(retry_strategy="EXPONENTIAL", retry_delay=86400, retry_rate=86400),
        ),
        ({"policy": {"saveOnFailure": "true"}}, "policy", Policy(save_on_failure=True)),
        ({"policy": {"retryLimit": 1440}}, "policy", Policy(retry_limit=1440)),
        ({"associatedUuid": f" {UUID} "}, "associated_uuid", UUID),
        # what an answer holds and a request does not say
        ({"id": "x", "owner": "y", "_links": {}, "attempts": 3, "lastSent": None}, "event", "*"),
    ],
    ids=str,
)
def test_what_is_taken(given: dict[str, Any], field: str, value: Any) -> None:
    document = {name: v for name, v in PLAIN.items() if name.lower() not in {n.lower() for n in given}}
    assert getattr(parse_wanted(document | given), field) == value


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"url": None}, "No url provided. Please specify a valid url for this notification."),
        ({"url": ""}, "No url provided. Please specify a valid url for this notification."),
        ({"url": 5}, "Invalid url value. The url of a notification must be a string."),
        ({"url": []}, "Invalid url value. The url of a notification must be a string."),
        ({"url": "abc"}, URL_ERROR.format("abc")),
        ({"url": "ftp://h/x"}, URL_ERROR.format("ftp://h/x")),
        ({"url": "http://h/\x00"}, URL_ERROR.format("http://h/\x00")),
        ({"event": None}, "No event provided. Please specify a valid event for this notification."),
        ({"event": {}}, "Invalid event value. The event of a notification must be a string."),
        ({"event": "two words"}, EVENT_ERROR.format("two words")),
        ({"event": "1ST"}, EVENT_ERROR.format("1ST")),
        ({"event": "**"}, EVENT_ERROR.format("**")),
        ({"event": "É"}, EVENT_ERROR.format("É")),
        ({"event": "X" * 33}, EVENT_ERROR.format("X" * 33)),
        ({"associatedUuid": 5}, UNKNOWN_UUID),
        ({"persistent": "maybe"}, TRUTH_ERROR.format("persistent", "persistent")),
        ({"persistent": []}, TRUTH_ERROR.format("persistent", "persistent")),
        ({"persistent": 0.5}, TRUTH_ERROR.format("persistent", "persistent")),
        ({"status": "COMPLETE"}, "Invalid status value. Status must be one of: ACTIVE, INACTIVE"),
        ({"status": 5}, "Invalid status value. Status must be one of: ACTIVE, INACTIVE"),
        ({"evnt": 1}, "Unknown property evnt. Did you mean event?"),
        ({"POLICYY": 1}, "Unknown property POLICYY. Did you mean policy?"),
        ({"zzz": 1}, f"Unknown property zzz. Valid values are: {NAMES}"),
        ({"policy": []}, "Invalid notification policy. policy should be a JSON object."),
        ({"policy": "NONE"}, "Invalid notification policy. policy should be a JSON object."),
        ({"policy": {"limit": 1}}, "Unknown property limit. Did you mean retryLimit?"),
        ({"policy": {"qqq": 1}}, f"Unknown property qqq. Valid values are: {POLICY_NAMES}"),
        ({"policy.rate": 1}, "Unknown property rate. Did you mean retryRate?"),
        ({"policy": {"retryStrategy": "OFTEN"}}, UNKNOWN_STRATEGY),
        ({"policy": {"retryStrategy": 5}}, UNKNOWN_STRATEGY),
        ({"policy": {"retryStrategy": ["NONE"]}}, UNKNOWN_STRATEGY),
        ({"policy": {"retryLimit": 1441}}, COUNT_ERROR.format("retryLimit", 1440)),
        ({"policy": {"retryLimit": -1}}, COUNT_ERROR.format("retryLimit", 1440)),
        ({"policy": {"retryLimit": True}}, COUNT_ERROR.format("retryLimit", 1440)),
        ({"policy": {"retryLimit": "many"}}, COUNT_ERROR.format("retryLimit", 1440)),
        ({"policy": {"retryLimit": "9" * 4000}}, COUNT_ERROR.format("retryLimit", 1440)),
        ({"policy": {"retryRate": 86401}}, COUNT_ERROR.format("retryRate", 86400)),
        ({"policy": {"retryRate": 1.5}}, COUNT_ERROR.format("retryRate", 86400)),
        (
            {"policy": {"retryStrategy": "DELAYED", "retryDelay": 86401}},
            COUNT_ERROR.format("retryDelay", 86400),
        ),
        ({"policy": {"retryDelay": 1}}, NO_DELAY),
        ({"policy": {"retryStrategy": "IMMEDIATE", "retryDelay": 1}}, NO_DELAY),
        ({"policy": {"retryStrategy": "NONE", "retryDelay": 1}}, NO_DELAY),
        ({"policy": {"retryStrategy": "DELAYED"}}, NEEDS_DELAY),
        ({"policy": {"retryStrategy": "DELAYED", "retryDelay": 0}}, NEEDS_DELAY),
        (
            {"policy": {"saveOnFailure": "maybe"}},
            TRUTH_ERROR.format("policy saveOnFailure", "saveOnFailure"),
        ),
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_is_refused_and_why(change: dict[str, Any], message: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse_wanted(PLAIN | change)
    assert refused.value.message == message


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from([*NAMES.split(", "), *POLICY_NAMES.split(", "), "x.y"]), inner)
    ),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from([*NAMES.split(", "), "policy.retryLimit", "other"]), values))
def test_anything_is_taken_or_refused(document: dict[str, Any]) -> None:
    try:
        assert parse_wanted(document).event
    except Invalid as refused:
        assert refused.message


@given(values, st.booleans(), st.sampled_from(["*", "RUNNING"]))
def test_any_event_may_be_asked_for_or_not(value: Any, admin: bool, event: str) -> None:
    subscription = Subscription(
        world="w",
        id="i",
        owner="o",
        url="u",
        event=event,
        associated_uuid=UUID,
        created=NOON,
        last_updated=NOON,
    )
    try:
        assert 0 < len(fired_event({"event": value}, subscription, admin)) <= 32
    except (Invalid, Forbidden) as refused:
        assert refused.message
