"""Listings of systems and apps are answered from an index: their cost does not grow with what is stored."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from emulator.api.v2.schemas.app import parse_app
from emulator.api.v2.schemas.system import parse_system
from emulator.domain.app import App
from emulator.domain.file import ALL_PERMISSIONS
from emulator.domain.search import Condition, Operator, Page
from emulator.domain.system import Role, System, SystemRole, SystemType
from emulator.store import Store, Transaction
from tests.catalog import APP, EXECUTION, STORAGE, WORLD

# the filled stores are made once, by one worker
pytestmark = [pytest.mark.xdist_group("catalog-listing-plan"), pytest.mark.sample(20, of="module")]

OWNER, OTHER = "testuser", "student01"
START = datetime(2026, 1, 1, tzinfo=UTC)
AVAILABLE = Condition("available", Operator.EQ, True)
Find = Callable[[Transaction, str | None, list[Condition]], list[Any]]


def find_systems(tx: Transaction, visible_to: str | None, conditions: list[Condition]) -> list[Any]:
    return tx.systems.find(WORLD, visible_to, conditions, Page(limit=50))


def find_apps(tx: Transaction, visible_to: str | None, conditions: list[Condition]) -> list[Any]:
    return tx.apps.find(WORLD, visible_to, conditions, Page(limit=50))


FINDS: dict[str, Find] = {"systems": find_systems, "apps": find_apps}


@contextmanager
def statements() -> Iterator[list[tuple[str, Any]]]:
    """What is sent to the database meanwhile."""
    seen: list[tuple[str, Any]] = []

    def keep(_c: Any, _cursor: Any, statement: str, parameters: Any, _x: Any, _many: bool) -> None:
        if statement.startswith("SELECT"):
            seen.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", keep)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", keep)


class Query:
    """The query behind a call of the store, run again by itself."""

    def __init__(self, directory: Path, call: Callable[[Transaction], Any]) -> None:
        self._file = directory / "emulator.db"
        store = Store.at(directory)
        with statements() as seen, store.read() as tx:
            self.found = call(tx)
        store.close()
        self._statement, self._parameters = seen[0]

    def plan(self) -> list[str]:
        with closing(sqlite3.connect(self._file)) as connection:
            explained = connection.execute(f"EXPLAIN QUERY PLAN {self._statement}", self._parameters)
            return [row[3] for row in explained]

    def steps(self) -> int:
        """Instructions of the database's machine, in tens: the same for the same data, whatever the hour."""
        taken = [0]

        def count() -> int:
            taken[0] += 1
            return 0

        with closing(sqlite3.connect(self._file)) as connection:
            connection.set_progress_handler(count, 10)
            connection.execute(self._statement, self._parameters).fetchall()
        return taken[0]


# read once: the stores are filled with thousands of copies
SYSTEMS = [parse_system(body)[0] for body in (STORAGE, EXECUTION)]
APPLICATION = parse_app(APP)


def a_system(number: int, owner: str) -> System:
    definition = replace(SYSTEMS[number % 2], id=f"system-{number}", name=f"Name {number}")
    when = START + timedelta(seconds=number)
    return System(
        **definition.definition(),
        world=WORLD,
        uuid=f"{number:06d}-006",
        owner=owner,
        created=when,
        last_updated=when,
        public=number % 10 == 5,
    )


def an_app(number: int, owner: str) -> App:
    definition = replace(APPLICATION, name=f"app-{number}", tags=("all", f"tag-{number}"))
    when = START + timedelta(seconds=number)
    return App(
        **replace(definition, execution_system=f"system-{number % 100}").definition(),
        world=WORLD,
        uuid=f"{number:06d}-005",
        owner=owner,
        created=when,
        last_updated=when,
        public=number % 10 == 5,
    )


def store_with(directory: Path, count: int) -> Path:
    """``count`` of each: one in ten OWNER's, one in ten public, the others OTHER's, some shared with OWNER."""
    directory.mkdir()
    store = Store.at(directory)
    with store.write() as tx:
        for number in range(count):
            owner = {0: OWNER, 5: "student02"}.get(number % 10, OTHER)
            system, app = a_system(number, owner), an_app(number, owner)
            tx.systems.add(system, {})
            tx.apps.add(app)
            if number in (1, 11, 21):
                tx.systems.set_role(SystemRole(system_uuid=system.uuid, username=OWNER, role=Role.GUEST))
                tx.apps.set_grant(app, "world" if number == 21 else OWNER, ALL_PERMISSIONS)
    store.close()
    return directory


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return store_with(tmp_path_factory.mktemp("few") / "store", 600)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return store_with(tmp_path_factory.mktemp("many") / "store", 3000)


@pytest.mark.parametrize("noun", FINDS)
@pytest.mark.parametrize("visible_to", [OWNER, OTHER, None])
def test_a_listing_costs_the_same_among_many(
    few: Path, many: Path, noun: str, visible_to: str | None
) -> None:
    small, large = (
        Query(store, lambda tx: FINDS[noun](tx, visible_to, [AVAILABLE])) for store in (few, many)
    )
    assert len(small.found) == len(large.found) == 50
    assert large.steps() <= 1.2 * small.steps()


