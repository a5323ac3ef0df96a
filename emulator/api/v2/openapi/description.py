"""The description, put together: a path item for every operation that is there."""

from __future__ import annotations

from typing import Any

from apispec.ext.marshmallow import MarshmallowPlugin

from emulator.api.dialect import Route
from emulator.api.v2.coverage import SERVICES, operations
from emulator.api.v2.coverage.operation import Operation, State
from emulator.api.v2.coverage.routing import route_of
from emulator.api.v2.openapi.bodies import BODIES
from emulator.api.v2.openapi.parameters import parameters
from emulator.api.v2.openapi.plugin import new_spec
from emulator.api.v2.openapi.responses import responses
from emulator.api.v2.schemas.answers import answers
from emulator.api.v2.schemas.answers.parts import Answer

_DESCRIPTION = """What of the Tapis v2 (Agave/Aloe) services this emulator implements.

`naked=true` on any operation leaves the envelope out, and `filter=<field>,<field.part>` keeps only some fields (of
full objects, in lists too); the schemas describe answers without them. Paths work with and without a slash at the end.
"""
_SECURITY: dict[str, Any] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An access token of POST /token."},
    "basic": {
        "type": "http",
        "scheme": "basic",
        "description": "Username and password; for tokens, key and secret of an API client.",
    },
}


def build(version: str, url: str) -> dict[str, Any]:
    """The description as JSON has it; ``version`` is the emulator's, ``url`` where it answers."""
    there = [each for each in operations() if each.state is not State.NOT_IMPLEMENTED]
    tags = [{"name": name} for name in SERVICES if any(each.service == name for each in there)]
    spec, plugin = new_spec(
        "Tapis v2", version, info={"description": _DESCRIPTION}, tags=tags, servers=[{"url": url.rstrip("/")}]
    )
    for name, scheme in _SECURITY.items():
        spec.components.security_scheme(name, scheme)
    described = answers()
    paths: dict[str, dict[str, Any]] = {}
    for operation in there:
        for path in operation.paths:
            item = paths.setdefault(path, {})
            for verb in operation.verbs.split():
                item[verb.lower()] = _operation(plugin, operation, verb, path, described[operation.name])
    for path, item in paths.items():
        spec.path(path=path, operations=item)
    found: dict[str, Any] = spec.to_dict()
    return found


def operation_id(operation: Operation, verb: str, path: str) -> str:
    """The operation's name; for its other paths and verbs, with their number or word behind."""
    found = operation.name
    if len(operation.verbs.split()) > 1:
        found += f"_{verb.lower()}"
    number = operation.paths.index(path)
    return f"{found}_{number + 1}" if number else found


def _operation(
    plugin: MarshmallowPlugin, operation: Operation, verb: str, path: str, answer: Answer
) -> dict[str, Any]:
    route = route_of(verb, path)
    assert route is not None, f"no route answers {verb} {path}"
    found: dict[str, Any] = {
        "operationId": operation_id(operation, verb, path),
        "summary": operation.summary,
        "tags": [operation.service],
        "parameters": parameters(operation, path, answer),
        "responses": responses(plugin, operation, answer),
        "security": _security(operation, route),
    }
    differences = "\n".join(f"- {each.what} {each.why}" for each in operation.differences)
    if differences:
        found["description"] = f"Differs from the service:\n\n{differences}"
    body = BODIES.get(operation.name)
    if body is not None and plugin.converter is not None:
        content = body.content(plugin.converter.resolve_nested_schema)
        found["requestBody"] = {"required": True, "content": content}
    return found


def _security(operation: Operation, route: Route) -> list[dict[str, list[str]]]:
    """Without credentials, requests are the default user's, where that is allowed."""
    if operation.service in ("clients", "tokens"):
        return [{"basic": []}, {}]
    return [{}] if route.open else [{"bearer": []}, {}]
