"""Tenants: where a client finds its base URL [auth §1]."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from emulator.api.edge import base_url, services, world
from emulator.api.v2.wire import link, reply
from emulator.domain.errors import NotFound

_LIVE = "LIVE"


def list_tenants() -> Response:
    return reply([_tenant()] if world().status == _LIVE else [], message="")


def show_tenant(tenant: str) -> Response:
    """A list of one, as the service has it."""
    here = world()
    if here.status != _LIVE or tenant.lower() not in (here.tenant_id.lower(), here.tenant_uuid):
        raise NotFound(f"No tenant found with id {tenant} {request.remote_addr}")
    return reply([_tenant()], message="")


def show_public_key() -> Response:
    """The key that the assertions of :func:`tokens.show_headers` are signed with, in PEM."""
    return Response(services().assertions.public_key(), content_type="application/x-pem-file")


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
