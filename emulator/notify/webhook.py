"""Webhooks: one HTTP POST per message [notifications §6]."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import unquote, urljoin, urlsplit, urlunsplit

from emulator.domain.callback_url import is_private
from emulator.domain.notification import DELIVERY_HEADER, DeliveryResult, Message, Subscription

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

_CONNECT_SECONDS = 20
_READ_SECONDS = 10
_REDIRECTS = 5
_SHORT = 64 * 1024
"""Bytes of an answer that are worth reading, so that its connection can be used again."""


class OwnServer(Protocol):
    """Knows the addresses that the emulator itself answers at, and a way in for its users."""

    def bearer(self, url: str, world: str, username: str) -> str | None:
        """A token of the user's if ``url`` is the emulator's own, else None."""


class WebhookChannel:
    """Posts the JSON body. Certificates are not checked: receivers in a test bench rarely have good ones."""

    def __init__(self, own: OwnServer | None = None, block_private: bool = False) -> None:
        """``block_private``: nothing is sent to local hosts, wherever macros and redirects lead."""
        self._own = own
        self._block_private = block_private
        self._lock = threading.Lock()
        self._pool: Any = None

    def send(self, subscription: Subscription, message: Message, delivery_id: str) -> DeliveryResult:
        """See ports.Channel. Without an HTTP answer: 408 time-out, 404 TLS, 500 anything else."""
        from urllib3.exceptions import HTTPError, MaxRetryError

        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"Agave-Hookbot/{subscription.id}",
            DELIVERY_HEADER: delivery_id,
            "X-Agave-Notification": subscription.id,
        }
        try:
            return self._follow(subscription, message, headers)
        except (HTTPError, ValueError, OSError) as error:
            cause = error.reason if isinstance(error, MaxRetryError) and error.reason else error
            return DeliveryResult(code=_code(cause), text=str(cause)[:500])

    def _follow(
        self, subscription: Subscription, message: Message, headers: dict[str, str]
    ) -> DeliveryResult:
        """Send it, and again to where the answer points. Raises what urllib3 raises."""
        url, method, body = message.url, "POST", (message.body or " ").encode()
        for _ in range(_REDIRECTS + 1):
            if self._block_private and is_private(url):
                return DeliveryResult(code=500, text=f"{urlsplit(url).netloc} is a local address")
            bare, credentials = _address(url)
            token = (
                None if self._own is None else self._own.bearer(bare, subscription.world, subscription.owner)
            )
            if token is not None and not credentials:
                credentials = {"Authorization": f"Bearer {token}"}
            response = self._request(method, bare, body, headers | credentials)
            location = response.get_redirect_location()
            if not location:
                return DeliveryResult(code=response.status, text=_said(response))
            url = urljoin(bare, location)
            if urlsplit(url).scheme not in ("http", "https"):
                return DeliveryResult(code=500, text=f"redirected to {url[:200]}")
            if response.status == 303:
                method, body = "GET", b""
        return DeliveryResult(code=500, text="too many redirects")

    def _request(self, method: str, url: str, body: bytes, headers: dict[str, str]) -> BaseHTTPResponse:
        import urllib3

        response: BaseHTTPResponse = self._connections().request(
            method,
            url,
            body=body,
            headers=headers,
            preload_content=False,
            redirect=False,
            timeout=urllib3.Timeout(connect=_CONNECT_SECONDS, read=_READ_SECONDS),
            retries=False,
        )
        _let_go(response)
        return response

    def _connections(self) -> Any:
        """The connection pool, made (and urllib3 loaded) when the first webhook goes out."""
        import urllib3

        with self._lock:
            if self._pool is None:
                urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
                self._pool = urllib3.PoolManager(num_pools=20, cert_reqs="CERT_NONE", assert_hostname=False)
            return self._pool


def _said(response: BaseHTTPResponse) -> str:
    """``200 ok``."""
    return f"{response.status} {response.reason or ''}".strip().lower()


def _let_go(response: BaseHTTPResponse) -> None:
    """What the receiver says beyond the status is of no interest: at most a short answer is read."""
    length = response.headers.get("Content-Length", "")
    if length.isdecimal() and int(length) <= _SHORT:
        response.drain_conn()  # gives the connection back
    response.close()  # and this ends one that was not given back


def _code(cause: Exception) -> int:
    """What stands for the answer that did not come."""
    from urllib3.exceptions import NewConnectionError, SSLError, TimeoutError

    if isinstance(cause, SSLError):
        return 404
    # a refused connection is no time-out, though urllib3 derives the one from the other
    return 408 if isinstance(cause, TimeoutError) and not isinstance(cause, NewConnectionError) else 500


def _address(url: str) -> tuple[str, dict[str, str]]:
    """The URL without user and password, which become a Basic header."""
    parts = urlsplit(url)
    if "@" not in parts.netloc:
        return url, {}
    from base64 import b64encode

    login, _, host = parts.netloc.rpartition("@")
    bare = urlunsplit(parts._replace(netloc=host))
    return bare, {"Authorization": "Basic " + b64encode(unquote(login).encode()).decode()}
