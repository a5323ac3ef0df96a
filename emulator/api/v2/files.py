"""Files over HTTP [files §1]. Paths are taken from the request as it was sent: slashes in them mean something."""

from __future__ import annotations

import re
from typing import Any

from flask import Response, request

from emulator.api.http import caller, edge, services
from emulator.api.v2 import bodies
from emulator.api.v2.downloads import send_file
from emulator.api.v2.file_record import file_object, history_line, listing_lines, public_link
from emulator.api.v2.uploads import Form, read_form
from emulator.api.v2.wire import reply
from emulator.domain.errors import EmulatorError, Invalid, NotProvided
from emulator.domain.file import LogicalFile
from emulator.services.file_actions import Done, FileActions
from emulator.services.file_places import Route
from emulator.services.file_uploads import Upload

_NO_FIELDS = (
    "No content found. Please send your content as a multipart/form-data file upload or as application/json "
    "with valid JSON content in the request body."
)
_SYSTEM = re.compile(r"/system/([^/]+)(?:/(.*))?", re.DOTALL)
_OFFSET = re.compile(r"\s*bytes\s*=\s*(\d{1,18})\s*-.*", re.ASCII | re.IGNORECASE)
_ACTIONS = ("MKDIR", "RENAME", "COPY", "MOVE")
_UNSUPPORTED_ACTIONS = ("TOUCH", "LIST", "INDEX", "REMOVE", "CKSUM")
_LATER = "{} are not provided by this version of the emulator."


def target() -> tuple[str | None, str]:
    """System id (None: the default system) and agave path of the request [files §2].

    Raises Invalid for a path that is not UTF-8.
    """
    raw: str = request.environ["PATH_INFO"]
    try:
        path = raw.encode("latin-1").decode("utf-8")
    except UnicodeError:
        raise Invalid("Invalid file path") from None
    tail = path.split("/", 4)[4] if path.count("/") >= 4 else None  # behind /files/v2/<endpoint>/
    named = _SYSTEM.fullmatch(f"/{tail}") if tail is not None else None
    if named:
        return named[1], named[2] or ""
    return None, tail or ""


def list_files(path: str) -> Response:  # noqa: ARG001
    page = bodies.page(cap=False)
    assert page.limit is not None
    listing = services().files.listing(caller(), *target(), page.limit, page.offset)
    return reply(listing_lines(listing))


def list_history(path: str) -> Response:  # noqa: ARG001
    page = bodies.page(cap=False)
    assert page.limit is not None
    events = services().files.history(caller(), *target(), page.limit, page.offset)
    return reply([history_line(event) for event in events])


def download(path: str) -> Response:  # noqa: ARG001
    place = services().files.open(caller(), *target(), note=request.method == "GET")
    return send_file(place.files, place.host_path, place.name)


def upload(path: str) -> Response:  # noqa: ARG001
    """A file in a form, or an import by URL [files §6]."""
    empty = not request.content_length and "Transfer-Encoding" not in request.headers
    if empty or request.mimetype != "multipart/form-data":
        _check_place()
        if empty:
            raise Invalid("No post entity")
        request.max_content_length = edge().settings.max_request_mb * 1024 * 1024
        _import(bodies.fields())
    with services().files.uploads.receive(caller(), *target()) as file:
        form = read_form(file.write)
        if form.fields.get("urltoingest"):
            _import({"urlToIngest": form.fields["urltoingest"]})
        _refuse_callbacks(form.fields)
        record = _finish(file, form)
    answer = file_object(record)
    answer["_links"]["notification"] = []
    return reply(answer, 202)


def act(path: str) -> Response:  # noqa: ARG001
    """mkdir, rename, copy, move [files §7]."""
    body = bodies.fields(bodies.FILES_EMPTY)
    if not body:
        raise Invalid(_NO_FIELDS if request.get_data() else bodies.FILES_EMPTY)
    action = (bodies.text(body, "action") or "").upper()
    if action not in _ACTIONS:
        _check_place()
        raise _no_action(action)
    done = _perform(action, bodies.text(body, "path"), bodies.truth(body.get("append")) is True)
    return reply(file_object(done.record), 201 if done.created else 200, done.message)


def delete(path: str) -> Response:  # noqa: ARG001
    services().files.actions.delete(caller(), *target())
    return reply()


def _perform(action: str, path: str | None, append: bool) -> Done:
    actions: FileActions = services().files.actions
    who, where = caller(), target()
    if action == "MKDIR":
        return actions.mkdir(who, *where, path, public_link)
    if action == "RENAME":
        return actions.rename(who, *where, path)
    if action == "COPY":
        return actions.copy(who, *where, path, public_link, append)
    return actions.move(who, *where, path, public_link)


def _no_action(action: str) -> EmulatorError:
    if not action:
        return Invalid("Please provide a file action to perform")
    if action in _UNSUPPORTED_ACTIONS:
        return NotProvided(f"Action {action} not supported")
    return Invalid("Action null not supported")


def _check_place() -> None:
    """What is wrong with the system or the path is said before what is wrong with the body [files §3, §7]."""
    services().files.locate(caller(), *target(), Route.MEDIA)


def _finish(file: Upload, form: Form) -> LogicalFile:
    if form.filename is None:
        raise Invalid("No file uploaded")
    offset = _OFFSET.fullmatch(request.headers.get("Range", ""))
    return file.finish(
        form.fields.get("filename") or form.filename,
        request.remote_addr or "",
        public_link,
        int(offset[1]) if offset else None,
    )


def _import(fields: dict[str, Any]) -> None:
    """Raises Invalid without a URL."""
    lowered = {name.lower(): value for name, value in fields.items()}
    if not (lowered.get("urltoingest") or lowered.get("url")):
        raise Invalid("No valid URL specified")
    raise NotProvided(_LATER.format("Imports by urlToIngest"))


def _refuse_callbacks(fields: dict[str, str]) -> None:
    """Better no upload than one whose sender waits for a message that never comes."""
    for name in ("callbackurl", "notifications"):
        if fields.get(name, "").strip():
            raise NotProvided(_LATER.format("Notifications about uploads (callbackURL, notifications)"))
