"""Roles on systems over HTTP [systems §7]."""

from __future__ import annotations

from flask import Response

from emulator.api.edge import caller, services
from emulator.api.v2 import bodies, system_record
from emulator.api.v2.wire import reply
from emulator.domain.errors import Invalid
from emulator.domain.system import Role


def list_roles(system: str) -> Response:
    found, entries = services().system_roles.all(caller(), system, bodies.page(unsigned=True))
    return reply([system_record.role(found, entry) for entry in entries])


def show_role(system: str, username: str) -> Response:
    return reply(system_record.role(*services().system_roles.of_user(caller(), system, username)))


def grant_role(system: str, username: str = "") -> Response:
    """Answers an array with the one role; 201, or 200 where it was taken away."""
    body = bodies.given_fields()
    named = bodies.text(body, "username") or ""
    if username and named and named != username:
        raise Invalid(
            f"The username value in the POST body, {named}, does not match the username in the URL, {username}"
        )
    if not (username or named):
        raise Invalid("Missing username field.")
    if "role" not in body:
        raise Invalid("Missing role field.")
    role = bodies.text(body, "role") or ""
    found, entry = services().system_roles.grant(caller(), system, username or named, role)
    return reply([system_record.role(found, entry)], 200 if entry.role is Role.NONE else 201)


def revoke_role(system: str, username: str) -> Response:
    services().system_roles.revoke(caller(), system, username)
    return reply()


def clear_roles(system: str) -> Response:
    services().system_roles.revoke(caller(), system)
    return reply()
