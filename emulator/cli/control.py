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


class Refused(NoAnswer):
    """The emulator says no, in its own words."""


def ask(url: str, path: str, method: str = "GET", timeout: float = 5, body: Any = None) -> Any:
    """The JSON that ``<url>/_emulator/<path>`` answers; ``body`` is sent as JSON. Raises NoAnswer, Refused."""
    target = f"{url.rstrip('/')}/_emulator/{path}"
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(target, data=data, method=method)
    if data is not None:
        request.add_header("Content-Type", "application/json")
    try:
        with _OPENER.open(request, timeout=timeout) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        raise _refusal(url, error) from error
    except (OSError, ValueError) as error:
        raise NoAnswer(f"no emulator answers at {url}: {error}") from error


def _refusal(url: str, error: urllib.error.HTTPError) -> NoAnswer:
    try:
        return Refused(json.load(error)["error"])
    except (OSError, ValueError, KeyError, TypeError):
        return NoAnswer(f"no emulator answers at {url}: {error}")
