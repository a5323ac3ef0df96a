"""Who asks: worlds, users, API clients and tokens."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

PUBLIC_USER = "public"
"""Pseudo-user: anybody, also without a token."""
WORLD_USER = "world"
"""Pseudo-user: every authenticated user of the tenant."""


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
    seeded: bool = False
    """Its systems and apps have been put in place; what users change later is theirs."""


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
    institution: str = ""
    admin: bool = False
    roles: tuple[str, ...] = ("Internal/everyone", "Internal/subscriber")
    created: datetime | None = None
    uuid: str = ""

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()


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
