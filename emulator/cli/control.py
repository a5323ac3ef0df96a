"""Asking a running emulator through its control API, for the other commands."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

# never through a proxy: the emulator is meant, not the way out
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class NoAnswer(Exception):
    """Nobody answers there, or not as an emulator does."""


def ask(url: str, path: str, method: str = "GET", timeout: float = 5) -> Any:
    """The JSON that ``<url>/_emulator/<path>`` answers. Raises NoAnswer."""
    target = f"{url.rstrip('/')}/_emulator/{path}"
    request = urllib.request.Request(target, method=method)
    try:
        with _OPENER.open(request, timeout=timeout) as response:
            return json.load(response)
    except (OSError, ValueError, urllib.error.URLError) as error:
        raise NoAnswer(f"no emulator answers at {url}: {error}") from error
