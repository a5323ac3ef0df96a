"""The doors of worlds: who is waited for when a world is exchanged."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from emulator.domain.errors import Unavailable
from emulator.services.doors import Doors
from tests.real.waiting import wait_until

WORLD = "somewhere"
FOR_EVER = 3600.0


@contextmanager
def in_a_thread(action: threading.Thread) -> Iterator[None]:
    action.daemon = True
    action.start()
    yield
    action.join(30)
    assert not action.is_alive()


def test_a_request_that_rests_is_not_waited_for_and_does_not_go_on_meanwhile() -> None:
    doors, resting, go_on = Doors(), threading.Event(), threading.Event()
    stale: list[bool] = []

    def request() -> None:
        visit = doors.enter(WORLD)
        assert visit is not None
        with pytest.raises(Unavailable), doors.at_rest():
            resting.set()
            go_on.wait(30)
        stale.append(visit.stale)
        doors.leave(visit)

    entered: list[bool] = []

    def exchange() -> None:
        with doors.closed(WORLD, patience=FOR_EVER) as empty:
            entered.append(empty)
            go_on.set()
            assert stale == []

    with in_a_thread(threading.Thread(target=request)):
        assert resting.wait(30)
        with in_a_thread(threading.Thread(target=exchange)):
            wait_until(lambda: entered == [False], what="the exchange")
    assert stale == [True]


def test_one_that_works_is_waited_for() -> None:
    doors, inside, go_out = Doors(), threading.Event(), threading.Event()

    def request() -> None:
        visit = doors.enter(WORLD)
        inside.set()
        go_out.wait(30)
        doors.leave(visit)

    entered: list[bool] = []

    def exchange() -> None:
        with doors.closed(WORLD, patience=FOR_EVER) as empty:
            entered.append(empty)

    with in_a_thread(threading.Thread(target=request)):
        assert inside.wait(30)
        with in_a_thread(threading.Thread(target=exchange)):
            wait_until(lambda: WORLD in doors._closed, what="the door is closed")
            assert entered == []
            go_out.set()
    assert entered == [True]
