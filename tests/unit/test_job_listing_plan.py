"""Listings of jobs are answered from an index: their cost does not grow with the number of jobs."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from emulator.domain.job import JobGrant
from emulator.domain.search import Condition, Operator, Page
from emulator.store import Store
from tests.job_samples import NOON, OWNER, WORLD, job_id, sample_job

# the filled stores are made once, by one worker
pytestmark = [pytest.mark.xdist_group("job-listing-plan"), pytest.mark.sample(6)]

VISIBLE = Condition("visible", Operator.EQ, True)
Statement = tuple[str, Any]


@contextmanager
def statements() -> Iterator[list[Statement]]:
    """What is sent to the database meanwhile."""
    seen: list[Statement] = []

    def keep(_c: Any, _cursor: Any, statement: str, parameters: Any, _x: Any, _many: bool) -> None:
        if statement.startswith("SELECT"):
            seen.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", keep)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", keep)


class Listing:
    """The query that a listing makes, run again by itself."""

    def __init__(self, directory: Path, visible_to: str | None, *conditions: Condition, **order: Any) -> None:
        self._file = directory / "emulator.db"
        store = Store.at(directory)
        with statements() as seen, store.read() as tx:
            self.found = tx.jobs.summaries(WORLD, visible_to, [VISIBLE, *conditions], Page(limit=50, **order))
        store.close()
        (self._statement,) = seen

    def plan(self) -> list[str]:
        statement, parameters = self._statement
        with closing(sqlite3.connect(self._file)) as connection:
            return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)]

    def steps(self) -> int:
        """Instructions of the database's machine, in tens: the same for the same data, whatever the hour."""
        taken = [0]

        def count() -> int:
            taken[0] += 1
            return 0

        with closing(sqlite3.connect(self._file)) as connection:
            connection.execute("SELECT 1 FROM jobs LIMIT 1")  # reads the schema, which is not what is counted
            connection.set_progress_handler(count, 10)
            connection.execute(*self._statement).fetchall()
        return taken[0]


def store_with(directory: Path, count: int) -> Path:
    """``count`` jobs, one in ten somebody else's; three of these are shared with OWNER, one with the world."""
    directory.mkdir()
    store = Store.at(directory)
    with store.write() as tx:
        for number in range(count):
            tx.jobs.add(sample_job(number, owner=OWNER if number % 10 else "student01"))
        for number in (0, 10, 20):
            tx.jobs.set_grant(JobGrant(job_id=job_id(number), username=OWNER, permission="READ"))
        tx.jobs.set_grant(JobGrant(job_id=job_id(30), username="world", permission="READ"))
    store.close()
    return directory


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return store_with(tmp_path_factory.mktemp("few") / "store", 200)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return store_with(tmp_path_factory.mktemp("many") / "store", 3000)


@pytest.mark.parametrize("visible_to", [OWNER, "student01", None])
def test_a_listing_costs_the_same_among_many_jobs(few: Path, many: Path, visible_to: str | None) -> None:
    small, large = Listing(few, visible_to), Listing(many, visible_to)
    assert len(large.found) == 50
    # students have few jobs in the small store: what a job costs is compared
    assert large.steps() / len(large.found) <= 1.2 * small.steps() / len(small.found)


@pytest.mark.parametrize("visible_to", [OWNER, None])
@pytest.mark.parametrize(
    ("condition", "index"),
    [
        (VISIBLE, "ix_jobs_listing"),
        (Condition("status", Operator.EQ, "FAILED"), "ix_jobs_by_status"),
        (Condition("app_id", Operator.EQ, "other-1.0"), "ix_jobs_by_app_id"),
        (Condition("system_id", Operator.IN, ["one", "two"]), "ix_jobs_by_system_id"),
        (Condition("name", Operator.LIKE, "*7*"), "ix_jobs_listing"),
        (Condition("system_id", Operator.NEQ, "other"), "ix_jobs_listing"),
        (Condition("run_time", Operator.GT, 10), "ix_jobs_listing"),
        (Condition("created", Operator.AFTER, NOON), "ix_jobs_listing"),
    ],
    ids=lambda value: getattr(value, "field", value),
)
def test_common_searches_read_no_rows_but_those_they_show(
    few: Path, visible_to: str | None, condition: Condition, index: str
) -> None:
    plan = Listing(few, visible_to, condition).plan()
    wanted = "ix_jobs_world" if visible_to is None else index
    assert any(f"COVERING INDEX {wanted} (world=? " in line for line in plan), plan
    assert not any(line.startswith("SCAN jobs") for line in plan), plan


@pytest.mark.parametrize(
    "condition",
    [
        Condition("name", Operator.EQ, "CLASSIFY 77"),
        Condition("name", Operator.EQ, "nothing"),
        Condition("name", Operator.IN, ["classify 77", "nothing"]),
        Condition("remote_job_id", Operator.EQ, "1077"),
        Condition("status", Operator.EQ, "RUNNING"),
        Condition("status", Operator.IN, ["RUNNING", "QUEUED", "BLOCKED"]),
        Condition("app_id", Operator.EQ, "nothing-1.0"),
        Condition("system_id", Operator.EQ, "nothing"),
        Condition("created", Operator.AFTER, NOON + timedelta(days=30)),
        Condition("ended", Operator.BETWEEN, (NOON + timedelta(days=30), NOON + timedelta(days=31))),
    ],
    ids=lambda condition: f"{condition.field} {condition.operator}",
)
def test_what_is_rare_is_found_as_fast_among_many(few: Path, many: Path, condition: Condition) -> None:
    small, large = Listing(few, OWNER, condition), Listing(many, OWNER, condition)
    assert len(small.found) == len(large.found) <= 1
    assert large.steps() <= 1.2 * small.steps() + 2


@pytest.mark.parametrize("field", ["last_updated", "created", "name"])
@pytest.mark.parametrize("descending", [True, False])
def test_an_order_of_its_own_costs_the_same_among_many(
    few: Path, many: Path, field: str, descending: bool
) -> None:
    small, large = (Listing(store, OWNER, order_by=field, descending=descending) for store in (few, many))
    assert len(small.found) == len(large.found) == 50
    assert large.steps() <= 1.2 * small.steps()


def test_values_that_differ_in_case_only_are_one(many: Path) -> None:
    twice = Condition("name", Operator.IN, ["classify 77", "Classify 77", "CLASSIFY 78"])
    assert [job.name for job in Listing(many, OWNER, twice).found] == ["classify 78", "classify 77"]


def test_an_id_is_looked_up(many: Path) -> None:
    wanted = Condition("id", Operator.EQ, job_id(1234).upper())
    listing = Listing(many, None, wanted)
    assert [job.id for job in listing.found] == [job_id(1234)]
    assert listing.steps() < 50
