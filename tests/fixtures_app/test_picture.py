"""The PNG reader: every kind it reads, exactly; every other file refused with the reason."""

from __future__ import annotations

import random
import struct
import zlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .conftest import Classify

pytestmark = pytest.mark.sample(3)

SIGNATURE = b"\x89PNG\r\n\x1a\n"
SIDE = 16


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def header(
    width: int = SIDE, height: int = SIDE, depth: int = 8, colour: int = 0, rest: bytes = b"\0\0\0"
) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBB", width, height, depth, colour) + rest)


def rows(count: int = SIDE, stride: int = SIDE, method: int = 0, value: int = 90) -> bytes:
    return chunk(b"IDAT", zlib.compress((bytes([method]) + bytes([value]) * stride) * count))


END = chunk(b"IEND", b"")
GREY = SIGNATURE + header() + rows() + END


def noise(width: int, height: int, samples: int = 1) -> list[bytes]:
    rng = random.Random(width * height * samples)
    return [bytes(rng.randrange(256) for _ in range(width * samples)) for _ in range(height)]


def load(modules: SimpleNamespace, folder: Path, data: bytes) -> Any:
    path = folder / "x.png"
    path.write_bytes(data)
    return modules.picture.load(path)


@pytest.mark.parametrize("method", range(5))
@pytest.mark.parametrize("colour", [0, 2, 4, 6])
def test_every_row_filter_is_undone(
    modules: SimpleNamespace, tmp_path: Path, colour: int, method: int
) -> None:
    step = modules.picture.SAMPLES[colour]
    lines = noise(SIDE, SIDE, step)
    before, packed = bytes(SIDE * step), b""
    for line in lines:
        packed += modules.png_writer._filtered(method, line, before, step)
        before = line
    plain = b"".join(b"\0" + line for line in lines)
    shown = [
        load(modules, tmp_path, SIGNATURE + header(colour=colour) + chunk(b"IDAT", zlib.compress(data)) + END)
        for data in (packed, plain)
    ]
    assert shown[0] == shown[1]
    first = [[v / 255 for v in lines[0][i * step : i * step + step]] for i in range(SIDE)]
    if colour == 2:  # 16 pixels across 64 cells: each pixel fills four
        assert [list(cell) for cell in shown[0][0][::4]] == [pytest.approx(pixel) for pixel in first]


@pytest.mark.parametrize(("width", "height"), [(8, 8), (16, 200), (200, 16), (64, 64), (150, 101), (65, 63)])
def test_any_shape_becomes_the_grid(
    modules: SimpleNamespace, tmp_path: Path, width: int, height: int
) -> None:
    grid = load(modules, tmp_path, modules.png_writer.png(0, width, noise(width, height)))
    assert [len(row) for row in grid] == [64] * 64
    flat = load(modules, tmp_path, modules.png_writer.png(0, width, [bytes([51]) * width] * height))
    assert all(cell == pytest.approx((0.2, 0.2, 0.2)) for row in flat for cell in row)


def test_average_of_a_large_picture(modules: SimpleNamespace, tmp_path: Path) -> None:
    checkers = [bytes((x + y) % 2 * 255 for x in range(128)) for y in range(128)]
    grid = load(modules, tmp_path, modules.png_writer.png(0, 128, checkers))
    assert all(cell == pytest.approx((0.5, 0.5, 0.5)) for row in grid for cell in row)


def corner(grid: Any) -> tuple[int, ...]:
    return tuple(round(v * 255) for v in grid[0][0])


@pytest.mark.parametrize(
    ("colour", "pixel", "extra", "expected"),
    [
        (0, b"\x0a", b"", (10, 10, 10)),
        (0, b"\x0a", chunk(b"tRNS", b"\0\x0a"), (255, 255, 255)),
        (2, b"\x0a\x14\x1e", b"", (10, 20, 30)),
        (2, b"\x0a\x14\x1e", chunk(b"tRNS", b"\0\x0a\0\x14\0\x1e"), (255, 255, 255)),
        (2, b"\x0a\x14\x1f", chunk(b"tRNS", b"\0\x0a\0\x14\0\x1e"), (10, 20, 31)),
        (3, b"\x01", chunk(b"PLTE", b"\0\0\0\x0a\x14\x1e"), (10, 20, 30)),
        (3, b"\x00", chunk(b"PLTE", b"\0\0\0\x0a\x14\x1e") + chunk(b"tRNS", b"\0"), (255, 255, 255)),
        (4, b"\x0a\x00", b"", (255, 255, 255)),
        (4, b"\x0a\xff", b"", (10, 10, 10)),
        (6, b"\x0a\x14\x1e\x00", b"", (255, 255, 255)),
        (6, b"\x00\x00\x00\x80", b"", (127, 127, 127)),
        (6, b"\x0a\x14\x1e\xff", chunk(b"tEXt", b"Author\0nobody"), (10, 20, 30)),
    ],
)
def test_colours_and_transparency(
    modules: SimpleNamespace,
    tmp_path: Path,
    colour: int,
    pixel: bytes,
    extra: bytes,
    expected: tuple[int, ...],
) -> None:
    data = modules.png_writer.png(colour, SIDE, [pixel * SIDE] * SIDE, extra)
    assert corner(load(modules, tmp_path, data)) == expected


