"""Tokens that are refused, expire, live shortly or are revoked, at ``token.issue|refresh|check``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from emulator.app import Emulator
from emulator.scenario.actions import at_point
from tests.contract.accounts.signing_in import CALLBACK, Keys, ask, bearer, password_token, register, works
from tests.contract.accounts.test_authorize import USER, asked, returned, send
from tests.contract.struck.conftest import Control, rest
from tests.real.waiting import wait_until
from tests.served import Api
from tests.server.client import Wire

UNKNOWN = "Persisted access token data not found"


@pytest.fixture(scope="module")
def keys(api: Api) -> Keys:
    return register(api, "struck", callbackUrl=CALLBACK)


@pytest.fixture
def frozen(control: Control) -> Iterator[Callable[[str], None]]:
    """Time stands still until it is moved on."""
    assert control.request("PUT", "clock", json={"mode": "frozen"}).status_code == 200

    def advance(by: str) -> None:
        answer = control.request("POST", "clock", json={"advance": by})
        assert answer.status_code == 200, answer.text

    yield advance
    assert control.request("PUT", "clock", json={"mode": "real"}).status_code == 200


def refresh(api: Api, keys: Keys, token: dict[str, Any]) -> requests.Response:
    return ask(
        api, keys, grant_type="refresh_token", refresh_token=token["refresh_token"], scope="PRODUCTION"
    )


def refused(answer: requests.Response) -> tuple[int, str, str]:
    """In OAuth's own words, without the envelope."""
    document = answer.json()
    assert set(document) == {"error", "error_description"}
    assert (answer.headers["Cache-Control"], answer.headers["Pragma"]) == ("no-store", "no-cache")
    return answer.status_code, document["error"], document["error_description"]


def code(api: Api, token: dict[str, Any]) -> str:
    """What the gateway's fault is in XML; "" where the token is good."""
    headers = bearer(token) | {"Accept": "application/xml"}
    answer = api.request("GET", "jobs/v2", headers=headers)
    if answer.status_code == 200:
        return ""
    assert (answer.status_code, answer.headers["Content-Type"]) == (401, "application/xml")
    return answer.text.partition("<ams:code>")[2].partition("<")[0]


def _struck_by(control: Control, scenario: str) -> bool:
    return scenario in [fault["scenario"] for each in control.requests() for fault in each["faults"]]


LOGIN = {"grant_type": "password", "username": "testuser", "password": "emulator"}


@pytest.mark.parametrize(
    ("do", "expected"),
    [
        ("refuse", (400, "invalid_grant", "Authentication failed for testuser")),
        ({"refuse": "invalid_client"}, (401, "invalid_client", "Client Authentication failed.")),
        (
            {"refuse": {"error": "unauthorized_client", "message": "Not on Sundays"}},
            (400, "unauthorized_client", "Not on Sundays"),
        ),
    ],
)
def test_a_token_is_refused(
    control: Control, api: Api, keys: Keys, do: Any, expected: tuple[int, str, str]
) -> None:
    control.arm("token.issue", do, times=1)
    assert refused(ask(api, keys, **LOGIN)) == expected
    struck = control.struck()
    assert (struck["operation"], struck["status"]) == ("tokens.create", expected[0])
    assert struck["faults"][0]["point"] == "token.issue"
    assert works(api, password_token(api, keys)), "once"
    assert control.requests(operation="tokens.create")[-1]["user"] == "testuser"


@pytest.mark.parametrize(
    "form",
    [
        {"grant_type": "client_credentials"},
        {
            "grant_type": "admin_password",
            "token_username": "student01",
            "username": "admin",
            "password": "emulator",
        },
    ],
)
def test_other_grants_are_asked_about_for_their_users(
    control: Control, api: Api, keys: Keys, form: dict[str, str]
) -> None:
    user = form.get("token_username", "testuser")
    control.arm("token.issue", "refuse", when={"user": user})
    assert refused(ask(api, keys, **form))[1] == "invalid_grant"
    assert works(api, password_token(api, keys, "student02")), "somebody else's"


def test_codes_and_implicit_tokens(control: Control, api: Api, keys: Keys) -> None:
    control.arm("token.issue", {"short-lived": "90s"}, when={"user": "student03"})
    sent = asked(keys) | USER
    form = {
        "grant_type": "authorization_code",
        "redirect_uri": CALLBACK,
        "code": returned(send(api, sent))["code"],
    }
    assert ask(api, keys, **form).json()["expires_in"] == 90
    assert returned(send(api, asked(keys, "token") | USER))["expires_in"] == "90"


def test_a_refresh_is_refused_once(control: Control, api: Api, keys: Keys) -> None:
    token = password_token(api, keys)
    control.arm("token.refresh", "refuse", times=1, when={"user": "testuser"})
    assert refused(refresh(api, keys, token)) == (400, "invalid_grant", UNKNOWN)
    assert works(api, refresh(api, keys, token).json())


def test_a_refresh_token_is_revoked(control: Control, api: Api, keys: Keys) -> None:
    token = password_token(api, keys)
    control.arm("token.refresh", "revoke", times=1)
    for _ in range(2):
        assert refused(refresh(api, keys, token)) == (400, "invalid_grant", UNKNOWN)
    assert not works(api, token), "the pair is gone"
    assert works(api, password_token(api, keys))


def test_a_token_lives_shortly(control: Control, api: Api, keys: Keys, frozen: Callable[[str], None]) -> None:
    control.arm("token.issue", {"short-lived": "30s"}, times=1)
    token = password_token(api, keys)
    assert token["expires_in"] == 30
    frozen("29s")
    assert works(api, token)
    frozen("1s")
    assert code(api, token) == "900903"
    renewed = refresh(api, keys, token).json()
    assert renewed["expires_in"] == 14400, "the rule is about new tokens"
    assert works(api, renewed)


