"""The launcher's own threads: one that takes things in turn, and a few for what takes long."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any

from emulator.domain.ports import Clock

log = logging.getLogger(__name__)

_SLOW_ONES = 4


class Turns:
    """Runs actions away from the caller's thread. What they raise is logged. Nothing runs after ``stop``."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._quick = ThreadPoolExecutor(1, "launcher")
        self._slow = ThreadPoolExecutor(_SLOW_ONES, "launcher-slow")
        self._stopped = False

    def soon(self, action: Callable[..., None], *arguments: Any) -> None:
        """One after the other, in order."""
        self._run(self._quick, action, *arguments)

    def aside(self, action: Callable[..., None], *arguments: Any) -> None:
        """A few at a time."""
        self._run(self._slow, action, *arguments)

    def later(self, pause: timedelta, action: Callable[..., None], *arguments: Any) -> None:
        self._clock.call_at(self._clock.now() + pause, partial(self.soon, action, *arguments))

    def stop(self) -> None:
        """Returns when what is running has ended."""
        self._stopped = True
        for pool in (self._quick, self._slow):
            pool.shutdown(cancel_futures=True)

    def _run(self, pool: Executor, action: Callable[..., None], *arguments: Any) -> None:
        if self._stopped:
            return
        try:
            pool.submit(_guarded, action, *arguments)
        except RuntimeError:  # stopped this very moment
            if not self._stopped:
                raise


def _guarded(action: Callable[..., None], *arguments: Any) -> None:
    try:
        action(*arguments)
    except ConnectionError as error:
        log.warning("%s", error)
    except Exception:
        log.exception("%s failed", getattr(action, "__qualname__", action))
