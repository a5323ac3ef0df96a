"""Tokens: issued for any grant, looked up, revoked [auth §4, §5]."""

from __future__ import annotations

import re
from datetime import timedelta
from math import ceil

from emulator.domain.errors import OAuthRefused
from emulator.domain.fault import Strike
from emulator.domain.identity import ApiClient, Bearer, Token
from emulator.domain.ports import Clocks, Gate, Ids
from emulator.services.accounts import AccountService
from emulator.services.token_rules import UNKNOWN_REFRESH_TOKEN, RefreshRevoked, TokenRules
from emulator.settings import Settings
from emulator.store import Store, Transaction

DEFAULT_SCOPE = "default"
IMPLICIT_SECONDS = 3600
_KEPT_AFTER_END = timedelta(days=1)
_REFRESHABLE = ("password", "refresh_token", "admin_password", "authorization_code")
# what the gateway itself asks for says nothing about what the token may do
_NO_SCOPES = ("PRODUCTION", "SANDBOX", DEFAULT_SCOPE)
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*")  # RFC 6749 §3.3
_LONGEST_SCOPE = 128
_PARAMETERS = {
    "password": ("username", "password"),
    "admin_password": ("token_username", "username", "password"),
    "refresh_token": ("refresh_token",),
    "authorization_code": ("code", "redirect_uri"),
    "client_credentials": (),
}


