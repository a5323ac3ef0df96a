"""Credentials of systems over HTTP: taken, and never shown [systems §10].

``user`` is an internal user, or ``default`` for the system's own.
"""

from __future__ import annotations

from flask import Response

from emulator.api.edge import caller, services
from emulator.api.v2 import bodies, system_record
from emulator.api.v2.schemas import read_auth
from emulator.api.v2.wire import reply
from emulator.domain.credentials import DEFAULT_USER, Credential
from emulator.domain.errors import Invalid
from emulator.domain.system import System

_LONGEST_USERNAME = 64


def list_credentials(system: str) -> Response:
    return _show(*services().systems.credentials.all(caller(), system))


def list_credentials_of(system: str, user: str) -> Response:
    return _show(*services().systems.credentials.of_user(caller(), system, _internal(user)))


def show_credential(system: str, user: str, part: str) -> Response:
    found, (one,) = services().systems.credentials.of_user(caller(), system, _internal(user), part)
    return reply(system_record.credential(found, one))


def save_credential(system: str, user: str = "", part: str | None = None) -> Response:
    """The user may stand in the body instead, as ``internalUsername``."""
    auth = read_auth(bodies.json_object())
    named = auth.secret.pop("internalUsername", None)
    if user and named and named != user:
        raise Invalid(
            f"The internalUsername value in the POST body, {named}, does not match the username in the URL, {user}"
        )
    username = _internal(user or named or DEFAULT_USER)
    services().systems.credentials.put(caller(), system, auth.shape, auth.secret, username, part)
    return reply(status=201)


def clear_credentials(system: str) -> Response:
    services().systems.credentials.clear(caller(), system)
    return reply()


def remove_credentials_of(system: str, user: str, part: str | None = None) -> Response:
    services().systems.credentials.remove(caller(), system, _internal(user), part)
    return reply()


def _internal(user: str) -> str | None:
    if user == DEFAULT_USER:
        return None
    if len(user) > _LONGEST_USERNAME or not user.isprintable():
        raise Invalid(f"Invalid internal username. A username has at most {_LONGEST_USERNAME} characters.")
    return user


def _show(system: System, found: list[Credential]) -> Response:
    page = bodies.page(unsigned=True)
    end = None if page.limit is None else page.offset + page.limit
    return reply([system_record.credential(system, one) for one in found[page.offset : end]])
