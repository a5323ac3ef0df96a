"""Tokens: every grant, their time, their end [auth §4, §5]."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from emulator.app import Emulator
from tests.contract.accounts.signing_in import (
    Keys,
    Later,
    ask,
    bearer,
    clock_of,
    password_token,
    register,
    works,
)
from tests.served import Api, served


def whose(api: Api, token: dict[str, Any]) -> str:
    return str(api.call("GET", "profiles/v2/me", headers=bearer(token))["username"])


def test_a_password_buys_a_token_in_oauths_own_form(api: Api, keys: Keys) -> None:
    answer = ask(
        api, keys, grant_type="password", username="student01", password="emulator", scope="PRODUCTION"
    )
    document = answer.json()
    assert list(document) == ["scope", "token_type", "expires_in", "refresh_token", "access_token"]
    assert (document["scope"], document["token_type"]) == ("default", "bearer")
    assert document["expires_in"] == 14400
    assert re.fullmatch("[0-9a-f]{32}", document["access_token"])
    assert re.fullmatch("[0-9a-f]{32}", document["refresh_token"])
    assert answer.headers["Cache-Control"] == "no-store" and answer.headers["Pragma"] == "no-cache"
    assert answer.headers["Content-Type"].startswith("application/json")
    assert whose(api, document) == "student01"  # the client is testuser's: it need not be the user's own


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("", "default"),
        ("PRODUCTION", "default"),
        ("openid", "openid"),
        (" openid  profile openid ", "openid profile"),
    ],
)
def test_a_scope_is_what_was_asked_for(api: Api, keys: Keys, asked: str, given: str) -> None:
    token = password_token(api, keys, scope=asked)
    assert token["scope"] == given
    form = {"grant_type": "refresh_token", "refresh_token": token["refresh_token"]}
    assert ask(api, keys, **form).json()["scope"] == given
    assert ask(api, keys, **form, scope="PRODUCTION").json()["scope"] == given
    beyond = ask(api, keys, **form, scope="everything")
    assert (beyond.status_code, beyond.json()["error"]) == (400, "invalid_scope")


def test_a_refresh_gives_a_new_pair_and_leaves_the_old_one_alive(api: Api, keys: Keys) -> None:
    old = password_token(api, keys)
    new = ask(api, keys, grant_type="refresh_token", refresh_token=old["refresh_token"]).json()
    assert new["access_token"] != old["access_token"] and new["refresh_token"] != old["refresh_token"]
    assert whose(api, old) == whose(api, new) == "testuser"
    assert ask(api, keys, grant_type="refresh_token", refresh_token=old["refresh_token"]).ok


def test_a_refresh_token_works_for_its_own_client_only(api: Api, keys: Keys) -> None:
    token = password_token(api, keys)
    other = register(api, "thief")
    answer = ask(api, other, grant_type="refresh_token", refresh_token=token["refresh_token"])
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    # an access token is no refresh token
    answer = ask(api, keys, grant_type="refresh_token", refresh_token=token["access_token"])
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_an_administrator_may_act_for_others_and_nobody_else(api: Api, keys: Keys) -> None:
    form = {"grant_type": "admin_password", "token_username": "student05", "password": "emulator"}
    answer = ask(api, keys, username="admin", **form).json()
    assert whose(api, answer) == "student05" and answer["refresh_token"]
    again = ask(api, keys, grant_type="refresh_token", refresh_token=answer["refresh_token"]).json()
    assert whose(api, again) == "student05"
    assert ask(api, keys, username="student01", **form).json()["error"] == "unauthorized_client"
    form |= {"token_username": "nobody"}
    assert ask(api, keys, username="admin", **form).json()["error"] == "invalid_grant"


def test_client_credentials_act_as_the_clients_owner(api: Api) -> None:
    keys = register(api, "service", ("student07", "emulator"))
    token = ask(api, keys, grant_type="client_credentials").json()
    assert "refresh_token" not in token and whose(api, token) == "student07"
    in_body = {"client_id": keys[0], "client_secret": keys[1], "grant_type": "client_credentials"}
    assert api.request("POST", "token", data=in_body).status_code == 200


PERSISTED = "Persisted access token data not found"
MISSING = "Missing parameters: {}"


@pytest.mark.parametrize(
    ("form", "error", "description"),
    [
        (
            {"grant_type": "password", "username": "testuser", "password": "wrong"},
            "invalid_grant",
            "Authentication failed for testuser",
        ),
        (
            {"grant_type": "password", "username": "nobody", "password": "emulator"},
            "invalid_grant",
            "Authentication failed for nobody",
        ),
        (
            {"grant_type": "password", "username": "a\x00\ud7ff", "password": "\x00"},
            "invalid_grant",
            "Authentication failed for a\x00\ud7ff",
        ),
        (
            {"grant_type": "password", "username": "testuser"},
            "invalid_request",
            MISSING.format("username, password"),
        ),
        (
            {"grant_type": "admin_password", "username": "admin", "password": "emulator"},
            "invalid_request",
            MISSING.format("token_username, username, password"),
        ),
        ({"grant_type": "refresh_token", "refresh_token": "0" * 32}, "invalid_grant", PERSISTED),
        ({"grant_type": "refresh_token", "refresh_token": "x" * 9999}, "invalid_grant", PERSISTED),
        ({"grant_type": "refresh_token"}, "invalid_request", MISSING.format("refresh_token")),
        (
            {"grant_type": "authorization_code", "code": "0" * 32, "redirect_uri": "x"},
            "invalid_grant",
            "Invalid authorization code received from token request",
        ),
        (
            {"grant_type": "authorization_code", "code": "0" * 32},
            "invalid_request",
            MISSING.format("code, redirect_uri"),
        ),
        ({"grant_type": "magic"}, "unsupported_grant_type", "Unsupported grant_type value"),
        ({"grant_type": "implicit"}, "unsupported_grant_type", "Unsupported grant_type value"),
        ({}, "invalid_request", MISSING.format("grant_type")),
        (
            {"grant_type": "client_credentials", "scope": "x" * 129},
            "invalid_scope",
            "The scope is not a list of scope names",
        ),
        (
            {"grant_type": "client_credentials", "scope": 'a"b'},
            "invalid_scope",
            "The scope is not a list of scope names",
        ),
    ],
)
def test_what_the_token_service_refuses(
    api: Api, keys: Keys, form: dict[str, str], error: str, description: str
) -> None:
    answer = ask(api, keys, **form)
    assert answer.status_code == 400
    assert answer.json() == {"error": error, "error_description": description}
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["token", "revoke"])
def test_a_wrong_client_is_refused(api: Api, keys: Keys, path: str) -> None:
    form = {"grant_type": "password", "username": "testuser", "password": "emulator", "token": "x"}
    unknown = "A valid OAuth client could not be found for client_id: nothing"
    failed = "Client Authentication failed."
    for login, description in (
        (("nothing", "nothing"), unknown),
        ((keys[0], "wrong"), failed),
        ((keys[0], ""), failed),
        (None, failed),
    ):
        answer = api.request("POST", path, data=form, auth=login)
        assert answer.status_code == 401
        assert answer.json() == {"error": "invalid_client", "error_description": description}


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
def test_a_revoked_pair_is_worth_nothing(api: Api, keys: Keys, which: str) -> None:
    pair = password_token(api, keys)
    for _ in range(2):
        answer = api.request("POST", "revoke", data={"token": pair[which]}, auth=keys)
        assert (answer.status_code, answer.content) == (200, b"")
    answer = api.request("GET", "profiles/v2/me", headers=bearer(pair))
    assert answer.text.startswith('{"fault":{"code":900901,"message":"Invalid Credentials"')
    refreshed = ask(api, keys, grant_type="refresh_token", refresh_token=pair["refresh_token"])
    assert refreshed.status_code == 400


def test_a_client_revokes_its_own_tokens_only(api: Api, keys: Keys) -> None:
    pair = password_token(api, keys)
    other = register(api, "stranger")
    for form in ({"token": pair["access_token"]}, {"token": ""}, {}):
        answer = api.request("POST", "revoke", data=form, auth=other)
        assert (answer.status_code, answer.content) == (200, b"")
    assert works(api, pair)


def test_a_token_ends_with_its_time_and_a_refresh_gives_another(api: Api, keys: Keys, later: Later) -> None:
    token = password_token(api, keys)
    later(timedelta(seconds=14399 - 60))
    assert works(api, token)
    later(timedelta(seconds=14400))
    assert not works(api, token)
    new = ask(api, keys, grant_type="refresh_token", refresh_token=token["refresh_token"]).json()
    assert works(api, new)


def test_tokens_outlive_a_restart(tmp_path: Path) -> None:
    with served(tmp_path) as emulator:
        api = Api(emulator.url)
        keys = register(api)
        token = password_token(api, keys)
    with served(tmp_path) as emulator:
        api = Api(emulator.url)
        assert works(api, token)
        assert ask(api, keys, grant_type="refresh_token", refresh_token=token["refresh_token"]).ok


# the switches


def test_a_refresh_kills_the_old_pair_when_told_to(tmp_path: Path) -> None:
    with served(tmp_path, revoke_on_refresh=True) as emulator:
        api = Api(emulator.url)
        keys = register(api)
        old = password_token(api, keys)
        form = {"grant_type": "refresh_token", "refresh_token": old["refresh_token"]}

        def refresh(_: int) -> int:
            return ask(Api(emulator.url), keys, **form).status_code

        with ThreadPoolExecutor(6) as pool:
            assert sorted(pool.map(refresh, range(6))) == [200] + [400] * 5
        assert not works(api, old)


def test_one_token_serves_while_it_lives_when_told_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(tmp_path, token_reuse=True) as emulator:
        api = Api(emulator.url)
        keys, later = register(api), clock_of(emulator, monkeypatch)
        first = password_token(api, keys)
        later(timedelta(seconds=1000))
        again = password_token(api, keys)
        assert (again["access_token"], again["refresh_token"]) == (
            first["access_token"],
            first["refresh_token"],
        )
        assert 13300 <= again["expires_in"] <= 13400
        # another user, scope, client or kind of grant has a token of its own
        others = [
            password_token(api, keys, user="student01"),
            password_token(api, keys, scope="openid"),
            password_token(api, register(api, "other")),
            ask(api, keys, grant_type="client_credentials").json(),
        ]
        assert len({token["access_token"] for token in [first, *others]}) == 5
        refreshed = ask(api, keys, grant_type="refresh_token", refresh_token=first["refresh_token"]).json()
        assert refreshed["access_token"] != first["access_token"]
        later(timedelta(seconds=20_000))
        assert password_token(api, keys)["access_token"] not in (
            first["access_token"],
            refreshed["access_token"],
        )


def test_without_anonymous_mode_credentials_are_needed(tmp_path: Path) -> None:
    with served(tmp_path, anonymous=False) as emulator:
        api = Api(emulator.url)
        assert api.request("GET", "jobs/v2").json()["fault"]["code"] == 900902
        assert api.refused("GET", "clients/v2", 401)
        assert api.call("GET", "tenants")
        assert Api(emulator.url, "student01").call("GET", "profiles/v2/me")["username"] == "student01"


def test_who_the_token_stands_for_in_the_terms_of_openid(api: Api, emulator: Emulator) -> None:
    student = Api(emulator.url, "student01")
    profile = student.call("GET", "profiles/v2/me")
    assert student.request("GET", "oauth2/userinfo?schema=openid").json() == {
        "sub": "student01",
        "name": profile["full_name"],
        "given_name": profile["first_name"],
        "family_name": profile["last_name"],
        "email": "student01@example.org",
        "preferred_username": "student01",
    }
    fault = api.request("GET", "oauth2/userinfo", headers=bearer("nonsense"))
    assert (fault.status_code, fault.json()["fault"]["code"]) == (401, 900901)


def test_the_body_may_come_in_any_shape(api: Api, keys: Keys) -> None:
    for body in (b"", b"{}", b"\xff\xfe", b"=&=&", b"grant_type", b'{"grant_type":"password"}', b"&" * 5000):
        answer = api.request("POST", "token", data=body, auth=keys)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
