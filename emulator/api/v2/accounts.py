"""Tenants, API clients, tokens and profiles over HTTP [auth]."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, quote

from flask import Response, request

from emulator.api.http import base_url, caller, edge, scope, services, world
from emulator.api.v2 import bodies
from emulator.api.v2.wire import NO_STORE, bare, link, reply
from emulator.domain.errors import Invalid, NotAuthenticated, NotFound, OAuthRefused
from emulator.domain.identity import ApiClient, Caller, Token, User
from emulator.services.accounts import LOGIN_FAILED

# first present parameter wins, in this order [auth §6]
_PROFILE_TERMS = {
    "username": "username",
    "email": "email",
    "name": "full_name",
    "first_name": "first_name",
    "firstName": "first_name",
    "last_name": "last_name",
    "lastName": "last_name",
    "full_name": "full_name",
    "fullName": "full_name",
}
_APIS = ("Apps", "Files", "Jobs", "Metadata", "Notifications", "PostIts", "Profiles", "Systems", "UUIDs")


# tenants [auth §1]


def list_tenants() -> Response:
    return reply([_tenant()], message="")


def show_tenant(tenant: str) -> Response:
    here = world()
    if tenant.lower() not in (here.tenant_id.lower(), here.tenant_uuid):
        raise NotFound(f"No tenant found with id {tenant} {request.remote_addr}")
    return reply([_tenant()], message="")


def _tenant() -> dict[str, Any]:
    here = world()
    contact = {
        "name": here.contact_name,
        "email": here.contact_email,
        "url": "",
        "type": "admin",
        "primary": True,
    }
    return {
        "id": here.tenant_uuid,
        "name": here.tenant_name,
        "baseUrl": base_url(),
        "code": here.tenant_id,
        "contact": [contact],
        "_links": {
            "self": link(f"tenants/{here.tenant_id}"),
            "publickey": link("apim/v2/publickey"),
        },
    }


# API clients [auth §3]


def list_clients() -> Response:
    return reply([_client(client) for client in services().accounts.clients(_owner())])


def create_client() -> Response:
    body = bodies.fields()
    names = ("clientName", "name", "description", "tier", "callbackUrl")
    given = {name: bodies.text(body, name) or "" for name in names}
    client = services().accounts.create_client(
        _owner(),
        name=given["clientName"] or given["name"],
        description=given["description"],
        tier=given["tier"],
        callback_url=given["callbackUrl"],
    )
    return reply(_client(client) | {"consumerSecret": client.secret}, 201)


def show_client(name: str) -> Response:
    return reply(_client(services().accounts.client(_owner(), name)))


def delete_client(name: str) -> Response:
    services().accounts.delete_client(_owner(), name)
    return reply()


def list_client_subscriptions(name: str) -> Response:
    """Every client is subscribed to every API; both sets of keys that clients read [auth §3]."""
    client = services().accounts.client(_owner(), name)
    return reply([_api_subscription(client, api) for api in _APIS])


def _owner() -> Caller:
    """The user that HTTP Basic names; without credentials the listener's default user, where allowed."""
    here = scope()
    accounts = services().accounts
    login = request.authorization
    if login is not None and login.type == "basic":
        return accounts.caller_of_login(here.world, login.username or "", login.password or "")
    if login is None and "Authorization" not in request.headers and edge().settings.anonymous:
        return accounts.caller(here.world, here.default_user, authenticated=False)
    raise NotAuthenticated(LOGIN_FAILED)


def _client(client: ApiClient) -> dict[str, Any]:
    path = f"clients/v2/{quote(client.name, safe='')}"
    return {
        "description": client.description,
        "name": client.name,
        "consumerKey": client.key,
        "tier": client.tier,
        "callbackUrl": client.callback_url,
        "_links": {
            "subscriber": link(f"profiles/v2/{client.owner}"),
            "self": link(path),
            "subscriptions": link(f"{path}/subscriptions/"),
        },
    }


def _api_subscription(client: ApiClient, api: str) -> dict[str, Any]:
    context = f"/{api.lower()}"
    path = f"clients/v2/{quote(client.name, safe='')}"
    return {
        "apiContext": context,
        "apiName": api,
        "apiProvider": "admin",
        "apiVersion": "v2",
        "context": context,
        "name": api,
        "provider": "admin",
        "version": "v2",
        "status": "PUBLISHED",
        "tier": client.tier,
        "_links": {
            "api": link(f"{api.lower()}/v2/"),
            "client": link(path),
            "self": link(f"{path}/subscriptions/"),
        },
    }


# tokens [auth §4, §5]: bare JSON, no envelope


def issue_token() -> Response:
    form = _oauth_form()
    key, secret = _client_credentials(form)
    token = services().accounts.issue(key, secret, form)
    return bare(_token(token), headers=NO_STORE)


def revoke_token() -> Response:
    form = _oauth_form()
    key, secret = _client_credentials(form)
    services().accounts.revoke(key, secret, form.get("token", ""))
    return Response("", content_type="application/json")


def _oauth_form() -> dict[str, str]:
    """The urlencoded body, read as text: a JSON body is a form without parameters."""
    text = request.get_data(cache=True).decode("utf-8", errors="replace")
    return dict(parse_qsl(text, keep_blank_values=True))


def _client_credentials(form: dict[str, str]) -> tuple[str, str]:
    login = request.authorization
    if login is not None and login.type == "basic":
        return login.username or "", login.password or ""
    if form.get("client_id"):
        return form["client_id"], form.get("client_secret", "")
    raise OAuthRefused("invalid_client", "Client Authentication failed.")


def _token(token: Token) -> dict[str, Any]:
    answer = {
        "scope": token.scope,
        "token_type": "bearer",
        "expires_in": services().accounts.seconds_left(token),
    }
    if token.refresh_token is not None:
        answer["refresh_token"] = token.refresh_token
    return answer | {"access_token": token.access_token}


# profiles [auth §6]


def list_profiles() -> Response:
    term = next((name for name in _PROFILE_TERMS if name in request.args), None)
    found = services().accounts.profiles(
        caller(), _PROFILE_TERMS[term] if term else None, request.args.get(term, "") if term else ""
    )
    page = bodies.page()
    assert page.limit is not None
    return reply([_profile(user) for user in found[page.offset : page.offset + page.limit]])


def show_profile(username: str) -> Response:
    return reply(_profile(services().accounts.profile(caller(), username)))


def search_profiles(term: str, value: str) -> Response:
    if term.lower() not in ("username", "email", "name"):
        raise Invalid("Invalid search term. Valid search terms are: username, email, and name.")
    found = services().accounts.profiles(caller(), _PROFILE_TERMS[term.lower()], value)
    return reply([_profile(user) for user in found])


def _profile(user: User) -> dict[str, Any]:
    """Both shapes that the service has had: snake_case and camelCase [auth §6]."""
    return {
        "username": user.username,
        "email": user.email,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "full_name": user.full_name,
        "phone": user.phone,
        "mobile_phone": user.mobile_phone,
        "status": "Active",
        "uid": None,
        "create_time": user.created.strftime("%Y%m%d%H%M%SZ") if user.created else None,
        "fullName": user.full_name,
        "firstName": user.first_name,
        "lastName": user.last_name,
        "institution": user.institution,
        "uuid": user.uuid,
        "_links": {
            "self": link(f"profiles/v2/{user.username}"),
            "users": link(f"profiles/v2/{user.username}/users"),
        },
    }
