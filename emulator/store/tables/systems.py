"""Systems, the roles on them, and which ones a user takes by default."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, ForeignKey, Index, Integer, String, Table, UniqueConstraint

from emulator.store.tables.columns import Instant, metadata, world_column

systems = Table(
    "systems",
    metadata,
    world_column(),
    Column("uuid", String(48), primary_key=True),
    Column("id", String(64), nullable=False),
    Column("name", String(64), nullable=False),
    Column("type", String(16), nullable=False),
    Column("status", String(16), nullable=False),
    Column("owner", String(64), nullable=False),
    Column("public", Boolean, nullable=False),
    Column("global_default", Boolean, nullable=False),
    Column("available", Boolean, nullable=False),
    Column("created", Instant, nullable=False),
    Column("last_updated", Instant, nullable=False),
    Column("document", JSON, nullable=False),
    Column("credentials", JSON, nullable=False),
    UniqueConstraint("world", "id", name="uq_systems_id"),
    Index("ix_systems_listing", "world", "available", "last_updated"),
)

system_roles = Table(
    "system_roles",
    metadata,
    Column("system_uuid", ForeignKey("systems.uuid", ondelete="CASCADE"), primary_key=True),
    Column("username", String(64), primary_key=True),
    Column("role", Integer, nullable=False),
    Index("ix_system_roles_user", "username"),
)

user_defaults = Table(
    "user_defaults",
    metadata,
    world_column(primary_key=True),
    Column("username", String(64), primary_key=True),
    Column("type", String(16), primary_key=True),
    Column("system_id", String(64), nullable=False),
)
