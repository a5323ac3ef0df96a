"""Systems and apps over HTTP, around a store of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.catalog import Catalog


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    """Nothing is registered yet; some modules put more into it first."""
    made = Catalog(tmp_path)
    yield made
    made.close()
