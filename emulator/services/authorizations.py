"""A user lets a client act for it: codes and implicit tokens [auth §5]."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

from emulator.domain.errors import OAuthRefused
from emulator.domain.identity import ApiClient, AuthorizationCode, Token
from emulator.domain.ports import Clocks, Ids
from emulator.services.tokens import TokenService
from emulator.store import Store

CODE_LIFETIME = timedelta(minutes=5)
_KEPT_AFTER_END = timedelta(days=1)


class AuthorizationService:
    def __init__(self, *, store: Store, clocks: Clocks, ids: Ids, tokens: TokenService) -> None:
        self._store = store
        self._clocks = clocks
        self._ids = ids
        self._tokens = tokens

    def client(self, client_id: str, redirect_uri: str, only: str | None = None) -> ApiClient:
        """The client that asks, once it is sure that the answer would go to the client and nobody else.

        ``redirect_uri`` must be the callback that it has registered, or be left out. Raises OAuthRefused: then
        nothing may be sent to ``redirect_uri``. ``only``: the one world whose clients are known here.
        """
        with self._store.read() as tx:
            client = tx.clients.by_key(client_id)
        if client is None or only not in (None, client.world):
            raise OAuthRefused(
                "invalid_client", f"A valid OAuth client could not be found for client_id: {client_id}"
            )
        if not is_web_address(client.callback_url):
            raise OAuthRefused("invalid_request", "The client has registered no callbackUrl to return to")
        if redirect_uri and redirect_uri != client.callback_url:
            raise OAuthRefused("invalid_request", "Registered callback does not match with the provided url.")
        return client

    def knows(self, client: ApiClient, username: str, password: str) -> bool:
        """Whether a user of the client's tenant has given its own password."""
        with self._store.read() as tx:
            return tx.accounts.password_matches(client.world, username, password)

    def code(self, client: ApiClient, username: str, scope: str) -> AuthorizationCode:
        """A code for who has logged in, good once and for five minutes."""
        now = self._clocks.of(client.world).now()
        code = AuthorizationCode(
            world=client.world,
            code=self._ids.of(client.world).token(),
            client_key=client.key,
            username=username,
            redirect_uri=client.callback_url,
            scope=scope,
            expires=now + CODE_LIFETIME,
        )
        with self._store.write() as tx:
            tx.tokens.forget_codes(now - _KEPT_AFTER_END)
            tx.tokens.add_code(code)
        return code

    def token(self, client: ApiClient, username: str, scope: str) -> Token:
        """An implicit token for who has logged in. Raises OAuthRefused."""
        lifetime = self._tokens.lifetime(client, username)
        with self._store.write() as tx:
            return self._tokens.implicit(tx, client, username, scope, lifetime)


def is_web_address(url: str) -> bool:
    """Whether a browser may be sent there: absolute, http or https, a port that can be, no fragment."""
    try:
        parts = urlsplit(url)
        return (
            parts.scheme in ("http", "https") and bool(parts.hostname) and "#" not in url and parts.port != 0
        )
    except ValueError:
        return False
