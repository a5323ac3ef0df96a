"""Asking a running emulator through its control API, for the other commands."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

# never through a proxy: the emulator is meant, not the way out
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class NoAnswer(Exception):
    """Nobody answers there, or not as an emulator does."""


class Refused(NoAnswer):
    """The emulator says no, in its own words."""


def ask(url: str, path: str, method: str = "GET", timeout: float = 5, body: Any = None) -> Any:
    """The JSON that ``<url>/_emulator/<path>`` answers; ``body`` is sent as JSON, bytes as they are.

    Raises NoAnswer, Refused.
    """
    try:
        return json.loads(ask_text(url, path, method, timeout, body))
    except ValueError as error:
        raise NoAnswer(f"no emulator answers at {url}: {error}") from error


def ask_text(url: str, path: str, method: str = "GET", timeout: float = 5, body: Any = None) -> bytes:
    """As :func:`ask`, for answers that are no JSON. Raises NoAnswer, Refused."""
    target = f"{url.rstrip('/')}/_emulator/{path}"
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(target, data=data, method=method)
    if data is not None:
        request.add_header(
            "Content-Type", "application/json" if data is not body else "application/octet-stream"
        )
    try:
        with _OPENER.open(request, timeout=timeout) as response:
            found: bytes = response.read()
            return found
    except urllib.error.HTTPError as error:
        raise _refusal(url, error) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NoAnswer(f"no emulator answers at {url}: {error}") from error


def receive(url: str, path: str, timeout: float = 5) -> Iterator[bytes]:
    """What ``<url>/_emulator/<path>`` answers, line by line: it need not fit into memory. Raises NoAnswer, Refused."""
    request = urllib.request.Request(f"{url.rstrip('/')}/_emulator/{path}")
    try:
        with _OPENER.open(request, timeout=timeout) as answer:
            yield from answer
    except urllib.error.HTTPError as error:
        raise _refusal(url, error) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NoAnswer(f"no emulator answers at {url}: {error}") from error


def send(url: str, path: str, pieces: Iterable[bytes] | None, timeout: float = 5) -> BinaryIO:
    """POST, piece by piece, what need not fit into memory; the answer is to be read, and closed.

    Raises NoAnswer, Refused.
    """
    target = f"{url.rstrip('/')}/_emulator/{path}"
    request = urllib.request.Request(target, data=pieces, method="POST")
    if pieces is not None:
        request.add_header("Content-Type", "application/x-tar")
    try:
        answer: BinaryIO = _OPENER.open(request, timeout=timeout)
    except urllib.error.HTTPError as error:
        raise _refusal(url, error) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NoAnswer(f"no emulator answers at {url}: {error}") from error
    return answer


def _refusal(url: str, error: urllib.error.HTTPError) -> NoAnswer:
    try:
        return Refused(json.load(error)["error"])
    except (OSError, ValueError, KeyError, TypeError):
        return NoAnswer(f"no emulator answers at {url}: {error}")
