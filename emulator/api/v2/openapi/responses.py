"""Answers of an operation: by its schemas, in the envelope, and what goes wrong."""

from __future__ import annotations

from typing import Any

from apispec.ext.marshmallow import MarshmallowPlugin

from emulator.api.v2.coverage.operation import Operation
from emulator.api.v2.schemas.answers.envelope import Failure, Fault, OAuthFailure
from emulator.api.v2.schemas.answers.parts import Answer, Form

_TOKEN_SERVICE = ("tokens.create", "tokens.revoke", "tokens.authorize", "tokens.grant")
_BROKEN = {
    "501": "Not provided by this emulator, or not by the service.",
    "503": "Something that is needed does not work at the moment.",
    "504": "The system that holds what is asked for is not up.",
}
_PAGE = {"text/html": {"schema": {"type": "string"}}}


def responses(plugin: MarshmallowPlugin, operation: Operation, answer: Answer) -> dict[str, Any]:
    """By status; an answer with a status that is not here is a mistake of the program."""
    found = {str(status): _success(plugin, answer, status) for status in answer.statuses}
    refusals = (Failure, Fault, OAuthFailure) if operation.name in _TOKEN_SERVICE else (Failure, Fault)
    found["4XX"] = {
        "description": "Refused: the message says why. Nothing has changed.",
        "content": _json(_one_of([_reference(plugin, each) for each in refusals])),
    }
    if answer.form is Form.PAGE:
        found["401"] = {"description": "The form once more.", "content": _PAGE | found["4XX"]["content"]}
    for status, description in _BROKEN.items():
        found[status] = {"description": description, "content": _json(_reference(plugin, Failure))}
    return found


def _success(plugin: MarshmallowPlugin, answer: Answer, status: int) -> dict[str, Any]:
    found: dict[str, Any] = {"description": _words(status)}
    if answer.form is Form.ENVELOPE:
        found["content"] = _json(_envelope(_result(plugin, answer), answer.optional))
    elif answer.form is Form.BARE:
        found["content"] = _json(_result(plugin, answer) or {})
    elif answer.form is Form.CONTENT:
        found["content"] = {"*/*": {"schema": {}}}
    elif answer.form is Form.PAGE and status == 200:
        found["content"] = _PAGE
    return found


def _words(status: int) -> str:
    """What a status says of an answer."""
    words = {
        200: "Done.",
        201: "Created.",
        202: "Accepted.",
        206: "The part that was asked for.",
        302: "Elsewhere.",
        303: "Elsewhere.",
    }
    return words[status]


def _result(plugin: MarshmallowPlugin, answer: Answer) -> dict[str, Any] | None:
    if not answer.schemas:
        return None
    one = _one_of([_reference(plugin, schema) for schema in answer.schemas])
    return {"type": "array", "items": one} if answer.many else one


def _envelope(result: dict[str, Any] | None, optional: bool) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "status": {"type": "string", "enum": ["success"]},
        "message": {"type": ["string", "null"]},
        "version": {"type": "string"},
    }
    required = [*properties]
    if result is not None:
        properties["result"] = result
        if not optional:
            required.append("result")
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _one_of(schemas: list[dict[str, Any]]) -> dict[str, Any]:
    return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}


def _reference(plugin: MarshmallowPlugin, schema: Any) -> dict[str, Any]:
    assert plugin.converter is not None
    found: dict[str, Any] = plugin.converter.resolve_nested_schema(schema)  # type: ignore[no-untyped-call]
    return found


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}
