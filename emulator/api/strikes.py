"""What scenarios do to requests: the actions at ``http.<operation>``, as scenario/catalog/http.py has them."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from flask import Response, g, request

from emulator.api import malformed
from emulator.api.called import Called
from emulator.api.gateway import BY_STATUS, fault
from emulator.domain.errors import Unavailable
from emulator.domain.fault import Occasion, Strike
from emulator.domain.ports import Clock, Clocks, Gate
from emulator.engine.striking import after as later

if TYPE_CHECKING:
    from emulator.api.dialect import Dialect
    from emulator.domain.identity import Token
    from emulator.services.request_log import UnderWay

Arrange = Callable[[Callable[[], None]], Callable[[], None]]
Afterwards = Callable[[Response], Response]
"""What becomes of the answer, once the work is done."""

_PIECES_PER_SECOND = 20
_LARGEST_PIECE = 64 * 1024


class Connection(Protocol):
    """The client's connection, as the server gives it in the environ under ``emulator.connection``."""

    def reset(self) -> NoReturn: ...

    def wait(self, arrange: Arrange) -> None: ...

    def damage(
        self,
        *,
        keep: int | None = None,
        share: float | None = None,
        reset: bool = False,
        pace: Callable[[int], None] | None = None,
        piece: int | None = None,
    ) -> None: ...

    def when_ended(self, action: Callable[[int], object]) -> None: ...


@dataclass(frozen=True, slots=True)
class Scene:
    """A request that a rule speaks up at, and what it takes to do as the rule says.

    ``token`` is what the request was made with, ``end_token`` ends it for good. ``visit`` waits for us, in a way that
    lets the world's time go on meanwhile.
    """

    strike: Strike
    called: Called
    dialect: Dialect
    connection: Connection
    visit: UnderWay
    gate: Gate
    clock: Clock
    token: Token | None
    end_token: Callable[[Token], None]

    @property
    def args(self) -> Mapping[str, Any]:
        return self.strike.action.args

    def wait(self) -> None:
        """Until what the rule has stopped may go on. Does not return where the client goes first."""
        self.visit.wait(lambda wake: self.gate.on_release(self.strike, wake))


def ask(
    gate: Gate,
    clocks: Clocks,
    dialect: Dialect,
    visit: UnderWay,
    world: str,
    user: str,
    end_token: Callable[[Token], None],
) -> Response | None:
    """Whether a rule speaks up at the current request: the answer that takes the place of the work.

    None lets the work be done; ``g.afterwards`` then says what becomes of its answer, if anything does. Raises
    GatewayFault and Unavailable as requests may; ends the connection where a rule says so.
    """
    called = dialect.called(request.method, request.path)
    strike = gate.strike(
        Occasion(
            world=world,
            point=f"http.{called.name}",
            user=user,
            job=called.named("jobId"),
            app=called.named("appId", "uniqueName"),
            system=called.named("systemId"),
            path=called.file or request.path,
        )
    )
    if strike is None:
        return None
    act = _ACTS.get(strike.action.kind)
    if act is None:
        raise Unavailable(
            f"The rule {strike.rule!r} asks for {strike.action.kind}, which requests know nothing of"
        )
    connection: Connection = request.environ["emulator.connection"]
    token = g.get("token")
    return act(Scene(strike, called, dialect, connection, visit, gate, clocks.of(world), token, end_token))


def _status(scene: Scene) -> Response | None:
    args = scene.args

    def answer() -> Response:
        code = args["code"]
        if args["body"] is not None:
            found = Response(args["body"], status=code, content_type=args["content_type"])
        elif args["by"] == "gateway" or (not args["by"] and code in BY_STATUS):
            found = scene.dialect.fault(fault(BY_STATUS[code], args["message"]))
        else:
            found = scene.dialect.service_says(scene.called, code, args["message"])
        for name, value in headers_of(args["headers"]):
            found.headers[name] = value
        return found

    return _instead(answer, after=args["after"])


def _throttle(scene: Scene) -> Response | None:
    response = scene.dialect.fault(fault(900800, scene.args["message"], scene.args["format"]))
    response.headers["Retry-After"] = str(ceil(scene.args["retry_after"]))
    return response


