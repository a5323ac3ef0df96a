"""The v2 services as the edge knows them: their routes, and their words for what goes wrong [conventions §9]."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from flask import Response, current_app, request
from werkzeug.exceptions import HTTPException

from emulator.api.called import Called
from emulator.api.dialect import Dialect, Route
from emulator.api.edge import edge
from emulator.api.gateway import GatewayFault
from emulator.api.v2 import refusals
from emulator.api.v2.basic import basic_login
from emulator.api.v2.wire import NO_STORE, bare, compact, error_reply, json_response
from emulator.domain import errors
from emulator.domain.errors import EmulatorError

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
            response = json_response(compact({"fault": body}), fault.status)
        if fault.status == 401:
            response.headers["WWW-Authenticate"] = 'OAuth2 realm="WSO2 API Manager"'
        return response

    def crash(self) -> Response:
        return error_reply(500, "An unexpected error occurred inside the emulator; its log has the details.")

    def called(self, method: str, path: str) -> Called:
        from emulator.api.v2.coverage import calls  # for scenarios only

        return calls.called(method, path)

    def service_says(self, called: Called, status: int, message: str) -> Response:
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
