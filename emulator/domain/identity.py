"""Who asks: worlds, users, API clients and tokens."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from emulator.domain.apis import APIS, named

PUBLIC_USER = "public"
"""Pseudo-user: anybody, also without a token."""
WORLD_USER = "world"
"""Pseudo-user: every authenticated user of the tenant."""
ACCOUNT_MANAGER = "user-account-manager"
"""Role of those who may create, change and remove accounts [auth §2.1]."""
USERNAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
"""What may be a username at all [auth §6]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything that a test must not share with another: one tenant's users, systems, files and jobs.

    ``name`` is the key of every stored row; ``tenant_id`` is the tenant code that clients see and
    need not be unique among worlds. ``base_url`` None means: build links from the request.
    """

    name: str
    tenant_id: str
    tenant_uuid: str
    tenant_name: str
    default_user: str
    base_url: str | None = None
    contact_name: str = ""
    contact_email: str = ""
    status: str = "LIVE"
    """Tenants in any other state are not listed [auth §1]."""
    seeded: bool = False
    """Its systems and apps have been put in place; what users change later is theirs."""
    generation: int = 1
    """One more with every reset and restore; its files lie in a directory of that number."""
    chance_seed: int | None = None
    """What ids and chance are drawn from; None: they are different every time."""
    chance_generation: int = 1
    """Where drawing begins, and begins again with each reset: not where what it was made from was drawn."""
    origin: str = ""
    """What it was made from, in words: the built-in seed, a folder, an uploaded snapshot."""
    kept: str = ""
    """Where the data directory keeps what a reset goes back to; "" before the world is complete."""
    clock: Any = None
    """What its clock was created with, as asked for; a reset goes back to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """An account. The password hash is no part of it: only the store compares passwords."""

    world: str
    username: str
    email: str
    first_name: str = ""
    last_name: str = ""
    phone: str = ""
    mobile_phone: str = ""
    fax: str = ""
    position: str = ""
    institution: str = ""
    department: str = ""
    research_area: str = ""
    city: str = ""
    state: str = ""
    country: str = ""
    gender: str = ""
    admin: bool = False
    roles: tuple[str, ...] = ("Internal/everyone", "Internal/subscriber")
    created: datetime | None = None
    uuid: str = ""

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()

    def is_admin(self, tenant_id: str) -> bool:
        """Whether the account is a tenant admin: by name, or by a role of the gateway [auth §2.1]."""
        return self.admin or any(_makes_admin(_last_part(name), tenant_id) for name in self.roles)


def profile_uuid(tenant_uuid: str, username: str) -> str:
    """The uuid of an account, made from its tenant's and its name [conventions §7]."""
    return f"{tenant_uuid.partition('-')[0]}-{username}-0001-001"


def _last_part(role: str) -> str:
    return role.rpartition("/")[2]


def _makes_admin(role: str, tenant_id: str) -> bool:
    return role.startswith(tenant_id) and role.endswith(("-services-admin", "-super-admin"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The user a request acts as, in its world."""

    world: str
    username: str
    tenant_id: str
    admin: bool = False
    roles: tuple[str, ...] = ()
    authenticated: bool = True
    """False when the listener's default user stands in for missing credentials."""

    def has_role(self, role: str) -> bool:
        """Whether a role is among the user's, whatever stands before the last slash of its name."""
        return any(_last_part(name) == role for name in self.roles)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiClient:
    """An OAuth client (consumer key and secret) that a user has registered [auth §3]."""

    world: str
    owner: str
    name: str
    key: str
    secret: str
    description: str = ""
    tier: str = "Unlimited"
    callback_url: str = ""
    subscriptions: dict[str, str] | None = None
    """Tier by the name of each API it may call; None: all there are, in the client's own tier."""

    def tiers(self) -> dict[str, str]:
        """The tier of each API it is subscribed to, in the order of the APIs."""
        if self.subscriptions is None:
            return dict.fromkeys(APIS, self.tier)
        return {api: self.subscriptions[api] for api in APIS if api in self.subscriptions}

    def may_call(self, context: str) -> bool:
        """Whether its tokens open the service at ``/<context>``; what is no API needs no subscription."""
        api = named(context)
        return api is None or self.subscriptions is None or api in self.subscriptions


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """An access and refresh token pair [auth §4]; ``expires`` ends the access token only."""

    world: str
    access_token: str
    refresh_token: str | None
    username: str
    client_key: str
    scope: str
    created: datetime
    expires: datetime
    revoked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Bearer:
    """What stands behind an access token that was issued and not revoked."""

    token: Token
    caller: Caller
    client: ApiClient | None
    """None for a token that belongs to no registered client."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationCode:
    """What a user's login at ``/authorize`` gives the client, to be exchanged for a token once [auth §5]."""

    world: str
    code: str
    client_key: str
    username: str
    redirect_uri: str
    scope: str
    expires: datetime
    access_token: str | None = None
    """The token it was exchanged for."""
