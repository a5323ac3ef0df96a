"""Postits [postits §A]."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, String, Table

from emulator.store.tables.columns import Instant, metadata, world_column

postits = Table(
    "postits",
    metadata,
    world_column(),
    Column("id", String(64), primary_key=True),
    Column("creator", String(64), nullable=False),
    Column("service", String(16), nullable=False),
    Column("target", String(4096), nullable=False),
    Column("created", Instant, nullable=False),
    Column("expires", Instant, nullable=False),
    Column("remaining", Integer, nullable=False),
    Column("used", Integer, nullable=False),
    Column("unlimited", Boolean, nullable=False),
    Column("revoked", Boolean, nullable=False),
    Index("postits_of_creator", "world", "creator", "created"),
)
