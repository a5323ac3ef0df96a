"""POST to media: a file in a form, or an import by URL [files §6]."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from flask import Response, request

from emulator.api.edge import base_url, caller, edge, services
from emulator.api.v2 import bodies
from emulator.api.v2.file_record import accepted, public_link
from emulator.api.v2.files import check_place, target
from emulator.api.v2.uploads import Form, read_form
from emulator.api.v2.wire import reply
from emulator.domain.errors import Forbidden, Invalid
from emulator.domain.file_staging import parse_callbacks
from emulator.domain.notification_rules import Wanted
from emulator.services.file_imports import ImportRequest
from emulator.services.file_staging import Accepted
from emulator.services.file_targets import Target
from emulator.services.file_uploads import Upload

_OFFSET = re.compile(r"\s*bytes\s*=\s*(\d{1,18})\s*-.*", re.ASCII | re.IGNORECASE)
_SMALL = 64 * 1024
"""A body of at most so many bytes is read just to word a refusal."""
_FORM_REFUSAL = "User does not have access to modify the requested resource"


def upload(path: str) -> Response:  # noqa: ARG001
    """multipart/form-data is streamed; JSON and urlencoded forms are imports."""
    empty = not request.content_length and "Transfer-Encoding" not in request.headers
    if empty or request.mimetype != "multipart/form-data":
        check_place()
        if empty:
            raise Invalid("No post entity")
        request.max_content_length = edge().settings.max_request_mb * 1024 * 1024
        return _answer(_import(bodies.fields(bodies.FILES_EMPTY)))
    with services().files.uploads.receive(caller(), _upload_target()) as file:
        form = read_form(file.write, file.begin)
        if not _is_import(form):
            return _answer(_finish(file, form))
    return _answer(_import(form.fields, _FORM_REFUSAL))


def _upload_target() -> Target:
    """Where an upload may go; a refusal is worded as for an import where the form turns out to be one."""
    try:
        return services().files.uploads.target(caller(), *target())
    except Forbidden:
        if (request.content_length or _SMALL + 1) <= _SMALL and _is_import(read_form(len)):
            raise Forbidden(_FORM_REFUSAL) from None
        raise


def _answer(taken: Accepted) -> Response:
    return reply(accepted(taken), 202)


def _is_import(form: Form) -> bool:
    """A form with a file is an upload unless it also has the field of the service's code."""
    return bool(form.fields.get("urltoingest") or (form.filename is None and form.fields.get("url")))


def _finish(file: Upload, form: Form) -> Accepted:
    if form.filename is None:
        raise Invalid("No file uploaded")
    offset = _OFFSET.fullmatch(request.headers.get("Range", ""))
    return file.finish(
        form.fields.get("filename") or form.filename,
        request.remote_addr or "",
        public_link,
        int(offset[1]) if offset else None,
        _wanted(form.fields),
    )


def _import(fields: Mapping[str, Any], refusal: str | None = None) -> Accepted:
    """Raises Invalid without a URL."""
    lowered = {name.lower(): value for name, value in fields.items()}
    url = lowered.get("urltoingest") or lowered.get("url")
    if not isinstance(url, str) or not url.strip():
        raise Invalid("No valid URL specified", service_status=500)
    wanted = ImportRequest(
        url=url.strip(),
        name=bodies.text(lowered, "filename"),
        wanted=_wanted(lowered),
        origins=_origins(),
        refusal=refusal,
    )
    return services().files.imports.accept(caller(), *target(), wanted, public_link)


def _wanted(fields: Mapping[str, Any]) -> list[Wanted]:
    """Names are in lower case here, so that both spellings of callbackURL are one."""
    return [one for name in ("callbackurl", "notifications") for one in _callbacks(fields.get(name))]


def _callbacks(value: Any) -> list[Wanted]:
    if isinstance(value, str):
        value = value.strip()
        if value.startswith(("{", "[")):
            value = bodies.parse_json(value)
    return parse_callbacks(value, edge().settings.block_private_hosts)


def _origins() -> Iterator[str]:
    """Every base URL that is known to lead here."""
    yield base_url()
    yield request.host_url
    if edge().settings.base_url:
        yield edge().settings.base_url
    yield f"http://localhost:{request.environ.get('SERVER_PORT', '')}/"
    for host in edge().settings.stand_in_for.split(","):
        if host.strip():
            yield f"https://{host.strip()}/"
