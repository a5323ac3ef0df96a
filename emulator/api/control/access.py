"""Who may look at and change what is the emulator's own: the ordinary port all of it, a listener its world."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import request

from emulator.api.edge import scope
from emulator.domain.errors import Forbidden


def check_control(what: str) -> None:
    """Not through a listener that was handed to somebody, and not for a page of another site in a browser.

    ``what`` begins the message: ``Listeners are opened and closed``. Raises Forbidden.
    """
    if not scope().controls:
        raise Forbidden(f"{what} through the emulator's ordinary port")
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.host:
        raise Forbidden(f"{what} by the emulator's own pages, not by those of {origin}")


def check_sight(world: str) -> None:
    """A listener that was handed to somebody shows its own world alone. Raises Forbidden."""
    if not scope().controls and scope().world != world:
        raise Forbidden(f"The world {world[:80]!r} cannot be seen through this listener")
