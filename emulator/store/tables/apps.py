"""Apps and their permissions."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, ForeignKey, Index, Integer, String, Table, UniqueConstraint

from emulator.store.tables.columns import Instant, metadata, world_column

apps = Table(
    "apps",
    metadata,
    world_column(),
    Column("uuid", String(48), primary_key=True),
    Column("id", String(100), nullable=False),
    Column("name", String(64), nullable=False),
    Column("version", String(16), nullable=False),
    Column("owner", String(64), nullable=False),
    Column("execution_system", String(64), nullable=False),
    Column("public", Boolean, nullable=False),
    Column("available", Boolean, nullable=False),
    Column("created", Instant, nullable=False),
    Column("last_updated", Instant, nullable=False),
    Column("document", JSON, nullable=False),
    UniqueConstraint("world", "id", name="uq_apps_id"),
    Index("ix_apps_listing", "world", "available", "last_updated"),
)

app_grants = Table(
    "app_grants",
    metadata,
    Column("app_uuid", ForeignKey("apps.uuid", ondelete="CASCADE"), primary_key=True),
    Column("username", String(64), primary_key=True),
    Column("bits", Integer, nullable=False),
    Index("ix_app_grants_user", "username"),
)
