"""An emulator of its own for the tests of worlds: they come and go there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from emulator.app import Emulator
from tests.served import served


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with served(tmp_path_factory.mktemp("worlds")) as running:
        yield running


@pytest.fixture(scope="module")
def url(emulator: Emulator) -> str:
    return emulator.url
