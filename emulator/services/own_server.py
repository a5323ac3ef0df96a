"""Calls that the emulator makes to itself, on behalf of a user [notifications §6.3]."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from threading import Lock
from urllib.parse import urlsplit

from emulator.domain.identity import Token
from emulator.domain.ports import Clocks, Ids
from emulator.store import Store

INTERNAL_CLIENT = "emulator-internal"
"""Stands where the key of the client would; no client has it."""
_LIFETIME = timedelta(hours=1)
_LOOPBACK = ("127.0.0.1", "::1", "0.0.0.0")
_PORTS = {"http": 80, "https": 443}


class OwnServer:
    """``base_url`` tells where the emulator answers a user of a world."""

    def __init__(
        self, *, store: Store, clocks: Clocks, ids: Ids, base_url: Callable[[str, str], str]
    ) -> None:
        self._store = store
        self._clocks = clocks
        self._ids = ids
        self._base_url = base_url
        self._tokens: dict[tuple[str, str], Token] = {}
        self._lock = Lock()

    def bearer(self, url: str, world: str, username: str) -> str | None:
        """A token of the user's if ``url`` leads to the emulator itself, else None."""
        if _server(url) != _server(self._base_url(world, username)):
            return None
        now = self._clocks.of(world).now()
        with self._lock:
            token = self._tokens.get((world, username))
            if token is None or token.expires - now < _LIFETIME / 2 or self._ended(token):
                token = self._issue(world, username)
                self._tokens[world, username] = token
        return token.access_token

    def _ended(self, token: Token) -> bool:
        """Whether it was revoked, or its user was deleted meanwhile."""
        with self._store.read() as tx:
            return tx.tokens.bearer(token.access_token) is None

    def _issue(self, world: str, username: str) -> Token:
        now = self._clocks.of(world).now()
        token = Token(
            world=world,
            access_token=self._ids.of(world).token(),
            refresh_token=None,
            username=username,
            client_key=INTERNAL_CLIENT,
            scope="default",
            created=now,
            expires=now + _LIFETIME,
        )
        with self._store.write() as tx:
            tx.tokens.forget_ended(INTERNAL_CLIENT, now)
            tx.tokens.add(token)
        return token


def _server(url: str) -> tuple[str, int | None]:
    """Host and port; this machine's names are one."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    return "localhost" if host in _LOOPBACK else host, parts.port or _PORTS.get(parts.scheme.lower())
