"""Waking those who wait for something to happen in a world: an event, a message, a webhook."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Chime:
    """What one waiter listens to. Rings before it waits are not missed."""

    def __init__(self) -> None:
        self._wake: Callable[[], None] | None = None
        self._struck = False
        self._lock = threading.Lock()

    def strike(self) -> None:
        """Wake the waiter; from any thread."""
        with self._lock:
            self._struck = True
            if self._wake is not None:
                self._wake()

    def clear(self) -> None:
        """Forget what has rung so far: to be called before looking at what has happened, never after."""
        with self._lock:
            self._struck = False

    def arrange(self, wake: Callable[[], None]) -> Callable[[], None]:
        """Call ``wake`` at the next strike, at once where one has come already; the answer takes that back."""
        with self._lock:
            self._wake = wake
            if self._struck:
                wake()
        return self._silence

    def _silence(self) -> None:
        with self._lock:
            self._wake = None


class Bell:
    """Rung after the commit of whatever somebody may wait for. Where nobody listens that costs one look."""

    def __init__(self) -> None:
        self._chimes: dict[str, set[Chime]] = {}
        self._lock = threading.Lock()

    def ring(self, world: str) -> None:
        """Something has happened in the world: everybody who listens there looks again."""
        if world not in self._chimes:
            return
        with self._lock:
            listening = list(self._chimes.get(world, ()))
        for chime in listening:
            chime.strike()

    def listening(self, world: str) -> int:
        """How many wait there at this moment."""
        with self._lock:
            return len(self._chimes.get(world, ()))

    @contextmanager
    def listen(self, world: str) -> Iterator[Chime]:
        """Inside the block no ring is missed."""
        chime = Chime()
        with self._lock:
            self._chimes.setdefault(world, set()).add(chime)
        try:
            yield chime
        finally:
            with self._lock:
                listening = self._chimes[world]
                listening.remove(chime)
                if not listening:
                    del self._chimes[world]
