"""Systems over HTTP [systems §1]."""

from __future__ import annotations

from flask import Response, request

from emulator.api.http import base_url, caller, services
from emulator.api.v2 import bodies, system_record
from emulator.api.v2.schemas import read_queue, read_system
from emulator.api.v2.search import (
    BOOLEAN,
    DATE,
    DECIMAL,
    INTEGER,
    TEXT,
    Terms,
    Words,
    conditions,
    names_field,
    read_boolean,
)
from emulator.api.v2.wire import reply, wants_full
from emulator.domain.errors import Invalid, NotFound
from emulator.domain.search import Condition, Operator
from emulator.domain.system import (
    EXECUTION_TYPES,
    LOGIN_PROTOCOLS,
    SCHEDULERS,
    STORAGE_PROTOCOLS,
    Role,
    System,
    SystemStatus,
    SystemType,
)

_UNSUPPORTED = (
    "Unsupported content type. Please POST your system description as a multipart/form-data file upload or as "
    "application/json with the JSON description as the POST body."
)
_STORAGE_TERMS: Terms = {
    "storage.zone": ("storage.zone", TEXT),
    "storage.resource": ("storage.resource", TEXT),
    "storage.bucket": ("storage.container", TEXT),
    "storage.host": ("storage.host", TEXT),
    "storage.port": ("storage.port", INTEGER),
    "storage.homedir": ("storage.home_dir", TEXT),
    "storage.rootdir": ("storage.root_dir", TEXT),
    "storage.protocol": ("storage.protocol", Words("storage protocol", STORAGE_PROTOCOLS)),
    "storage.proxy.name": ("storage.proxy.name", TEXT),
    "storage.proxy.host": ("storage.proxy.host", TEXT),
    "storage.proxy.port": ("storage.proxy.port", INTEGER),
}
# these are about execution systems only
_EXECUTION_TERMS: Terms = {
    "login.host": ("login.host", TEXT),
    "login.port": ("login.port", INTEGER),
    "login.protocol": ("login.protocol", Words("login protocol", LOGIN_PROTOCOLS)),
    "login.proxy.name": ("login.proxy.name", TEXT),
    "login.proxy.host": ("login.proxy.host", TEXT),
    "login.proxy.port": ("login.proxy.port", INTEGER),
    "workdir": ("work_dir", TEXT),
    "scratchdir": ("scratch_dir", TEXT),
    "maxsystemjobs": ("max_system_jobs", INTEGER),
    "maxsystemjobsperuser": ("max_system_jobs_per_user", INTEGER),
    "startupscript": ("startup_script", TEXT),
    "executiontype": ("execution_type", Words("execution type", EXECUTION_TYPES)),
    "environment": ("environment", TEXT),
    "scheduler": (
        "scheduler",
        Words("scheduler type", sorted({name for names in SCHEDULERS.values() for name in names})),
    ),
    "queues.name": ("queues.name", TEXT),
    "queues.default": ("queues.default", BOOLEAN),
    "queues.customdirectives": ("queues.custom_directives", TEXT),
    "queues.maxjobs": ("queues.max_jobs", INTEGER),
    "queues.maxuserjobs": ("queues.max_user_jobs", INTEGER),
    "queues.maxnodes": ("queues.max_nodes", INTEGER),
    "queues.maxprocessorspernode": ("queues.max_processors_per_node", INTEGER),
    "queues.maxmemoryperjob": ("queues.max_memory_per_node", DECIMAL),
    "queues.maxmemorypernode": ("queues.max_memory_per_node", DECIMAL),
    "queues.maxrequestedtime": ("queues.max_requested_time", TEXT),
}
TERMS: Terms = {
    "id": ("id", TEXT),
    "name": ("name", TEXT),
    "type": ("type", Words("system type", (*SystemType, "AUTH"))),
    "status": ("status", Words("system status", SystemStatus)),
    "description": ("description", TEXT),
    "site": ("site", TEXT),
    "owner": ("owner", TEXT),
    "uuid": ("uuid", TEXT),
    "public": ("public", BOOLEAN),
    "globaldefault": ("global_default", BOOLEAN),
    "default": ("default", BOOLEAN),
    "available": ("available", BOOLEAN),
    "created": ("created", DATE),
    "lastupdated": ("last_updated", DATE),
    "lastmodified": ("last_updated", DATE),
    **_STORAGE_TERMS,
    **_EXECUTION_TERMS,
}


