"""What stands before the services: the memory of requests, and the scenarios that speak up at them."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from flask import Response, g, request

from emulator.api import strikes
from emulator.domain.ports import Clocks, Gate
from emulator.domain.request_record import RequestRecord
from emulator.engine.waiting import pausing
from emulator.services.request_log import RequestLog, UnderWay, under_way

if TYPE_CHECKING:
    from emulator.api.http import Dialect
    from emulator.services import Services

FAMILY = "http"


class Watch:
    """Looks at each request to the API once; never at those to ``/_emulator``."""

    def __init__(self, *, gate: Gate, clocks: Clocks, log: RequestLog) -> None:
        self._gate = gate
        self._clocks = clocks
        self.log = log

    def begin(self) -> None:
        """A request has come, from nobody knows whom yet."""
        under_way.set(UnderWay(pausing(_connection().wait)))

    def arrived(self, world: str, user: str) -> None:
        """It is known whose it is; what is told later changes nothing."""
        if "record" in g:
            return
        request_under_way = under_way.get()
        assert request_under_way is not None, "never begun"
        environ = request.environ
        record = self.log.begin(
            world,
            request.method,
            request.path,
            environ["QUERY_STRING"],
            user,
            environ.get("HTTP_USER_AGENT", ""),
            request_under_way.strikes,
        )
        g.record, g.record_world = record, world
        _connection().when_ended(lambda sent: self.log.end(world, record, sent))

    def struck(self, dialect: Dialect, services: Services, world: str, user: str) -> Response | None:
        """The answer that a rule gives in place of the service. Raises as ``strikes.ask``."""
        if not self._gate.armed(world, FAMILY):
            return None
        return strikes.ask(self._gate, self._clocks, dialect, world, user, services.tokens.end)

    def answered(self, response: Response) -> Response:
        """The answer as it will go out."""
        record: RequestRecord | None = g.get("record")
        if record is None:
            return response
        afterwards: strikes.Afterwards | None = g.pop("afterwards", None)
        if afterwards is not None:
            response = afterwards(response)
        self.log.answered(g.record_world, record, response.status_code, response.content_length or 0)
        return response


def user_is(name: str) -> None:
    """Tell the record of the current request whose it turned out to be."""
    record: RequestRecord | None = g.get("record")
    if record is not None:
        record.user = name


def _connection() -> strikes.Connection:
    return cast(strikes.Connection, request.environ["emulator.connection"])
