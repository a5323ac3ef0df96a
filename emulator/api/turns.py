"""Requests to a world whose clock stands still: while one is worked at, nothing else is begun there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import g

from emulator.engine.activity import Work, current

if TYPE_CHECKING:
    from emulator.services import Services


def take(services: Services, world: str) -> None:
    """The request is worked at from now on. It costs one look where the clock runs."""
    turn = services.world_clocks.begin_request(world)
    if turn is not None:
        g.turn = turn
        current.set(turn)


def end() -> None:
    """It has its answer, or has been broken off; a second time is fine."""
    turn: Work | None = g.pop("turn", None)
    if turn is not None:
        current.set(None)
        turn.done()
