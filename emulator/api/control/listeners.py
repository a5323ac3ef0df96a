"""``/_emulator/listeners``: more ports, each with its world and its user, while the emulator runs."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlsplit

from flask import Response, request

from emulator.api.control.answers import answer
from emulator.api.control.bodies import Kinds, body
from emulator.api.edge import only_world, scope, services
from emulator.domain.errors import Forbidden, NotFound
from emulator.domain.listener import Listener, ListenerState

_KINDS: Kinds = {
    "name": ((str,), "a string"),
    "port": ((int,), "a whole number"),
    "world": ((str,), "a string"),
    "user": ((str,), "a string"),
    "tls": ((bool,), "true or false"),
    "anonymous": ((bool, type(None)), "true, false or null"),
    "create": ((bool,), "true or false"),
}


def list_listeners() -> Response:
    """All there are: the ordinary ones, those of the configuration, those that were asked for.

    Through a listener that was handed to somebody, those of its world.
    """
    return answer([_document(state) for state in services().listeners.all() if _is_seen(state)])


def show_listener(name: str) -> Response:
    state = services().listeners.one(name)
    if not _is_seen(state):
        raise NotFound(f"No listener found with name {name}")
    return answer(_document(state))


def add_listener() -> Response:
    """Open one: ``{"port", "user", "world", "name", "tls", "anonymous", "create"}``, each of which may be left out.

    201 with the listener and its URL, where clients can connect at once.
    """
    _require_control()
    fields = body(_KINDS)
    state = services().listeners.add(
        Listener(
            name=fields.get("name", ""),
            port=fields.get("port", 0),
            world=fields.get("world", scope().world),
            user=fields.get("user", ""),
            tls=fields.get("tls", False),
            anonymous=fields.get("anonymous"),
        ),
        create=fields.get("create", False),
    )
    response = answer(_document(state), 201)
    response.headers["Location"] = f"/_emulator/listeners/{quote(state.listener.name)}"
    return response


def remove_listener(name: str) -> Response:
    """Close one and forget it: nobody can connect any more, requests under way are answered."""
    _require_control()
    services().listeners.remove(name)
    return answer({"removed": name})


def _is_seen(state: ListenerState) -> bool:
    return only_world() in (None, state.listener.world)


def _require_control() -> None:
    """Not through a listener that was handed to somebody, and not for a page of another site in a browser."""
    if not scope().controls:
        raise Forbidden("Listeners are opened and closed through the emulator's ordinary port")
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.host:
        raise Forbidden(f"Pages of {origin} may not change the emulator's listeners")


def _document(state: ListenerState) -> dict[str, Any]:
    listener = state.listener
    return {
        "name": listener.name,
        "url": state.url,
        "port": listener.port,
        "world": listener.world,
        "user": listener.user,
        "tls": listener.tls,
        "anonymous": listener.anonymous,
        "kept": state.kept,
        "open": bool(state.url),
        "problem": state.problem,
    }
