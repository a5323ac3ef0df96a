"""Job inputs from outside, by http and https."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, cast

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

_SECONDS = 30
_REDIRECTS = 5


class HttpFetcher:
    """Streams what a URL answers; certificates are checked. Which hosts may be asked is the engine's affair."""

    @contextmanager
    def open(self, url: str) -> Iterator[BinaryIO]:
        """See ports.Fetcher."""
        import urllib3
        from urllib3.exceptions import HTTPError, NewConnectionError, ProtocolError, TimeoutError

        retries = urllib3.Retry(total=None, connect=0, read=0, other=0, redirect=_REDIRECTS)
        with urllib3.PoolManager(timeout=urllib3.Timeout(connect=_SECONDS, read=_SECONDS)) as pool:
            try:
                response = pool.request("GET", url, preload_content=False, retries=retries)
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


def _check(url: str, response: BaseHTTPResponse) -> None:
    """Raise what stands for an answer other than 200."""
    if response.status == 200:
        return
    text = f"{url} answered {response.status} {response.reason}"
    if response.status in (404, 410):
        raise FileNotFoundError(text)
    raise PermissionError(text) if response.status in (401, 403) else OSError(text)
