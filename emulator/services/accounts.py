"""Worlds and users: who asks [auth §2]."""

from __future__ import annotations

from emulator.domain.errors import NotAuthenticated, NotFound
from emulator.domain.identity import PUBLIC_USER, USERNAME, WORLD_USER, Caller, User, World
from emulator.settings import Settings
from emulator.store import Store, Transaction

LOGIN_FAILED = "Login failed.Please recheck the username and password and try again."


class AccountService:
    def __init__(self, *, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings
        self._worlds: dict[str, World] = {}

    def world(self, name: str) -> World:
        """The world of a name. Its record seldom changes, hence the copy kept here (see ``forget``)."""
        if name not in self._worlds:
            with self._store.read() as tx:
                found = tx.accounts.world(name)
            if found is None:
                raise NotFound(f"No world found with name {name}")
            self._worlds[name] = found
        return self._worlds[name]

    def forget(self, name: str) -> None:
        """The world has been exchanged, or is gone."""
        self._worlds.pop(name, None)

    def caller(self, world: str, username: str, authenticated: bool = True) -> Caller:
        """The caller that acts as a user; a user without an account acts without rights of its own."""
        with self._store.read() as tx:
            return self.caller_as(world, username, tx.accounts.user(world, username), authenticated)

    def caller_as(self, world: str, username: str, user: User | None, authenticated: bool = True) -> Caller:
        """The same for who has looked the account up already."""
        tenant_id = self.world(world).tenant_id
        return Caller(
            world=world,
            username=username,
            tenant_id=tenant_id,
            admin=user.is_admin(tenant_id) if user else False,
            roles=user.roles if user else (),
            authenticated=authenticated,
        )

    def caller_of_login(self, world: str, username: str, password: str) -> Caller:
        """The user that logs in with its own password (``/clients``). Raises NotAuthenticated."""
        with self._store.read() as tx:
            if not tx.accounts.password_matches(world, username, password):
                raise NotAuthenticated(LOGIN_FAILED)
            return self.caller_as(world, username, tx.accounts.user(world, username))

    def known_user(self, tx: Transaction, world: str, username: str) -> bool:
        """Whether a name may be given a role or permission, by ``auth.strict_usernames`` [auth §6]."""
        if username in (PUBLIC_USER, WORLD_USER):
            return True
        if self._settings.strict_usernames:
            return tx.accounts.user(world, username) is not None
        return USERNAME.fullmatch(username) is not None
