"""Rows of jobs and the permissions on them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    and_,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from emulator.domain.document import from_document, to_document
from emulator.domain.job import Job, JobGrant, JobPlan
from emulator.domain.resources import hours
from emulator.domain.search import Condition, Page
from emulator.domain.states import ACTIVE, COUNTED, JobState
from emulator.store.job_listing import page_of
from emulator.store.tables import job_grants, jobs

_STATES = ("status", "blocked_from")
_UNDER_WAY = (JobState.STAGED, JobState.STAGING_JOB, JobState.SUBMITTING)
_RECORD = tuple(name for name in Job.__slots__ if name != "plan")


@dataclass(frozen=True, slots=True)
class JobSummary:
    """What a listing shows of a job [jobs §5]; read without its plan, for speed."""

    id: str
    name: str
    owner: str
    system_id: str
    app_id: str
    created: datetime | None
    status: JobState
    remote_started: datetime | None
    ended: datetime | None
    last_updated: datetime
    archive: bool
    archived: bool
    archive_system: str | None
    archive_path: str


@dataclass(frozen=True, slots=True)
class Places:
    """How many jobs have taken a place."""

    on_system: int
    of_owner: int
    in_queue: int
    of_owner_in_queue: int


@dataclass(frozen=True, slots=True)
class JobStanding:
    """The fields of a job that others than the engine change, and what its next state depends on."""

    world: str
    last_updated: datetime
    status: JobState
    blocked_from: JobState | None
    visible: bool
    cancel_requested: bool


_SUMMARY = [jobs.c[name] for name in JobSummary.__slots__]
# statements that every step of every job asks: worded once
_ADD = insert(jobs)
_CHANGE = update(jobs).where(jobs.c.id == bindparam("job_id"))
_BY_ID = select(jobs).where(jobs.c.id == bindparam("job_id"))
_STANDING = select(*(jobs.c[name] for name in JobStanding.__slots__)).where(jobs.c.id == bindparam("job_id"))


_MINE = jobs.c.owner == bindparam("owner")
_THERE = jobs.c.remote_queue == bindparam("queue")
_COUNTED = select(
    func.count().label("on_system"),
    func.count().filter(_MINE).label("of_owner"),
    func.count().filter(_THERE).label("in_queue"),
    func.count().filter(_MINE, _THERE).label("of_owner_in_queue"),
).where(
    jobs.c.world == bindparam("world"),
    jobs.c.system_id == bindparam("system_id"),
    or_(
        jobs.c.status.in_([state.value for state in COUNTED]),
        and_(jobs.c.status.in_([state.value for state in _UNDER_WAY]), jobs.c.handle.is_not(None)),
    ),
)


class JobRows:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, job: Job) -> None:
        self._connection.execute(_ADD, _values(job))

    def add_all(self, new: Iterable[Job]) -> None:
        rows = [_values(job) for job in new]
        if rows:
            self._connection.execute(_ADD, rows)

    def of_world(self, world: str) -> list[Job]:
        """All there are, in whatever state, first accepted first."""
        query = select(jobs).where(jobs.c.world == world).order_by(jobs.c.accepted, jobs.c.id)
        return [_job(row) for row in self._connection.execute(query)]

    def update(self, job_id: str, **changes: Any) -> None:
        """Change fields of the record by name (``plan`` included)."""
        values = {name: _plain(value) for name, value in changes.items() if name != "plan"}
        if "plan" in changes:
            values |= _plan_values(changes["plan"])
        self._connection.execute(_CHANGE, values | {"job_id": job_id})

    def get(self, world: str, job_id: str) -> Job | None:
        """None also for a job that has only been accepted: nobody sees it yet [jobs §4.4]."""
        row = self._connection.execute(_BY_ID, {"job_id": job_id}).first()
        return None if row is None or row.world != world or row.status == JobState.ACCEPTED else _job(row)

    def by_id(self, job_id: str) -> Job | None:
        """For the engine, which works for all worlds."""
        row = self._connection.execute(_BY_ID, {"job_id": job_id}).first()
        return None if row is None else _job(row)

    def standing(self, job_id: str) -> JobStanding | None:
        """A small part of :meth:`by_id`, read quickly."""
        row = self._connection.execute(_STANDING, {"job_id": job_id}).first()
        if row is None:
            return None
        values = row._asdict()
        for name in _STATES:
            values[name] = JobState(values[name]) if values[name] else None
        return JobStanding(**values)

    def active_ids(self) -> list[str]:
        """Ids of all jobs that have not ended, in all worlds, first accepted first."""
        return [job_id for job_id, _world in self.active()]

    def active(self) -> list[tuple[str, str]]:
        """As :meth:`active_ids`, each with its world."""
        query = (
            select(jobs.c.id, jobs.c.world)
            .where(jobs.c.status.in_([state.value for state in ACTIVE]))
            .order_by(jobs.c.accepted, jobs.c.id)
        )
        return [(row.id, row.world) for row in self._connection.execute(query)]

    def summaries(
        self, world: str, visible_to: str | None, conditions: Iterable[Condition], page: Page
    ) -> list[JobSummary]:
        query = page_of(select(*_SUMMARY), world, visible_to, conditions, page)
        return [_summary(row) for row in self._connection.execute(query)]

    def find(
        self, world: str, visible_to: str | None, conditions: Iterable[Condition], page: Page
    ) -> list[Job]:
        """Jobs owned by or shared with ``visible_to``; None sees all of the world [jobs §5]."""
        query = page_of(select(jobs), world, visible_to, conditions, page)
        return [_job(row) for row in self._connection.execute(query)]

    def hide_jobs_of_app(self, app_uuid: str) -> None:
        self._connection.execute(update(jobs).where(jobs.c.app_uuid == app_uuid).values(visible=False))

    def counted(self, world: str, system_id: str, owner: str, queue: str | None) -> Places:
        """How many jobs count towards the quotas of a system, of a queue and of a user [job-lifecycle §5.1].

        Those on their way to the scheduler count too once they have written down their handle: they have
        taken their place.
        """
        values = {"world": world, "system_id": system_id, "owner": owner, "queue": queue}
        return Places(**self._connection.execute(_COUNTED, values).one()._mapping)

    def active_by_state(self, world: str, system_id: str, queue: str) -> dict[JobState, int]:
        """How many jobs of a queue that have not ended stand in each state; states without any are left out."""
        query = (
            select(jobs.c.status, func.count())
            .where(
                jobs.c.world == world,
                jobs.c.system_id == system_id,
                jobs.c.remote_queue == queue,
                jobs.c.status.in_([state.value for state in ACTIVE]),
            )
            .group_by(jobs.c.status)
        )
        return {JobState(status): count for status, count in self._connection.execute(query)}

    # permissions

    def grants(self, job_id: str) -> list[JobGrant]:
        rows = self._connection.execute(
            select(job_grants).where(job_grants.c.job_id == job_id).order_by(job_grants.c.username)
        )
        return [JobGrant(**row._mapping) for row in rows]

    def set_grant(self, grant: JobGrant) -> None:
        self.drop_grants(grant.job_id, grant.username)
        self._connection.execute(
            insert(job_grants).values(
                job_id=grant.job_id, username=grant.username, permission=grant.permission
            )
        )

    def drop_grants(self, job_id: str, username: str | None = None) -> None:
        query = delete(job_grants).where(job_grants.c.job_id == job_id)
        if username is not None:
            query = query.where(job_grants.c.username == username)
        self._connection.execute(query)


def _values(job: Job) -> dict[str, Any]:
    return {name: _plain(getattr(job, name)) for name in _RECORD} | _plan_values(job.plan)


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, JobState) else value


def _plan_values(plan: JobPlan) -> dict[str, Any]:
    return {
        "plan": to_document(plan),
        "system_id": plan.execution_system,
        "remote_queue": plan.queue.name if plan.queue else None,
        "node_count": plan.node_count,
        "processors_per_node": plan.processors_per_node,
        "memory_per_node": plan.memory_per_node,
        "max_hours": hours(plan.max_run_seconds),
        "archive": plan.archive,
        "archive_system": plan.archive_system,
        "archive_path": plan.archive_path,
        "work_path": plan.work_path,
        "inputs": _json(plan.inputs),
        "parameters": _json(plan.parameters),
    }


def _json(values: dict[str, Any]) -> str:
    """What searches for inputs and parameters go through: compact, as answers show it [jobs §6.1]."""
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def _job(row: Row[Any]) -> Job:
    values = {name: row._mapping[name] for name in _RECORD}
    for name in _STATES:
        values[name] = JobState(values[name]) if values[name] else None
    return Job(**values, plan=from_document(JobPlan, row.plan))


def _summary(row: Row[Any]) -> JobSummary:
    values = row._asdict()
    values["status"] = JobState(values["status"])
    return JobSummary(**values)
