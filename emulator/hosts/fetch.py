"""Files from outside, by http and https."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, cast
from urllib.parse import unquote, urljoin, urlsplit

from emulator.domain.paths import without_password

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse, PoolManager

_SECONDS = 30
_REDIRECTS = 5


class HttpFetcher:
    """Streams what a URL answers; certificates are checked. Which hosts may be asked its caller decides."""

    @contextmanager
    def open(
        self,
        url: str,
        allowed: Callable[[str], bool],
        sized: Callable[[int | None], object] = lambda _length: None,
    ) -> Iterator[BinaryIO]:
        """See ports.Fetcher."""
        import urllib3
        from urllib3.exceptions import HTTPError, NewConnectionError, ProtocolError, TimeoutError

        with urllib3.PoolManager(timeout=urllib3.Timeout(connect=_SECONDS, read=_SECONDS)) as pool:
            try:
                response = _answer(pool, url, allowed)
                try:
                    _check(without_password(url), response)
                    sized(_length(response))
                    yield cast(BinaryIO, response)
                finally:
                    response.close()
            except HTTPError as error:
                url = without_password(url)
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
            raise PermissionError(f"{without_password(url)}: the host {host} may not be asked")
        response = pool.request(
            "GET", url, headers=_login(url), preload_content=False, retries=retries, redirect=False
        )
        target = response.get_redirect_location()
        if not target:
            return response
        response.close()
        try:
            url = urljoin(url, target)
        except ValueError as error:
            raise OSError(f"{without_password(url)} leads to {target}: {error}") from error
    raise OSError(f"{without_password(url)}: too many redirects")


def _login(url: str) -> dict[str, str]:
    """The header for a URL that brings name and password; another host that it redirects to gets none of it."""
    from urllib3.util import make_headers

    parts = urlsplit(url)
    if parts.username is None:
        return {}
    return dict(make_headers(basic_auth=f"{unquote(parts.username)}:{unquote(parts.password or '')}"))


def _length(response: BaseHTTPResponse) -> int | None:
    """Bytes to come; not known of what is sent in chunks or compressed."""
    length = response.headers.get("Content-Length", "")
    return int(length) if length.isdecimal() and "Content-Encoding" not in response.headers else None


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError as error:
        raise OSError(f"{without_password(url)}: {error}") from error


def _check(url: str, response: BaseHTTPResponse) -> None:
    """Raise what stands for an answer other than 200."""
    if response.status == 200:
        return
    text = f"{url} answered {response.status} {response.reason}"
    if response.status in (404, 410):
        raise FileNotFoundError(text)
    raise PermissionError(text) if response.status in (401, 403) else OSError(text)
