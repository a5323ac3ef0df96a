"""The tables. Every row carries its world; times are whole milliseconds since 1970, UTC.

Columns hold what is searched, sorted or checked; ``document`` columns hold the rest of a domain object
as JSON. The same definitions serve SQLite and PostgreSQL.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

SCHEMA_VERSION = 1

metadata = MetaData()


class Instant(TypeDecorator[datetime]):
    """An aware UTC datetime kept as integer milliseconds: portable, exact and quick to sort."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else round(value.timestamp() * 1000)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        seconds, millis = divmod(int(value), 1000)
        return datetime.fromtimestamp(seconds, UTC).replace(microsecond=millis * 1000)


# SQLite gives rowids (and never reuses them with AUTOINCREMENT) only to plain INTEGER keys.
_Serial = BigInteger().with_variant(Integer, "sqlite")


def _world(**options: Any) -> Column[Any]:
    return Column("world", String(64), nullable=False, **options)


schema_info = Table("schema_info", metadata, Column("version", Integer, primary_key=True))

worlds = Table(
    "worlds",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("document", JSON, nullable=False),
)

users = Table(
    "users",
    metadata,
    _world(primary_key=True),
    Column("username", String(64), primary_key=True),
    Column("password_hash", String(255), nullable=False),
    Column("email", String(255)),
    Column("document", JSON, nullable=False),
)

clients = Table(
    "clients",
    metadata,
    _world(primary_key=True),
    Column("owner", String(64), primary_key=True),
    Column("name", String(128), primary_key=True),
    Column("key", String(64), nullable=False, unique=True),
    Column("document", JSON, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    _world(),
    Column("access_token", String(64), primary_key=True),
    Column("refresh_token", String(64), unique=True),
    Column("username", String(64), nullable=False),
    Column("client_key", String(64), nullable=False, index=True),
    Column("scope", String(128), nullable=False),
    Column("created", Instant, nullable=False),
    Column("expires", Instant, nullable=False),
    Column("revoked", Boolean, nullable=False, default=False),
)

systems = Table(
    "systems",
    metadata,
    _world(),
    Column("uuid", String(48), primary_key=True),
    Column("id", String(64), nullable=False),
    Column("name", String(64), nullable=False),
    Column("type", String(16), nullable=False),
    Column("status", String(16), nullable=False),
    Column("owner", String(64), nullable=False),
    Column("public", Boolean, nullable=False),
    Column("global_default", Boolean, nullable=False),
    Column("available", Boolean, nullable=False),
    Column("created", Instant, nullable=False),
    Column("last_updated", Instant, nullable=False),
    Column("document", JSON, nullable=False),
    Column("credentials", JSON, nullable=False),
    UniqueConstraint("world", "id", name="uq_systems_id"),
    Index("ix_systems_listing", "world", "available", "last_updated"),
)

system_roles = Table(
    "system_roles",
    metadata,
    Column("system_uuid", ForeignKey("systems.uuid", ondelete="CASCADE"), primary_key=True),
    Column("username", String(64), primary_key=True),
    Column("role", Integer, nullable=False),
    Index("ix_system_roles_user", "username"),
)

user_defaults = Table(
    "user_defaults",
    metadata,
    _world(primary_key=True),
    Column("username", String(64), primary_key=True),
    Column("type", String(16), primary_key=True),
    Column("system_id", String(64), nullable=False),
)

apps = Table(
    "apps",
    metadata,
    _world(),
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

files = Table(
    "files",
    metadata,
    _world(),
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

_JOB_TERMS = ("status", "name", "app_id", "system_id", "created", "ended", "remote_started")

jobs = Table(
    "jobs",
    metadata,
    _world(),
    Column("id", String(48), primary_key=True, info={"case": "lower"}),
    Column("name", String(64), nullable=False),
    Column("owner", String(64), nullable=False),
    Column("tenant_id", String(64), nullable=False),
    Column("status", String(24), nullable=False, info={"case": "upper"}),
    Column("last_status_message", Text, nullable=False),
    Column("accepted", Instant, nullable=False),
    Column("last_updated", Instant, nullable=False),
    Column("created", Instant),
    Column("ended", Instant),
    Column("app_id", String(100), nullable=False),
    Column("app_uuid", String(48), nullable=False),
    Column("roles", Text, nullable=False),
    # copies out of the plan, for searches and summaries
    Column("system_id", String(64), nullable=False),
    Column("remote_queue", String(255)),
    Column("node_count", Integer, nullable=False),
    Column("processors_per_node", Integer, nullable=False),
    Column("memory_per_node", Float, nullable=False),
    Column("max_hours", Float, nullable=False),
    Column("archive", Boolean, nullable=False),
    Column("archive_system", String(64)),
    Column("archive_path", Text, nullable=False),
    Column("work_path", Text, nullable=False),
    Column("inputs", Text, nullable=False),
    Column("parameters", Text, nullable=False),
    Column("plan", JSON, nullable=False),
    Column("request", JSON, nullable=False),
    Column("remote_job_id", String(128)),
    Column("scheduler_job_id", String(128)),
    Column("remote_submitted", Instant),
    Column("remote_started", Instant),
    Column("remote_ended", Instant),
    Column("remote_outcome", String(24)),
    Column("submit_retries", Integer, nullable=False),
    Column("remote_status_checks", Integer, nullable=False),
    Column("failed_status_checks", Integer, nullable=False),
    Column("last_status_check", Instant),
    Column("blocked_count", Integer, nullable=False),
    Column("blocked_from", String(24)),
    Column("blocked_condition", String(24)),
    Column("visible", Boolean, nullable=False),
    Column("cancel_requested", Boolean, nullable=False),
    Column("archived", Boolean, nullable=False),
    Column("handle", JSON(none_as_null=True)),
    Column("exit_code", Integer),
    Column("failure_code", String(64)),
    Column("failure_reason", Text),
    # What most searches ask for stands behind the key, so that they need no rows: a user's jobs, and all.
    Index("ix_jobs_listing", "world", "owner", "visible", "last_updated", "id", *_JOB_TERMS),
    Index("ix_jobs_world", "world", "visible", "last_updated", "id", "owner", *_JOB_TERMS),
    Index("ix_jobs_status", "status", "accepted"),
    Index("ix_jobs_app", "world", "app_uuid"),
    Index("ix_jobs_load", "world", "system_id", "status"),
)

job_grants = Table(
    "job_grants",
    metadata,
    Column("job_id", ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("username", String(64), primary_key=True),
    Column("permission", String(24), nullable=False),
    Index("ix_job_grants_user", "username"),
)

events = Table(
    "events",
    metadata,
    Column("seq", _Serial, primary_key=True, autoincrement=True),
    _world(),
    Column("subject", String(48), nullable=False),
    Column("kind", String(24), nullable=False),
    Column("status", String(48), nullable=False),
    Column("description", Text, nullable=False),
    Column("created", Instant, nullable=False),
    Column("created_by", String(64), nullable=False),
    Column("progress", JSON),
    Column("uuid", String(48), nullable=False),
    Index("ix_events_subject", "world", "subject", "seq"),
    sqlite_autoincrement=True,
)

subscriptions = Table(
    "subscriptions",
    metadata,
    _world(),
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
    Column("seq", _Serial, primary_key=True, autoincrement=True),
    _world(),
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
