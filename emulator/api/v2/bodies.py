"""Request bodies in all the forms that clients send them [conventions §8]."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from flask import request

from emulator.api import json_text
from emulator.api.edge import edge
from emulator.domain.errors import Invalid
from emulator.domain.search import Page

MAP_EMPTY = (
    "No content found. Please send your request as a multipart/form-data file upload or as application/json "
    "with valid JSON content in the request body."
)
OBJECT_EMPTY = (
    "No content found. Please POST your content as a multipart/form-data file upload or as application/json "
    "with the content as the POST body."
)
FILES_EMPTY = (
    "No content found. application/json should be sent in the raw as the  content of the request body."
)
_UNSUPPORTED_MAP = (
    "Unsupported content type. Please send your request as a multipart/form-data file upload or as "
    "application/json with valid JSON content in the request body."
)
_UNREADABLE_UPLOAD = "Failed to parse file upload. Please make sure you included a file in your POST request."
_SHOWN = 100
"""Characters of a refused body in a message."""
_GLUED = re.compile(r"&(?=[A-Za-z]+=)")


def json_object(empty: str = MAP_EMPTY, unsupported: str = _UNSUPPORTED_MAP) -> dict[str, Any]:
    """The JSON object of the body: raw under any content type, or in a file part of a multipart form.

    Raises Invalid with the service's words for an empty body, malformed JSON, a form or another kind of value.
    """
    text = _json_text(empty, unsupported)
    document = parse_json(text)
    if not isinstance(document, dict):
        raise _no_object(document)
    if not document:
        raise Invalid(empty)
    return document


def fields(empty: str = MAP_EMPTY, no_object: str | None = None) -> dict[str, Any]:
    """The body as a flat map, from JSON, a urlencoded form or multipart; ``{}`` for none at all.

    For operations that take forms: actions, roles, permissions, subscriptions, clients. ``no_object`` is said
    of JSON that is no object, where the service has words of its own for it.
    """
    if request.mimetype == "multipart/form-data" or _is_form():
        form = _form()
        upload = _first_file()
        if upload is not None:
            return _as_map(upload, empty, no_object)
        if not form and request.mimetype == "multipart/form-data":
            raise Invalid(_UNREADABLE_UPLOAD, service_status=500)
        return form
    text = _text()
    if text.strip() and no_object is None:
        _check_type(text, _UNSUPPORTED_MAP)
    return _as_map(text, empty, no_object) if text.strip() else {}


def given_fields(empty: str = MAP_EMPTY) -> dict[str, Any]:
    """:func:`fields`, for operations that cannot do without a body. Raises Invalid for an empty one."""
    if not request.get_data().strip():
        raise Invalid(empty)
    return fields(empty)


def parse_json(text: str) -> Any:
    """Raises Invalid ``Invalid JSON found. …``; NaN, Infinity and halves of surrogate pairs are no JSON.

    Comments, names without quotes and single quotes are let pass.
    """
    try:
        document = _loads(text)
        json_text.check(document, text)
        return document
    except RecursionError as error:
        raise Invalid("Invalid JSON found. It is nested too deep.") from error
    except ValueError as error:
        raise Invalid(f"Invalid JSON found. {error}") from error


def _loads(text: str) -> Any:
    try:
        return json_text.parsed(text)
    except json.JSONDecodeError:
        from emulator.api.v2.lenient_json import strict  # next to nobody writes JSON that needs it

        rewritten = strict(text)
        if rewritten == text:
            raise
        try:
            return json_text.parsed(rewritten)
        except ValueError:
            pass
        raise  # the place of the error is the one in what was sent


def text(body: Mapping[str, Any], name: str) -> str | None:
    """A field of :func:`fields` as text: other plain values are taken for their JSON [conventions §8].

    None where it is missing or null. Raises Invalid, naming the field, for arrays and objects.
    """
    value = body.get(name)
    if isinstance(value, dict | list):
        raise Invalid(f"Invalid value for the '{name}' field. Please specify a string.")
    return value if value is None or isinstance(value, str) else json.dumps(value)


def page(cap: bool = True, order_by: str = "last_updated", unsigned: bool = False) -> Page:
    """``limit`` and ``offset`` of the query; bad values fall back, never fail [conventions §3].

    ``unsigned``: negative numbers count as if they had no sign (systems, metadata, jobs).
    """
    settings = edge().settings
    limit, offset = request.args.get("limit", ""), request.args.get("offset", "")
    if unsigned:
        limit, offset = limit.removeprefix("-"), offset.removeprefix("-")
    count = _count(limit, settings.page_default)
    if cap:
        count = min(count, settings.page_max)
    return Page(limit=count, offset=_count(offset, 0), order_by=order_by)


def truth(value: Any) -> bool | None:
    """true/false/1/0 as JSON values or words in any case; None for anything else."""
    if isinstance(value, bool):
        return value
    return {"true": True, "1": True, "false": False, "0": False}.get(str(value).strip().lower())


def _count(text: str | None, fallback: int) -> int:
    # no offset in the wild has more than nine digits; larger ones would not fit the database
    return int(text) if text and re.fullmatch("[0-9]{1,9}", text, re.ASCII) else fallback


def _json_text(empty: str, unsupported: str) -> str:
    if request.mimetype == "multipart/form-data":
        _form()
        upload = _first_file()
        if upload is None:
            raise Invalid(_UNREADABLE_UPLOAD, service_status=500)
        text = upload
    else:
        text = _text()
    if not text.strip():
        raise Invalid(empty)
    _check_type(text, unsupported)
    return text


def _check_type(text: str, unsupported: str) -> None:
    if text.lstrip()[0] not in "{[" and request.mimetype != "application/json":
        raise Invalid(unsupported)


def _text() -> str:
    try:
        return request.get_data(cache=True).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Invalid(f"Invalid JSON found. The body is not UTF-8: {error.reason}") from error


def _is_form() -> bool:
    """Really a form: JSON text under the urlencoded content type (plain ``curl -d``) is JSON."""
    if request.mimetype != "application/x-www-form-urlencoded":
        return False
    return not _text().lstrip().startswith(("{", "["))


def _form() -> dict[str, Any]:
    """Form fields; values that the bash client glued together are taken apart again [conventions §8]."""
    if request.mimetype == "multipart/form-data":
        pairs = [(key, value) for key in request.form for value in request.form.getlist(key)[:1]]
    else:
        from urllib.parse import parse_qsl

        pairs = parse_qsl(_text(), keep_blank_values=True)
    found: dict[str, Any] = {}
    for key, value in pairs:
        first, *glued = _GLUED.split(value) if request.mimetype == "multipart/form-data" else [value]
        found.setdefault(key, first)
        for piece in glued:
            name, _, text = piece.partition("=")
            found.setdefault(name, text)
    return found


def _first_file() -> str | None:
    upload = request.files.get("fileToUpload") or next(iter(request.files.values()), None)
    if upload is None:
        pasted: str | None = request.form.get("fileToUpload")
        return pasted
    try:
        content: bytes = upload.read()
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Invalid(f"Invalid JSON found. The uploaded file is not UTF-8: {error.reason}") from error


def _as_map(text: str, empty: str, no_object: str | None = None) -> dict[str, Any]:
    if not text.strip():
        raise Invalid(empty)
    document = parse_json(text)
    if not isinstance(document, dict):
        raise _no_object(document) if no_object is None else Invalid(no_object)
    return document


def _no_object(document: Any) -> Invalid:
    kind = "an array" if isinstance(document, list) else json.dumps(document)[:_SHOWN]
    return Invalid(f"Invalid JSON found. Expected a JSON object, found {kind}.")
