"""Permissions on jobs over HTTP [jobs §8]."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from flask import Response

from emulator.api.edge import caller, services
from emulator.api.v2 import bodies
from emulator.api.v2.wire import link, reply
from emulator.domain.errors import Invalid
from emulator.services.job_permissions import JobAccess


def list_pems(job_id: str) -> Response:
    page = bodies.page(unsigned=True)
    assert page.limit is not None
    found = services().job_permissions.listing(caller(), job_id, page.limit, page.offset)
    return reply([_entry(access) for access in found])


def show_pem(job_id: str, username: str) -> Response:
    return reply(_entry(services().job_permissions.of(caller(), job_id, username)))


def grant(job_id: str) -> Response:
    """``{username, permission}``, JSON or a form."""
    fields = bodies.fields()
    return _grant(job_id, _username(fields), fields)


def grant_to(job_id: str, username: str) -> Response:
    """``{permission}``; a user named in the body must be the one of the URL."""
    fields = bodies.fields()
    named = _username(fields)
    if named and named != username:
        raise Invalid(
            f"The username value in the POST body, {named}, does not match the username in the URL, {username}"
        )
    return _grant(job_id, username, fields)


def revoke_all(job_id: str) -> Response:
    services().job_permissions.revoke(caller(), job_id)
    return reply()


def revoke_from(job_id: str, username: str) -> Response:
    services().job_permissions.revoke(caller(), job_id, username)
    return reply()


def _grant(job_id: str, username: str, fields: dict[str, Any]) -> Response:
    if not username:
        raise Invalid("Missing username field.")
    if "permission" not in fields:
        raise Invalid("Missing permission field.")
    word = fields["permission"]
    permission = "" if word is None else str(word).strip()
    access = services().job_permissions.grant(caller(), job_id, username, permission)
    return reply(_entry(access), 201 if access.permission else 200)


def _username(fields: dict[str, Any]) -> str:
    return (bodies.text(fields, "username") or "").strip()


def _entry(access: JobAccess) -> dict[str, Any]:
    user = quote(access.username, safe="")
    return {
        "username": access.username,
        "internalUsername": None,
        "permission": {"read": access.permission.read, "write": access.permission.write},
        "_links": {
            "self": link(f"jobs/v2/{access.job_id}/pems/{user}"),
            "parent": link(f"jobs/v2/{access.job_id}"),
            "profile": link(f"profiles/v2/{user}"),
        },
    }
