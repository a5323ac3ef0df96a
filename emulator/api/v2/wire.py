"""The v2 envelope: success, errors, faults, dates and links [conventions §2, §5, §6, §9]."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from flask import Response, request
from werkzeug.exceptions import HTTPException

from emulator.api.called import Called
from emulator.api.gateway import GatewayFault
from emulator.api.http import Dialect, Route, base_url, edge
from emulator.api.v2.basic import basic_login
from emulator.domain import errors
from emulator.domain.errors import EmulatorError

_CHICAGO = ZoneInfo("America/Chicago")
_STATUS: dict[type[EmulatorError], int] = {
    errors.Invalid: 400,
    errors.NotAuthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.PreconditionFailed: 412,
    errors.RangeRefused: 416,
    errors.NotProvided: 501,
    errors.Unavailable: 503,
    errors.Unreachable: 504,
}
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
    return Response(_compact(document), status, headers, content_type="application/json")


def json_response(body: str, status: int) -> Response:
    return Response(body, status=status, content_type="application/json; charset=UTF-8")


def utc(when: datetime | None) -> str | None:
    """``2020-09-21T01:30:08.000Z``: everything under /jobs and in webhooks."""
    return None if when is None else when.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


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
    query = quote(_compact({"associationIds": uuid}), safe="")
    return link(f"meta/v2/data{slash}?q={query}")


def file_url(system_id: str, path: str, kind: str = "media") -> str:
    """Path of a file's URL: ``files/v2/<kind>/system/<id>/<path>``, segments escaped.

    A path that starts with ``/`` gives the double slash that stands for rootDir.
    """
    return f"files/v2/{kind}/system/{system_id}/{quote(path, safe='/')}"


def wants_full() -> bool:
    """A listing with ``filter`` shows full objects instead of summaries [conventions §2.3]."""
    return "filter" in request.args


class V2(Dialect):
    """Dialect v2: its routes, and its wording of what goes wrong."""

    def __init__(self, routes: Callable[[], Iterable[Route]]) -> None:
        self._routes = routes

    def routes(self) -> Iterable[Route]:
        return self._routes()

    def error(self, error: EmulatorError) -> Response:
        if isinstance(error, errors.OAuthRefused):
            body = {"error": error.error, "error_description": error.message}
            return bare(body, 401 if error.error == "invalid_client" else 400, NO_STORE)
        if error.service_status is not None and edge().settings.faithful_5xx:
            return error_reply(error.service_status, error.message)
        return error_reply(
            next(_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS), error.message
        )

    def http_error(self, error: HTTPException) -> Response:
        if error.code in (404, 405) and request.url_rule is None:
            from emulator.api.v2 import coverage  # no request that is answered needs the table

            operation = coverage.missing(request.method, request.path)
            if operation is not None:
                return error_reply(501, coverage.refusal(operation))
        if error.code == 404:
            return self.fault(_unknown_resource())
        text = error.description or error.name
        if error.code == 405:
            text = f"{request.method} is not supported"
        elif error.code == 413:
            text = f"Request body is larger than the {edge().settings.max_request_mb} MB allowed."
        response = error_reply(_tenants_verb(error) or error.code or 500, text)
        if error.code == 405:
            response.headers["Allow"] = ", ".join(sorted(getattr(error, "valid_methods", None) or []))
        return response

    def fault(self, fault: GatewayFault) -> Response:
        wants_xml = request.accept_mimetypes.best_match(["application/json", "application/xml", "text/xml"])
        accept = request.headers.get("Accept", "")
        chosen = fault.format or edge().settings.fault_format
        asked = not fault.format and "xml" in accept and wants_xml != "application/json"
        if chosen == "xml" or asked:
            response = Response(_fault_xml(fault), status=fault.status, content_type="application/xml")
        else:
            body = {"code": fault.code, "message": fault.message, "description": fault.description}
            response = json_response(_compact({"fault": body}), fault.status)
        if fault.status == 401:
            response.headers["WWW-Authenticate"] = 'OAuth2 realm="WSO2 API Manager"'
        return response

    def crash(self) -> Response:
        return error_reply(500, "An unexpected error occurred inside the emulator; its log has the details.")

    def called(self, method: str, path: str) -> Called:
        from emulator.api.v2.coverage import calls  # for scenarios only

        return calls.called(method, path)

    def service_says(self, called: Called, status: int, message: str) -> Response:
        from emulator.api.v2 import refusals

        return refusals.answer(called, status, message)

    def claimed_user(self) -> str:
        """Of the services that are open without a token, ``/clients`` alone is told a user's name."""
        login = basic_login() if request.path.startswith("/clients/") else None
        return login[0] if login else ""


def _tenants_verb(error: HTTPException) -> int | None:
    """What the tenants service says of a verb that it does not know, where it is asked for [conventions §9.3]."""
    theirs = error.code == 405 and edge().settings.faithful_5xx and request.path.startswith("/tenants")
    return 501 if theirs else None


def _unknown_resource() -> GatewayFault:
    """404 of the gateway: an API that does not exist, or a path no API has [conventions §9.2]."""
    parts = request.path.strip("/").split("/")
    known = {rule.rule.strip("/").split("/")[0] for rule in _rules()}
    if parts[0] in known:
        text = "No matching resource found in the API for the given request"
        return GatewayFault(404, 900906, text, kind="am")
    return GatewayFault(
        404, 404, "Not Found", f"The requested resource (/{parts[0]}) is not available.", kind="am"
    )


def _rules() -> Iterable[Any]:
    from flask import current_app

    return current_app.url_map.iter_rules()


def _fault_xml(fault: GatewayFault) -> str:
    from xml.sax.saxutils import escape

    code, message = fault.older or (fault.code, fault.message)
    space = "http://wso2.org/apimanager" + ("/security" if fault.kind == "ams" else "")
    kind = "<am:type>Status report</am:type>" if fault.kind == "am" else ""
    p = fault.kind
    return (
        f'<{p}:fault xmlns:{p}="{space}"><{p}:code>{code}</{p}:code>{kind}'
        f"<{p}:message>{escape(message)}</{p}:message>"
        f"<{p}:description>{escape(fault.description)}</{p}:description></{p}:fault>"
    )


def _truthy(name: str) -> bool:
    return request.args.get(name, "").lower() == "true"


def _deletes_media() -> bool:
    return request.method == "DELETE" and request.path.startswith("/files/v2/media")


def _dump(value: Any) -> str:
    if _truthy("pretty"):
        return _pretty(value)
    return _compact(value)


def _pretty(value: Any, margin: str = "\n") -> str:
    """As Jackson prints: the members of objects on lines of their own, those of arrays not [conventions §2.2]."""
    if isinstance(value, dict) and value:
        inner = margin + "  "
        members = (f"{inner}{_compact(key)} : {_pretty(member, inner)}" for key, member in value.items())
        return "{" + ",".join(members) + margin + "}"
    if isinstance(value, list) and value:
        return "[ " + ", ".join(_pretty(element, margin) for element in value) + " ]"
    return "[ ]" if value == [] else "{ }" if value == {} else _compact(value)


def _compact(value: Any) -> str:
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
