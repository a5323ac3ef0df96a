"""API clients and tokens for tests: registering, asking, moving the clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import requests

from emulator.app import Emulator
from emulator.domain.world import DEFAULT_WORLD
from tests.served import Api

LOGIN = ("testuser", "emulator")
CALLBACK = "https://app.example.org/back?from=tapis"

Keys = tuple[str, str]
Later = Callable[[timedelta], None]


def register(api: Api, name: str = "keys", login: tuple[str, str] = LOGIN, **fields: str) -> Keys:
    """Consumer key and secret of a fresh client."""
    api.request("DELETE", f"clients/v2/{name}", auth=login)
    made = api.call("POST", "clients/v2", json={"clientName": name} | fields, auth=login)
    return made["consumerKey"], made["consumerSecret"]


def ask(api: Api, keys: Keys, **form: str) -> requests.Response:
    """The token service's answer."""
    return api.request("POST", "token", data=form, auth=keys)


def password_token(api: Api, keys: Keys, user: str = "testuser", **form: str) -> dict[str, Any]:
    wanted = {"grant_type": "password", "username": user, "password": "emulator", "scope": "PRODUCTION"}
    answer = ask(api, keys, **wanted | form)
    document: dict[str, Any] = answer.json()
    assert answer.status_code == 200, document
    return document


def bearer(token: dict[str, Any] | str) -> dict[str, str]:
    """The headers that show a token."""
    return {"Authorization": f"Bearer {token if isinstance(token, str) else token['access_token']}"}


def works(api: Api, token: dict[str, Any]) -> bool:
    """Whether a token opens a service."""
    return api.request("GET", "jobs/v2", headers=bearer(token)).status_code == 200


def clock_of(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Later:
    """What moves the emulator's clock ahead."""
    clock = emulator.clocks.of(DEFAULT_WORLD)
    real = clock.now

    def later(by: timedelta) -> None:
        monkeypatch.setattr(clock, "now", lambda: real() + by)

    return later
