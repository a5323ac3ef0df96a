"""The append-only log from which histories are read."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Index, String, Table, Text

from emulator.store.tables.columns import SERIAL, Instant, metadata, world_column

events = Table(
    "events",
    metadata,
    Column("seq", SERIAL, primary_key=True, autoincrement=True),
    world_column(),
    Column("subject", String(48), nullable=False),
    Column("kind", String(24), nullable=False),
    Column("status", String(48), nullable=False),
    Column("description", Text, nullable=False),
    Column("created", Instant, nullable=False),
    Column("created_by", String(64), nullable=False),
    Column("progress", JSON),
    Column("uuid", String(48), nullable=False),
    Index("ix_events_subject", "world", "subject", "seq"),
    Index("ix_events_uuid", "uuid"),
    sqlite_autoincrement=True,
)
