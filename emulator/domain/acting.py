"""On whose behalf work is done just now: what points far below (a host's, a scheduler's) tell a scenario about it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace

from emulator.domain.fault import Occasion

_ACTING: ContextVar[Occasion | None] = ContextVar("acting", default=None)


@contextmanager
def acting_for(circumstances: Occasion) -> Iterator[None]:
    """What is done inside the block, by this thread, is done in these circumstances; their point does not matter."""
    token = _ACTING.set(circumstances)
    try:
        yield
    finally:
        _ACTING.reset(token)


def occasion_here(world: str, point: str, *, host: str, user: str = "") -> Occasion:
    """Something is about to happen on a host: what is known of it here, completed by the circumstances."""
    acting = _ACTING.get()
    if acting is None or acting.world != world:
        return Occasion(world=world, point=point, host=host, user=user)
    return replace(acting, point=point, host=host, user=user or acting.user)
