"""Threads that wait by a world's clock, or for somebody to let them go: nobody looks again and again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

from emulator.domain.ports import Clock
from emulator.engine.activity import Work, current

Call = Callable[[], None]
Subscribe = Callable[[Call], Call]
"""Takes what is to be called (short) once it is time to look, answers what takes that back."""
WaitFor = Callable[[Subscribe], None]
"""Blocks a thread until the call comes; it may have a way of its own to end that sooner."""


def wait(clock: Clock, work: Work | None, until: datetime | None, *calls: Subscribe) -> None:
    """Block this thread until the clock says ``until`` (None: no such time) or one of ``calls`` comes.

    Of ``calls``, one that comes while it is being subscribed to counts too. Meanwhile ``work`` (None: what
    this thread works at) does not count as being at work; it counts again before whoever woke it is
    through.
    """
    work = work or current.get()
    over = threading.Event()

    def let_go() -> None:
        if work is not None:
            work.resume()
        over.set()

    subscriptions = list(calls)
    if until is not None:
        subscriptions.append(at(clock, until))
    take_backs: list[Call] = []
    try:
        take_backs += (subscribe(let_go) for subscribe in subscriptions)
        if not over.is_set():
            if work is not None:
                work.pause()
            over.wait()
    finally:
        for take_back in take_backs:
            take_back()
        if work is not None:
            work.resume()


def any_of(*calls: Subscribe) -> Subscribe:
    """Whichever of ``calls`` comes."""

    def subscribe(call: Call) -> Call:
        take_backs = [each(call) for each in calls]

        def take_back() -> None:
            for each in take_backs:
                each()

        return take_back

    return subscribe


def at(clock: Clock, moment: datetime) -> Subscribe:
    """The call that comes once the clock says so."""
    return lambda call: clock.call_at(moment, call)


def pausing(wait_for: WaitFor) -> WaitFor:
    """A way of waiting, during which the request that its thread works at does not count as being at work."""

    def waiting(subscribe: Subscribe) -> None:
        work = current.get()
        if work is None:
            wait_for(subscribe)
            return

        def subscribed(call: Call) -> Call:
            def woken() -> None:
                work.resume()
                call()

            return subscribe(woken)

        work.pause()
        try:
            wait_for(subscribed)
        finally:
            work.resume()

    return waiting


class Calls:
    """Who wants to hear when somebody calls."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: dict[int, Call] = {}
        self._numbers = 0

    def listen(self, action: Call) -> Call:
        """See Subscribe."""
        with self._lock:
            self._numbers += 1
            number = self._numbers
            self._listeners[number] = action

        def take_back() -> None:
            with self._lock:
                self._listeners.pop(number, None)

        return take_back

    def call(self) -> None:
        with self._lock:
            listeners = list(self._listeners.values())
        for action in listeners:
            action()
