"""What the notifications of a job request may be [jobs §3.8, notifications §3, §4]."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.domain.errors import Invalid
from emulator.domain.notification import Policy
from emulator.domain.notification_rules import Wanted, parse_subscriptions

URL = "http://localhost:9000/hook?status=${JOB_STATUS}"


def one(**element: Any) -> Wanted:
    (wanted,) = parse_subscriptions([{"url": URL, "event": "*"} | element])
    return wanted


def refusal(value: Any) -> str:
    with pytest.raises(Invalid) as refused:
        parse_subscriptions(value)
    return refused.value.message


def test_an_element_as_the_course_writes_it() -> None:
    assert one(persistent=True) == Wanted(url=URL, event="*", persistent=True)
    assert one(event="finished") == Wanted(url=URL, event="FINISHED")
    assert one(persistent=None, policy=None).policy == Policy()


def test_names_of_properties_may_be_in_any_case() -> None:
    assert parse_subscriptions([{"URL": URL, "Event": "FAILED"}]) == [Wanted(url=URL, event="FAILED")]


@pytest.mark.parametrize("value", [None, [], ""])
def test_none_at_all(value: Any) -> None:
    assert parse_subscriptions(value) == []


def test_a_bare_address_is_told_of_the_end() -> None:
    assert parse_subscriptions("me@example.org") == [
        Wanted(url="me@example.org", event=event) for event in ("FINISHED", "FAILED", "STOPPED")
    ]


@pytest.mark.parametrize("value", [5, {"url": URL, "event": "*"}, True])
def test_other_than_an_array(value: Any) -> None:
    assert refusal(value) == (
        "Invalid notification value given. notifications must be an array of notification objects specifying a "
        "valid url, event, and an optional boolean persistence attribute."
    )


@pytest.mark.parametrize(
    "element",
    [
        "x",
        None,
        {},
        {"url": URL},
        {"event": "*"},
        {"url": 5, "event": "*"},
        {"url": URL, "event": None},
        {"url": URL, "event": "has space"},
        {"url": URL, "event": "*x"},
        {"url": URL, "event": "X" * 33},
        {"url": URL, "event": ""},
        {"url": URL, "event": "*", "persistent": "yes"},
    ],
)
def test_a_bad_element_is_named_by_its_place(element: Any) -> None:
    assert refusal([{"url": URL, "event": "*"}, element]) == (
        "Invalid notifications[1] value given. Each notification object should specify a valid url, event, and "
        "an optional boolean persistence attribute."
    )


@pytest.mark.parametrize(
    "url",
    [
        "me@example.org",
        "student01@localhost",
        "+1 512 555 1234",
        "5125551234",
        "https://example.org",
        "http://[::1]:80/x",
        "agave://system/path/file",
        "HTTP://EXAMPLE.ORG/${UUID}",
    ],
)
def test_addresses_that_will_do(url: str) -> None:
    assert one(url=url).url == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "abc",
        "ftp://example.org",
        "mailto:me@example.org",
        "example.org",
        "http://",
        "http:///path",
        "http://h:99999/",
        "http://[::1/x",
        "http://h/a b",
        "http://h/\nHost: x",
        "me@example.org\nBcc: you@example.org",
        "me@exa mple.org",
        "http://h/" + "x" * 1016,
    ],
)
def test_addresses_that_will_not(url: str) -> None:
    assert refusal([{"url": url, "event": "*"}]) == (
        f"Invalid callback url value, {url}. Valid callback urls may be an email address, phone number, web url, "
        "or agave url."
    )


def test_unknown_properties_are_named() -> None:
    assert refusal([{"url": URL, "evnt": "*"}]) == "Unknown property evnt. Did you mean event?"
    message = refusal([{"url": URL, "event": "*", "zzz": 1}])
    assert message.startswith("Unknown property zzz. Valid values are: url, event, persistent, policy")


def test_a_policy_is_taken() -> None:
    policy = {
        "retryStrategy": "delayed",
        "retryLimit": 3,
        "retryRate": 1,
        "retryDelay": 2,
        "saveOnFailure": True,
    }
    assert one(policy=policy).policy == Policy(
        retry_strategy="DELAYED", retry_limit=3, retry_rate=1, retry_delay=2, save_on_failure=True
    )


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        (
            {"retryStrategy": "OFTEN"},
            "Unknown notification policy retryStrategy. Strategy must be one of: NONE, IMMEDIATE, DELAYED, or "
            "EXPONENTIAL",
        ),
        (
            {"retryStrategy": "NONE", "retryDelay": 1},
            "Invalid notification policy retryDelay. retryDely cannot be greater than zero when retryStrategy is "
            "NONE or IMMEDIATE",
        ),
        (
            {"retryStrategy": "DELAYED"},
            "Invalid notification policy retryDelay. retryDely must be a positive integer value when "
            "retryStrategy is DELAYED",
        ),
        (
            {"retryLimit": 1441},
            "Invalid notification policy retryLimit. retryLimit must be an integer between 0 and 1440.",
        ),
        (
            {"retryRate": "5s"},
            "Invalid notification policy retryRate. retryRate must be an integer between 0 and 86400.",
        ),
        (
            {"saveOnFailure": "often"},
            "Invalid notification policy saveOnFailure. saveOnFailure must be a boolean value.",
        ),
        ([], "Invalid notification policy. policy should be a JSON object."),
    ],
)
def test_a_bad_policy_says_why(policy: Any, message: str) -> None:
    assert refusal([{"url": URL, "event": "*", "policy": policy}]) == message


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["url", "event", "persistent", "policy", "x"]), inner)
    ),
    max_leaves=8,
)


@given(json_values)
def test_anything_is_taken_or_refused(value: Any) -> None:
    try:
        for wanted in parse_subscriptions(value):
            assert wanted.event == wanted.event.upper()
    except Invalid as refused:
        assert refused.message
