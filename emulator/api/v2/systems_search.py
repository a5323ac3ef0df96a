"""The search terms of systems [systems §6]."""

from __future__ import annotations

from flask import request

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
from emulator.domain.search import Condition, Operator
from emulator.domain.system import (
    EXECUTION_TYPES,
    LOGIN_PROTOCOLS,
    SCHEDULERS,
    STORAGE_PROTOCOLS,
    UNLISTED_SCHEDULERS,
    SystemStatus,
    SystemType,
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
        Words(
            "scheduler type",
            sorted(
                {name for names in (*SCHEDULERS.values(), *UNLISTED_SCHEDULERS.values()) for name in names}
            ),
        ),
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


def system_conditions() -> list[Condition]:
    """What the query of a listing asks for.

    publicOnly and privateOnly mean ``public``; terms that only execution systems have leave the others out.
    """
    query = {name.lower(): text for name, text in request.args.items()}
    found = conditions(TERMS)
    found += [
        Condition("public", Operator.EQ, public)
        for name, public in (("publiconly", True), ("privateonly", False))
        if read_boolean(query.get(name, ""))
    ]
    if names_field(_EXECUTION_TERMS):
        found.append(Condition("type", Operator.EQ, SystemType.EXECUTION.value))
    return found
