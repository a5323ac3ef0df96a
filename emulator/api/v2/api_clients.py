"""API clients and their subscriptions; who asks proves it by HTTP Basic [auth §3]."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from flask import Response, request

from emulator.api.edge import anonymous_caller, scope, services
from emulator.api.v2 import bodies
from emulator.api.v2.basic import basic_login
from emulator.api.v2.wire import link, reply
from emulator.domain.apis import APIS, PROVIDER, VERSION
from emulator.domain.errors import NotAuthenticated
from emulator.domain.identity import ApiClient, Caller
from emulator.services.accounts import LOGIN_FAILED


def list_clients() -> Response:
    return reply([_client(client) for client in services().api_clients.list(_owner())])


def create_client() -> Response:
    """The only answer that holds the secret."""
    owner = _owner()
    given = _texts("clientName", "name", "description", "tier", "callbackUrl")
    client = services().api_clients.create(
        owner,
        name=given["clientName"] or given["name"],
        description=given["description"],
        tier=given["tier"],
        callback_url=given["callbackUrl"],
    )
    return reply(_client(client) | {"consumerSecret": client.secret}, 201)


def show_client(name: str) -> Response:
    return reply(_client(services().api_clients.get(_owner(), name)))


def delete_client(name: str) -> Response:
    services().api_clients.delete(_owner(), name)
    return reply()


def list_subscriptions(name: str) -> Response:
    return reply(_subscriptions(services().api_clients.get(_owner(), name)))


def subscribe(name: str) -> Response:
    """To the API that ``apiName`` or ``name`` says, or to all by ``*``; the answer is all there are."""
    owner = _owner()
    given = _texts("apiName", "name", "apiVersion", "tier")
    client = services().api_clients.subscribe(
        owner, name, given["apiName"] or given["name"], given["apiVersion"], given["tier"]
    )
    return reply(_subscriptions(client), 201)


def unsubscribe(name: str) -> Response:
    """From all, or from the one API that ``apiName`` says, in the query or the body."""
    owner = _owner()
    given = _texts("apiName", "name")
    asked = request.args.get("apiName") or given["apiName"] or given["name"] or "*"
    services().api_clients.unsubscribe(owner, name, asked)
    return reply()


def _texts(*names: str) -> dict[str, str]:
    body = bodies.fields()
    return {name: bodies.text(body, name) or "" for name in names}


def _owner() -> Caller:
    """The user that HTTP Basic names; without credentials the listener's default user, where allowed."""
    login = basic_login()
    if login is not None:
        return services().accounts.caller_of_login(scope().world, *login)
    default = None if "Authorization" in request.headers else anonymous_caller()
    if default is None:
        raise NotAuthenticated(LOGIN_FAILED)
    return default


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


def _subscriptions(client: ApiClient) -> list[dict[str, Any]]:
    """Both sets of keys that clients read [auth §3]."""
    path = f"clients/v2/{quote(client.name, safe='')}"
    return [
        {
            "apiContext": f"/{APIS[api][0]}",
            "apiName": api,
            "apiProvider": PROVIDER,
            "apiVersion": VERSION,
            "context": f"/{APIS[api][0]}",
            "name": api,
            "provider": PROVIDER,
            "version": VERSION,
            "status": "PUBLISHED",
            "tier": tier,
            "_links": {
                "api": link(f"{APIS[api][0]}/{VERSION}/"),
                "client": link(path),
                "self": link(f"{path}/subscriptions/"),
            },
        }
        for api, tier in client.tiers().items()
    ]
