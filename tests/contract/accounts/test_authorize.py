"""The login form and what a browser is sent back with [auth §5]."""

from __future__ import annotations

import re
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from emulator.app import Emulator
from tests.contract.accounts.signing_in import CALLBACK, LOGIN, Keys, Later, ask, bearer, register, works
from tests.served import Api

STATE = "x&y=\"'><script>é"
USER = {"username": "student03", "password": "emulator"}


class Form(HTMLParser):
    """What a browser would send: the fields of the form, and where to."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.tags: list[str] = []
        self.form: dict[str, str | None] = {}
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        found = dict(attrs)
        if tag == "form":
            self.form = found
        if tag == "input":
            self.fields[str(found["name"])] = found.get("value") or ""

    def handle_data(self, data: str) -> None:
        self.text += data


def show(api: Api, **query: str) -> requests.Response:
    return api.request("GET", "authorize", params=query, allow_redirects=False)


def send(api: Api, fields: dict[str, str], **headers: str) -> requests.Response:
    return api.request("POST", "authorize", data=fields, headers=headers, allow_redirects=False)


def asked(keys: Keys, kind: str = "code", **more: str) -> dict[str, str]:
    query = {"client_id": keys[0], "response_type": kind, "redirect_uri": CALLBACK, "state": STATE}
    return query | {"scope": "PRODUCTION"} | more


def returned(answer: requests.Response) -> dict[str, Any]:
    """The parameters of a redirect to the registered callback."""
    assert answer.status_code == 302, answer.text
    where = answer.headers["Location"]
    assert where.startswith(CALLBACK) and answer.content == b""
    parts = urlsplit(where)
    found = parse_qs(parts.fragment or parts.query)
    found.pop("from", None)
    return {name: values[0] for name, values in found.items()}


def code_for(api: Api, keys: Keys) -> str:
    form = Form(show(api, **asked(keys)).text)
    answer = returned(send(api, form.fields | USER | {"answer": "allow"}))
    assert answer["state"] == STATE
    return str(answer["code"])


def exchange(api: Api, keys: Keys, code: str, redirect_uri: str = CALLBACK) -> requests.Response:
    return ask(api, keys, grant_type="authorization_code", code=code, redirect_uri=redirect_uri)


def test_a_user_logs_in_and_the_client_gets_a_token_for_the_code(api: Api, keys: Keys) -> None:
    token = exchange(api, keys, code_for(api, keys)).json()
    assert api.call("GET", "profiles/v2/me", headers=bearer(token))["username"] == "student03"
    assert ask(api, keys, grant_type="refresh_token", refresh_token=token["refresh_token"]).ok


def test_the_page_escapes_whatever_it_shows(api: Api) -> None:
    keys = register(api, "<b>bold & 'quoted'<", callbackUrl=CALLBACK)
    page = show(api, **asked(keys, scope="<i>"))
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    form = Form(page.text)
    assert not {"b", "script", "i"} & set(form.tags)
    assert "<b>bold & 'quoted'<" in form.text
    assert (form.fields["state"], form.fields["scope"]) == (STATE, "<i>")
    assert form.form["method"] == "post" and "action" not in form.form
    refused = send(api, form.fields | {"username": '"><script>', "password": "x"})
    again = Form(refused.text)
    assert refused.status_code == 401 and "script" not in again.tags
    assert (again.fields["username"], again.fields["password"]) == ('"><script>', "")
    assert 'Authentication failed for "><script>' in again.text
    for answer in (page, refused):
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    api.call("DELETE", "clients/v2/%3Cb%3Ebold%20%26%20'quoted'%3C", auth=LOGIN)


def test_a_code_is_good_once_and_its_second_use_ends_the_token(api: Api, keys: Keys) -> None:
    code = code_for(api, keys)
    token = exchange(api, keys, code).json()
    assert works(api, token)
    answer = exchange(api, keys, code)
    assert (answer.status_code, answer.json()) == (
        400,
        {
            "error": "invalid_grant",
            "error_description": "Invalid authorization code received from token request",
        },
    )
    assert not works(api, token)
    refresh = ask(api, keys, grant_type="refresh_token", refresh_token=token["refresh_token"])
    assert refresh.json()["error"] == "invalid_grant"


def test_a_code_ends_after_five_minutes(api: Api, keys: Keys, later: Later) -> None:
    first, second = code_for(api, keys), code_for(api, keys)
    later(timedelta(minutes=4, seconds=50))
    assert exchange(api, keys, first).ok
    later(timedelta(minutes=5, seconds=10))
    assert exchange(api, keys, second).json()["error"] == "invalid_grant"


def test_a_code_is_for_its_client_and_its_callback(api: Api, keys: Keys) -> None:
    code = code_for(api, keys)
    other = register(api, "thief", callbackUrl=CALLBACK)
    assert exchange(api, other, code).json()["error"] == "invalid_grant"
    wrong = exchange(api, keys, code, "https://elsewhere.example.org/")
    assert wrong.json() == {"error": "invalid_grant", "error_description": "Callback url mismatch"}
    assert exchange(api, keys, code).ok


def test_a_code_dies_with_its_user(api: Api, admin: Api, keys: Keys) -> None:
    user = {"username": "short.lived", "password": "secret"}
    admin.call("POST", "profiles/v2", json=user | {"email": "s@example.org"})
    code = str(returned(send(api, asked(keys) | user))["code"])
    admin.call("DELETE", "profiles/v2/short.lived")
    assert exchange(api, keys, code).json()["error"] == "invalid_grant"


def test_an_implicit_token_comes_in_the_fragment_and_cannot_be_refreshed(api: Api, keys: Keys) -> None:
    form = Form(show(api, **asked(keys, "token")).text)
    answer = send(api, form.fields | USER)
    assert (
        "#" in answer.headers["Location"] and "access_token" not in urlsplit(answer.headers["Location"]).query
    )
    token = returned(answer)
    assert (token["token_type"], token["state"]) == ("bearer", STATE)
    assert 3590 <= int(token["expires_in"]) <= 3600 and "refresh_token" not in token
    assert api.call("GET", "profiles/v2/me", headers=bearer(token))["username"] == "student03"


@pytest.mark.parametrize("kind", ["code", "token"])
def test_a_user_may_say_no(api: Api, keys: Keys, kind: str) -> None:
    fields = asked(keys, kind) | {"answer": "deny", "username": "", "password": ""}
    assert returned(send(api, fields)) == {"error": "access_denied", "state": STATE}


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"response_type": ""}, "invalid_request"),
        ({"response_type": "id_token"}, "unsupported_response_type"),
        ({"scope": "x" * 200}, "invalid_scope"),
    ],
)
def test_a_clients_own_mistakes_go_back_to_it(api: Api, keys: Keys, more: dict[str, str], error: str) -> None:
    for answer in (show(api, **asked(keys) | more), send(api, asked(keys) | more | USER)):
        assert returned(answer)["error"] == error


@pytest.mark.parametrize(
    "redirect_uri",
    [
        "https://evil.example.org/",
        CALLBACK + "/more",
        CALLBACK + "@evil.example.org",
        CALLBACK.upper(),
        "//evil.example.org",
        "javascript:alert(1)",
        "\r\nLocation: https://evil.example.org",
    ],
)
def test_nobody_is_sent_anywhere_but_to_the_registered_callback(
    api: Api, keys: Keys, redirect_uri: str
) -> None:
    fields = asked(keys, redirect_uri=redirect_uri)
    for answer in (show(api, **fields), send(api, fields | USER), send(api, fields | {"answer": "deny"})):
        assert answer.status_code == 400 and "Location" not in answer.headers
        assert answer.json()["error"] == "invalid_request"


@pytest.mark.parametrize(
    "callback",
    [
        "",
        "urn:ietf:wg:oauth:2.0:oob",
        "javascript:alert(1)",
        "/here",
        "https://",
        "http://a/#b",
        "https://a:99999/",
        "https://a:b/",
        "https://[::1/",
    ],
)
def test_a_client_without_a_web_address_cannot_ask(api: Api, callback: str) -> None:
    keys = register(api, "no callback", callbackUrl=callback)
    for more in ({"redirect_uri": callback}, {"redirect_uri": ""}):
        answer = show(api, **asked(keys) | more)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_a_callback_may_hold_any_letters(api: Api) -> None:
    keys = register(api, "letters", callbackUrl="https://app.example.org/é☃?x=ü")
    answer = send(api, asked(keys, redirect_uri="") | USER | {"state": "a\r\nSet-Cookie: b"})
    where = answer.headers["Location"]
    assert where.startswith("https://app.example.org/%C3%A9%E2%98%83?x=%C3%BC&code=")
    assert where.endswith("&state=a%0D%0ASet-Cookie%3A+b") and "Set-Cookie" not in answer.headers


def test_the_callback_need_not_be_named(api: Api, keys: Keys) -> None:
    assert "code" in returned(send(api, asked(keys, redirect_uri="") | USER))


def test_an_unknown_client_is_refused(api: Api) -> None:
    for answer in (show(api, client_id="nothing", response_type="code"), show(api), send(api, USER)):
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_nobody_is_let_in_without_the_password(api: Api, keys: Keys) -> None:
    for login in ({}, {"username": "testuser"}, {"username": "student03", "password": "wrong"}):
        answer = send(api, asked(keys) | login)
        assert answer.status_code == 401 and "Location" not in answer.headers
        assert re.search(r"<form", answer.text)


def test_a_form_of_another_site_is_refused(api: Api, emulator: Emulator, keys: Keys) -> None:
    for origin in ("https://evil.example.org", "null", f"{emulator.url}.evil.example.org"):
        answer = send(api, asked(keys) | USER, Origin=origin)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert returned(send(api, asked(keys) | USER, Origin=emulator.url))["code"]
