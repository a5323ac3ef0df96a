"""Parameters of paths and queries [conventions §2-§4]."""

from __future__ import annotations

import re
from typing import Any

from emulator.api.v2 import apps, job_search, systems_search
from emulator.api.v2.coverage.operation import Operation
from emulator.api.v2.schemas.answers.parts import Answer, Form

PRETTY = {
    "name": "pretty",
    "in": "query",
    "description": "Indent the answer.",
    "schema": {"type": "boolean"},
}
_LIMIT = {
    "name": "limit",
    "in": "query",
    "description": "At most so many. What is no number is ignored.",
    "schema": {"type": "integer", "minimum": 0},
}
_OFFSET = {
    "name": "offset",
    "in": "query",
    "description": "Leave out so many. What is no number is ignored.",
    "schema": {"type": "integer", "minimum": 0},
}
_FORCE = {
    "name": "force",
    "in": "query",
    "description": "Answer with Content-Disposition: attachment.",
    "schema": {"type": "boolean"},
}
_RANGE = {
    "name": "Range",
    "in": "header",
    "description": "A part of the file only, by its bytes.",
    "schema": {"type": "string", "pattern": r"^bytes=\d*-\d*$"},
}
_RECURSIVE = {"name": "recursive", "in": "query", "schema": {"type": "boolean"}}
_USERNAME = {"name": "username", "in": "query", "schema": {"type": "string"}}
_MORE: dict[str, list[dict[str, Any]]] = {
    "files.deletePermissions": [_RECURSIVE],
    "files.deletePermissionsOnDefaultSystem": [_RECURSIVE],
    "files.listPermissions": [_USERNAME],
    "files.listPermissionsOnDefaultSystem": [_USERNAME],
    "notifications.list": [{"name": "associatedUuid", "in": "query", "schema": {"type": "string"}}],
    "profiles.list": [
        {"name": name, "in": "query", "schema": {"type": "string"}}
        for name in ("username", "email", "name", "first_name", "last_name", "full_name")
    ],
    "meta.listMetadata": [
        {
            "name": "q",
            "in": "query",
            "description": "A query in MongoDB's terms.",
            "schema": {"type": "string"},
        },
        {"name": "privileged", "in": "query", "schema": {"type": "boolean"}},
    ],
    "uuids.list": [
        {"name": "uuids", "in": "query", "schema": {"type": "string"}},
        {"name": "expand", "in": "query", "schema": {"type": "boolean"}},
    ],
    "uuids.get": [{"name": "expand", "in": "query", "schema": {"type": "boolean"}}],
    "postits.list": [{"name": "status", "in": "query", "schema": {"type": "string"}}],
    "tokens.authorize": [
        {"name": name, "in": "query", "schema": {"type": "string"}}
        for name in ("client_id", "response_type", "redirect_uri", "scope", "state")
    ],
}
_SEARCHABLE = {"systems.list": systems_search.TERMS, "apps.list": apps.TERMS, "jobs.list": job_search.TERMS}


def parameters(operation: Operation, path: str, answer: Answer) -> list[dict[str, Any]]:
    """All of an operation, at one of its paths."""
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in re.findall(r"\{(\w+)\}", path)
    ]
    if answer.form is Form.ENVELOPE:
        found.append(PRETTY)
    if answer.many:
        found += [_LIMIT, _OFFSET]
    if answer.form is Form.CONTENT:
        found += [_RANGE, _FORCE]
    if operation.name in _SEARCHABLE:
        found.append(_terms(sorted(_SEARCHABLE[operation.name])))
    return found + _MORE.get(operation.name, [])


def _terms(names: list[str]) -> dict[str, Any]:
    return {
        "name": "terms",
        "in": "query",
        "description": (
            "Search terms: each a field, or a field and an operator (name.like, created.after, status.in), and the "
            "value that is looked for."
        ),
        "style": "form",
        "explode": True,
        "schema": {
            "type": "object",
            "properties": {name: {"type": "string"} for name in names},
            "additionalProperties": False,
        },
    }
