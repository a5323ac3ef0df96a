"""Answers that wait for something to happen: ``?wait=<seconds>``, ended early by the client's hanging up."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from flask import request

from emulator.api.edge import services
from emulator.domain.errors import Invalid

if TYPE_CHECKING:
    from emulator.engine.bell import Chime

LONGEST = 600
"""Seconds."""
T = TypeVar("T")


def as_soon_as(world: str, there: Callable[[T], bool], look: Callable[[], T]) -> T:
    """What ``look`` finds, as soon as it is ``there``; else what it finds when the time of ``?wait=`` is over.

    It looks once, and again whenever something happens in the world. Raises Invalid, and what ``look`` raises.
    """
    seconds = _seconds()
    if not seconds:
        return look()
    over = threading.Event()
    with services().happenings.listen(world) as chime:

        def end() -> None:
            over.set()
            chime.strike()

        take_back = services().happenings.after(seconds, end)
        try:
            while True:
                chime.clear()
                ended = over.is_set()
                found = look()
                if ended or there(found):
                    return found
                _sleep(chime)
        finally:
            take_back()


def whole(name: str, default: int, most: int | None = None) -> int:
    """A whole number of the query, 0 or more. Raises Invalid."""
    text = request.args.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Invalid(f"{name} must be a whole number, 0 or more")
    return int(text) if most is None else min(int(text), most)


def _seconds() -> float:
    text = request.args.get("wait", "0")
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= LONGEST:
        raise Invalid(f"wait must be a number of seconds between 0 and {LONGEST}")
    return seconds


def _sleep(chime: Chime) -> None:
    """Until it is struck. Where the client has gone by then this does not return, see RawConnection.wait."""
    connection = request.environ.get("emulator.connection")
    if connection is not None:
        connection.wait(chime.arrange)
        return
    struck = threading.Event()  # an application that is called without our server
    silence = chime.arrange(struck.set)
    struck.wait()
    silence()
