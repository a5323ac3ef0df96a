"""Subscriptions to events, messages on their way, and what came of them."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    text,
)

from emulator.store.tables.columns import SERIAL, Instant, metadata, world_column

subscriptions = Table(
    "subscriptions",
    metadata,
    world_column(),
    Column("id", String(48), primary_key=True, info={"case": "exact"}),
    Column("owner", String(64), nullable=False),
    Column("associated_uuid", String(48), nullable=False, info={"case": "exact"}),
    Column("event", String(32), nullable=False, info={"case": "upper"}),
    Column("url", String(1024), nullable=False),
    Column("status", String(16), nullable=False, info={"case": "upper"}),
    Column("visible", Boolean, nullable=False, server_default=text("1")),
    Column("created", Instant, nullable=False),
    Column("last_updated", Instant, nullable=False),
    Column("document", JSON, nullable=False),
    # what every event asks for
    Index("ix_subscriptions_listening", "associated_uuid", "world", "status"),
    # pages of a user's own, which are those of one status unless a search says otherwise
    Index("ix_subscriptions_status", "world", "owner", "status", "last_updated", "id"),
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
    Index("ix_deliveries_world", "world", "subscription_id", "seq"),
    sqlite_autoincrement=True,
)

attempts = Table(
    "notification_attempts",
    metadata,
    Column("seq", SERIAL, primary_key=True, autoincrement=True),
    world_column(),
    Column("id", String(48), nullable=False, unique=True),
    Column("notification_id", ForeignKey("subscriptions.id", ondelete="CASCADE"), nullable=False),
    Column("url", Text, nullable=False),
    Column("event", String(64), nullable=False),
    Column("associated_uuid", String(48), nullable=False),
    Column("started", Instant, nullable=False),
    Column("ended", Instant, nullable=False),
    Column("code", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Column("body", Text, nullable=False),
    Index("ix_attempts_notification", "notification_id", "seq"),
    sqlite_autoincrement=True,
)
