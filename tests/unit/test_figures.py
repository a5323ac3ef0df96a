"""The arithmetic behind the benchmarks' tables."""

from __future__ import annotations

import pytest

from benchmarks.figures import Table, median, ms, paired, percentile, ratio


@pytest.mark.parametrize(
    ("percent", "expected"), [(0, 1), (1, 1), (50, 50), (98.5, 99), (99, 99), (99.5, 100), (100, 100)]
)
def test_percentile_is_a_sample_that_so_many_do_not_exceed(percent: float, expected: float) -> None:
    samples = [float(number) for number in range(100, 0, -1)]
    assert percentile(samples, percent) == expected
    assert sum(sample <= expected for sample in samples) >= percent


def test_figures_of_a_single_sample() -> None:
    assert percentile([4.0], 99) == median([4.0]) == 4.0


def test_ratios_and_times_as_they_are_printed() -> None:
    assert ratio(0.3, 0.2) == "1.50 ×"
    assert [ms(seconds) for seconds in (0.0012345, 0.0456, 1.234)] == ["1.23 ms", "45.6 ms", "1234 ms"]


def test_a_table_is_markdown() -> None:
    table = Table("Speed", ("what", "how fast"), [("a", "1"), ("b", "2")], ["measured twice"])
    assert table.markdown() == (
        "### Speed\n\n| what | how fast |\n| --- | --- |\n| a | 1 |\n| b | 2 |\n\n- measured twice"
    )


def test_paired_ratios_do_not_see_what_slows_both() -> None:
    floors = [1.0, 10.0, 2.0]
    assert paired([2 * floor for floor in floors], floors) == "2.00 ×"
    with pytest.raises(ValueError):
        paired([1.0], floors)
