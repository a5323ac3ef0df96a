"""The emulator's own API under ``/_emulator``: what no real service has."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import Response, request
from werkzeug.exceptions import HTTPException

from emulator import __version__
from emulator.api.control import (
    clock,
    happenings,
    listeners,
    requests,
    scenarios,
    simulations,
    webhooks,
    worlds,
)
from emulator.api.control.answers import answer
from emulator.api.control.waiting import as_soon_as, whole
from emulator.api.dialect import Dialect, Route
from emulator.api.edge import base_url, scope, services
from emulator.api.gateway import GatewayFault
from emulator.domain.errors import EmulatorError, Invalid, NotFound, PreconditionFailed, Unavailable
from emulator.domain.message_ports import Mail
from emulator.domain.moments import utc_text
from emulator.scenario.mistakes import BadScenario

_WORLD = "/_emulator/worlds/<world>"
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
            Route("GET", "/_emulator/worlds", worlds.list_worlds, open=True),
            Route("POST", "/_emulator/worlds", worlds.create_world, open=True, streams=True),
            Route("GET", _WORLD, worlds.show_world, open=True),
            Route("DELETE", _WORLD, worlds.delete_world, open=True),
            Route("POST", f"{_WORLD}/reset", worlds.reset_world, open=True),
            Route("POST", f"{_WORLD}/snapshot", worlds.snapshot_world, open=True),
            Route("POST", f"{_WORLD}/restore", worlds.restore_world, open=True, streams=True),
            Route("GET", f"{_WORLD}/clock", clock.show_clock, open=True),
            Route("PUT", f"{_WORLD}/clock", clock.set_clock, open=True),
            Route("POST", f"{_WORLD}/clock", clock.move_clock, open=True),
            Route("GET", f"{_WORLD}/events", happenings.list_events, open=True),
            Route("GET", f"{_WORLD}/jobs", happenings.list_jobs, open=True),
            Route("GET", f"{_WORLD}/jobs/<job_id>", happenings.show_job, open=True),
            Route("GET", f"{_WORLD}/jobs/<job_id>/wait", happenings.wait_for_job, open=True),
            Route("GET", f"{_WORLD}/scenarios", scenarios.list_armed, open=True),
            Route("POST", f"{_WORLD}/scenarios", scenarios.arm, open=True),
            Route("DELETE", f"{_WORLD}/scenarios", scenarios.disarm_all, open=True),
            Route("POST", f"{_WORLD}/scenarios/release", scenarios.release_all, open=True),
            Route("GET", f"{_WORLD}/scenarios/<name>", scenarios.show_armed, open=True),
            Route("DELETE", f"{_WORLD}/scenarios/<name>", scenarios.disarm, open=True),
            Route("POST", f"{_WORLD}/scenarios/<name>/release", scenarios.release, open=True),
            Route("GET", f"{_WORLD}/journal", scenarios.show_journal, open=True),
            Route("DELETE", f"{_WORLD}/journal", scenarios.empty_journal, open=True),
            Route("GET", "/_emulator/scenarios", scenarios.list_library, open=True),
            Route("GET", "/_emulator/points", scenarios.list_points, open=True),
            Route("GET", "/_emulator/actions", scenarios.list_actions, open=True),
            Route("GET", f"{_WORLD}/requests", requests.list_requests, open=True),
            Route("DELETE", f"{_WORLD}/requests", requests.forget_requests, open=True),
            Route("GET", f"{_WORLD}/mailbox", list_mails, open=True),
            Route("DELETE", f"{_WORLD}/mailbox", empty_mailbox, open=True),
            Route("GET", f"{_WORLD}/simulations", simulations.list_simulations, open=True),
            Route("DELETE", f"{_WORLD}/simulations", simulations.remove_simulations, open=True),
            Route("GET", f"{_WORLD}/simulations/<path:app>", simulations.show_simulation, open=True),
            Route("PUT", f"{_WORLD}/simulations/<path:app>", simulations.put_simulation, open=True),
            Route("DELETE", f"{_WORLD}/simulations/<path:app>", simulations.remove_simulation, open=True),
            Route("GET", f"{_WORLD}/webhooks", webhooks.list_webhooks, open=True),
            Route("DELETE", f"{_WORLD}/webhooks", webhooks.empty_webhooks, open=True),
            Route("GET POST PUT", f"{_WORLD}/webhooks/<path:path>", webhooks.receive, open=True),
            Route("GET", f"{_WORLD}/webhook-answers", webhooks.list_answers, open=True),
            Route("POST", f"{_WORLD}/webhook-answers", webhooks.add_answer, open=True),
            Route("DELETE", f"{_WORLD}/webhook-answers", webhooks.forget_answers, open=True),
        ]

    def error(self, error: EmulatorError) -> Response:
        if isinstance(error, BadScenario):
            mistakes = [{"line": each.line, "text": each.text} for each in error.mistakes]
            return answer({"error": error.message, "source": error.source, "mistakes": mistakes}, 400)
        status = next((_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS), 403)
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


def list_mails(world: str = "") -> Response:
    """The e-mails kept here, oldest first; ``?to=<address>`` for those of one receiver.

    With ``?known=<number>&wait=<seconds>`` the answer comes as soon as there are more than so many.
    """
    of, to, known = world or scope().world, request.args.get("to"), whole("known", 0)
    mails = as_soon_as(of, lambda found: len(found) > known, lambda: services().status.mails(of, to))
    return answer([_mail(mail) for mail in mails])


def empty_mailbox(world: str = "") -> Response:
    return answer({"removed": services().status.empty_mailbox(world or scope().world)})


def _mail(mail: Mail) -> dict[str, Any]:
    return {
        "id": mail.id,
        "from": mail.sender,
        "to": mail.to,
        "subject": mail.subject,
        "received": utc_text(mail.received),
        "text": mail.text,
        "html": mail.html,
    }
