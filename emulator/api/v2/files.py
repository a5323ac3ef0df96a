"""Files over HTTP [files §1]. Paths are taken from the request as it was sent: slashes in them mean something."""

from __future__ import annotations

import re

from flask import Response, request

from emulator.api.edge import caller, scope, services
from emulator.api.v2 import bodies
from emulator.api.v2.downloads import send_file
from emulator.api.v2.file_record import file_object, history_line, index_lines, listing_lines, public_link
from emulator.api.v2.wire import reply
from emulator.domain.errors import EmulatorError, Invalid, NotProvided
from emulator.services.file_actions import Done, FileActions
from emulator.services.file_places import Route
from emulator.services.published_files import no_such_data

_NO_FIELDS = (
    "No content found. Please send your content as a multipart/form-data file upload or as application/json "
    "with valid JSON content in the request body."
)
_SYSTEM = re.compile(r"/system/([^/]+)(?:/(.*))?", re.DOTALL)
_ACTIONS = ("MKDIR", "RENAME", "COPY", "MOVE")
_UNSUPPORTED_ACTIONS = ("TOUCH", "LIST", "INDEX", "REMOVE", "CKSUM")


def target() -> tuple[str | None, str]:
    """System id (None: the default system) and agave path of the request [files §2].

    Raises Invalid for a path that is not UTF-8.
    """
    path = raw_path()
    tail = path.split("/", 4)[4] if path.count("/") >= 4 else None  # behind /files/v2/<endpoint>/
    named = _SYSTEM.fullmatch(f"/{tail}") if tail is not None else None
    if named:
        return named[1], named[2] or ""
    return None, tail or ""


def raw_path() -> str:
    """The request's path as it was sent, decoded once. Raises Invalid for one that is not UTF-8."""
    raw: str = request.environ["PATH_INFO"]
    try:
        return raw.encode("latin-1").decode("utf-8")
    except UnicodeError:
        raise Invalid("Invalid file path") from None


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


def index_files(path: str) -> Response:  # noqa: ARG001
    """GET and POST alike [files §11]."""
    page = bodies.page(cap=False)
    assert page.limit is not None
    indexed = services().files.index.index(caller(), *target(), page.limit, page.offset)
    return reply(index_lines(indexed))


def download(path: str) -> Response:  # noqa: ARG001
    place = services().files.open(caller(), *target(), note=request.method == "GET")
    return send_file(place.files, place.host_path, place.name)


def download_published(path: str) -> Response:  # noqa: ARG001
    """``<user>/system/<id>/<path>``, without a token; the user is only for people to read [files §12]."""
    parts = raw_path().split("/", 7)[4:]
    if len(parts) < 3 or parts[1] != "system" or not parts[2]:
        raise no_such_data()
    below = parts[3] if len(parts) > 3 else ""
    place = services().files.published.open(scope().world, parts[2], below, note=request.method == "GET")
    return send_file(place.files, place.host_path, place.name)


def act(path: str) -> Response:  # noqa: ARG001
    """mkdir, rename, copy, move [files §7]."""
    body = bodies.given_fields(bodies.FILES_EMPTY)
    if not body:
        raise Invalid(_NO_FIELDS)
    action = (bodies.text(body, "action") or "").upper()
    if action not in _ACTIONS:
        check_place()
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
    return Invalid("Action null not supported", service_status=501)


def check_place() -> None:
    """What is wrong with the system or the path is said before what is wrong with the body [files §3, §7]."""
    services().files.locate(caller(), *target(), Route.MEDIA)
