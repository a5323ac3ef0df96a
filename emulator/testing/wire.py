"""Plain HTTP to an emulator: its control API, and the service's API as a user's own code would call it."""

from __future__ import annotations

import json
import time
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar
from urllib.parse import quote, urlencode

from emulator import __version__
from emulator.testing.errors import NoEmulator, Refused, WaitedInVain, speaks_for_itself

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

__tracebackhide__ = speaks_for_itself

USER_AGENT = f"tapis-emulator-testing/{__version__}"
"""How the emulator's journal tells our requests from those of the code under test."""
PATIENCE = 60.0
"""Seconds of real time that a wait lasts unless it is told otherwise."""

_ANSWER_SECONDS = 120.0
_ONE_WAIT = 60.0
T = TypeVar("T")


class Wire:
    """Connections to one server, kept open and shared by threads. ``url`` has no slash at its end."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._pool: Any = None

    def request(
        self,
        method: str,
        path: str,
        *,
        body: bytes | BinaryIO | Iterable[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, object] | None = None,
        seconds: float = _ANSWER_SECONDS,
        whole: bool = True,
    ) -> BaseHTTPResponse:
        """The answer, whatever its status; without ``whole`` its body is still to be read.

        Raises NoEmulator when there is none.
        """
        import urllib3

        if self._pool is None:
            self._pool = urllib3.PoolManager(maxsize=8, retries=False)
        target = f"{self.url}/{path.lstrip('/')}" + (f"?{urlencode(query)}" if query else "")
        try:
            response: BaseHTTPResponse = self._pool.request(
                method,
                target,
                body=body,
                headers={"User-Agent": USER_AGENT, **(headers or {})},
                timeout=urllib3.Timeout(connect=10, read=seconds),
                redirect=False,
                preload_content=whole,
            )
        except urllib3.exceptions.HTTPError as error:
            # which has the words of all that lies below it, and pages of their traces
            raise NoEmulator(f"{method} {target}: {error}") from None
        return response

    def json(self, method: str, path: str, document: Any = None, **options: Any) -> Any:
        """The JSON that is answered; ``document`` is sent as JSON. Raises Refused, NoEmulator."""
        if document is not None:
            options["body"] = json.dumps(document).encode()
            options["headers"] = {"Content-Type": "application/json", **options.get("headers", {})}
        response = self.request(method, path, **options)
        return _checked(response, f"{method} /{path.lstrip('/')}")

    def control(self, method: str, path: str, document: Any = None, **options: Any) -> Any:
        """The same below ``/_emulator/``."""
        return self.json(method, f"_emulator/{path}", document, **options)

    def stream(self, method: str, path: str) -> BaseHTTPResponse:
        """What ``/_emulator/<path>`` answers, to be read by whoever asked. Raises Refused, NoEmulator."""
        response = self.request(method, f"_emulator/{path}", whole=False)
        if response.status >= 400:
            _checked(response, f"{method} /_emulator/{path}")
        return response

    def close(self) -> None:
        if self._pool is not None:
            self._pool.clear()


def until(
    ask: Callable[[float], T], there: Callable[[T], bool], seconds: float, what: Callable[[T], str]
) -> T:
    """Ask, with the seconds that the server may wait before it answers, until ``there``.

    Raises WaitedInVain with what ``what`` makes of the last answer.
    """
    until = time.monotonic() + seconds
    while True:
        left = until - time.monotonic()
        found = ask(max(0.0, min(left, _ONE_WAIT)))
        if there(found):
            return found
        if left <= 0:
            raise WaitedInVain(f"waited {seconds:g} s in vain for {what(found)}")


def basic(user: str, password: str) -> dict[str, str]:
    """The header of a login by name and password."""
    return {"Authorization": "Basic " + b64encode(f"{user}:{password}".encode()).decode()}


def segment(name: str) -> str:
    """A name as one part of a path."""
    return quote(name, safe="")


def accepted(response: BaseHTTPResponse, what: str) -> BaseHTTPResponse:
    """The answer of the service to a request for a file. Raises Refused."""
    if response.status >= 400:
        raise Refused(response.status, response.data[:500].decode(errors="replace"), what)
    return response


def _checked(response: BaseHTTPResponse, what: str) -> Any:
    try:
        document = json.loads(response.data)
    except ValueError as error:
        if response.status >= 400:
            raise Refused(response.status, response.data[:500].decode(errors="replace"), what) from error
        raise NoEmulator(f"{what}: no JSON in {response.data[:200]!r}") from error
    if response.status >= 400:
        raise Refused(response.status, _message(document), what)
    return document


def _message(document: Any) -> str:
    """The words of a refusal in any of its forms: the service's, OAuth's, the gateway's, the emulator's own."""
    if isinstance(document, dict):
        fault = document.get("fault")
        if isinstance(fault, dict):
            return str(fault.get("message"))
        for key in ("message", "error_description", "error"):
            if document.get(key):
                return str(document[key])
    return json.dumps(document)[:500]
