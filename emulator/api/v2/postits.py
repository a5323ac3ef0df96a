"""Postits: URLs that work without a token [postits §A]."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from flask import Response, request

from emulator.api.edge import base_url, caller, only_world, services, world
from emulator.api.v2 import bodies
from emulator.api.v2.inner_requests import fetch
from emulator.api.v2.wire import error_reply, link, reply
from emulator.domain.errors import Invalid
from emulator.domain.postit import SERVICES, Postit, PostitStatus

_CHICAGO = ZoneInfo("America/Chicago")
_DEFAULT_LIMIT = 100
_MOST_DIGITS = re.compile(r"[0-9]{1,9}")


def list_postits() -> Response:
    """The caller's; without ``status`` those that can be redeemed."""
    limit, offset = request.args.get("limit", str(_DEFAULT_LIMIT)), request.args.get("offset", "")
    if _MOST_DIGITS.fullmatch(limit) is None or int(limit) == 0:
        raise Invalid("Invalid limit value. limit must be a positive integer value")
    skipped = int(offset) if _MOST_DIGITS.fullmatch(offset) else 0
    found = services().postits.list(caller(), _wanted_status(), int(limit), skipped)
    return reply([_postit(postit) for postit in found])


def create_postit() -> Response:
    postit = services().postits.create(caller(), bodies.fields(), _bases())
    return reply(_postit(postit), 201)


def show_postit(key: str) -> Response:
    return reply(_postit(services().postits.get(caller(), key)))


def update_postit(key: str) -> Response:
    return reply(_postit(services().postits.update(caller(), key, bodies.fields())))


def revoke_postit(key: str) -> Response:
    services().postits.revoke(caller(), key)
    return reply()


def refuse_verb(**_: str) -> Response:
    response = error_reply(405, "Unsupported method.")
    response.headers["Allow"] = "DELETE, GET, HEAD, OPTIONS"
    return response


def redeem_postit(key: str) -> Response:
    """What the postit stands for, fetched as its creator and passed on as it comes, errors too."""
    redemption = services().postits.redeem(key, only_world())
    path, _, query = redemption.target.partition("?")
    force = request.args.get("force", "").lower() == "true"
    if force and "force=true" not in query.split("&"):
        query += "&force=true" if query else "force=true"
    answer = fetch(path, query, redemption.caller)
    if (
        force
        and "attachment" not in answer.headers.get("Content-Disposition", "")
        and answer.status_code < 300
    ):
        answer.headers["Content-Disposition"] = "attachment"
    return answer


def _wanted_status() -> PostitStatus | None:
    word = request.args.get("status", "").strip().upper() or PostitStatus.ACTIVE.value
    if word == "ALL":
        return None
    words = [status.value for status in PostitStatus]
    if word not in words:
        raise Invalid(f"Invalid status value. Please specify one of: {', '.join(words)}, ALL")
    return PostitStatus(word)


def _bases() -> Iterable[str]:
    """The authorities (with a path, if any) that the client knows this API by."""
    configured = urlsplit(base_url())
    return [request.host, f"{configured.netloc}{configured.path}"]


def _postit(postit: Postit) -> dict[str, Any]:
    """The newer service's keys, and what clients of the older one read."""
    url = link(postit.target)
    path = f"postits/v2/{postit.id}"
    created, expires = _moment(postit.created), _moment(postit.expires)
    return {
        "postit": postit.id,
        "url": url["href"],
        "creator": postit.creator,
        "createdAt": created,
        "expiresAt": expires,
        "created": created,
        "expires": expires,
        "remainingUses": -1 if postit.unlimited else postit.remaining,
        "numberUsed": postit.used,
        "tenantId": world().tenant_id,
        "status": services().postits.status(postit).value,
        "internalUsername": None,
        "noauth": False,
        "method": "GET",
        "_links": {
            "self": link(path),
            "profile": link(f"profiles/v2/{postit.creator}"),
            SERVICES[postit.service]: url,
            "update": link(f"postits/v2/update/{postit.id}"),
            "list": link(f"postits/v2/listing/{postit.id}"),
        },
    }


def _moment(when: datetime) -> str:
    """``2020-09-30T21:51:31-05:00`` [conventions §6]."""
    return when.astimezone(_CHICAGO).isoformat(timespec="seconds")
