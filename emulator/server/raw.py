"""The connection as applications see it that break rules on purpose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NoReturn

from emulator.server.faults import AnswerFault
from emulator.server.transport import ConnectionEnded, Transport
from emulator.server.waiting import Arrange


class RawConnection:
    """The client's connection as `environ["emulator.connection"]`: for answers that break the rules.

    `reset` and `close` do not return. What they raise is no `Exception`, so they may be called
    anywhere in the application: in a Flask view, in a `before_request` function, or in the
    generator of an answer's body when a part of it has been sent. Whoever calls `send` builds the
    whole answer, status line included (or goes on within a body that has begun), and finishes with
    one of the two. Not for other threads.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.fault: AnswerFault | None = None
        self.ended: Callable[[int], object] | None = None

    def send(self, data: bytes) -> None:
        """Send `data` as it is, encrypted if the client speaks TLS, after what has been sent before."""
        self._transport.sendall(data)

    def reset(self) -> NoReturn:
        """End the connection with a TCP reset, once what was sent has left this machine."""
        self._transport.reset()
        raise ConnectionEnded("reset by the application")

    def close(self) -> NoReturn:
        """End the connection after what has been sent, without completing the answer or TLS."""
        self._transport.flush()
        self._transport.end_output(notify=False)
        raise ConnectionEnded("closed by the application")

    def wait(self, arrange: Arrange) -> None:
        """Wait, for as long as it takes, until the function that `arrange` is given is called (from any thread).

        `arrange` answers with a function that takes the arrangement back. When the client has gone before, or
        the server is closed, this does not return, as `close`.
        """
        self._transport.wait(arrange)

    def damage(
        self,
        *,
        keep: int | None = None,
        share: float | None = None,
        reset: bool = False,
        pace: Callable[[int], None] | None = None,
        piece: int | None = None,
    ) -> None:
        """Have the answer to this request go wrong on its way, as `AnswerFault` says; asked for before its body."""
        fault = AnswerFault(keep=keep, share=share, reset=reset, pace=pace)
        self.fault = fault if piece is None else replace(fault, piece=piece)

    def when_ended(self, action: Callable[[int], object]) -> None:
        """Have `action` called with the bytes of the body that were sent when the answer is over, whole or not."""
        self.ended = action
