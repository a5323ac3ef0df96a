"""Subscriptions to events, and messages on their way."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Index, Integer, String, Table

from emulator.store.tables.columns import SERIAL, Instant, metadata, world_column

subscriptions = Table(
    "subscriptions",
    metadata,
    world_column(),
    Column("id", String(48), primary_key=True),
    Column("owner", String(64), nullable=False),
    Column("associated_uuid", String(48), nullable=False),
    Column("event", String(32), nullable=False),
    Column("url", String(1024), nullable=False),
    Column("status", String(16), nullable=False),
    Column("created", Instant, nullable=False),
    Column("last_updated", Instant, nullable=False),
    Column("document", JSON, nullable=False),
    Index("ix_subscriptions_subject", "world", "associated_uuid"),
    Index("ix_subscriptions_owner", "world", "owner", "last_updated"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("seq", SERIAL, primary_key=True, autoincrement=True),
    world_column(),
    Column("id", String(48), nullable=False, unique=True),
    Column("subscription_id", ForeignKey("subscriptions.id", ondelete="CASCADE"), nullable=False),
    Column("event_seq", BigInteger, nullable=False),
    Column("message", JSON, nullable=False),
    Column("created", Instant, nullable=False),
    Column("due", Instant, nullable=False),
    Column("attempts", Integer, nullable=False),
    Index("ix_deliveries_due", "due"),
    Index("ix_deliveries_subscription", "subscription_id", "seq"),
    sqlite_autoincrement=True,
)
