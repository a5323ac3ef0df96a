"""The emulator's own API under ``/_emulator``: what no real service has."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import Response, request
from werkzeug.exceptions import HTTPException

from emulator import __version__
from emulator.api.control import listeners
from emulator.api.control.answers import answer
from emulator.api.http import Dialect, GatewayFault, Route, base_url, scope, services
from emulator.domain.errors import EmulatorError, Invalid, NotFound, PreconditionFailed, Unavailable
from emulator.domain.message_ports import Mail

_STATUS = {Invalid: 400, NotFound: 404, PreconditionFailed: 409, Unavailable: 503}


class Control(Dialect):
    """Plain JSON; errors as ``{"error": "<text>"}``."""

    def routes(self) -> Iterable[Route]:
        return [
            Route("GET", "/_emulator/health", health, open=True),
            Route("GET", "/_emulator/coverage", show_coverage, open=True),
            Route("GET", "/_emulator/openapi.json", show_openapi, open=True),
            Route("GET", "/_emulator/mailbox", list_mails, open=True),
            Route("DELETE", "/_emulator/mailbox", empty_mailbox, open=True),
            Route("GET", "/_emulator/listeners", listeners.list_listeners, open=True),
            Route("POST", "/_emulator/listeners", listeners.add_listener, open=True),
            Route("GET", "/_emulator/listeners/<path:name>", listeners.show_listener, open=True),
            Route("DELETE", "/_emulator/listeners/<path:name>", listeners.remove_listener, open=True),
        ]

    def error(self, error: EmulatorError) -> Response:
        status = _STATUS.get(type(error), 403)
        return answer({"error": error.message}, status)

    def http_error(self, error: HTTPException) -> Response:
        return answer({"error": error.description or error.name}, error.code or 500)

    def fault(self, fault: GatewayFault) -> Response:
        return answer({"error": fault.message}, fault.status)

    def crash(self) -> Response:
        return answer({"error": "An unexpected error occurred inside the emulator."}, 500)


def health() -> Response:
    """200 while the store answers."""
    return answer(services().status.health(scope().world))


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
    return answer({"counts": coverage.counts(), "operations": shown})


def show_openapi() -> Response:
    """OpenAPI 3.1 for what of the v2 services is there; its server is the one that answers."""
    from emulator.api.v2.openapi import document  # loaded for those who ask

    return answer(document(__version__, base_url()))


def list_mails() -> Response:
    """The e-mails kept here, oldest first; ``?to=<address>`` for those of one receiver."""
    mails = services().status.mails(scope().world, request.args.get("to"))
    return answer([_mail(mail) for mail in mails])


def empty_mailbox() -> Response:
    return answer({"removed": services().status.empty_mailbox(scope().world)})


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
