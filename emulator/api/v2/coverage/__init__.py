"""The coverage table: every operation of the v2 services, as data; a module per service.

It lists what agavepy's resource files list and what only the command lines call. It is not loaded before somebody
asks for it, or for something that is not there.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module
from typing import Any

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule

from emulator.api.v2.coverage.operation import Operation, State

SERVICES = (
    "tenants",
    "clients",
    "tokens",
    "profiles",
    "systems",
    "apps",
    "files",
    "jobs",
    "notifications",
    "postits",
    "meta",
    "uuids",
    "transfers",
    "monitors",
    "transforms",
    "actors",
    "admin",
)
# variables that hold slashes; at the end of a path only
_TAILS = re.compile(r"\{(\w*[pP]ath|terms)\}$")


@cache
def operations() -> tuple[Operation, ...]:
    """The whole table, service by service."""
    return tuple(
        operation for service in SERVICES for operation in import_module(f"{__name__}.{service}").OPERATIONS
    )


def missing(verb: str, path: str) -> Operation | None:
    """The operation that a request asks for, if it is one that is not implemented."""
    try:
        found, _ = _missing_map().bind("").match(path, verb)
    except HTTPException:
        return None
    operation: Operation = found
    return operation


def refusal(operation: Operation) -> str:
    """What a client reads that calls an operation which is not implemented; it names the row."""
    reasons = " ".join(f"{each.what} {each.why}" for each in operation.differences)
    return f"{operation.name} ({operation.verbs} {operation.path}) is not implemented. {reasons}".rstrip()


def counts() -> dict[str, dict[str, int]]:
    """How many operations of each service are in which state: ``{service: {state: number}}``."""
    found = {service: dict.fromkeys((state.value for state in State), 0) for service in SERVICES}
    for operation in operations():
        found[operation.service][operation.state.value] += 1
    return found


def summaries() -> dict[str, str]:
    """What each operation does, by name."""
    return {each.name: each.summary for each in operations()}


def as_document(operation: Operation) -> dict[str, Any]:
    """A row as JSON shows it."""
    return {
        "name": operation.name,
        "service": operation.service,
        "verbs": operation.verbs.split(),
        "paths": list(operation.paths),
        "summary": operation.summary,
        "state": operation.state.value,
        "clients": list(operation.clients),
        "differences": [{"what": each.what, "why": each.why} for each in operation.differences],
    }


@cache
def _missing_map() -> Map:
    rows = [each for each in operations() if each.state is State.NOT_IMPLEMENTED]
    rules = [Rule(_rule(path), endpoint=row, methods=row.verbs.split()) for row in rows for path in row.paths]
    return Map(rules, merge_slashes=False, strict_slashes=False)


def _rule(path: str) -> str:
    """A path of the table in werkzeug's words."""
    return re.sub(r"\{(\w+)\}", r"<\1>", _TAILS.sub(r"<path:\1>", path))
