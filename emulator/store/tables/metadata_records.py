"""Metadata items and schemas, who was given what on them, and what they are found by."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, Float, ForeignKey, Index, Integer, String, Table

from emulator.store.tables.columns import SERIAL, Instant, metadata, world_column

# compared by code point everywhere, as Python does: pages are merged from several ordered readings
_EXACT = {"collation": "C"}


def _exact(length: int) -> String:
    return String(length).with_variant(String(length, **_EXACT), "postgresql")


metadata_records = Table(
    "metadata_records",
    metadata,
    Column("seq", SERIAL, primary_key=True, autoincrement=True),
    world_column(),
    Column("kind", String(16), nullable=False),
    Column("uuid", _exact(64), nullable=False, unique=True),
    Column("owner", _exact(64), nullable=False),
    Column("name", _exact(256), nullable=False),
    Column("schema_id", _exact(64), nullable=False),
    Column("created", Instant, nullable=False),
    Column("last_updated", Instant, nullable=False),
    # the content's place in an order of all contents: by type, then number or beginning of the text
    Column("content_rank", Integer, nullable=False),
    Column("content_number", Float, nullable=False),
    Column("content_text", _exact(256), nullable=False),
    Column("document", JSON, nullable=False),
    sqlite_autoincrement=True,
)

metadata_grants = Table(
    "metadata_grants",
    metadata,
    Column("seq", ForeignKey("metadata_records.seq", ondelete="CASCADE"), primary_key=True),
    Column("username", String(64), primary_key=True),
    Column("read", Boolean, nullable=False),
    Column("write", Boolean, nullable=False),
)

# One row for each user that may read a record: the owner, and who was given it; with the empty name one for
# those who may read everything. A listing walks the rows of its readers in order.
metadata_readers = Table(
    "metadata_readers",
    metadata,
    Column("seq", ForeignKey("metadata_records.seq", ondelete="CASCADE"), primary_key=True),
    Column("reader", String(64), primary_key=True),
    world_column(),
    Column("kind", String(16), nullable=False),
    Column("name", _exact(256), nullable=False),
    Column("created", Instant, nullable=False),
    Column("last_updated", Instant, nullable=False),
    Index("ix_metadata_readers_updated", "world", "kind", "reader", "last_updated", "seq"),
    Index("ix_metadata_readers_created", "world", "kind", "reader", "created", "seq"),
    Index("ix_metadata_readers_name", "world", "kind", "reader", "name", "seq"),
)

# One row for each plain value of a record (see domain/metadata_index.py); in the order of a listing where the
# value is the same.
metadata_entries = Table(
    "metadata_entries",
    metadata,
    world_column(primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("path", _exact(200), primary_key=True),
    Column("term", _exact(200), primary_key=True),
    Column("number", Float, primary_key=True),
    Column("last_updated", Instant, primary_key=True),
    Column("seq", ForeignKey("metadata_records.seq", ondelete="CASCADE"), primary_key=True),
    Index("ix_metadata_entries_record", "seq"),
    sqlite_with_rowid=False,
)
