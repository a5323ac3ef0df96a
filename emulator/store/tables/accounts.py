"""Worlds, users, API clients, tokens and authorization codes."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, Index, String, Table

from emulator.store.tables.columns import Instant, metadata, world_column

worlds = Table(
    "worlds",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("document", JSON, nullable=False),
)

users = Table(
    "users",
    metadata,
    world_column(primary_key=True),
    Column("username", String(64), primary_key=True),
    Column("password_hash", String(255), nullable=False),
    Column("email", String(255)),
    Column("document", JSON, nullable=False),
)

clients = Table(
    "clients",
    metadata,
    world_column(primary_key=True),
    Column("owner", String(64), primary_key=True),
    Column("name", String(128), primary_key=True),
    Column("key", String(64), nullable=False, unique=True),
    Column("document", JSON, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    world_column(),
    Column("access_token", String(64), primary_key=True),
    Column("refresh_token", String(64), unique=True),
    Column("username", String(64), nullable=False),
    Column("client_key", String(64), nullable=False, index=True),
    Column("scope", String(128), nullable=False),
    Column("created", Instant, nullable=False),
    Column("expires", Instant, nullable=False),
    Column("revoked", Boolean, nullable=False, default=False),
    Index("tokens_by_user", "world", "username"),
    Index("tokens_alive", "client_key", "username", "scope", "expires"),
)

authorization_codes = Table(
    "authorization_codes",
    metadata,
    world_column(),
    Column("code", String(64), primary_key=True),
    Column("client_key", String(64), nullable=False, index=True),
    Column("username", String(64), nullable=False),
    Column("redirect_uri", String(2048), nullable=False),
    Column("scope", String(128), nullable=False),
    Column("expires", Instant, nullable=False),
    Column("access_token", String(64)),
)
