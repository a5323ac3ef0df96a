"""A served emulator per test module, with its seeded world, and clients for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from emulator.app import Emulator
from tests.served import Api, served


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """An emulator on a free port; a module's tests share it."""
    with served(tmp_path_factory.mktemp("emulator")) as running:
        yield running


@pytest.fixture(scope="module")
def api(emulator: Emulator) -> Api:
    """Requests without credentials: the default user."""
    return Api(emulator.url)


@pytest.fixture(scope="module")
def student(emulator: Emulator) -> Api:
    """Requests with a token of student01."""
    return Api(emulator.url, "student01")


@pytest.fixture(scope="module")
def admin(emulator: Emulator) -> Api:
    """Requests with a token of the tenant's administrator."""
    return Api(emulator.url, "admin")
