"""Systems, the roles on them, and which ones a user takes by default."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
    func,
)

from emulator.store.tables.columns import Instant, metadata, world_column

# What most searches ask for stands behind the keys of listings, so that they need no rows.
_TERMS = ("last_updated", "uuid", "id", "name", "type", "status", "global_default", "created")

systems = Table(
    "systems",
    metadata,
    world_column(),
    Column("uuid", String(48), primary_key=True),
    Column("id", String(64), nullable=False),
    Column("name", String(64), nullable=False),
    Column("type", String(16), nullable=False, info={"case": "upper"}),
    Column("status", String(16), nullable=False, info={"case": "upper"}),
    Column("owner", String(64), nullable=False),
    Column("public", Boolean, nullable=False),
    Column("global_default", Boolean, nullable=False),
    Column("available", Boolean, nullable=False),
    Column("created", Instant, nullable=False),
    Column("last_updated", Instant, nullable=False),
    Column("document", JSON, nullable=False),
    Column("credentials", JSON, nullable=False),
    Column("credentials_since", JSON(none_as_null=True)),
    UniqueConstraint("world", "id", name="uq_systems_id"),
    Index("ix_systems_world", "world", "available", *_TERMS, "owner", "public"),
    Index("ix_systems_owner", "world", "owner", "available", *_TERMS, "public"),
    Index("ix_systems_public", "world", "public", "available", *_TERMS, "owner"),
    Index("ix_systems_default", "world", "type", "global_default", "available"),
)
for _name in ("id", "name", "owner"):
    Index(
        f"ix_systems_by_{_name}",
        func.lower(systems.c[_name]),
        systems.c.available,
        systems.c.last_updated,
    )

system_roles = Table(
    "system_roles",
    metadata,
    Column("system_uuid", ForeignKey("systems.uuid", ondelete="CASCADE"), primary_key=True),
    Column("username", String(64), primary_key=True),
    Column("role", Integer, nullable=False),
    Index("ix_system_roles_user", "username"),
)

# of internal users; the system's own credentials stand in its row
internal_credentials = Table(
    "internal_credentials",
    metadata,
    Column("system_uuid", ForeignKey("systems.uuid", ondelete="CASCADE"), primary_key=True),
    Column("username", String(64), primary_key=True),
    Column("part", String(16), primary_key=True),
    Column("shape", JSON, nullable=False),
    Column("secret", JSON, nullable=False),
    Column("created", Instant, nullable=False),
)

user_defaults = Table(
    "user_defaults",
    metadata,
    world_column(primary_key=True),
    Column("username", String(64), primary_key=True),
    Column("type", String(16), primary_key=True),
    Column("system_id", String(64), nullable=False),
)
