"""Systems over HTTP [systems §1]."""

from __future__ import annotations

from flask import Response

from emulator.api.edge import base_url, caller, services
from emulator.api.v2 import bodies, system_record
from emulator.api.v2.schemas import read_system
from emulator.api.v2.systems_search import system_conditions
from emulator.api.v2.wire import reply, wants_full
from emulator.domain.errors import Invalid
from emulator.domain.system import System

_UNSUPPORTED = (
    "Unsupported content type. Please POST your system description as a multipart/form-data file upload or as "
    "application/json with the JSON description as the POST body."
)


def list_systems() -> Response:
    found = services().systems.listing(caller(), system_conditions(), bodies.page(unsigned=True))
    show = system_record.full if wants_full() else system_record.summary
    defaults = services().systems.default_ids(caller())
    return reply([show(system, defaults) for system in found])


def register_system() -> Response:
    definition, credentials = read_system(bodies.json_object(bodies.OBJECT_EMPTY, _UNSUPPORTED))
    return _show(services().systems.register(caller(), definition, credentials), 201)


def missing_id() -> Response:
    raise Invalid("Invalid system name. Please specify an system using its system id.")


def show_system(system: str) -> Response:
    return _show(services().systems.show(caller(), system))


def update_system(system: str) -> Response:
    definition, credentials = read_system(bodies.json_object(bodies.OBJECT_EMPTY, _UNSUPPORTED))
    url = f"{base_url()}systems/v2/"
    return _show(services().systems.update(caller(), system, definition, credentials, url))


def act_on_system(system: str) -> Response:
    body = bodies.given_fields()
    action, new_id = (bodies.text(body, name) or "" for name in ("action", "id"))
    changed = services().systems.actions.perform(caller(), system, action, new_id)
    return reply() if changed is None else _show(changed)


def delete_system(system: str) -> Response:
    services().systems.remove(caller(), system)
    return reply()


def list_system_history(system: str) -> Response:
    return reply(
        system_record.events(system, services().systems.history(caller(), system, bodies.page(unsigned=True)))
    )


def show_system_event(system: str, event: str) -> Response:
    return reply(system_record.event(system, services().systems.event(caller(), system, event)))


def _show(system: System, status: int = 200) -> Response:
    return reply(system_record.full(system, services().systems.default_ids(caller())), status)