def list_systems() -> Response:
    wanted = [*conditions(TERMS), *_scope_conditions()]
    found = services().systems.listing(caller(), wanted, bodies.page(unsigned=True))
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
    body = bodies.fields()
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
    for entry in services().systems.history(caller(), system):
        if entry.uuid == event:
            return reply(system_record.event(system, entry))
    raise NotFound(f"No event found matching {event} for system {system}")


# queues [systems §4.2]


def list_queues(system: str) -> Response:
    page = bodies.page(unsigned=True)
    found = services().systems.queues.all(caller(), system)
    end = None if page.limit is None else page.offset + page.limit
    now = services().clock.now()
    return reply([system_record.queue_load(system, loaded, now) for loaded in found[page.offset : end]])


def show_queue(system: str, queue: str) -> Response:
    loaded = services().systems.queues.one(caller(), system, queue)
    return reply(system_record.queue_load(system, loaded, services().clock.now()))


def save_queue(system: str, queue: str = "") -> Response:
    """Adds the queue of the body's name, or replaces it; the name may come from the URL instead."""
    body = bodies.json_object()
    if queue:
        body.setdefault("name", queue)
    loaded = services().systems.queues.put(caller(), system, read_queue(body))
    return reply(system_record.queue_load(system, loaded, services().clock.now()))


def delete_queue(system: str, queue: str) -> Response:
    services().systems.queues.remove(caller(), system, queue)
    return reply()


# roles [systems §7]


def list_roles(system: str) -> Response:
    found, entries = services().system_roles.all(caller(), system, bodies.page(unsigned=True))
    return reply([system_record.role(found, entry) for entry in entries])


def show_role(system: str, username: str) -> Response:
    return reply(system_record.role(*services().system_roles.of_user(caller(), system, username)))


def grant_role(system: str, username: str = "") -> Response:
    """Answers an array with the one role; 201, or 200 where it was taken away."""
    body = bodies.fields()
    named = bodies.text(body, "username") or ""
    if username and named and named != username:
        raise Invalid(
            f"The username value in the POST body, {named}, does not match the username in the URL, {username}"
        )
    if not (username or named):
        raise Invalid("Missing username field.")
    if "role" not in body:
        raise Invalid("Missing role field.")
    role = bodies.text(body, "role") or ""
    found, entry = services().system_roles.grant(caller(), system, username or named, role)
    return reply([system_record.role(found, entry)], 200 if entry.role is Role.NONE else 201)


def revoke_role(system: str, username: str) -> Response:
    services().system_roles.revoke(caller(), system, username)
    return reply()


def clear_roles(system: str) -> Response:
    services().system_roles.revoke(caller(), system)
    return reply()


def _show(system: System, status: int = 200) -> Response:
    return reply(system_record.full(system, services().systems.default_ids(caller())), status)


def _scope_conditions() -> list[Condition]:
    """What follows from other parameters: publicOnly, privateOnly, and terms of execution systems."""
    query = {name.lower(): text for name, text in request.args.items()}
    found = [
        Condition("public", Operator.EQ, public)
        for name, public in (("publiconly", True), ("privateonly", False))
        if read_boolean(query.get(name, ""))
    ]
    if names_field(_EXECUTION_TERMS):
        found.append(Condition("type", Operator.EQ, SystemType.EXECUTION.value))
    return found
