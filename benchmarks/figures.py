"""Samples, their medians and percentiles, and tables of them as Markdown."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

MB = 1_000_000


class Unavailable(Exception):
    """A benchmark lacks something on this machine; the message says what, and what was tried."""


@dataclass(frozen=True)
class Table:
    """What a benchmark found. ``notes`` say how it was measured and what the figures do not show."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = field(default=())

    def markdown(self) -> str:
        lines = [f"### {self.title}", "", _line(self.columns), _line(["---"] * len(self.columns))]
        lines += [_line(row) for row in self.rows]
        if self.notes:
            lines += ["", *(f"- {note}" for note in self.notes)]
        return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def median(samples: Sequence[float]) -> float:
    return statistics.median(samples)


def percentile(samples: Sequence[float], percent: float) -> float:
    """The smallest sample that at least ``percent`` of all samples do not exceed (nearest rank)."""
    ordered = sorted(samples)
    return ordered[max(math.ceil(len(ordered) * percent / 100) - 1, 0)]


def ms(seconds: float) -> str:
    """Seconds as milliseconds with three figures or so."""
    value = seconds * 1000
    return f"{value:.2f} ms" if value < 10 else f"{value:.1f} ms" if value < 100 else f"{value:.0f} ms"


def spread(samples: Sequence[float]) -> str:
    """Least and most of the samples: how far the median is to be trusted."""
    return f"{ms(min(samples))} – {ms(max(samples))}"


def ratio(value: float, floor: float) -> str:
    """How many times the floor a value is."""
    return f"{value / floor:.2f} ×"


def paired(samples: Sequence[float], floors: Sequence[float]) -> str:
    """How many times the floor, round by round, and of these the median: what drifts between rounds falls out."""
    return ratio(median([sample / floor for sample, floor in zip(samples, floors, strict=True)]), 1)


def megabytes(amount: float) -> str:
    return f"{amount / MB:.0f} MB" if amount >= 10 * MB else f"{amount / MB:.1f} MB"


def rate(amount: float, seconds: float) -> str:
    """Bytes in seconds as MB/s."""
    return f"{amount / MB / seconds:.0f} MB/s"
