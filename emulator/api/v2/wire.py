"""The v2 envelope: success, errors, faults, dates and links [conventions §2, §5, §6, §9]."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from flask import Response, request

from emulator.api.edge import base_url, edge
from emulator.domain.moments import utc_text

_CHICAGO = ZoneInfo("America/Chicago")
_NOTHING = object()
NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


def reply(
    result: Any = _NOTHING, status: int = 200, message: str | None = None, whole: bool = False
) -> Response:
    """A successful answer in the envelope. Without ``result`` the key is left out [conventions §2].

    ``naked``, ``pretty`` and, unless ``whole``, ``filter`` of the query are honoured.
    """
    if result is not _NOTHING and not whole:
        result = _filtered(result, request.args.get("filter", ""))
    if _truthy("naked"):
        body = "" if result is _NOTHING else _dump(result)
        return json_response(body, 204 if result is _NOTHING and _deletes_media() else status)
    envelope = {"status": "success", "message": message, "version": edge().settings.service_version}
    return json_response(_dump(envelope if result is _NOTHING else envelope | {"result": result}), status)


def error_reply(status: int, message: str) -> Response:
    """An error in the envelope; empty under ``naked`` [conventions §2.1]."""
    if _truthy("naked"):
        return json_response("", status)
    envelope = {"status": "error", "message": message, "version": edge().settings.service_version}
    return json_response(_dump(envelope), status)


def bare(document: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """JSON of OAuth: without the envelope, always compact [auth §4]."""
    return Response(compact(document), status, headers, content_type="application/json")


def json_response(body: str, status: int) -> Response:
    return Response(body, status=status, content_type="application/json; charset=UTF-8")


def utc(when: datetime | None) -> str | None:
    """``2020-09-21T01:30:08.000Z``: everything under /jobs and in webhooks."""
    return None if when is None else utc_text(when)


def chicago(when: datetime | None) -> str | None:
    """``2016-09-06T17:46:42.621-05:00``: all other services."""
    return None if when is None else when.astimezone(_CHICAGO).isoformat(timespec="milliseconds")


def utc_seconds(when: datetime) -> str:
    """``2016-09-06T22:46:42Z``: history of systems."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def link(path: str) -> dict[str, str]:
    """``{"href": <absolute URL>}`` for a path below the base URL; ``path`` is already escaped."""
    return {"href": base_url() + path}


def metadata_link(uuid: str, slash: str = "/") -> dict[str, str]:
    """The link to the metadata that name a resource [conventions §5]."""
    query = quote(compact({"associationIds": uuid}), safe="")
    return link(f"meta/v2/data{slash}?q={query}")


def file_url(system_id: str, path: str, kind: str = "media") -> str:
    """Path of a file's URL: ``files/v2/<kind>/system/<id>/<path>``, segments escaped.

    A path that starts with ``/`` gives the double slash that stands for rootDir.
    """
    return f"files/v2/{kind}/system/{system_id}/{quote(path, safe='/')}"


def wants_full() -> bool:
    """A listing with ``filter`` shows full objects instead of summaries [conventions §2.3]."""
    return "filter" in request.args


def _truthy(name: str) -> bool:
    return request.args.get(name, "").lower() == "true"


def _deletes_media() -> bool:
    return request.method == "DELETE" and request.path.startswith("/files/v2/media")


def _dump(value: Any) -> str:
    if _truthy("pretty"):
        return _pretty(value)
    return compact(value)


def _pretty(value: Any, margin: str = "\n") -> str:
    """As Jackson prints: the members of objects on lines of their own, those of arrays not [conventions §2.2]."""
    if isinstance(value, dict) and value:
        inner = margin + "  "
        members = (f"{inner}{compact(key)} : {_pretty(member, inner)}" for key, member in value.items())
        return "{" + ",".join(members) + margin + "}"
    if isinstance(value, list) and value:
        return "[ " + ", ".join(_pretty(element, margin) for element in value) + " ]"
    return "[ ]" if value == [] else "{ }" if value == {} else compact(value)


def compact(value: Any) -> str:
    """JSON without blanks, as all answers have it unless asked to be pretty."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _filtered(result: Any, wanted: str) -> Any:
    """Keep only the comma-separated, dotted fields; elements left empty are dropped [conventions §2.3]."""
    names = [name.strip() for name in wanted.split(",") if name.strip()]
    if not names or "*" in names:
        return result
    if isinstance(result, list):
        picked = [_pick(item, names) for item in result]
        return [item for item in picked if item != {}]
    return _pick(result, names)


def _pick(item: Any, names: list[str]) -> Any:
    """What the dotted names lead to; a name that is missing below one that is there gives null."""
    if not isinstance(item, dict):
        return item
    below: dict[str, list[str]] = {}
    for name in names:
        head, _, rest = name.partition(".")
        below.setdefault(head, []).append(rest)
    kept: dict[str, Any] = {}
    for head, rests in below.items():
        if head not in item:
            continue
        if "" in rests:
            kept[head] = item[head]
        elif isinstance(item[head], list):
            kept[head] = [_pick(element, rests) for element in item[head]]
        else:
            inner = item[head] if isinstance(item[head], dict) else {}
            kept[head] = dict.fromkeys(rest.partition(".")[0] for rest in rests) | _pick(inner, rests)
    return kept
