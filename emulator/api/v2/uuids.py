"""The uuid service over HTTP: what identifiers stand for [postits §C]."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from flask import Response, request

from emulator.api.edge import caller, services
from emulator.api.v2 import bodies
from emulator.api.v2.inner_requests import fetch
from emulator.api.v2.wire import link, reply
from emulator.domain.errors import Invalid
from emulator.services.uuids import Resolved

_MEDIA, _LISTINGS = "files/v2/media/", "files/v2/listings/"
_POSTITS = "postits/v2/"


def show_uuid(uuid: str) -> Response:
    """The type and the link; with ``expand`` the resource itself, or why the caller may not see it."""
    return _answer(_shown(services().uuids.resolve(caller(), uuid)))


def list_uuids() -> Response:
    """Of ``uuids``, in their order; what cannot be told says why."""
    wanted = request.args.get("uuids") or request.args.get("uuids.eq") or ""
    uuids = [uuid.strip() for uuid in wanted.split(",") if uuid.strip()]
    page = bodies.page()
    end = None if page.limit is None else page.offset + page.limit
    return _answer([_element(uuid) for uuid in uuids[page.offset : end]])


def draw_uuid() -> Response:
    """A new uuid of ``type``."""
    drawn = services().uuids.draw(caller().world, bodies.text(bodies.fields(), "type") or "")
    return reply({"uuid": drawn.uuid, "type": drawn.kind.lower()})


def _element(uuid: str) -> Any:
    try:
        resolved = services().uuids.resolve(caller(), uuid)
    except Invalid as error:
        return _failure(f"Failed to resolve uuid {uuid}. {error.message}")
    return _shown(resolved)


def _answer(result: Any) -> Response:
    # what is expanded was filtered by its own service; why there is nothing must not be filtered away
    return reply(result, whole=_expands())


def _shown(resolved: Resolved) -> Any:
    if _expands():
        return _expanded(resolved)
    kind, here = resolved.kind.lower(), link(resolved.path)
    return {"uuid": resolved.uuid, "type": kind, "_links": {"self": here, kind: here}}


def _expanded(resolved: Resolved) -> Any:
    """What the caller would get from the resource's own service."""
    path, query = resolved.path, "filter=" + quote(request.args.get("filter", "*"), safe="")
    if path.startswith(_MEDIA):
        path, query = _LISTINGS + path.removeprefix(_MEDIA), query + "&limit=1"
    elif path.startswith(_POSTITS):
        path = f"{_POSTITS}listing/{path.removeprefix(_POSTITS)}"  # to look at it, not to use it up
    answer = fetch(path, query, caller())
    document = json.loads(answer.get_data())
    if document.get("status") != "success":
        fault = document.get("fault", {})
        return _failure(document.get("message") or fault.get("description") or fault.get("message"))
    result = document.get("result")
    return next(iter(result), None) if isinstance(result, list) else result


def _failure(message: Any) -> dict[str, Any]:
    return {"status": "error", "message": message}


def _expands() -> bool:
    return request.args.get("expand", "").strip().lower() == "true"
