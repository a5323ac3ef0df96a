"""Run times and memory in all their spellings [jobs §3.1, §4.1; systems §4.2]."""

from __future__ import annotations

import pytest

from emulator.domain.resources import hours, memory_gb, number_text, run_time_seconds, run_time_text


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("00:00:00", 0),
        ("1:00:00", 3600),
        ("24:00:00", 86400),
        ("9999:59:59", 9999 * 3600 + 3599),
        ("00:60:00", None),
        ("1:2:3", None),
        ("12345:00:00", None),
        ("-1:00:00", None),
        ("", None),
        ("00:00:00\n", None),
        ("٠١:00:00", None),
    ],
)
def test_run_times(text: str, seconds: int | None) -> None:
    assert run_time_seconds(text) == seconds


def test_run_times_print_with_two_digits() -> None:
    assert [run_time_text(s) for s in (0, 61, 3600 * 123)] == ["00:00:00", "00:01:01", "123:00:00"]


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, 0.0), (1, 0.1), (360, 0.1), (361, 0.1), (378, 0.11), (3600, 1.0), (86399, 24.0)],
)
def test_hours_are_rounded_as_the_service_does(seconds: int, expected: float) -> None:
    assert hours(seconds) == expected


@pytest.mark.parametrize(
    ("value", "gigabytes"),
    [
        ("1", 1.0),
        ("200MB", 200 / 1024),
        ("1.5GB", 1.5),
        ("1TB", 1024.0),
        ("512mb", 0.5),
        ("64GB", 64.0),
        ("1024KB", 1 / 1024),
        (".5GB", 0.5),
        ("2 GB", 2.0),
        (3, 3.0),
        (0.25, 0.25),
        ("0", 0.0),
        ("-1", None),
        ("1XB", None),
        ("GB", None),
        ("", None),
        ("1e3GB", None),
        (True, None),
        (-1, None),
        (float("inf"), None),
        (10**400, None),
        ("1.", 1.0),
        (" 1.5  GB\n", 1.5),
        ("1.5.5", None),
        ("1G B", None),
        ("1\N{KELVIN SIGN}B", None),
        ("1" * 300_000 + "!", None),
        ("1" + " " * 300_000 + "!", None),
        (None, None),
        (["1"], None),
    ],
)
def test_memory(value: object, gigabytes: float | None) -> None:
    assert memory_gb(value) == gigabytes


def test_whole_numbers_lose_their_point() -> None:
    assert (number_text(1.0), number_text(1.5)) == (1, 1.5)
    assert isinstance(number_text(32.0), int)
