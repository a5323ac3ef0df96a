"""What can happen to a message on its way (``notify.deliver``), by webhook or e-mail alike.

An occasion is one attempt to deliver one message.
"""

from __future__ import annotations

from emulator.scenario.catalog.kind import ActionKind, Argument, Unit

_POINTS = ("notify.deliver",)

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
    ),
)
