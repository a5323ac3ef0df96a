"""Pages of jobs: those that a search finds for a user, answered from an index however many there are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    String,
    asc,
    desc,
    func,
    literal,
    select,
    type_coerce,
    union_all,
)

from emulator.domain.identity import WORLD_USER
from emulator.domain.search import Condition, Operator, Page
from emulator.domain.states import JobState
from emulator.store.rows import where
from emulator.store.tables import job_grants, jobs


def _seconds(start: ColumnElement[Any], end: ColumnElement[Any]) -> ColumnElement[int]:
    """Whole seconds between two instants, which are milliseconds in the database [jobs §6.1]."""
    millis = type_coerce(end, BigInteger) - type_coerce(start, BigInteger)
    return func.abs(millis, type_=BigInteger) // 1000


SEARCHABLE: Mapping[str, ColumnElement[Any]] = {
    column.name: column for column in jobs.c if column.name not in ("plan", "request", "handle", "world")
} | {
    "tenant_queue": literal("aloe.jobq.") + jobs.c.tenant_id + literal(".submit.DefaultQueue"),
    "run_time": _seconds(jobs.c.remote_started, jobs.c.ended),
    "wall_time": _seconds(jobs.c.created, jobs.c.ended),
}

_LOOKED_UP = frozenset({"name", "app_id", "system_id", "status", "remote_job_id"})
"""Fields with an index of their own behind the owner."""
_NAMING = frozenset({"name", "remote_job_id"})
"""Fields whose value nearly says which job is meant: looked up before anything else is."""
_MOST_VALUES = 10
"""Of one of these fields, that are looked for apart; longer lists are compared row by row."""
_INSTANTS = frozenset(
    {
        "accepted",
        "created",
        "remote_submitted",
        "remote_started",
        "remote_ended",
        "last_status_check",
        "ended",
    }
)
"""Moments of a job's life, none of which is later than its last update."""
_SLACK = timedelta(days=1)
"""How far clocks may have been set back while a job lived."""
_FIRST = datetime(1970, 1, 1, tzinfo=UTC)
_FROM = (Operator.GT, Operator.GTE, Operator.AFTER, Operator.EQ, Operator.ON, Operator.BETWEEN)


def page_of(
    query: Select[Any], world: str, visible_to: str | None, conditions: Iterable[Condition], page: Page
) -> Select[Any]:
    """The rows of one page of ``query``, found and ordered by id first: an index answers that without reading rows.

    Own and shared jobs are looked for apart, and so are the values of a list: each search then walks an index in
    the order of the page, where an OR of them would fetch and sort them all. Jobs that have only been accepted
    are not there [jobs §4.4].
    """
    order = desc if page.descending else asc
    by = SEARCHABLE[page.order_by]
    if isinstance(by.type, String):  # texts are in order as they are equal: in any case
        folded = getattr(by, "info", {}).get("case") == "any"
        by = by.collate("NOCASE") if folded else func.lower(by)
    here: Any = select(jobs.c.id.label("id"), by.label("place"))
    here = here.where(jobs.c.status != JobState.ACCEPTED.value)
    wanted = [*conditions]
    wanted += _implied(wanted)
    searches: list[Any] = [
        here.where(_in(world, apart), where(SEARCHABLE, apart)) for apart in _apart(wanted)
    ]
    if visible_to is not None:
        granted = select(job_grants.c.job_id).where(job_grants.c.username.in_([visible_to, WORLD_USER]))
        shared = granted.distinct().subquery("shared")
        searches = [search.where(jobs.c.owner == visible_to) for search in searches]
        all_of_it = here.where(jobs.c.world == world, where(SEARCHABLE, wanted))
        searches.append(
            all_of_it.join(shared, shared.c.job_id == jobs.c.id).where(jobs.c.owner != visible_to)
        )
    found: Any = union_all(*searches) if len(searches) > 1 else searches[0]
    found = found.order_by(order("place"), order("id")).limit(page.limit).offset(page.offset)
    ids: Any = select(found.subquery("page").c.id)
    return query.where(jobs.c.id.in_(ids)).order_by(order(by), order(jobs.c.id))


def _in(world: str, conditions: Iterable[Condition]) -> ColumnElement[bool]:
    """The world, for a search that names a job in a way that no index beginning with the world is used."""
    named = any(each.field in _NAMING and each.operator is Operator.EQ and each.value for each in conditions)
    return jobs.c.world + "" == world if named else jobs.c.world == world


def _implied(conditions: Iterable[Condition]) -> list[Condition]:
    """What happened to a job after a moment makes its last update later than that: a range of the listing's index."""
    moments = [
        condition.value[0] if isinstance(condition.value, tuple) else condition.value
        for condition in conditions
        if condition.field in _INSTANTS and condition.operator in _FROM
    ]
    return [
        Condition("last_updated", Operator.GTE, moment - _SLACK)
        for moment in moments
        if isinstance(moment, datetime) and moment > _FIRST
    ]


def _apart(conditions: list[Condition]) -> list[list[Condition]]:
    """The searches that find together what ``conditions`` find, none of them twice: one for each listed value."""
    for place, condition in enumerate(conditions):
        if condition.operator is Operator.IN and condition.field in _LOOKED_UP:
            values = {_folded(value): value for value in condition.value}
            if len(values) <= _MOST_VALUES:
                rest = conditions[:place] + conditions[place + 1 :]
                return [[*rest, replace(condition, operator=Operator.EQ, value=v)] for v in values.values()]
    return [conditions]


def _folded(text: str) -> str:
    """As the database's LOWER has it: ASCII only."""
    return "".join(letter.lower() if letter.isascii() else letter for letter in text)
