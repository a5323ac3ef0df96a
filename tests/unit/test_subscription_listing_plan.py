"""Pages of subscriptions, and the question that every event asks, are answered from an index."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from emulator.domain.notification import Subscription, SubscriptionStatus
from emulator.domain.search import Condition, Operator, Page
from emulator.store import Store
from tests.unit.test_job_listing_plan import statements

# the filled stores are made once, by one worker
pytestmark = [pytest.mark.xdist_group("subscription-listing-plan"), pytest.mark.sample(2)]

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
WORLD, OWNER = "w", "testuser"
ACTIVE = Condition("status", Operator.EQ, "ACTIVE")
VISIBLE = Condition("visible", Operator.EQ, True)


def uuid(number: int) -> str:
    return f"{number:019d}-242ac11f-0001-006"


def filled(directory: Path, count: int) -> Path:
    """One in ten somebody else's, one in seven over; ten about each resource."""
    directory.mkdir()
    store = Store.at(directory)
    with store.write() as tx:
        for number in range(count):
            status = SubscriptionStatus.ACTIVE if number % 7 else SubscriptionStatus.COMPLETE
            when = NOON + timedelta(seconds=number)
            tx.subscriptions.add(
                Subscription(
                    world=WORLD,
                    id=f"{number:019d}-242ac11f-0001-011",
                    owner=OWNER if number % 10 else "student01",
                    url="me@example.org",
                    event="*",
                    associated_uuid=uuid(number // 10),
                    created=when,
                    last_updated=when,
                    status=status,
                )
            )
    store.close()
    return directory


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return filled(tmp_path_factory.mktemp("few") / "data", 1000)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return filled(tmp_path_factory.mktemp("many") / "data", 10_000)


class Asked:
    """A query as the repository makes it, run again by itself."""

    def __init__(self, directory: Path, *conditions: Condition, listening: bool = False) -> None:
        self._file = directory / "emulator.db"
        store = Store.at(directory)
        with statements() as seen, store.read() as tx:
            if listening:
                self.found = tx.subscriptions.listening(
                    WORLD, [uuid(3), uuid(4), "*"], "some.system", ["QUEUED"]
                )
            else:
                self.found = tx.subscriptions.find(WORLD, OWNER, conditions, Page(limit=50))
        store.close()
        (self._statement,) = seen

    def plan(self) -> str:
        statement, parameters = self._statement
        with closing(sqlite3.connect(self._file)) as connection:
            rows = connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            return "\n".join(row[3] for row in rows)

    def steps(self) -> int:
        """Instructions of the database's machine, in tens."""
        taken = [0]

        def count() -> int:
            taken[0] += 1
            return 0

        with closing(sqlite3.connect(self._file)) as connection:
            connection.execute("SELECT 1 FROM subscriptions LIMIT 1")
            connection.set_progress_handler(count, 10)
            connection.execute(*self._statement).fetchall()
        return taken[0]


LISTINGS = {
    "own": (VISIBLE, ACTIVE),
    "own of any status": (VISIBLE,),
    "about a resource": (VISIBLE, ACTIVE, Condition("associated_uuid", Operator.EQ, uuid(7))),
    "by id": (VISIBLE, ACTIVE, Condition("id", Operator.EQ, f"{33:019d}-242ac11f-0001-011")),
}


@pytest.mark.parametrize("name", LISTINGS)
def test_pages_do_not_get_dearer(few: Path, many: Path, name: str) -> None:
    small, large = Asked(few, *LISTINGS[name]), Asked(many, *LISTINGS[name])
    assert len(small.found) == len(large.found) > 0
    assert large.steps() <= small.steps() * 1.2 + 5, large.plan()
    assert "SCAN subscriptions" not in large.plan()


def test_the_pages_are_in_order_and_all_there(many: Path) -> None:
    store = Store.at(many)
    with store.read() as tx:
        found = [
            one.id
            for offset in range(0, 10_000, 250)
            for one in tx.subscriptions.find(WORLD, OWNER, [VISIBLE, ACTIVE], Page(250, offset))
        ]
    store.close()
    assert found == sorted(found, reverse=True)
    assert len(found) == len(set(found)) == sum(1 for n in range(10_000) if n % 10 and n % 7)


def test_an_event_looks_once_at_an_index(few: Path, many: Path) -> None:
    small, large = Asked(few, listening=True), Asked(many, listening=True)
    assert len(large.found) == len(small.found) > 0
    assert "ix_subscriptions_listening" in large.plan() and "SCAN" not in large.plan()
    assert large.steps() <= small.steps() * 1.2 + 5
