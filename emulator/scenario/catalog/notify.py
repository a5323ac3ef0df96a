"""What can happen to a message on its way (``notify.deliver``), by webhook or e-mail alike.

An occasion is one attempt to deliver one message.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emulator.scenario.catalog.kind import ActionKind, Argument, Unit

_POINTS = ("notify.deliver",)

_MOST_COPIES = 1000


def _status(args: Mapping[str, Any]) -> str:
    return "" if 100 <= args["code"] <= 599 else "code is an HTTP status, 100 to 599"


def _copies(args: Mapping[str, Any]) -> str:
    return "" if 1 <= args["copies"] <= _MOST_COPIES else f"copies is 1 to {_MOST_COPIES}"


ACTIONS = (
    ActionKind(
        name="drop",
        points=_POINTS,
        text="The message never arrives, and nobody knows: it counts as delivered.",
    ),
    ActionKind(
        name="duplicate",
        points=_POINTS,
        text="The message arrives more than once, each time with the same X-Agave-Delivery.",
        args={"copies": Argument(Unit.NUMBER, 2, "how often it arrives")},
        main="copies",
        mistake=_copies,
    ),
    ActionKind(
        name="reorder",
        points=_POINTS,
        text="The next message about the same thing overtakes it; it goes out alone when none comes in time.",
        args={"within": Argument(Unit.DURATION, 30.0, "how long the next one is waited for")},
        main="within",
    ),
    ActionKind(
        name="respond",
        points=_POINTS,
        text="As if the receiver had answered so: retries and their events follow, as the subscription's policy says.",
        args={
            "code": Argument(Unit.NUMBER, text="the HTTP status"),
            "message": Argument(Unit.TEXT, "", "its reason phrase"),
        },
        main="code",
        mistake=_status,
    ),
)
