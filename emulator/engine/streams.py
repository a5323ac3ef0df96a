"""The bytes of one open file into another, in constant memory and, where it can, without leaving the kernel."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Callable, Iterator
from typing import BinaryIO

PIECE = 16 * 1024 * 1024
"""Bytes moved by the kernel before control comes back, for progress and cancellation."""
CHUNK = 1024 * 1024
"""Bytes read at a time where the kernel cannot help: all that is ever held in memory."""

_CANNOT = frozenset(
    {errno.ENOSYS, errno.EXDEV, errno.EINVAL, errno.EOPNOTSUPP, errno.EBADF, errno.EPERM, errno.ENOTSOCK}
)


class CutShort(OSError):
    """Less of a file has come than there was, and its length tells."""

    def __init__(self, came: int, of: int) -> None:
        super().__init__(errno.EIO, f"only {came} of {of} bytes came")


def copy_stream(incoming: BinaryIO, outgoing: BinaryIO) -> Iterator[int]:
    """Copy all; yields the number of bytes after each piece. Both must stand where they are to start."""
    descriptors = _descriptors(incoming, outgoing)
    if descriptors is not None:
        for move in _kernel_moves():
            try:
                yield from _in_kernel(*descriptors, move)
            except OSError as error:
                if error.errno not in _CANNOT:
                    raise
    # reads what is left: everything where the kernel was of no help, else nothing
    while chunk := incoming.read(CHUNK):
        outgoing.write(chunk)
        yield len(chunk)


def _descriptors(incoming: BinaryIO, outgoing: BinaryIO) -> tuple[int, int] | None:
    try:
        outgoing.flush()
        return incoming.fileno(), outgoing.fileno()
    except (AttributeError, io.UnsupportedOperation):
        return None


def _kernel_moves() -> list[Callable[[int, int], int]]:
    """What this platform offers, best first: the first shares blocks on file systems that can."""
    moves: list[Callable[[int, int], int]] = []
    if hasattr(os, "copy_file_range"):
        moves.append(lambda source, target: os.copy_file_range(source, target, PIECE))
    if hasattr(os, "sendfile"):
        moves.append(lambda source, target: os.sendfile(target, source, None, PIECE))
    return moves


def _in_kernel(source: int, target: int, move: Callable[[int, int], int]) -> Iterator[int]:
    while count := move(source, target):
        yield count
