"""Clients and clocks of the tests about identity."""

from __future__ import annotations

import pytest

from emulator.app import Emulator
from tests.contract.accounts.signing_in import CALLBACK, Keys, Later, clock_of, register
from tests.served import Api


@pytest.fixture
def keys(api: Api) -> Keys:
    """Consumer key and secret of a fresh client of testuser, with a callback."""
    return register(api, callbackUrl=CALLBACK)


@pytest.fixture
def later(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Later:
    """Moves the emulator's clock ahead until the test ends."""
    return clock_of(emulator, monkeypatch)
