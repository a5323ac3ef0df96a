"""``/_emulator/worlds/<w>/requests``: what the API of a world was asked, and what it said."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

from flask import Response, request

from emulator.api.control.access import check_control, check_sight
from emulator.api.control.answers import answer
from emulator.api.control.waiting import as_soon_as, whole
from emulator.api.edge import edge, services
from emulator.domain.errors import Invalid, NotFound
from emulator.domain.fault import Strike
from emulator.domain.moments import utc_text
from emulator.domain.request_record import RequestRecord
from emulator.services.request_log import MOST, RequestLog

_FILTERS = ("operation", "method", "path", "user", "agent")
"""Texts of a record that a query asks for, by patterns."""


def list_requests(world: str) -> Response:
    """Requests that fit, oldest first: at most ``?limit=`` of them (default: all that are remembered).

    ``operation``, ``method``, ``path``, ``user`` and ``agent`` are patterns (globs), ``status`` a number, ``5xx``
    or ``none`` (not answered, or not yet), ``since`` the number of a request (those after it) or a time of the
    world's clock. With ``?wait=<seconds>`` the answer comes as soon as there is one. ``next`` is the number to go
    on after. ``?changed=<number>`` is for those that have come, got their answer or ended after a change of the
    log; ``changes`` is the number of its newest.
    """
    check_sight(world)
    services().accounts.world(world)
    log = _log()
    limit, changed = whole("limit", MOST, MOST), whole("changed", 0)
    fits = _Fits()

    def look() -> tuple[int, list[dict[str, Any]]]:
        changes = log.changes(world)
        fitting = (record for record in log.of(world) if record.change > changed and fits(record))
        return changes, [_document(record) for record in fitting][:limit]

    changes, found = as_soon_as(world, lambda look: bool(look[1]), look)
    after = found[-1]["number"] if found else fits.after
    return answer({"requests": found, "next": after, "changes": changes})


def forget_requests(world: str) -> Response:
    """Forget them all; their numbers go on."""
    check_control("Requests are forgotten")
    services().accounts.world(world)
    return answer({"removed": _log().clear(world)})


def _log() -> RequestLog:
    watch = edge().watch
    if watch is None:
        raise NotFound("Requests are not remembered here")
    return watch.log


class _Fits:
    """The filters of the current request. Raises Invalid for one that is none."""

    def __init__(self) -> None:
        self._patterns = {name: request.args[name] for name in _FILTERS if name in request.args}
        self._statuses = _statuses(request.args.get("status", ""))
        self.after, self._since = _since(request.args.get("since", ""))

    def __call__(self, record: RequestRecord) -> bool:
        if record.number <= self.after or (self._since is not None and record.received < self._since):
            return False
        if self._statuses is not None and record.status not in self._statuses:
            return False
        return all(
            fnmatchcase(_operation(record) if name == "operation" else getattr(record, name), pattern)
            for name, pattern in self._patterns.items()
        )


def _statuses(text: str) -> frozenset[int | None] | None:
    if not text:
        return None
    if text == "none":
        return frozenset([None])
    if len(text) == 3 and text.isascii() and text[0] in "12345":
        if text[1:].lower() == "xx":
            return frozenset(range(int(text[0]) * 100, int(text[0]) * 100 + 100))
        if text.isdigit():
            return frozenset([int(text)])
    raise Invalid(f"status must be a number such as 503, 5xx or none, not {text[:40]!a}")


def _since(text: str) -> tuple[int, datetime | None]:
    if text.isascii() and text.isdigit() and len(text) < 19:
        return int(text), None
    if not text:
        return 0, None
    try:
        since = datetime.fromisoformat(text)
    except ValueError:
        since = None
    if since is None or since.tzinfo is None:
        raise Invalid(
            f"since must be the number of a request or a time such as 2026-03-01T12:00:00Z, not {text[:40]!a}"
        )
    return 0, since


def _operation(record: RequestRecord) -> str:
    from emulator.api.v2.coverage import calls  # loaded for those who ask

    return calls.called(record.method, record.path).name


def _document(record: RequestRecord) -> dict[str, Any]:
    ended = record.ended
    return {
        "number": record.number,
        "received": utc_text(record.received),
        "method": record.method,
        "path": record.path,
        "query": record.query,
        "operation": _operation(record),
        "user": record.user,
        "agent": record.agent,
        "status": record.status,
        "bytes": record.sent,
        "seconds": None if ended is None else (ended - record.received).total_seconds(),
        "faults": list(_strikes(record)),
    }


def _strikes(record: RequestRecord) -> Iterator[dict[str, Any]]:
    strikes: list[Strike] = list(record.strikes)  # may grow meanwhile
    for strike in strikes:
        yield {
            "scenario": strike.scenario,
            "rule": strike.rule,
            "point": strike.occasion.point,
            "action": strike.action.kind,
            "number": strike.number,
        }
