"""Tenants, API clients, tokens and profiles, as clients meet them [auth]."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import requests

from emulator.app import Emulator
from tests.served import Api, served

LOGIN = ("testuser", "emulator")


@pytest.fixture
def keys(api: Api) -> tuple[str, str]:
    """Consumer key and secret of a fresh client of testuser."""
    api.request("DELETE", "clients/v2/keys", auth=LOGIN)
    made = api.call("POST", "clients/v2", json={"clientName": "keys"}, auth=LOGIN)
    return made["consumerKey"], made["consumerSecret"]


def token(api: Api, keys: tuple[str, str], **form: str) -> requests.Response:
    return api.request("POST", "token", data=form, auth=keys)


def password_token(api: Api, keys: tuple[str, str], user: str = "testuser") -> dict[str, Any]:
    answer = token(api, keys, grant_type="password", username=user, password="emulator", scope="PRODUCTION")
    document: dict[str, Any] = answer.json()
    assert answer.status_code == 200, document
    return document


# tenants


def test_the_tenant_says_where_it_answers(api: Api, emulator: Emulator) -> None:
    tenant = api.call("GET", "tenants")[0]
    assert (tenant["code"], tenant["baseUrl"]) == ("tacc.prod", f"{emulator.url}/")
    assert tenant["id"].endswith("-016")
    assert api.call("GET", "tenants/TACC.prod/") == [tenant]
    assert api.call("GET", f"tenants/{tenant['id']}") == [tenant]
    assert api.request("GET", "tenants").json()["message"] == ""
    assert api.refused("GET", "tenants/nowhere", 404).startswith("No tenant found with id nowhere ")
    assert api.request("POST", "tenants").status_code == 405


def test_the_base_url_follows_the_way_the_request_came(api: Api) -> None:
    def base(**headers: str) -> str:
        return str(api.request("GET", "tenants", headers=headers).json()["result"][0]["baseUrl"])

    assert base(Host="some.name:1234") == "http://some.name:1234/"
    forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "tapis.example.org"}
    assert base(**forwarded) == "https://tapis.example.org/"


# API clients


def test_a_client_is_made_shown_without_its_secret_and_deleted(api: Api) -> None:
    body = {"clientName": "my client", "description": "for a test", "tier": "gold", "callbackUrl": ""}
    made = api.call("POST", "/clients/v2/", 201, data=body, auth=LOGIN)
    assert re.fullmatch(r"\w{28}", made["consumerKey"]) and re.fullmatch(r"\w{28}", made["consumerSecret"])
    assert (made["name"], made["tier"]) == ("my client", "Gold")
    shown = api.call("GET", "clients/v2/my%20client", auth=LOGIN)
    assert "consumerSecret" not in shown and shown["consumerKey"] == made["consumerKey"]
    assert shown["_links"]["self"]["href"].endswith("/clients/v2/my%20client")
    assert made["name"] in [client["name"] for client in api.call("GET", "clients/v2", auth=LOGIN)]
    assert api.refused("POST", "clients/v2", 400, json=body, auth=LOGIN) == "Application already exists"
    assert "result" not in api.request("DELETE", "clients/v2/my%20client", auth=LOGIN).json()
    assert api.refused("GET", "clients/v2/my%20client", 404, auth=LOGIN) == "Application not found"
    assert api.refused("DELETE", "clients/v2/my%20client", 404, auth=LOGIN) == "Application not found"


@pytest.mark.parametrize("body", [{}, {"clientName": ""}, {"clientName": " "}, {"description": "x"}])
def test_a_client_needs_a_name(api: Api, body: dict[str, str]) -> None:
    assert api.refused("POST", "clients/v2", 400, json=body, auth=LOGIN) == "clientName is required"


def test_a_wrong_password_is_refused_and_none_means_the_default_user(api: Api) -> None:
    text = "Login failed.Please recheck the username and password and try again."
    assert api.refused("GET", "clients/v2", 401, auth=("testuser", "wrong")) == text
    assert api.refused("GET", "clients/v2", 401, auth=("nobody", "emulator")) == text
    assert isinstance(api.call("GET", "clients/v2"), list)


def test_clients_of_others_are_not_seen(api: Api) -> None:
    api.request("DELETE", "clients/v2/mine", auth=("student02", "emulator"))
    api.call("POST", "clients/v2", json={"clientName": "mine"}, auth=("student02", "emulator"))
    api.refused("GET", "clients/v2/mine", 404, auth=("student03", "emulator"))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (["a"], "Invalid value for the 'clientName' field. Please specify a string."),
        ({"a": 1}, "Invalid value for the 'clientName' field. Please specify a string."),
        ("a/b", "clientName must not contain slashes or control characters"),
        ("a\x00", "clientName must not contain slashes or control characters"),
        ("a\nb", "clientName must not contain slashes or control characters"),
    ],
)
def test_a_client_has_a_name_that_a_url_can_hold(api: Api, name: Any, message: str) -> None:
    before = api.call("GET", "clients/v2", auth=LOGIN)
    assert api.refused("POST", "clients/v2", 400, json={"clientName": name}, auth=LOGIN) == message
    assert api.call("GET", "clients/v2", auth=LOGIN) == before


# tokens


def test_a_password_buys_a_token_in_oauths_own_form(api: Api, keys: tuple[str, str]) -> None:
    answer = token(api, keys, grant_type="password", username="student01", password="emulator")
    document = answer.json()
    assert set(document) == {"scope", "token_type", "expires_in", "refresh_token", "access_token"}
    assert (document["token_type"], document["expires_in"]) == ("bearer", 14400)
    assert re.fullmatch("[0-9a-f]{32}", document["access_token"])
    assert (answer.headers["Cache-Control"], answer.headers["Content-Type"]) == (
        "no-store",
        "application/json",
    )
    me = api.call("GET", "profiles/v2/me", headers={"Authorization": f"Bearer {document['access_token']}"})
    assert me["username"] == "student01"


def test_a_refresh_gives_a_new_pair_and_leaves_the_old_one_alive(api: Api, keys: tuple[str, str]) -> None:
    old = password_token(api, keys)
    new = token(api, keys, grant_type="refresh_token", refresh_token=old["refresh_token"]).json()
    assert new["access_token"] != old["access_token"] and new["refresh_token"] != old["refresh_token"]
    for pair in (old, new):
        headers = {"Authorization": f"Bearer {pair['access_token']}"}
        assert api.call("GET", "profiles/v2/me", headers=headers)["username"] == "testuser"
    again = token(api, keys, grant_type="refresh_token", refresh_token=old["refresh_token"])
    assert again.status_code == 200


def test_an_administrator_may_act_for_others_and_nobody_else(api: Api, keys: tuple[str, str]) -> None:
    form = {"grant_type": "admin_password", "token_username": "student05", "password": "emulator"}
    answer = token(api, keys, username="admin", **form).json()
    headers = {"Authorization": f"Bearer {answer['access_token']}"}
    assert api.call("GET", "profiles/v2/me", headers=headers)["username"] == "student05"
    assert token(api, keys, username="student01", **form).json()["error"] == "unauthorized_client"


def test_client_credentials_act_as_the_clients_owner(api: Api, keys: tuple[str, str]) -> None:
    answer = token(api, keys, grant_type="client_credentials").json()
    assert "refresh_token" not in answer
    in_body = {"client_id": keys[0], "client_secret": keys[1], "grant_type": "client_credentials"}
    assert api.request("POST", "token", data=in_body).status_code == 200


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "password", "username": "testuser", "password": "wrong"}, "invalid_grant"),
        ({"grant_type": "password", "username": "nobody", "password": "emulator"}, "invalid_grant"),
        ({"grant_type": "password", "username": "testuser"}, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "0" * 32}, "invalid_grant"),
        ({"grant_type": "refresh_token"}, "invalid_request"),
        ({"grant_type": "magic"}, "unsupported_grant_type"),
        ({}, "unsupported_grant_type"),
    ],
)
def test_what_the_token_service_refuses(
    api: Api, keys: tuple[str, str], form: dict[str, str], error: str
) -> None:
    answer = token(api, keys, **form)
    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert set(answer.json()) == {"error", "error_description"}


def test_a_wrong_client_is_refused(api: Api, keys: tuple[str, str]) -> None:
    form = {"grant_type": "password", "username": "testuser", "password": "emulator"}
    for login in (("nothing", "nothing"), (keys[0], "wrong"), None):
        answer = api.request("POST", "token", data=form, auth=login)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_a_revoked_token_is_worth_nothing(api: Api, keys: tuple[str, str]) -> None:
    pair = password_token(api, keys)
    answer = api.request("POST", "revoke", data={"token": pair["access_token"]}, auth=keys)
    assert (answer.status_code, answer.content) == (200, b"")
    headers = {"Authorization": f"Bearer {pair['access_token']}"}
    answer = api.request("GET", "profiles/v2/me", headers=headers)
    assert answer.text.startswith('{"fault":{"code":900901,"message":"Invalid Credentials"')
    assert (
        token(api, keys, grant_type="refresh_token", refresh_token=pair["refresh_token"]).status_code == 400
    )


def test_deleting_a_client_ends_its_tokens(api: Api, keys: tuple[str, str]) -> None:
    headers = {"Authorization": f"Bearer {password_token(api, keys)['access_token']}"}
    api.call("DELETE", "clients/v2/keys", auth=LOGIN)
    assert api.request("GET", "jobs/v2", headers=headers).status_code == 401


@pytest.mark.parametrize(
    "header", ["Bearer ", "Bearer", "Basic dGVzdDp0ZXN0", "nonsense", "", "Bearer \u00e9"]
)
def test_headers_that_hold_no_token(api: Api, header: str) -> None:
    answer = api.request("GET", "jobs/v2", headers={"Authorization": header.encode("latin-1")})
    assert answer.status_code == 401
    assert answer.json()["fault"]["code"] in (900901, 900902)
    assert answer.headers["WWW-Authenticate"] == 'OAuth2 realm="WSO2 API Manager"'


def test_an_expired_token_is_refused_in_json_and_in_xml(tmp_path: Path) -> None:
    with served(tmp_path, token_lifetime=0) as emulator:
        headers = {"Authorization": f"Bearer {Api(emulator.url).token('testuser')}"}
        api = Api(emulator.url)
        answer = api.request("GET", "jobs/v2", headers=headers)
        assert (answer.status_code, answer.json()["fault"]["code"]) == (401, 900901)
        answer = api.request("GET", "jobs/v2", headers=headers | {"Accept": "application/xml"})
        assert answer.text.startswith(
            '<ams:fault xmlns:ams="http://wso2.org/apimanager/security"><ams:code>900904</ams:code>'
        )


def test_without_anonymous_mode_credentials_are_needed(tmp_path: Path) -> None:
    with served(tmp_path, anonymous=False) as emulator:
        api = Api(emulator.url)
        assert api.request("GET", "jobs/v2").json()["fault"]["code"] == 900902
        assert api.refused("GET", "clients/v2", 401)
        assert api.call("GET", "tenants")
        assert Api(emulator.url, "student01").call("GET", "profiles/v2/me")["username"] == "student01"


def test_a_refresh_kills_the_old_pair_when_told_to(tmp_path: Path) -> None:
    with served(tmp_path, revoke_on_refresh=True) as emulator:
        api = Api(emulator.url)
        made = api.call("POST", "clients/v2", json={"clientName": "keys"}, auth=LOGIN)
        keys = made["consumerKey"], made["consumerSecret"]
        old = password_token(api, keys)
        assert token(api, keys, grant_type="refresh_token", refresh_token=old["refresh_token"]).ok
        headers = {"Authorization": f"Bearer {old['access_token']}"}
        assert api.request("GET", "jobs/v2", headers=headers).status_code == 401


# profiles


def test_profiles_are_shown_in_both_shapes(api: Api) -> None:
    profile = api.call("GET", "profiles/v2/student10")
    assert profile["email"] == "student10@example.org"
    assert profile["first_name"] == profile["firstName"] != ""
    assert profile["full_name"] == f"{profile['first_name']} {profile['last_name']}"
    assert api.refused("GET", "profiles/v2/nobody", 404) == "No user found matching nobody"


def test_profiles_are_listed_and_searched(api: Api) -> None:
    assert len(api.call("GET", "profiles/v2")) == 42
    assert [p["username"] for p in api.call("GET", "profiles/v2?username=student01&limit=5")] == ["student01"]
    assert len(api.call("GET", "profiles/v2?email=STUDENT")) == 40
    assert len(api.call("GET", "profiles/v2?limit=7&offset=40")) == 2
    assert [p["username"] for p in api.call("GET", "profiles/v2/search/username/admin")] == ["admin"]
    assert api.refused("GET", "profiles/v2/search/shoe/42", 400) == (
        "Invalid search term. Valid search terms are: username, email, and name."
    )
