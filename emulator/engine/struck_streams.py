"""Open files that go wrong while they are read or written: one class for each way.

None of them has a file descriptor, so that no byte passes by in the kernel; none holds more than one piece.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from typing import BinaryIO, cast


class Passing:
    """A stream as it is, but for its descriptor; what goes wrong is for subclasses."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        return self._stream.read(size)

    def write(self, data: bytes) -> int:
        return self._stream.write(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def flush(self) -> None:
        self._stream.flush()

    def close(self) -> None:
        self._stream.close()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def fileno(self) -> int:
        raise io.UnsupportedOperation("fileno")

    def __enter__(self) -> Passing:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def as_binary(self) -> BinaryIO:
        """For those who ask for a type."""
        return cast(BinaryIO, self)


class Failing(Passing):
    """Raises ``error()`` once ``after`` bytes have been read, or written."""

    def __init__(self, stream: BinaryIO, after: int, error: Callable[[], OSError]) -> None:
        super().__init__(stream)
        self._left = after
        self._error = error
        self._in_order = True

    def read(self, size: int = -1) -> bytes:
        if self._left <= 0:
            raise self._error()
        data = self._stream.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(data)
        if size != 0 and not data and self._in_order:
            raise self._error()  # the file is shorter than that: its end is never reached
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._in_order = False
        return super().seek(offset, whence)

    def write(self, data: bytes) -> int:
        fits = data[: max(0, self._left)]
        if fits:
            self._stream.write(fits)
            self._left -= len(fits)
        if len(fits) < len(data) or self._left <= 0:
            raise self._error()
        return len(data)


class Short(Passing):
    """Ends at byte ``end`` of the file; ``silently``: as if there were no more in it."""

    def __init__(self, stream: BinaryIO, at: int, end: int, silently: bool) -> None:
        """``at``: where in the file the stream stands."""
        super().__init__(stream)
        self._at = at
        self._end = end
        self._silently = silently

    def read(self, size: int = -1) -> bytes:
        left = max(0, self._end - self._at)
        data = self._stream.read(left if size < 0 else min(size, left))
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if whence == os.SEEK_END and self._silently:
            offset, whence = self._end + offset, os.SEEK_SET
        self._at = self._stream.seek(offset, whence)
        return self._at


class Flipped(Passing):
    """Every bit of ``count`` bytes from byte ``first`` of the file on is the other way round."""

    def __init__(self, stream: BinaryIO, at: int, first: int, count: int) -> None:
        """``at``: where in the file the stream stands."""
        super().__init__(stream)
        self._at = at
        self._first = first
        self._behind = first + count

    def read(self, size: int = -1) -> bytes:
        return self._turned(self._stream.read(size))

    def write(self, data: bytes) -> int:
        return self._stream.write(self._turned(data))

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = self._stream.seek(offset, whence)
        return self._at

    def _turned(self, data: bytes) -> bytes:
        start = self._at
        self._at += len(data)
        first, behind = max(self._first, start) - start, min(self._behind, self._at) - start
        if first >= behind:
            return data
        turned = bytes(byte ^ 0xFF for byte in data[first:behind])
        return bytes(data[:first]) + turned + bytes(data[behind:])


class Slow(Passing):
    """Lets pieces through one after the other; ``pace`` waits until so many bytes may have passed."""

    def __init__(self, stream: BinaryIO, pace: Callable[[int], None], piece: int) -> None:
        super().__init__(stream)
        self._pace = pace
        self._piece = piece
        self._passed = 0

    def read(self, size: int = -1) -> bytes:
        """At most a piece, as streams may."""
        data = self._stream.read(self._piece if size < 0 else min(size, self._piece))
        self._waited(len(data))
        return data

    def write(self, data: bytes) -> int:
        for start in range(0, len(data), self._piece):
            part = data[start : start + self._piece]
            self._stream.write(part)
            self._waited(len(part))
        return len(data)

    def _waited(self, count: int) -> None:
        if count:
            self._passed += count
            self._pace(self._passed)


class Whole(Passing):
    """Gives as much as it is asked for wherever there is so much, which readers of zip files count on."""

    def read(self, size: int = -1) -> bytes:
        pieces = []
        while size and (piece := self._stream.read(size)):
            pieces.append(piece)
            size -= len(piece) if size > 0 else 0
        return b"".join(pieces)
