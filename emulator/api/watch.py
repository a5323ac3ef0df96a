"""What stands before the services: the memory of requests, and the scenarios that speak up at them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from flask import Response, g, request

from emulator.api import strikes
from emulator.domain.ports import Clocks, Gate
from emulator.engine.waiting import Subscribe, pausing
from emulator.services.doors import Doors
from emulator.services.request_log import RequestLog, UnderWay, under_way

if TYPE_CHECKING:
    from emulator.api.dialect import Dialect
    from emulator.services import Services

FAMILY = "http"


class Watch:
    """Looks at each request to the API once; never at those to ``/_emulator``."""

    def __init__(self, *, gate: Gate, clocks: Clocks, log: RequestLog) -> None:
        self._gate = gate
        self._clocks = clocks
        self.log = log

    def begin(self, doors: Doors) -> None:
        """A request has come, from nobody knows whom yet."""
        wait_for = pausing(_connection(request.environ).wait)

        def wait(subscribe: Subscribe) -> None:
            with doors.at_rest():
                wait_for(subscribe)

        under_way.set(UnderWay(wait))

    def arrived(self, world: str, user: str) -> None:
        """It is known whose it is; what is told later changes nothing."""
        visit = under_way.get()
        if visit is None or visit.record is not None:
            return
        environ = request.environ
        record = self.log.begin(
            world,
            environ["REQUEST_METHOD"],
            request.path,
            environ["QUERY_STRING"],
            user,
            environ.get("HTTP_USER_AGENT", ""),
            visit.strikes,
        )
        visit.world, visit.record = world, record
        _connection(environ).when_ended(lambda sent: self.log.end(world, record, sent))

    def struck(self, dialect: Dialect, services: Services, world: str, user: str) -> Response | None:
        """The answer that a rule gives in place of the service. Raises as ``strikes.ask``."""
        if not self._gate.armed(world, FAMILY):
            return None
        visit = under_way.get()
        assert visit is not None, "never begun"
        answer = strikes.ask(self._gate, self._clocks, dialect, visit, world, user, services.tokens.end)
        visit.afterwards = g.pop("afterwards", None)
        return answer

    def answered(self, response: Response) -> Response:
        """The answer as it will go out."""
        visit = under_way.get()
        if visit is None:
            return response
        under_way.set(None)
        if visit.afterwards is not None:
            response = visit.afterwards(response)
        if visit.record is not None:
            size = response.headers.get("Content-Length")
            self.log.answered(visit.world, visit.record, response.status_code, int(size) if size else 0)
        return response


def user_is(name: str) -> None:
    """Tell the record of the current request whose it turned out to be."""
    visit = under_way.get()
    if visit is not None and visit.record is not None:
        visit.record.user = name


def _connection(environ: Mapping[str, Any]) -> strikes.Connection:
    return cast(strikes.Connection, environ["emulator.connection"])
