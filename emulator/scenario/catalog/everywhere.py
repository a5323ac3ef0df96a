"""What rules can do at every point."""

from __future__ import annotations

from emulator.scenario.catalog.kind import ActionKind, Argument, Unit

ACTIONS = (
    ActionKind(
        name="delay",
        points=("*",),
        text="It takes so much longer, by the world's clock; then it goes on as if nothing had been.",
        args={"for": Argument(Unit.DURATION, text="how long")},
        main="for",
    ),
    ActionKind(
        name="hold",
        points=("*",),
        text="It stops until the rule or its scenario is released, disarmed or expired; then it goes on.",
        args={"for": Argument(Unit.DURATION, None, "the longest, by the world's clock; else without end")},
        main="for",
    ),
    ActionKind(
        name="stop-emulator",
        points=("*",),
        text="The emulator ends on the spot, as by kill -9: clients see a broken connection until it is started again.",
    ),
)
