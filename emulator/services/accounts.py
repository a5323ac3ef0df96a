"""Worlds, users, API clients and tokens: who asks, and how they prove it [auth]."""

from __future__ import annotations

import re
from datetime import timedelta

from emulator.domain.errors import Forbidden, Invalid, NotAuthenticated, NotFound, OAuthRefused
from emulator.domain.identity import PUBLIC_USER, WORLD_USER, ApiClient, Caller, Token, User, World
from emulator.domain.ports import Clock, Ids
from emulator.settings import Settings
from emulator.store import Store, Transaction

LOGIN_FAILED = "Login failed.Please recheck the username and password and try again."
_USERNAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_TIERS = {"UNLIMITED": "Unlimited", "GOLD": "Gold", "SILVER": "Silver", "BRONZE": "Bronze"}
_REFRESHABLE = ("password", "refresh_token", "admin_password")


class AccountService:
    def __init__(self, *, store: Store, clock: Clock, ids: Ids, settings: Settings) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._settings = settings
        self._worlds: dict[str, World] = {}

    # who asks

    def world(self, name: str) -> World:
        """The world of a name. Worlds do not change while the server runs, hence the copy kept here."""
        if name not in self._worlds:
            with self._store.read() as tx:
                found = tx.accounts.world(name)
            if found is None:
                raise NotFound(f"No world found with name {name}")
            self._worlds[name] = found
        return self._worlds[name]

    def caller(self, world: str, username: str, authenticated: bool = True) -> Caller:
        """The caller that acts as a user; a user without an account acts without rights of its own."""
        with self._store.read() as tx:
            return self._caller(tx, world, username, authenticated)

    def caller_of_token(self, access_token: str) -> Caller | None:
        """Whom a bearer token stands for; None when it is unknown, revoked or expired."""
        with self._store.read() as tx:
            token = tx.accounts.token(access_token)
            if token is None or token.revoked or token.expires <= self._clock.now():
                return None
            return self._caller(tx, token.world, token.username, True)

    def caller_of_login(self, world: str, username: str, password: str) -> Caller:
        """The user that logs in with its own password (``/clients``). Raises NotAuthenticated."""
        with self._store.read() as tx:
            if not tx.accounts.password_matches(world, username, password):
                raise NotAuthenticated(LOGIN_FAILED)
            return self._caller(tx, world, username, True)

    def known_user(self, tx: Transaction, world: str, username: str) -> bool:
        """Whether a name may be given a role or permission, by ``auth.strict_usernames`` [auth §6]."""
        if username in (PUBLIC_USER, WORLD_USER):
            return True
        if self._settings.strict_usernames:
            return tx.accounts.user(world, username) is not None
        return _USERNAME.fullmatch(username) is not None

    def _caller(self, tx: Transaction, world: str, username: str, authenticated: bool) -> Caller:
        user = tx.accounts.user(world, username)
        return Caller(
            world=world,
            username=username,
            tenant_id=self.world(world).tenant_id,
            admin=user.admin if user else False,
            roles=user.roles if user else (),
            authenticated=authenticated,
        )

    # profiles

    def profile(self, caller: Caller, username: str) -> User:
        """Raises NotFound ``No user found matching <username>``."""
        with self._store.read() as tx:
            user = tx.accounts.user(caller.world, caller.username if username == "me" else username)
        if user is None:
            raise NotFound(f"No user found matching {username}")
        return user

    def profiles(self, caller: Caller, term: str | None = None, value: str = "") -> list[User]:
        """All users, or those whose ``term`` contains ``value`` in any case [auth §6]."""
        with self._store.read() as tx:
            users = tx.accounts.users(caller.world)
        if term is None:
            return users
        wanted = value.lower()
        return [user for user in users if wanted in str(getattr(user, term)).lower()]

    # API clients

    def clients(self, caller: Caller) -> list[ApiClient]:
        with self._store.read() as tx:
            return tx.accounts.clients(caller.world, caller.username)

    def client(self, caller: Caller, name: str) -> ApiClient:
        with self._store.read() as tx:
            return self._client(tx, caller, name)

    def create_client(
        self, caller: Caller, name: str, description: str = "", tier: str = "", callback_url: str = ""
    ) -> ApiClient:
        """Register an API client. Raises Invalid for a missing, too long or taken name [auth §3]."""
        if not name.strip():
            raise Invalid("clientName is required")
        if len(name) > 128:
            raise Invalid("clientName must be at most 128 characters")
        if "/" in name or not name.isprintable():  # no URL could name it
            raise Invalid("clientName must not contain slashes or control characters")
        client = ApiClient(
            world=caller.world,
            owner=caller.username,
            name=name,
            key=self._ids.key(),
            secret=self._ids.key(),
            description=description,
            tier=_TIERS.get(tier.upper(), "Unlimited"),
            callback_url=callback_url,
        )
        with self._store.write() as tx:
            if tx.accounts.client(caller.world, caller.username, name) is not None:
                raise Invalid("Application already exists")
            tx.accounts.add_client(client)
        return client

    def delete_client(self, caller: Caller, name: str) -> None:
        """Remove a client and the tokens issued for it."""
        with self._store.write() as tx:
            tx.accounts.remove_client(self._client(tx, caller, name))

    def _client(self, tx: Transaction, caller: Caller, name: str) -> ApiClient:
        client = tx.accounts.client(caller.world, caller.username, name)
        if client is None:
            raise NotFound("Application not found")
        return client

    # tokens

    def issue(self, key: str, secret: str, form: dict[str, str]) -> Token:
        """A new token for the grant that ``form`` asks for. Raises OAuthRefused [auth §4]."""
        with self._store.write() as tx:
            client = self._authenticated_client(tx, key, secret)
            grant = form.get("grant_type", "")
            username = self._user_of_grant(tx, client, grant, form)
            now = self._clock.now()
            token = Token(
                world=client.world,
                access_token=self._ids.token(),
                refresh_token=self._ids.token() if grant in _REFRESHABLE else None,
                username=username,
                client_key=client.key,
                scope=form.get("scope") or "default",
                created=now,
                expires=now + timedelta(seconds=self._settings.token_lifetime),
            )
            tx.accounts.add_token(token)
        return token

    def revoke(self, key: str, secret: str, value: str) -> None:
        """Revoke an access or refresh token; one that does not exist is fine (RFC 7009)."""
        with self._store.write() as tx:
            self._authenticated_client(tx, key, secret)
            tx.accounts.revoke_token(value)

    def _authenticated_client(self, tx: Transaction, key: str, secret: str) -> ApiClient:
        client = tx.accounts.client_by_key(key)
        if client is None:
            raise OAuthRefused(
                "invalid_client", f"A valid OAuth client could not be found for client_id: {key}"
            )
        if client.secret != secret:
            raise OAuthRefused("invalid_client", "Client Authentication failed.")
        return client

    def _user_of_grant(self, tx: Transaction, client: ApiClient, grant: str, form: dict[str, str]) -> str:
        if grant == "password":
            _require(form, "username", "password")
            return self._login(tx, client.world, form["username"], form["password"])
        if grant == "admin_password":
            _require(form, "token_username", "username", "password")
            admin = self._login(tx, client.world, form["username"], form["password"])
            return self._impersonated(tx, client.world, admin, form["token_username"])
        if grant == "refresh_token":
            _require(form, "refresh_token")
            return self._refreshed(tx, client, form["refresh_token"])
        if grant == "client_credentials":
            return client.owner
        raise OAuthRefused("unsupported_grant_type", "Unsupported grant_type value")

    def _login(self, tx: Transaction, world: str, username: str, password: str) -> str:
        if not tx.accounts.password_matches(world, username, password):
            raise OAuthRefused("invalid_grant", f"Authentication failed for {username}")
        return username

    def _impersonated(self, tx: Transaction, world: str, admin: str, username: str) -> str:
        user = tx.accounts.user(world, admin)
        if user is None or not user.admin:
            raise OAuthRefused("unauthorized_client", f"{admin} may not act for other users")
        if tx.accounts.user(world, username) is None:
            raise OAuthRefused("invalid_grant", f"Authentication failed for {username}")
        return username

    def _refreshed(self, tx: Transaction, client: ApiClient, refresh_token: str) -> str:
        old = tx.accounts.token_by_refresh(refresh_token)
        if old is None or old.revoked or old.client_key != client.key:
            raise OAuthRefused("invalid_grant", "Persisted access token data not found")
        if self._settings.revoke_on_refresh:
            tx.accounts.revoke_token(refresh_token)
        return old.username

    def seconds_left(self, token: Token) -> int:
        """``expires_in``: whole seconds until the access token ends."""
        return max(0, round((token.expires - self._clock.now()).total_seconds()))


def require_admin(caller: Caller, message: str) -> None:
    """Raise Forbidden unless the caller is a tenant admin."""
    if not caller.admin:
        raise Forbidden(message)


def _require(form: dict[str, str], *names: str) -> None:
    if any(not form.get(name) for name in names):
        raise OAuthRefused("invalid_request", f"Missing parameters: {', '.join(names)}")