class TokenService:
    def __init__(
        self,
        *,
        store: Store,
        clocks: Clocks,
        ids: Ids,
        accounts: AccountService,
        settings: Settings,
        gate: Gate | None = None,
    ) -> None:
        self._store = store
        self._clocks = clocks
        self._ids = ids
        self._accounts = accounts
        self._settings = settings
        self._rules = TokenRules(gate)

    def bearer(self, access_token: str) -> Bearer | None:
        """Whom a token stands for, also when its time is over (:meth:`is_over`); None if unknown or revoked."""
        with self._store.read() as tx:
            found = tx.tokens.bearer(access_token)
        if found is None:
            return None
        token, user, client = found
        if token.revoked:
            return None
        caller = self._accounts.caller_as(token.world, token.username, user)
        return Bearer(token=token, caller=caller, client=client)

    def is_over(self, token: Token) -> bool:
        return token.expires <= self._clocks.of(token.world).now()

    def seconds_left(self, token: Token) -> int:
        """``expires_in``: seconds until the access token ends, rounded up: a new one has its whole time [auth §4]."""
        return max(0, ceil((token.expires - self._clocks.of(token.world).now()).total_seconds()))

    def check(self, token: Token, path: str) -> Strike | None:
        """What a scenario does to a request to ``path`` with a good token: it is refused, the token ended or revoked.

        What is to last is done already.
        """
        if not self._rules.armed(token.world):
            return None
        strike = self._rules.check(token, path)
        if strike is not None and strike.action.kind == "expire":
            self.end(token)
        elif strike is not None and strike.action.kind == "revoke":
            with self._store.write() as tx:
                tx.tokens.revoke(token.access_token)
        return strike

    def end(self, token: Token) -> None:
        """Its time is over now; what it can be refreshed with stays good."""
        with self._store.write() as tx:
            tx.tokens.end(token.access_token, self._clocks.of(token.world).now())

    def issue(self, key: str, secret: str, form: dict[str, str], only: str | None = None) -> Token:
        """The token for the grant that ``form`` asks for. Raises OAuthRefused [auth §4].

        ``only``: the one world whose clients are known here; None: those of all.
        """
        with self._store.write() as tx:
            client = self._authenticated(tx, key, secret, only)
            ruled = self._rules.armed(client.world)
            username = self._named(tx, client, form) if ruled else ""
            token = None if ruled else self._granted(tx, client, form)
        if ruled:  # by now outside the transaction: a rule may take its time
            lifetime = self._by_rule(client, username, form)
            with self._store.write() as tx:
                token = self._granted(tx, self._authenticated(tx, key, secret, only), form, lifetime)
        if token is None:  # told out here: what the second use of a code has ended must stay ended
            raise OAuthRefused("invalid_grant", "Invalid authorization code received from token request")
        return token

    def lifetime(self, client: ApiClient, username: str) -> int | None:
        """How long a scenario lets a new token of the user's live, in seconds; None where it says nothing.

        To be asked outside any transaction, which it may outlast. Raises OAuthRefused.
        """
        return self._rules.lifetime(client.world, username) if self._rules.armed(client.world) else None

    def _by_rule(self, client: ApiClient, username: str, form: dict[str, str]) -> int | None:
        refreshed = form.get("grant_type") == "refresh_token"
        try:
            return self._rules.lifetime(client.world, username, refreshed=refreshed)
        except RefreshRevoked:
            with self._store.write() as tx:
                tx.tokens.revoke(form.get("refresh_token", ""), client.key)
            raise

    def _named(self, tx: Transaction, client: ApiClient, form: dict[str, str]) -> str:
        """Whose token is asked for, be it rightly or not; "" where nobody can tell."""
        grant = form.get("grant_type")
        if grant == "client_credentials":
            return client.owner
        if grant == "refresh_token":
            old = tx.tokens.by_refresh(form.get("refresh_token", ""))
            return old.username if old else ""
        if grant == "authorization_code":
            code = tx.tokens.code(form.get("code", ""))
            return code.username if code else ""
        return form.get("token_username" if grant == "admin_password" else "username", "")

    def _granted(
        self, tx: Transaction, client: ApiClient, form: dict[str, str], lifetime: int | None = None
    ) -> Token | None:
        grant = form.get("grant_type", "")
        if not grant:
            raise OAuthRefused("invalid_request", "Missing parameters: grant_type")
        if grant not in _PARAMETERS:
            raise OAuthRefused("unsupported_grant_type", "Unsupported grant_type value")
        wanted = _PARAMETERS[grant]
        if any(not form.get(name) for name in wanted):
            raise OAuthRefused("invalid_request", f"Missing parameters: {', '.join(wanted)}")
        if grant == "refresh_token":
            return self._refresh(tx, client, form, lifetime)
        if grant == "authorization_code":
            return self._exchange(tx, client, form, lifetime)
        username = self._user_of_grant(tx, client, grant, form)
        anew = lifetime is not None
        return self._token(tx, client, username, scope_of(form), grant in _REFRESHABLE, lifetime, anew)

    def implicit(
        self, tx: Transaction, client: ApiClient, username: str, scope: str, lifetime: int | None = None
    ) -> Token:
        """What ``response_type=token`` gives: an hour (or ``lifetime``, in seconds), and no refresh token."""
        lifetime = lifetime or min(IMPLICIT_SECONDS, self._settings.token_lifetime)
        return self._token(tx, client, username, scope, refreshable=False, lifetime=lifetime)

    def revoke(self, key: str, secret: str, value: str, only: str | None = None) -> None:
        """Revoke an access or refresh token of this client; any other value is fine (RFC 7009 §2.2)."""
        with self._store.write() as tx:
            client = self._authenticated(tx, key, secret, only)
            tx.tokens.revoke(value, client.key)

    def _authenticated(self, tx: Transaction, key: str, secret: str, only: str | None) -> ApiClient:
        """Raises OAuthRefused ``invalid_client``."""
        client = tx.clients.by_key(key)
        if client is None or only not in (None, client.world):
            raise OAuthRefused(
                "invalid_client", f"A valid OAuth client could not be found for client_id: {key}"
            )
        if client.secret != secret:
            raise OAuthRefused("invalid_client", "Client Authentication failed.")
        return client

    def _token(
        self,
        tx: Transaction,
        client: ApiClient,
        username: str,
        scope: str,
        refreshable: bool,
        lifetime: int | None = None,
        anew: bool = False,
    ) -> Token:
        """A new token, or by ``auth.token_reuse`` the one that is still good.

        Raises OAuthRefused for a user who was deleted between logging in and coming for the token.
        """
        if tx.accounts.user(client.world, username) is None:
            raise OAuthRefused("invalid_grant", f"Authentication failed for {username}")
        now = self._clocks.of(client.world).now()
        if self._settings.token_reuse and not anew:
            alive = tx.tokens.alive(client.key, username, scope, refreshable, now)
            if alive is not None:
                return alive
        token = Token(
            world=client.world,
            access_token=self._ids.of(client.world).token(),
            refresh_token=self._ids.of(client.world).token() if refreshable else None,
            username=username,
            client_key=client.key,
            scope=scope,
            created=now,
            expires=now + timedelta(seconds=lifetime or self._settings.token_lifetime),
        )
        tx.tokens.add(token)
        if not refreshable:
            tx.tokens.forget_ended(client.key, now - _KEPT_AFTER_END)
        return token

    def _user_of_grant(self, tx: Transaction, client: ApiClient, grant: str, form: dict[str, str]) -> str:
        if grant == "client_credentials":
            return client.owner
        username = self._login(tx, client.world, form["username"], form["password"])
        return username if grant == "password" else self._impersonated(tx, client.world, username, form)

    def _login(self, tx: Transaction, world: str, username: str, password: str) -> str:
        """The username. Raises OAuthRefused ``invalid_grant``."""
        if not tx.accounts.password_matches(world, username, password):
            raise OAuthRefused("invalid_grant", f"Authentication failed for {username}")
        return username

    def _impersonated(self, tx: Transaction, world: str, admin: str, form: dict[str, str]) -> str:
        user = tx.accounts.user(world, admin)
        if user is None or not user.is_admin(self._accounts.world(world).tenant_id):
            raise OAuthRefused("unauthorized_client", f"{admin} may not act for other users")
        if tx.accounts.user(world, form["token_username"]) is None:
            raise OAuthRefused("invalid_grant", f"Authentication failed for {form['token_username']}")
        return form["token_username"]

    def _refresh(
        self, tx: Transaction, client: ApiClient, form: dict[str, str], lifetime: int | None
    ) -> Token:
        old = tx.tokens.by_refresh(form["refresh_token"])
        if old is None or old.revoked or old.client_key != client.key:
            raise OAuthRefused("invalid_grant", UNKNOWN_REFRESH_TOKEN)
        asked = scope_of(form)
        if asked != DEFAULT_SCOPE and not set(asked.split()) <= set(old.scope.split()):
            raise OAuthRefused("invalid_scope", "The scope goes beyond that of the refresh token")
        if self._settings.revoke_on_refresh:
            tx.tokens.revoke(form["refresh_token"])
        scope = old.scope if asked == DEFAULT_SCOPE else asked
        return self._token(tx, client, old.username, scope, refreshable=True, lifetime=lifetime, anew=True)

    def _exchange(
        self, tx: Transaction, client: ApiClient, form: dict[str, str], lifetime: int | None
    ) -> Token | None:
        """A code for a token, once: None for a code that is no good (any more).

        Who shows it a second time ends what the first has got (RFC 6749 §4.1.2).
        """
        code = tx.tokens.code(form["code"])
        if code is None or code.client_key != client.key:
            return None
        if code.access_token is not None:
            tx.tokens.revoke(code.access_token)
            return None
        if code.expires <= self._clocks.of(client.world).now():
            return None
        if form["redirect_uri"] != code.redirect_uri:
            raise OAuthRefused("invalid_grant", "Callback url mismatch")
        token = self._token(
            tx, client, code.username, code.scope, refreshable=True, lifetime=lifetime, anew=True
        )
        tx.tokens.use_code(code, token.access_token)
        return token


def is_scope(text: str) -> bool:
    """Whether a text is a list of scope names, or empty."""
    scope = _distinct(text)
    return not scope or (len(scope) <= _LONGEST_SCOPE and _SCOPE.fullmatch(scope) is not None)


def scope_of(form: dict[str, str]) -> str:
    """The scopes asked for, separated by single spaces; ``default`` for none. Raises OAuthRefused."""
    if not is_scope(form.get("scope", "")):
        raise OAuthRefused("invalid_scope", "The scope is not a list of scope names")
    return _distinct(form.get("scope", "")) or DEFAULT_SCOPE


def _distinct(text: str) -> str:
    return " ".join(dict.fromkeys(word for word in text.split(" ") if word and word not in _NO_SCOPES))