def test_a_refreshed_token_lives_shortly(control: Control, api: Api, keys: Keys) -> None:
    token = password_token(api, keys)
    control.arm("token.refresh", {"short-lived": "1m"})
    assert refresh(api, keys, token).json()["expires_in"] == 60


def test_the_third_check_finds_it_expired(control: Control, api: Api, keys: Keys) -> None:
    token = password_token(api, keys)
    control.arm("token.check", "expire", when={"user": "testuser", "nth": 3})
    assert [code(api, token) for _ in range(4)] == ["", "", "900903", "900903"]
    renewed = refresh(api, keys, token).json()
    assert works(api, renewed)
    assert code(api, token) == "900903"


def test_it_stays_expired_when_the_rule_is_gone(control: Control, api: Api, keys: Keys) -> None:
    token = password_token(api, keys)
    control.arm("token.check", "expire")
    assert not works(api, token)
    control.request("DELETE", "scenarios")
    assert not works(api, token)
    assert works(api, refresh(api, keys, token).json())


def test_a_token_is_revoked_at_a_check(control: Control, api: Api, keys: Keys) -> None:
    token = password_token(api, keys)
    control.arm("token.check", "revoke", times=1, when={"path": "/jobs/*"})
    assert api.request("GET", "systems/v2", headers=bearer(token)).status_code == 200
    assert [code(api, token) for _ in range(2)] == ["900904", "900904"]
    assert refused(refresh(api, keys, token)) == (400, "invalid_grant", UNKNOWN)


def test_a_check_is_refused_once(control: Control, api: Api, keys: Keys) -> None:
    token = password_token(api, keys)
    control.arm("token.check", {"refuse": {"message": "Invalid Credentials today"}}, times=1)
    answer = api.request("GET", "jobs/v2", headers=bearer(token))
    assert (answer.status_code, answer.json()["fault"]["message"]) == (401, "Invalid Credentials today")
    assert works(api, token)


def test_requests_without_a_token_are_not_checked(control: Control, api: Api) -> None:
    control.arm("token.check", "revoke")
    assert api.request("GET", "jobs/v2").status_code == 200


def test_checked_once_for_a_postit_and_what_stands_behind_it(
    control: Control, api: Api, keys: Keys, emulator: Emulator
) -> None:
    body = {"url": f"{emulator.url}/jobs/v2", "maxUses": 5}
    made = api.call("POST", "postits/v2", json=body)
    control.arm("token.check", "revoke")
    control.arm("http.jobs.list", {"status": 500})
    url = made["_links"]["self"]["href"]
    assert requests.get(url, headers=bearer(password_token(api, keys)), timeout=60).status_code == 200


@pytest.mark.parametrize("point", ["token.issue", "token.check"])
def test_a_hold_stops_nobody_else(
    control: Control, api: Api, keys: Keys, point: str, emulator: Emulator
) -> None:
    """The gate is asked outside of any transaction: the store goes on."""
    token = password_token(api, keys)
    name = control.arm(point, "hold", times=1)
    mine = Api(emulator.url)
    with ThreadPoolExecutor(1) as one:
        if point == "token.issue":
            held = one.submit(lambda: works(mine, password_token(mine, keys)))
        else:
            held = one.submit(lambda: works(mine, token))
        wait_until(lambda: _struck_by(control, name), 60, "the hold has struck")
        assert api.call("POST", "meta/v2/data", json={"name": "meanwhile", "value": 1})
        assert not held.done()
        control.release(name)
        assert held.result(60)


def test_who_hangs_up_in_a_hold_gets_no_token(
    control: Control, api: Api, keys: Keys, wire: Callable[..., Wire]
) -> None:
    body = (
        f"grant_type=password&username=testuser&password=emulator&client_id={keys[0]}&client_secret={keys[1]}"
    )
    control.arm("token.issue", "hold")
    since = control.last()
    with wire() as client:
        head = f"POST /token HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        client.send(head + body)
        wait_until(
            lambda: any(each["faults"] for each in control.requests(since=since)), 60, "the hold strikes"
        )
    struck = control.struck(since)
    assert (struck["operation"], struck["status"], struck["bytes"]) == ("tokens.create", None, 0)


def test_the_token_service_itself_is_struck(
    control: Control, api: Api, keys: Keys, wire: Callable[..., Wire]
) -> None:
    control.arm("http.tokens.create", {"status": 503}, times=1)
    assert ask(api, keys, **LOGIN).json()["fault"]["code"] == 101503
    control.arm("http.tokens.create", {"status": {"code": 400, "message": "Go away"}}, times=1)
    assert refused(ask(api, keys, **LOGIN)) == (400, "invalid_request", "Go away")
    control.arm("http.tokens.create", "reset", times=1)
    with wire() as client:
        assert rest(client.send("POST /token HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")) == (
            b"",
            "reset",
        )
    assert works(api, password_token(api, keys))


def test_every_action_is_tried_here() -> None:
    found = {
        (point, kind.name)
        for point in ("token.issue", "token.refresh", "token.check")
        for kind in at_point(point)
        if kind.points != ("*",)
    }
    assert found == {
        ("token.issue", "refuse"),
        ("token.issue", "short-lived"),
        ("token.refresh", "refuse"),
        ("token.refresh", "short-lived"),
        ("token.refresh", "revoke"),
        ("token.check", "refuse"),
        ("token.check", "expire"),
        ("token.check", "revoke"),
    }
