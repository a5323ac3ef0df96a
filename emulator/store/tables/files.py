"""What is known of files beyond their bytes, their permissions, and content that is still to come."""

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
)

from emulator.store.tables.columns import SERIAL, Instant, metadata, world_column

files = Table(
    "files",
    metadata,
    world_column(),
    Column("uuid", String(48), primary_key=True),
    Column("system_id", String(64), nullable=False),
    Column("path", Text, nullable=False),
    Column("owner", String(64), nullable=False),
    Column("name", Text, nullable=False),
    Column("status", String(32), nullable=False),
    Column("native_format", String(16), nullable=False),
    Column("source", Text),
    Column("created", Instant, nullable=False),
    Column("last_updated", Instant, nullable=False),
    UniqueConstraint("world", "system_id", "path", name="uq_files_path"),
)

file_grants = Table(
    "file_grants",
    metadata,
    Column("file_uuid", ForeignKey("files.uuid", ondelete="CASCADE"), primary_key=True),
    Column("username", String(64), primary_key=True),
    Column("bits", Integer, nullable=False),
    Column("recursive", Boolean, nullable=False),
)

file_stagings = Table(
    "file_stagings",
    metadata,
    Column("seq", SERIAL, primary_key=True, autoincrement=True),
    world_column(),
    Column("file_uuid", ForeignKey("files.uuid", ondelete="CASCADE"), nullable=False),
    Column("due", Instant, nullable=False),
    Column("document", JSON, nullable=False),
    Index("ix_file_stagings_file", "file_uuid"),
    sqlite_autoincrement=True,
)
