"""The bench, closed at the end of each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engine.bench import Bench
from tests.engine.doubles import StagedLauncher


@pytest.fixture
def benches(tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    """Makes benches in the test's directory; arguments as Bench takes them."""
    made: list[Bench] = []

    def make(launcher: Any = StagedLauncher, **options: Any) -> Bench:
        made.append(Bench(tmp_path, launcher, **options))
        return made[-1]

    yield make
    for bench in made:
        bench.close()


@pytest.fixture
def bench(benches: Callable[..., Bench]) -> Bench:
    """One bench with systems and an app."""
    made = benches()
    made.furnish()
    return made
