"""On whose behalf work is done just now: what points far below (a host's, a scheduler's) tell a scenario about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace

from emulator.domain.fault import Occasion, Strike

EVERYWHERE = ("delay", "hold")
"""What is done at any point, by waiting there."""

Linger = Callable[[Strike], None]
"""Wait where a scenario says so: returns once it is over. Raises what ends the wait."""


@dataclass(frozen=True, slots=True)
class Acting:
    """``circumstances``: an occasion whose point does not matter. ``linger`` waits as this work has to."""

    circumstances: Occasion
    linger: Linger


_ACTING: ContextVar[Acting | None] = ContextVar("acting", default=None)


@contextmanager
def acting_for(circumstances: Occasion, linger: Linger) -> Iterator[None]:
    """What is done inside the block, by this thread, is done in these circumstances."""
    token = _ACTING.set(Acting(circumstances, linger))
    try:
        yield
    finally:
        _ACTING.reset(token)


def occasion_here(world: str, point: str, *, host: str, user: str = "") -> Occasion:
    """Something is about to happen on a host: what is known of it here, completed by the circumstances."""
    acting = _ACTING.get()
    if acting is None or acting.circumstances.world != world:
        return Occasion(world=world, point=point, host=host, user=user)
    known = acting.circumstances
    return replace(known, point=point, host=host, user=user or known.user)


def lingered(strike: Strike | None, otherwise: Linger) -> Strike | None:
    """The strike that is left to be done here: what is done everywhere has been done then.

    ``otherwise`` waits where nobody has said how.
    """
    if strike is None or strike.action.kind not in EVERYWHERE:
        return strike
    acting = _ACTING.get()
    (acting.linger if acting is not None else otherwise)(strike)
    return None
