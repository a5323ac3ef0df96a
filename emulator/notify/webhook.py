"""Webhooks: one HTTP POST per message [notifications §6]."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit, urlunsplit

from emulator.domain.notification import DeliveryResult, Message, Subscription

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

_CONNECT_SECONDS = 20
_READ_SECONDS = 10
_REDIRECTS = 5
_SHORT = 64 * 1024
"""Bytes of an answer that are worth reading, so that its connection can be used again."""


class WebhookChannel:
    """Posts the JSON body. Certificates are not checked: receivers in a test bench rarely have good ones."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pool: Any = None

    def send(self, subscription: Subscription, message: Message, delivery_id: str) -> DeliveryResult:
        """See ports.Channel. Without an HTTP answer: 408 time-out, 404 TLS, 500 anything else."""
        import urllib3
        from urllib3.exceptions import HTTPError, MaxRetryError

        url, headers = _address(message.url)
        headers |= {
            "Content-Type": "application/json",
            "User-Agent": f"Agave-Hookbot/{subscription.id}",
            "X-Agave-Delivery": delivery_id,
            "X-Agave-Notification": subscription.id,
        }
        try:
            response = self._connections().request(
                "POST",
                url,
                body=(message.body or " ").encode(),
                headers=headers,
                preload_content=False,
                timeout=urllib3.Timeout(connect=_CONNECT_SECONDS, read=_READ_SECONDS),
                retries=urllib3.Retry(total=None, connect=0, read=0, other=0, status=0, redirect=_REDIRECTS),
            )
        except (HTTPError, ValueError, OSError) as error:
            cause = error.reason if isinstance(error, MaxRetryError) and error.reason else error
            return DeliveryResult(code=_code(cause), text=str(cause)[:500])
        _let_go(response)
        return DeliveryResult(code=response.status, text=response.reason or "")

    def _connections(self) -> Any:
        """The connection pool, made (and urllib3 loaded) when the first webhook goes out."""
        import urllib3

        with self._lock:
            if self._pool is None:
                urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
                self._pool = urllib3.PoolManager(num_pools=20, cert_reqs="CERT_NONE", assert_hostname=False)
            return self._pool


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