def test_rows_spread_over_many_chunks(modules: SimpleNamespace, tmp_path: Path) -> None:
    lines = noise(100, 90)
    packed = zlib.compress(b"".join(b"\0" + line for line in lines))
    pieces = b"".join(chunk(b"IDAT", packed[i : i + 7]) for i in range(0, len(packed), 7))
    split = SIGNATURE + header(100, 90) + pieces + END
    whole = SIGNATURE + header(100, 90) + chunk(b"IDAT", packed) + END
    assert load(modules, tmp_path, split) == load(modules, tmp_path, whole)


BROKEN = {
    "empty": (b"", "the file is empty"),
    "text": (b"hello, world", "not a PNG picture"),
    "jpeg": (b"\xff\xd8\xff\xe0rest", "a JPEG picture; only PNG"),
    "gif": (b"GIF89arest", "a GIF picture; only PNG"),
    "only the signature": (SIGNATURE, "ends too early"),
    "cut in a chunk": (GREY[:50], "ends too early"),
    "cut before the end": (GREY[: -len(END)], "ends too early"),
    "announced length beyond the file": (SIGNATURE + b"\xff\xff\xff\xffIHDR", "ends too early"),
    "no header": (SIGNATURE + rows() + END, "does not begin with a proper IHDR"),
    "changed byte": (GREY[:45] + bytes([GREY[45] ^ 1]) + GREY[46:], "wrong checksum of IDAT"),
    "no pixels": (SIGNATURE + header(width=0) + rows() + END, "no pixels"),
    "16 bits": (SIGNATURE + header(depth=16) + rows(stride=32) + END, "16 bits a sample; only 8"),
    "1 bit": (SIGNATURE + header(depth=1) + rows(stride=2) + END, "1 bits a sample; only 8"),
    "colour type 5": (SIGNATURE + header(colour=5) + rows() + END, "unknown colour type 5"),
    "interlaced": (SIGNATURE + header(rest=b"\0\0\1") + rows() + END, "interlaced"),
    "other packing": (SIGNATURE + header(rest=b"\1\0\0") + rows() + END, "packed in a way"),
    "tiny": (SIGNATURE + header(4, 4) + rows(4, 4) + END, "4 x 4; at least 8 x 8"),
    "huge": (SIGNATURE + header(60000, 60000) + rows() + END, "60000 x 60000; at most 4000000 pixels"),
    "no rows": (SIGNATURE + header() + END, "fewer rows"),
    "missing rows": (SIGNATURE + header() + rows(SIDE - 1) + END, "fewer rows"),
    "not zlib": (SIGNATURE + header() + chunk(b"IDAT", b"garbage") + END, "damaged"),
    "unknown filter": (SIGNATURE + header() + rows(method=9) + END, "unknown row filter 9"),
    "unknown critical chunk": (SIGNATURE + header() + chunk(b"ABCD", b"") + rows() + END, "not known: ABCD"),
    "palette without colours": (SIGNATURE + header(colour=3) + rows() + END, "uses a palette but has none"),
    "colour outside the palette": (
        SIGNATURE + header(colour=3) + chunk(b"PLTE", bytes(6)) + rows(value=2) + END,
        "colour 2 of a palette of 2",
    ),
    "short tRNS": (SIGNATURE + header() + chunk(b"tRNS", b"\0") + rows() + END, "wrong length of tRNS"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_unreadable_file_is_refused_with_the_reason(classify: Classify, bundle: Path, name: str) -> None:
    data, reason = BROKEN[name]
    (bundle / "bad.png").write_bytes(data)
    done = classify("--image", "bad.png", "--out", "predictions.txt")
    assert done.returncode == 1
    assert done.stderr.startswith("classify.py: cannot classify bad.png: ")
    assert reason in done.stderr
    assert "Traceback" not in done.stderr
    assert not (bundle / "predictions.txt").exists()


def test_the_sound_picture_of_these_tests_is_read(modules: SimpleNamespace, tmp_path: Path) -> None:
    assert corner(load(modules, tmp_path, GREY)) == (90, 90, 90)


def test_a_folder_is_refused(classify: Classify) -> None:
    done = classify("--image", "pictures")
    assert done.returncode == 1
    assert "pictures" in done.stderr
    assert "Traceback" not in done.stderr


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    colour=st.sampled_from([0, 2, 3, 4, 6]),
    kinds=st.lists(st.sampled_from([b"PLTE", b"tRNS", b"IDAT", b"tEXt", b"IHDR", b"IEND"]), max_size=4),
    data=st.binary(max_size=60),
    packed=st.binary(max_size=600),
)
def test_no_content_crashes_the_reader(
    modules: SimpleNamespace, tmp_path: Path, colour: int, kinds: list[bytes], data: bytes, packed: bytes
) -> None:
    body = b"".join(chunk(kind, data) for kind in kinds) + chunk(b"IDAT", zlib.compress(packed)) + END
    try:
        grid = load(modules, tmp_path, SIGNATURE + header(8, 8, colour=colour) + body)
    except modules.picture.PictureError as error:
        assert str(error)
    else:
        assert all(0 <= v <= 1 for row in grid for cell in row for v in cell)
