"""Tokens: bare JSON, no envelope, as OAuth has it [auth §4, §5]."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from flask import Response, request

from emulator.api.edge import caller, only_world, services
from emulator.api.v2.basic import basic_login
from emulator.api.v2.wire import NO_STORE, bare
from emulator.api.watch import user_is
from emulator.domain.errors import OAuthRefused
from emulator.domain.identity import Token


def issue_token() -> Response:
    form = form_fields()
    key, secret = _client_credentials(form)
    token = services().tokens.issue(key, secret, form, only_world())
    user_is(token.username)
    return bare(_token(token), headers=NO_STORE)


def revoke_token() -> Response:
    """The body is empty, always: the shell client takes any other for an error."""
    form = form_fields()
    key, secret = _client_credentials(form)
    services().tokens.revoke(key, secret, form.get("token", ""), only_world())
    return Response("", content_type="application/json")


def show_user_info() -> Response:
    """Who the token stands for, in the terms of OpenID."""
    user = services().profiles.get(caller(), "me")
    document = {
        "sub": user.username,
        "name": user.full_name,
        "given_name": user.first_name,
        "family_name": user.last_name,
        "email": user.email,
        "preferred_username": user.username,
    }
    return bare(document, headers=NO_STORE)


def show_headers() -> Response:
    """The assertion that a gateway would add to the caller's requests, under the header's name."""
    who = caller()
    name = f"X-JWT-Assertion-{who.tenant_id.replace('.', '-')}"
    return bare({"headers": {name: services().assertions.about(who)}}, headers=NO_STORE)


def form_fields() -> dict[str, str]:
    """The urlencoded body, read as text: a JSON body is a form without parameters."""
    text = request.get_data(cache=True).decode("utf-8", errors="replace")
    return dict(parse_qsl(text, keep_blank_values=True))


def _client_credentials(form: dict[str, str]) -> tuple[str, str]:
    login = basic_login()
    if login is not None:
        return login
    if form.get("client_id"):
        return form["client_id"], form.get("client_secret", "")
    raise OAuthRefused("invalid_client", "Client Authentication failed.")


def _token(token: Token) -> dict[str, Any]:
    answer = {
        "scope": token.scope,
        "token_type": "bearer",
        "expires_in": services().tokens.seconds_left(token),
    }
    if token.refresh_token is not None:
        answer["refresh_token"] = token.refresh_token
    return answer | {"access_token": token.access_token}
