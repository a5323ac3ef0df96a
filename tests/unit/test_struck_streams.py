"""Streams that go wrong: byte by byte, whatever sizes they are read in, and never much in memory."""

from __future__ import annotations

import errno
import io
import random
import tracemalloc
from itertools import pairwise
from typing import BinaryIO

import pytest

from emulator.domain.fault import Action
from emulator.engine.streams import CHUNK, copy_stream
from emulator.engine.struck_files import error, fetched, way_of
from emulator.engine.struck_streams import Failing, Flipped, Passing, Short, Slow, Whole

CONTENT = bytes(range(256)) * 40


def read_in(stream: BinaryIO, sizes: list[int]) -> bytes:
    pieces: list[bytes] = []
    while True:
        piece = stream.read(random.choice(sizes))
        if not piece:
            return b"".join(pieces)
        pieces.append(piece)


@pytest.mark.parametrize("sizes", [[1, 2, 3], [7, 4096], [100_000], [-1]])
def test_what_comes_does_not_depend_on_how_it_is_read(sizes: list[int]) -> None:
    def opened() -> BinaryIO:
        return io.BytesIO(CONTENT)

    flipped = bytearray(CONTENT)
    for place in range(255, 260):
        flipped[place] ^= 0xFF
    paces: list[int] = []
    assert read_in(Passing(opened()).as_binary, sizes) == CONTENT
    assert read_in(Short(opened(), 0, 300, silently=False).as_binary, sizes) == CONTENT[:300]
    assert read_in(Flipped(opened(), 0, 255, 5).as_binary, sizes) == bytes(flipped)
    assert read_in(Slow(opened(), paces.append, 64).as_binary, sizes) == CONTENT
    assert paces[-1] == len(CONTENT) and max(b - a for a, b in pairwise(paces)) <= 64
    failing = Failing(opened(), 300, error(errno.EIO)).as_binary
    came = b""
    with pytest.raises(OSError, match="Input/output error"):
        while True:
            came += failing.read(random.choice(sizes))
    assert came == CONTENT[:300]


def test_from_the_middle_on() -> None:
    stream = io.BytesIO(CONTENT)
    stream.seek(250)
    assert Flipped(stream, 250, 255, 5).as_binary.read(10)[5:] == bytes(b ^ 0xFF for b in CONTENT[255:260])
    stream.seek(250)
    short = Short(stream, 250, 260, silently=True)
    assert short.as_binary.read(100) == CONTENT[250:260]
    assert short.seek(0, io.SEEK_END) == 260
    assert short.seek(-5, io.SEEK_END) == 255 and short.as_binary.read() == CONTENT[255:260]


@pytest.mark.parametrize("sizes", [1, 7, 100_000])
def test_written_in_pieces(sizes: int) -> None:
    taken = io.BytesIO()
    full = Failing(taken, 300, error(errno.ENOSPC))
    with pytest.raises(OSError, match="No space left"):
        for start in range(0, len(CONTENT), sizes):
            full.write(CONTENT[start : start + sizes])
    assert taken.getvalue() == CONTENT[:300]


def test_whole_gives_what_it_is_asked_for() -> None:
    whole = Whole(Slow(io.BytesIO(CONTENT), lambda _passed: None, 3).as_binary).as_binary
    assert whole.read(100) == CONTENT[:100]
    assert whole.read() == CONTENT[100:] and whole.read(5) == b""


def test_no_byte_passes_by_in_the_kernel() -> None:
    with pytest.raises(io.UnsupportedOperation):
        Passing(io.BytesIO()).as_binary.fileno()


class Endless:
    """A file of a size, made as it is read."""

    def __init__(self, size: int) -> None:
        self.left = size

    def read(self, size: int) -> bytes:
        piece = bytes(min(size, self.left))
        self.left -= len(piece)
        return piece


@pytest.mark.parametrize("kind", ["slow", "corrupt", "truncate"])
def test_memory_does_not_grow_with_the_file(kind: str) -> None:
    args = {"rate": 1e9, "at": 5, "bytes": 3, "share": 0.9, "silently": True}
    way = way_of(Action(kind, args), lambda _passed, _rate: None)
    size = 64 * CHUNK

    class Nowhere(io.RawIOBase):
        def write(self, data: object) -> int:
            return len(data)  # type: ignore[arg-type]

    tracemalloc.start()
    stream = fetched(Endless(size), way, size)  # type: ignore[arg-type]
    moved = sum(copy_stream(stream, Nowhere()))  # type: ignore[arg-type]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert moved == (int(size * 0.9) if kind == "truncate" else size)
    assert peak < 6 * CHUNK
