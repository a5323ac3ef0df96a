"""``/_emulator/worlds/<world>/clock``: how a world's time goes by, and letting it pass."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Response, request

from emulator.api.control.access import check_control, check_sight
from emulator.api.control.answers import answer
from emulator.api.control.bodies import Kinds, body
from emulator.api.edge import services
from emulator.domain.clock import ClockMode, ClockSetting
from emulator.domain.errors import EmulatorError, Invalid, Unavailable
from emulator.domain.moments import utc_text
from emulator.domain.states import JobState
from emulator.engine.timelapse import LIMIT, Passage, Passed
from emulator.services.world_clocks import ClockFace, Journey, WorldClockService

log = logging.getLogger(__name__)

_SETTING: Kinds = {
    "mode": ((str,), "real, scaled or frozen"),
    "factor": ((int, float), "a number"),
    "start": ((str,), "a time such as 2026-11-23T10:00:00Z"),
}
_DURATION = "a duration such as 90, 10m, 48h or 7d"
_MOVES: Kinds = {
    "advance": ((str, int, float), _DURATION),
    "to": ((str,), "a time such as 2026-11-23T10:00:00Z"),
    "run": ((str,), "idle or job"),
    "job": ((str,), "the id of a job"),
    "until": ((str, list), "states of a job"),
    "limit": ((str, int, float), _DURATION),
}


def show_clock(world: str) -> Response:
    """``mode``, ``factor``, ``now``, the ``machine``'s own time, the ``nextTimer``, and what is ``still`` going on."""
    check_sight(world)
    return answer(_face(world, services().world_clocks.show(world)))


def set_clock(world: str) -> Response:
    """``{"mode": "real" | "scaled" | "frozen", "factor": 60, "start": "<time>"}``; time never goes back."""
    check_control("Clocks are set and moved")
    given = body(_SETTING, required=("mode",))
    words = [mode.value for mode in ClockMode]
    if given["mode"] not in words:
        raise Invalid(f"mode must be one of {', '.join(words)}, not {given['mode'][:60]!a}")
    mode = ClockMode(given["mode"])
    if (mode is ClockMode.SCALED) != ("factor" in given):
        raise Invalid("factor must be there for a scaled clock, and for no other")
    start = _moment("start", given["start"]) if "start" in given else None
    setting = ClockSetting(mode=mode, factor=float(given.get("factor", 1.0)), start=start)
    return answer(_face(world, services().world_clocks.set(world, setting)))


def move_clock(world: str) -> Response:
    """Let time pass: one of ``{"advance": "48h"}``, ``{"to": "<time>"}``, ``{"run": "idle"}`` and
    ``{"run": "job", "job": "<id>", "until": "FINISHED"}``; the latter two with a ``limit``.

    Answers when that has happened, with the clock as it is then and whether it was ``reached``. What began is given
    up when the client hangs up.
    """
    check_control("Clocks are set and moved")
    journey = _journey(body(_MOVES))
    clocks = services().world_clocks
    clocks.check(world, journey)
    passed = _beside_the_client(clocks, world, journey)
    document = _face(world, clocks.show(world))
    return answer(
        document | {"reached": passed.reached, "timers": passed.timers, "still": list(passed.still)}
    )


def _journey(given: dict[str, Any]) -> Journey:
    ways = [name for name in ("advance", "to", "run") if name in given]
    if len(ways) != 1:
        raise Invalid("One of advance, to and run must be there, and no two of them")
    if ways != ["run"]:
        for name in ("job", "until", "limit"):
            if name in given:
                raise Invalid(f"{name} goes with run, not with {ways[0]}")
        if ways == ["to"]:
            return Journey(to=_moment("to", given["to"]))
        return Journey(by=_duration("advance", given["advance"]))
    limit = _duration("limit", given["limit"]) if "limit" in given else LIMIT
    if given["run"] not in ("idle", "job"):
        raise Invalid(f"run must be idle or job, not {given['run'][:60]!a}")
    if (given["run"] == "job") != bool(given.get("job")):
        raise Invalid("job must be there for run: job, and for no other")
    if given["run"] == "idle":
        if "until" in given:
            raise Invalid("until goes with run: job")
        return Journey(limit=limit)
    return Journey(job=given["job"], states=_states(given.get("until", [])), limit=limit)


def _states(given: str | list[Any]) -> frozenset[JobState]:
    words = given.split(",") if isinstance(given, str) else given
    known = [state.value for state in JobState]
    for word in words:
        if not isinstance(word, str) or word.strip().upper() not in known:
            raise Invalid(f"until: there is no state {str(word)[:40]!a}; there are {', '.join(known)}")
    named = frozenset(JobState(word.strip().upper()) for word in words)
    return named or frozenset(state for state in JobState if state.terminal)


def _duration(name: str, given: str | float) -> timedelta:
    from emulator.scenario.quantities import duration  # loaded for those who ask

    try:
        # a number is written out without an exponent, as people write it
        return timedelta(seconds=duration(given.strip() if isinstance(given, str) else f"{given:.6f}"))
    except ValueError as error:
        raise Invalid(f"{name} must be {error}") from error


def _moment(name: str, text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Invalid(f"{name} must be a time such as 2026-11-23T10:00:00Z, not {text[:60]!a}") from None


def _beside_the_client(clocks: WorldClockService, world: str, journey: Journey) -> Passed:
    """Travel on a thread of its own, so that this one notices when the client goes, or the server."""
    passage: list[Passage] = []
    begun, over = threading.Event(), _Over()
    outcome: list[Passed | EmulatorError] = []

    def take(mine: Passage) -> None:
        passage.append(mine)
        begun.set()

    def travel() -> None:
        try:
            outcome.append(clocks.travel(world, journey, take))
        except EmulatorError as error:
            outcome.append(error)
        except Exception as error:
            log.exception("the time of the world %s could not be moved", world)
            outcome.append(Unavailable(f"The clock could not be moved on: {type(error).__name__}"))
        finally:
            begun.set()
            over.tell()

    threading.Thread(target=travel, name=f"time of {world}", daemon=True).start()
    begun.wait()
    try:
        over.wait()
    finally:
        for each in passage:
            each.give_up()
    found = outcome[0]
    if isinstance(found, EmulatorError):
        raise found
    return found


class _Over:
    """Told once; waited for beside the client."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._told = threading.Event()
        self._wake: Callable[[], None] | None = None

    def tell(self) -> None:
        with self._lock:
            self._told.set()
            if self._wake is not None:
                self._wake()

    def wait(self) -> None:
        """Where the client has gone by then this does not return, see RawConnection.wait."""
        connection = request.environ.get("emulator.connection")
        if connection is not None:
            connection.wait(self._arrange)
        else:  # an application that is called without our server
            self._told.wait()

    def _arrange(self, wake: Callable[[], None]) -> Callable[[], None]:
        with self._lock:
            self._wake = wake
            if self._told.is_set():
                wake()
        return self._silence

    def _silence(self) -> None:
        with self._lock:
            self._wake = None


def _face(world: str, face: ClockFace) -> dict[str, Any]:
    return {
        "world": world,
        "mode": face.state.mode.value,
        "factor": face.state.factor,
        "now": utc_text(face.now),
        "machine": utc_text(face.machine),
        "nextTimer": None if face.next_timer is None else utc_text(face.next_timer),
        "still": list(face.still),
    }
