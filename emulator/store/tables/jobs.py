"""Jobs and their permissions."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, Float, ForeignKey, Index, Integer, String, Table, Text

from emulator.store.tables.columns import Instant, metadata, world_column

_JOB_TERMS = ("status", "name", "app_id", "system_id", "created", "ended", "remote_started")

jobs = Table(
    "jobs",
    metadata,
    world_column(),
    Column("id", String(48), primary_key=True, info={"case": "lower"}),
    Column("name", String(64), nullable=False, info={"case": "any"}),
    Column("owner", String(64), nullable=False),
    Column("tenant_id", String(64), nullable=False),
    Column("status", String(24), nullable=False, info={"case": "upper"}),
    Column("last_status_message", Text, nullable=False),
    Column("accepted", Instant, nullable=False),
    Column("last_updated", Instant, nullable=False),
    Column("created", Instant),
    Column("ended", Instant),
    Column("app_id", String(100), nullable=False, info={"case": "any"}),
    Column("app_uuid", String(48), nullable=False),
    Column("roles", Text, nullable=False),
    # copies out of the plan, for searches and summaries
    Column("system_id", String(64), nullable=False, info={"case": "any"}),
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
    Column("remote_job_id", String(128), info={"case": "any"}),
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
    Column("blocked_since", Instant),
    Column("visible", Boolean, nullable=False),
    Column("cancel_requested", Boolean, nullable=False),
    Column("archived", Boolean, nullable=False),
    Column("handle", JSON(none_as_null=True)),
    Column("exit_code", Integer),
    Column("failure_code", String(64)),
    Column("failure_reason", Text),
    Column("struck", JSON(none_as_null=True)),
    # What most searches ask for stands behind the key, so that they need no rows: a user's jobs, and all.
    Index("ix_jobs_listing", "world", "owner", "visible", "last_updated", "id", *_JOB_TERMS),
    Index("ix_jobs_world", "world", "visible", "last_updated", "id", "owner", *_JOB_TERMS),
    Index("ix_jobs_status", "status", "accepted"),
    Index("ix_jobs_app", "world", "app_uuid"),
    Index("ix_jobs_load", "world", "system_id", "status"),
)

# one user's jobs with a certain value, in the order of listings
for _term, _column in (
    ("status", jobs.c.status),
    ("app_id", jobs.c.app_id.collate("NOCASE")),
    ("system_id", jobs.c.system_id.collate("NOCASE")),
):
    _of_user = (jobs.c.world, jobs.c.owner, jobs.c.visible)
    Index(f"ix_jobs_by_{_term}", *_of_user, _column, jobs.c.last_updated, jobs.c.id, jobs.c.status)
# these hold what never changes: they cost nothing when a job goes on
Index("ix_jobs_by_created", jobs.c.world, jobs.c.owner, jobs.c.visible, jobs.c.created, jobs.c.id)
_name = jobs.c.name.collate("NOCASE")
Index("ix_jobs_in_order_of_name", jobs.c.world, jobs.c.owner, jobs.c.visible, _name, jobs.c.id)
Index("ix_jobs_by_name", _name)
Index("ix_jobs_by_remote_job_id", jobs.c.remote_job_id.collate("NOCASE"))

job_grants = Table(
    "job_grants",
    metadata,
    Column("job_id", ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("username", String(64), primary_key=True),
    Column("permission", String(24), nullable=False),
    Index("ix_job_grants_user", "username"),
)