def _gateway(scene: Scene) -> Response | None:
    args = scene.args
    said = fault(args["code"], args["message"], args["format"])
    return _instead(lambda: scene.dialect.fault(said), after=args["after"])


def _instead(answer: Callable[[], Response], *, after: bool) -> Response | None:
    """The answer now, in place of the work; or in place of the work's answer."""
    if not after:
        return answer()

    def replace(lost: Response) -> Response:
        lost.close()
        return answer()

    g.afterwards = replace
    return None


def _wait(scene: Scene) -> None:
    scene.wait()


def _slow_body(scene: Scene) -> None:
    rate = scene.args["rate"]
    piece = max(1, min(_LARGEST_PIECE, int(rate / _PIECES_PER_SECOND)))
    pace = Pace(scene.visit.wait, scene.clock, rate)
    if scene.args["side"] == "answer":
        scene.connection.damage(pace=pace, piece=piece)
    else:
        slow = SlowInput(request.environ["wsgi.input"], pace, piece)
        request.environ["wsgi.input"] = io.BufferedReader(slow, piece)


def _truncate(scene: Scene) -> None:
    keep = scene.args["bytes"]
    _damaged(scene, keep=keep, share=None if keep is not None else scene.args["share"])


def _reset(scene: Scene) -> None:
    if scene.args["bytes"] is not None:
        _damaged(scene, keep=scene.args["bytes"], reset=True)
        return
    if not scene.args["after"]:
        scene.connection.reset()

    def lost(response: Response) -> NoReturn:
        response.close()
        scene.connection.reset()

    g.afterwards = lost


def _damaged(scene: Scene, **how: Any) -> None:
    def damage(response: Response) -> Response:
        scene.connection.damage(**how)
        # HTTP/1.0 knows no chunks: without a length what is cut off would be taken for all there is
        if scene.args.get("chunked") and request.environ["SERVER_PROTOCOL"] != "HTTP/1.0":
            del response.headers["Content-Length"]
            response.automatically_set_content_length = False
        return response

    g.afterwards = damage


def _malformed_json(scene: Scene) -> None:
    g.afterwards = lambda response: malformed.as_is_told(response, scene.args["way"], scene.args["code"])


def _expire_token(scene: Scene) -> NoReturn:
    if scene.token is not None:
        scene.end_token(scene.token)
    raise fault(900903)


_ACTS: dict[str, Callable[[Scene], Response | None]] = {
    "status": _status,
    "throttle": _throttle,
    "gateway": _gateway,
    "delay": _wait,
    "hold": _wait,
    "slow-body": _slow_body,
    "truncate": _truncate,
    "reset": _reset,
    "malformed-json": _malformed_json,
    "expire-token": _expire_token,
}


def headers_of(text: str) -> list[tuple[str, str]]:
    """The header fields that a text has, one on each line: ``Name: value``."""
    lines = (line.partition(":") for line in text.splitlines() if line.strip())
    return [(name.strip(), value.strip()) for name, _, value in lines]


class Pace:
    """Lets no more than ``rate`` bytes a second pass, by the world's clock, from the first on."""

    def __init__(self, wait: Callable[[Arrange], None], clock: Clock, rate: float) -> None:
        self._wait = wait
        self._clock = clock
        self._rate = rate
        self._begun = clock.now()

    def __call__(self, total: int) -> None:
        """Wait until ``total`` bytes may have passed."""
        due = later(total / self._rate, self._begun)
        if due > self._clock.now():
            self._wait(lambda wake: self._clock.call_at(due, wake))


class SlowInput(io.RawIOBase):
    """A request's body, read at a pace."""

    def __init__(self, body: io.BufferedIOBase, pace: Callable[[int], None], piece: int) -> None:
        self._body = body
        self._pace = pace
        self._piece = piece
        self._count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        read = self._body.read1(min(len(buffer), self._piece))
        if read:
            self._count += len(read)
            self._pace(self._count)
        buffer[: len(read)] = read
        return len(read)
