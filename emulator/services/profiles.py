"""Profiles: the accounts of a tenant, read by everybody, kept by account managers [auth §6]."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from emulator.domain.errors import Forbidden, Invalid, NotFound
from emulator.domain.identity import (
    ACCOUNT_MANAGER,
    PUBLIC_USER,
    WORLD_USER,
    Caller,
    User,
    profile_uuid,
)
from emulator.domain.ports import Clocks
from emulator.domain.search import Page
from emulator.engine.journal import Journal
from emulator.services.accounts import AccountService
from emulator.settings import Settings
from emulator.store import Store, Transaction

# a name is also that of a home directory
_NEW_USERNAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
_RESERVED = ("me", "search", PUBLIC_USER, WORLD_USER)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_LONGEST = 255
_DETAILS = (
    "email",
    "first_name",
    "last_name",
    "phone",
    "mobile_phone",
    "fax",
    "position",
    "institution",
    "department",
    "research_area",
    "city",
    "state",
    "country",
    "gender",
)
"""What may be told of an account: fields of User, and of the maps that describe one here."""


class ProfileService:
    def __init__(
        self, *, store: Store, clocks: Clocks, journal: Journal, accounts: AccountService, settings: Settings
    ) -> None:
        self._store = store
        self._clocks = clocks
        self._journal = journal
        self._accounts = accounts
        self._managers = {name.strip() for name in settings.account_managers.split(",") if name.strip()}
        self._default_user = settings.default_user

    def get(self, caller: Caller, username: str) -> User:
        """``me`` is the caller. Raises NotFound ``No user found matching <username>``."""
        with self._store.read() as tx:
            return self._user(tx, caller, caller.username if username == "me" else username)

    def find(self, caller: Caller, page: Page, term: str | None = None, value: str = "") -> list[User]:
        """All users, or those whose ``term`` contains ``value`` in any case, by name.

        ``term``: username, email, first_name, last_name or full_name.
        """
        with self._store.read() as tx:
            return tx.accounts.users(caller.world, term, value, page.limit, page.offset)

    def create(self, caller: Caller, given: Mapping[str, str]) -> User:
        """A new account, which can log in at once. ``given``: username, password, email, and details.

        Raises Forbidden, Invalid; the message names the field.
        """
        self._require_manager(caller)
        for name in ("username", "password", "email"):
            if not given.get(name, "").strip():
                raise Invalid(f"{name} is required")
        username = given["username"].strip()
        if _NEW_USERNAME.fullmatch(username) is None or username in _RESERVED:
            raise Invalid(f"Invalid username {username[:64]!r}. Use up to 64 letters, digits, _, - and dots.")
        user = User(
            world=caller.world,
            username=username,
            created=self._clocks.of(caller.world).now(),
            uuid=profile_uuid(self._accounts.world(caller.world).tenant_uuid, username),
            **_details(given),
        )
        with self._store.write() as tx:
            if tx.accounts.user(caller.world, username) is not None:
                raise Invalid(f"A user with username {username} already exists")
            tx.accounts.add_user(user, _password(given["password"]))
            self._note(tx, caller, user, "CREATED")
        return user

    def update(self, caller: Caller, username: str, given: Mapping[str, str]) -> User:
        """Change what is given. Raises Forbidden, NotFound, Invalid; the name itself stays."""
        self._require_manager(caller)
        with self._store.write() as tx:
            user = self._user(tx, caller, caller.username if username == "me" else username)
            if given.get("username", user.username) != user.username:
                raise Invalid("The username cannot be changed")
            changed = replace(user, **_details(given))
            if not changed.email:
                raise Invalid("email is required")
            tx.accounts.save_user(changed, _password(given["password"]) if "password" in given else None)
            self._note(tx, caller, changed, "UPDATED")
        return changed

    def delete(self, caller: Caller, username: str) -> None:
        """The account goes, with its API clients, tokens and postits; what else it owns keeps its name.

        Raises Forbidden, NotFound, Invalid for the user that requests without credentials act as.
        """
        self._require_manager(caller)
        with self._store.write() as tx:
            user = self._user(tx, caller, username)
            if username in (self._default_user, self._accounts.world(caller.world).default_user):
                raise Invalid(f"{username} is the default user of this emulator and cannot be deleted")
            for client in tx.clients.of_owner(caller.world, username):
                tx.clients.remove(client)
            tx.tokens.remove_all_of(caller.world, username)
            tx.postits.revoke_all_of(caller.world, username)
            self._note(tx, caller, user, "DELETED")
            tx.accounts.remove_user(user)

    def _note(self, tx: Transaction, caller: Caller, user: User, event: str) -> None:
        tenant = self._accounts.world(user.world).tenant_uuid
        self._journal.record(
            tx,
            world=user.world,
            subject=user.uuid or profile_uuid(tenant, user.username),
            kind="profile",
            status=event,
            description=f"Profile was {event.lower()}",
            created_by=caller.username,
            resource=user,
        )

    def _user(self, tx: Transaction, caller: Caller, username: str) -> User:
        user = tx.accounts.user(caller.world, username)
        if user is None:
            raise NotFound(f"No user found matching {username}")
        return user

    def _require_manager(self, caller: Caller) -> None:
        if caller.username in self._managers or caller.has_role(ACCOUNT_MANAGER):
            return
        raise Forbidden(f"User does not have the role {ACCOUNT_MANAGER} to manage accounts")


def _details(given: Mapping[str, str]) -> dict[str, Any]:
    """Raises Invalid for what is too long or no address."""
    found = {name: given[name].strip() for name in _DETAILS if name in given}
    for name, value in found.items():
        if len(value) > _LONGEST:
            raise Invalid(f"{name} must be at most {_LONGEST} characters")
        if not value.isprintable():
            raise Invalid(f"{name} must not contain control characters")
    if found.get("email") and _EMAIL.fullmatch(found["email"]) is None:
        raise Invalid("Invalid email. Please specify a valid email address")
    return found


def _password(text: str) -> str:
    if not text:
        raise Invalid("password is required")
    if len(text) > _LONGEST:
        raise Invalid(f"password must be at most {_LONGEST} characters")
    return text
