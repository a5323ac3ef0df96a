"""Apps, the words they are found by, and their permissions."""

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
    Text,
    UniqueConstraint,
    func,
)

from emulator.store.tables.columns import Instant, metadata, world_column

# What most searches ask for stands behind the keys of listings, so that they need no rows.
_TERMS = ("last_updated", "uuid", "id", "name", "version", "execution_system", "created")

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
    Index("ix_apps_world", "world", "available", *_TERMS, "owner", "public"),
    Index("ix_apps_owner", "world", "owner", "available", *_TERMS, "public"),
    Index("ix_apps_public", "world", "public", "available", *_TERMS, "owner"),
)
for _name in ("id", "name", "execution_system", "owner"):
    Index(f"ix_apps_by_{_name}", func.lower(apps.c[_name]), apps.c.available, apps.c.last_updated)

# copies out of the document: ``kind`` is tags or ontology
app_words = Table(
    "app_words",
    metadata,
    Column("app_uuid", ForeignKey("apps.uuid", ondelete="CASCADE"), primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("word", Text, primary_key=True),
)
Index("ix_app_words", app_words.c.kind, func.lower(app_words.c.word), app_words.c.app_uuid)

# being made: what a restart has to clear away
app_copies = Table(
    "app_copies",
    metadata,
    world_column(),
    Column("id", String(48), primary_key=True),
    Column("app_uuid", String(48), nullable=False),
    Column("username", String(64), nullable=False),
    Column("system_id", String(64), nullable=False),
    Column("path", Text, nullable=False),
)

app_grants = Table(
    "app_grants",
    metadata,
    Column("app_uuid", ForeignKey("apps.uuid", ondelete="CASCADE"), primary_key=True),
    Column("username", String(64), primary_key=True),
    Column("bits", Integer, nullable=False),
    Index("ix_app_grants_user", "username"),
)
