"""A job: the plan that the engine runs, and the record of how far it has come."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from emulator.domain.app import App
from emulator.domain.inputs import InputSource
from emulator.domain.states import JobState
from emulator.domain.system import Queue

OUTCOME_FINISHED = "FINISHED"
OUTCOME_FAILED = "FAILED"
OUTCOME_FAILED_SKIP_ARCHIVE = "FAILED_SKIP_ARCHIVE"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPlan:
    """App, system and request resolved into neutral units: what the engine runs.

    ``memory_per_node`` in GB, ``max_run_seconds`` the exact limit asked for (never the rounded hours),
    paths as agave paths on their systems (leading ``/`` = below rootDir, else below homeDir).
    The app is a copy taken at submission: later edits of the app do not reach a submitted job.
    """

    app: App
    execution_system: str
    scheduler: str
    queue: Queue | None
    node_count: int
    processors_per_node: int
    total_processors: int
    memory_per_node: float
    max_run_seconds: int
    work_path: str
    archive: bool
    archive_on_app_error: bool
    archive_system: str | None
    archive_path: str
    """With its macros resolved."""
    archive_path_template: str
    """As asked for, or the default path; what the record shows until inputs are being staged [jobs §3.5]."""
    archive_path_given: bool = False
    inputs: dict[str, Any] = field(default_factory=dict)
    """As submitted (scalar stays scalar), hidden defaults added."""
    sources: tuple[InputSource, ...] = ()
    """What the inputs name, in order, resolved at submission: what is staged, and under which name."""
    parameters: dict[str, Any] = field(default_factory=dict)
    """Typed as declared by the app, hidden defaults added."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """The record. Times are UTC. ``handle`` is what finds the running script again after a restart."""

    world: str
    id: str
    name: str
    owner: str
    tenant_id: str
    status: JobState
    last_status_message: str
    accepted: datetime
    last_updated: datetime
    app_id: str
    app_uuid: str
    roles: str
    plan: JobPlan
    request: dict[str, Any]
    """The submission as the client sent it; a resubmission starts from it."""
    created: datetime | None = None
    ended: datetime | None = None
    remote_job_id: str | None = None
    scheduler_job_id: str | None = None
    remote_submitted: datetime | None = None
    remote_started: datetime | None = None
    remote_ended: datetime | None = None
    remote_outcome: str | None = None
    submit_retries: int = 0
    remote_status_checks: int = 0
    failed_status_checks: int = 0
    last_status_check: datetime | None = None
    blocked_count: int = 0
    blocked_from: JobState | None = None
    blocked_condition: str | None = None
    blocked_since: datetime | None = None
    visible: bool = True
    cancel_requested: bool = False
    archived: bool = False
    """The archiving phase has completed: outputs are on the archive system [jobs §10]."""
    handle: dict[str, Any] | None = None
    exit_code: int | None = None
    failure_code: str | None = None
    failure_reason: str | None = None
    struck: dict[str, Any] | None = None
    """What scenarios have said at the step that the job is at (engine/struck_steps); None where they were not asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobGrant:
    """A permission on a job given to a user; the word as granted (READ, WRITE, ALL, …) [jobs §8]."""

    job_id: str
    username: str
    permission: str
