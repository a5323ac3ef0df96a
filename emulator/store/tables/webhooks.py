"""Webhooks that were received, and the answers that wait for the next ones."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Index, Integer, LargeBinary, String, Table, Text

from emulator.store.tables.columns import SERIAL, Instant, metadata, world_column

received_webhooks = Table(
    "received_webhooks",
    metadata,
    Column("seq", SERIAL, primary_key=True, autoincrement=True),
    world_column(),
    Column("method", String(16), nullable=False),
    Column("path", Text, nullable=False),
    Column("query", Text, nullable=False),
    Column("headers", JSON, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("received", Instant, nullable=False),
    Column("answered", Integer, nullable=False),
    Index("ix_received_webhooks_world", "world", "seq"),
    sqlite_autoincrement=True,
)

webhook_answers = Table(
    "webhook_answers",
    metadata,
    Column("seq", SERIAL, primary_key=True, autoincrement=True),
    world_column(),
    Column("path", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("left", Integer),
    Column("headers", JSON, nullable=False),
    Column("body", Text, nullable=False),
    Index("ix_webhook_answers_world", "world", "seq"),
    sqlite_autoincrement=True,
)
