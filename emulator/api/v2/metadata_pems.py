"""Permissions on metadata items and schemas over HTTP [postits §B.4]. ``collection`` is data or schemas."""

from __future__ import annotations

from flask import Response

from emulator.api.edge import caller, services
from emulator.api.v2 import bodies
from emulator.api.v2.metadata_bodies import read_grant
from emulator.api.v2.metadata_record import grant
from emulator.api.v2.wire import reply
from emulator.domain.metadata import RecordKind

_KINDS = {"data": RecordKind.ITEM, "schemas": RecordKind.SCHEMA}


def list_pems(collection: str, uuid: str) -> Response:
    kind, page = _KINDS[collection], bodies.page(unsigned=True)
    found = services().metadata_permissions.all(caller(), kind, uuid, page.limit, page.offset)
    return reply([grant(kind, uuid, given) for given in found])


def show_pem(collection: str, uuid: str, username: str) -> Response:
    kind = _KINDS[collection]
    return reply(grant(kind, uuid, services().metadata_permissions.of_user(caller(), kind, uuid, username)))


def grant_pem(collection: str, uuid: str, username: str | None = None) -> Response:
    """201, or 200 where the user is left with nothing."""
    kind = _KINDS[collection]
    given = services().metadata_permissions.grant(caller(), kind, uuid, *read_grant(username))
    return reply(grant(kind, uuid, given), 201 if given else 200)


def revoke_pems(collection: str, uuid: str, username: str | None = None) -> Response:
    services().metadata_permissions.revoke(caller(), _KINDS[collection], uuid, username)
    return reply()
