"""Permissions on files over HTTP [files §10]."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from flask import Response, request

from emulator.api.edge import caller, services
from emulator.api.v2 import bodies
from emulator.api.v2.file_record import pem_line
from emulator.api.v2.files import target
from emulator.api.v2.wire import reply
from emulator.domain.errors import Invalid
from emulator.domain.file import INVALID_PERMISSION
from emulator.services.file_permissions import EVERYBODY, PemChange
from emulator.services.file_places import Route

_USERNAME = re.compile(r"[A-Za-z0-9_.@+-]{1,64}")
_READ = ("canread", "can_read", "read")
_WRITE = ("canwrite", "can_write", "write")
_EXECUTE = ("grantexecute", "can_execute", "execute")
_ALL = ("grantall", "can_all", "all")


def list_pems(path: str) -> Response:  # noqa: ARG001
    page = bodies.page(cap=False)
    assert page.limit is not None
    found = services().file_permissions.listing(
        caller(), *target(), username=_condition("username"), permission=_condition("permission")
    )
    lines = [pem_line(found.place, pem) for pem in found.entries]
    return reply(lines[page.offset : page.offset + page.limit])


def change_pems(path: str) -> Response:  # noqa: ARG001
    who, where = caller(), target()
    services().files.locate(who, *where, Route.SHARE)  # the system is looked at before the body [files §3]
    changed = services().file_permissions.change(
        who, *where, _change(bodies.given_fields(bodies.FILES_EMPTY))
    )
    lines = [pem_line(changed.place, pem) for pem in changed.entries]
    return reply(lines, 201 if changed.granted else 200)


def clear_pems(path: str) -> Response:  # noqa: ARG001
    recursive = bodies.truth(request.args.get("recursive", "")) is True
    services().file_permissions.clear(caller(), *target(), recursive)
    return reply()


def _condition(name: str) -> str | None:
    """``?name=x`` or ``?name.eq=x``, the name in any case."""
    for key, value in request.args.items():
        if key.lower() in (name, f"{name}.eq"):
            return value
    return None


def _change(body: Mapping[str, Any]) -> PemChange:
    """Raises Invalid for a missing name and for values that are none."""
    fields = {name.lower(): value for name, value in body.items()}
    username = (bodies.text(fields, "username") or "").strip()
    if not username:
        raise Invalid("No username specified")
    if username != EVERYBODY and _USERNAME.fullmatch(username) is None:
        raise Invalid(f"Invalid username {username}")
    word = fields.get("permission")
    return PemChange(
        username=username,
        word=None if word is None else str(word).strip() or "NONE",
        read=_right(fields, _READ),
        write=_right(fields, _WRITE),
        execute=_right(fields, _EXECUTE) is True,
        everything=_right(fields, _ALL) is True,
        recursive=bodies.truth(fields.get("recursive", False)) is True,
    )


def _right(fields: Mapping[str, Any], names: tuple[str, ...]) -> bool | None:
    """The first of the names that is given; None when none is."""
    for name in names:
        if name in fields:
            value = bodies.truth(fields[name])
            if value is None:
                raise Invalid(INVALID_PERMISSION)
            return value
    return None
