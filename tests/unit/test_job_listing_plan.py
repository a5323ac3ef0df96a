"""Listings of jobs are answered from an index: their cost does not grow with the number of jobs."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from emulator.domain.job import JobGrant
from emulator.domain.search import Condition, Operator, Page
from emulator.store import Store
from tests.job_samples import OWNER, WORLD, job_id, sample_job

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

    def __init__(self, directory: Path, visible_to: str | None, *conditions: Condition) -> None:
        self._file = directory / "emulator.db"
        store = Store.at(directory)
        with statements() as seen, store.read() as tx:
            self.found = tx.jobs.summaries(WORLD, visible_to, [VISIBLE, *conditions], Page(limit=50))
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


@pytest.mark.parametrize(("visible_to", "index"), [(OWNER, "ix_jobs_listing"), (None, "ix_jobs_world")])
@pytest.mark.parametrize(
    "condition",
    [
        VISIBLE,
        Condition("status", Operator.EQ, "FAILED"),
        Condition("name", Operator.LIKE, "*7*"),
        Condition("app_id", Operator.EQ, "other-1.0"),
        Condition("system_id", Operator.NEQ, "other"),
        Condition("run_time", Operator.GT, 10),
    ],
    ids=lambda condition: condition.field,
)
def test_common_searches_read_no_rows_but_those_they_show(
    few: Path, visible_to: str | None, index: str, condition: Condition
) -> None:
    plan = Listing(few, visible_to, condition).plan()
    assert any(f"COVERING INDEX {index} (world=? " in line for line in plan), plan
    assert not any(line.startswith("SCAN jobs") for line in plan), plan


def test_an_id_is_looked_up(many: Path) -> None:
    wanted = Condition("id", Operator.EQ, job_id(1234).upper())
    listing = Listing(many, None, wanted)
    assert [job.id for job in listing.found] == [job_id(1234)]
    assert listing.steps() < 50
