"""A served emulator with a tapis-cli that is signed in as its default user.

The clients send no credentials to a URL with a port [clients §0]: who publishes must be the default user.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.client.conftest import Page
from tests.real.clients import Clients
from tests.served import Api, served


@contextmanager
def desk_of(user: str, folder: Path, clients: Clients) -> Iterator[Page]:
    with served(folder / "data", default_user=user) as emulator:
        home = folder / "home"
        home.mkdir()
        desk = Page(emulator, Api(emulator.url), clients, home)
        login = ("--tenant-id", "tacc.prod", "--username", user, "--password", "emulator")
        desk.tapis("auth", "init", *login, "--no-dockerhub")
        yield desk


def document(desk: Page, name: str, body: Mapping[str, Any]) -> str:
    """A JSON file for a command's ``-F``."""
    (desk.folder / name).write_text(json.dumps(body), encoding="utf-8")
    return name
