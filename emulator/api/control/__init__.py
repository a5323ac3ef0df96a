"""The emulator's own API under ``/_emulator``: what no real service has."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from flask import Response, request
from werkzeug.exceptions import HTTPException

from emulator.api.http import Dialect, GatewayFault, Route, scope, services
from emulator.domain.errors import EmulatorError, Invalid, NotFound
from emulator.domain.ports import Mail


class Control(Dialect):
    """Plain JSON; errors as ``{"error": "<text>"}``."""

    def routes(self) -> Iterable[Route]:
        return [
            Route("GET", "/_emulator/health", health, open=True),
            Route("GET", "/_emulator/coverage", show_coverage, open=True),
            Route("GET", "/_emulator/mailbox", list_mails, open=True),
            Route("DELETE", "/_emulator/mailbox", empty_mailbox, open=True),
        ]

    def error(self, error: EmulatorError) -> Response:
        status = {Invalid: 400, NotFound: 404}.get(type(error), 403)
        return _json({"error": error.message}, status)

    def http_error(self, error: HTTPException) -> Response:
        return _json({"error": error.description or error.name}, error.code or 500)

    def fault(self, fault: GatewayFault) -> Response:
        return _json({"error": fault.message}, fault.status)

    def crash(self) -> Response:
        return _json({"error": "An unexpected error occurred inside the emulator."}, 500)


def health() -> Response:
    """200 while the store answers."""
    return _json(services().status.health(scope().world))


def show_coverage() -> Response:
    """What of the v2 services is there: ``counts`` by service and state, and all ``operations``.

    ``?service=<name>`` shows one service, ``?state=<state>`` the operations in one state.
    """
    from emulator.api.v2 import coverage  # loaded for those who ask

    service, state = request.args.get("service"), request.args.get("state")
    shown = [
        coverage.as_document(operation)
        for operation in coverage.operations()
        if service in (None, operation.service) and state in (None, operation.state.value)
    ]
    return _json({"counts": coverage.counts(), "operations": shown})


def list_mails() -> Response:
    """The e-mails kept here, oldest first; ``?to=<address>`` for those of one receiver."""
    mails = services().status.mails(scope().world, request.args.get("to"))
    return _json([_mail(mail) for mail in mails])


def empty_mailbox() -> Response:
    return _json({"removed": services().status.empty_mailbox(scope().world)})


def _mail(mail: Mail) -> dict[str, Any]:
    return {
        "id": mail.id,
        "from": mail.sender,
        "to": mail.to,
        "subject": mail.subject,
        "received": mail.received.isoformat(timespec="milliseconds"),
        "text": mail.text,
        "html": mail.html,
    }


def _json(document: Any, status: int = 200) -> Response:
    return Response(json.dumps(document, ensure_ascii=False), status=status, content_type="application/json")
