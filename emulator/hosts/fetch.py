"""Job inputs from outside, by http and https."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, cast
from urllib.parse import urljoin, urlsplit

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse, PoolManager

_SECONDS = 30
_REDIRECTS = 5


class HttpFetcher:
    """Streams what a URL answers; certificates are checked. Which hosts may be asked its caller decides."""

    @contextmanager
    def open(self, url: str, allowed: Callable[[str], bool]) -> Iterator[BinaryIO]:
        """See ports.Fetcher."""
        import urllib3
        from urllib3.exceptions import HTTPError, NewConnectionError, ProtocolError, TimeoutError

        with urllib3.PoolManager(timeout=urllib3.Timeout(connect=_SECONDS, read=_SECONDS)) as pool:
            try:
                response = _answer(pool, url, allowed)
                try:
                    _check(url, response)
                    yield cast(BinaryIO, response)
                finally:
                    response.close()
            except HTTPError as error:
                cause = getattr(error, "reason", None) or error
                if isinstance(cause, (NewConnectionError, ProtocolError)):
                    raise ConnectionError(f"{url}: {cause}") from error
                if isinstance(cause, TimeoutError):
                    raise OSError(errno.ETIMEDOUT, f"{url}: no answer within {_SECONDS} s") from error
                raise OSError(f"{url}: {cause}") from error


def _answer(pool: PoolManager, url: str, allowed: Callable[[str], bool]) -> BaseHTTPResponse:
    """The answer at the end of all redirects; a host that may be asked must not lead to one that may not."""
    from urllib3 import Retry

    retries = Retry(total=None, connect=0, read=0, other=0, redirect=0, raise_on_redirect=False)
    for _ in range(_REDIRECTS + 1):
        host = _host(url)
        if not allowed(host):
            raise PermissionError(f"{url}: the host {host} may not be asked")
        response = pool.request("GET", url, preload_content=False, retries=retries, redirect=False)
        target = response.get_redirect_location()
        if not target:
            return response
        response.close()
        try:
            url = urljoin(url, target)
        except ValueError as error:
            raise OSError(f"{url} leads to {target}: {error}") from error
    raise OSError(f"{url}: too many redirects")


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError as error:
        raise OSError(f"{url}: {error}") from error


def _check(url: str, response: BaseHTTPResponse) -> None:
    """Raise what stands for an answer other than 200."""
    if response.status == 200:
        return
    text = f"{url} answered {response.status} {response.reason}"
    if response.status in (404, 410):
        raise FileNotFoundError(text)
    raise PermissionError(text) if response.status in (401, 403) else OSError(text)