@pytest.mark.parametrize("noun", FINDS)
@pytest.mark.parametrize("visible_to", [OWNER, None])
@pytest.mark.parametrize(
    "condition",
    [
        AVAILABLE,
        Condition("name", Operator.LIKE, "*7*"),
        Condition("id", Operator.NIN, ["a"]),
        Condition("created", Operator.GT, START),
    ],
    ids=lambda condition: condition.field,
)
def test_common_searches_read_no_rows_but_those_they_show(
    few: Path, noun: str, visible_to: str | None, condition: Condition
) -> None:
    plan = Query(few, lambda tx: FINDS[noun](tx, visible_to, [AVAILABLE, condition])).plan()
    branches = ("owner", "public") if visible_to else ("world",)
    for branch in branches:
        assert any(f"COVERING INDEX ix_{noun}_{branch} (world=? " in line for line in plan), plan
    assert not any(line.startswith(f"SCAN {noun}") for line in plan), plan


@pytest.mark.parametrize("visible_to", [OTHER, None])
@pytest.mark.parametrize(
    ("noun", "field", "value", "index"),
    [
        ("systems", "id", "SYSTEM-1234", "ix_systems_by_id"),
        ("systems", "name", "name 1234", "ix_systems_by_name"),
        ("apps", "id", "APP-1234-1.00", "ix_apps_by_id"),
        ("apps", "name", "App-1234", "ix_apps_by_name"),
        ("apps", "tags", "TAG-1234", "ix_app_words"),
        ("apps", "execution_system", "System-34", "ix_apps_by_execution_system"),
    ],
)
def test_what_is_named_is_looked_up(
    few: Path, many: Path, noun: str, field: str, value: str, index: str, visible_to: str | None
) -> None:
    for operator in (Operator.EQ, Operator.LIKE):
        wanted = [AVAILABLE, Condition(field, operator, value)]
        query = Query(many, lambda tx, wanted=wanted: FINDS[noun](tx, visible_to, wanted))  # type: ignore[misc]
        assert any(index in line for line in query.plan()), query.plan()
        assert len(query.found) == (30 if field == "execution_system" else 1)
        assert query.steps() < 1000


@pytest.mark.parametrize("noun", FINDS)
def test_the_systems_of_a_type_and_somebody_s_are_found_without_reading_others(many: Path, noun: str) -> None:
    wanted = [AVAILABLE, Condition("owner", Operator.EQ, OWNER.upper())]
    query = Query(many, lambda tx: FINDS[noun](tx, None, wanted))
    assert {one.owner for one in query.found} == {OWNER}
    assert any(f"ix_{noun}_by_owner" in line for line in query.plan()), query.plan()


def test_systems_of_a_type_need_no_rows(many: Path) -> None:
    wanted = [AVAILABLE, Condition("type", Operator.EQ, "STORAGE")]
    query = Query(many, lambda tx: find_systems(tx, OTHER, wanted))
    assert {one.type for one in query.found} == {SystemType.STORAGE}
    assert any("COVERING INDEX ix_systems_owner" in line for line in query.plan()), query.plan()


def test_the_default_of_the_tenant_is_looked_up(few: Path, many: Path) -> None:
    small, large = (
        Query(store, lambda tx: tx.systems.global_default(WORLD, SystemType.STORAGE)) for store in (few, many)
    )
    assert small.found is large.found is None
    assert any("ix_systems_default" in line for line in large.plan()), large.plan()
    assert large.steps() == small.steps()


def test_an_app_is_got_by_an_index(many: Path) -> None:
    query = Query(many, lambda tx: tx.apps.get(WORLD, "App-77-1.00"))
    assert query.found.name == "app-77"
    assert any("ix_apps_by_id" in line for line in query.plan()), query.plan()


def test_an_older_database_gets_indexes_and_words(tmp_path: Path) -> None:
    directory = store_with(tmp_path / "older", 30)
    with closing(sqlite3.connect(directory / "emulator.db")) as connection:
        indexes = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'index' AND name LIKE 'ix_%' "
            "AND tbl_name IN ('apps', 'systems', 'app_words')"
        )
        names = {row[0] for row in indexes.fetchall()}
        for name in names:
            connection.execute(f"DROP INDEX {name}")
        connection.execute("DELETE FROM app_words")
        connection.execute("UPDATE schema_info SET version = 1")
        connection.commit()
    wanted = [AVAILABLE, Condition("tags", Operator.EQ, "tag-7")]
    for _ in range(2):  # the second time nothing is left to do
        query = Query(directory, lambda tx: find_apps(tx, None, wanted))
        assert [app.name for app in query.found] == ["app-7"]
        assert any("ix_app_words" in line for line in query.plan()), query.plan()
    with closing(sqlite3.connect(directory / "emulator.db")) as connection:
        kept = connection.execute("SELECT name FROM sqlite_master WHERE type = 'index'")
        assert names <= {row[0] for row in kept.fetchall()}
