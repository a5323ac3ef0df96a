"""Answers that go wrong on their way, as the application has asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

_PIECE_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerFault:
    """How an answer, whose head says what it would have said, goes wrong.

    After ``keep`` bytes of the body, or the ``share`` (from 0 to 1) of it that is let through, the connection ends:
    in an orderly way but without the rest, or with ``reset`` by a TCP reset, once all before it has left. With
    neither, the answer is whole. A share of a body whose length nobody knows is that of its first block.

    ``pace`` is called before each piece (at most ``piece`` bytes) with the number of bytes that will have been sent
    with it; it may wait (see RawConnection.wait).
    """

    keep: int | None = None
    share: float | None = None
    reset: bool = False
    pace: Callable[[int], None] | None = None
    piece: int = _PIECE_BYTES

    @property
    def cuts(self) -> bool:
        """Whether the connection ends with the answer, or within it."""
        return self.keep is not None or self.share is not None

    def allowed(self, length: int | None) -> int | None:
        """How many bytes of a body of ``length`` bytes (None: unknown) are let through; None for all."""
        if self.keep is not None or self.share is None or length is None:
            return self.keep
        return int(length * self.share)

    def pieces(self, block: bytes, sent: int, allowed: int | None) -> Iterator[bytes]:
        """What is let through of a block after ``sent`` bytes, piece by piece."""
        end = len(block) if allowed is None else min(len(block), max(0, allowed - sent))
        for start in range(0, end, self.piece):
            yield block[start : min(start + self.piece, end)]
