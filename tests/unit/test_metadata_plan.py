"""Pages of metadata come from an index: their cost does not grow with the number of items."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from emulator.domain.metadata import MetadataGrant, RecordKind, queried_document
from emulator.domain.metadata_index import lookups
from emulator.domain.metadata_match import matches
from emulator.domain.metadata_query import parse_query
from emulator.store import Store
from emulator.store.metadata_search import EVERYBODY, Wanted
from tests.metadata_documents import START, item

# the filled stores are made once, by one worker
pytestmark = [pytest.mark.xdist_group("metadata-plan"), pytest.mark.sample(8)]

READERS = {"user": ("testuser", "public", "world"), "admin": (EVERYBODY,)}
PAGE = 50
QUERIES: dict[str, dict[str, Any]] = {
    "all": {},
    "uuid": {"uuid": item(77).uuid},
    "name": {"name": "name-7"},
    "owner": {"owner": "ann"},
    "association": {"associationIds": "17-007"},
    "schema": {"schemaId": "5-013"},
    "created": {"created": {"$gte": START.isoformat(), "$lt": START.replace(minute=1).isoformat()}},
    "one value": {"value.number": 123},
    "a common value": {"value.kind": "common"},
    "in": {"value.number": {"$in": [3, 5, 8]}},
    "range": {"value.number": {"$gte": 100, "$lt": 110}},
    "wide range": {"value.number": {"$gte": 0}},
    "tag": {"value.tags": "tag-9"},
    "element": {"value.samples": {"$elemMatch": {"id": 55}}},
    "both": {"value.kind": "common", "value.number": {"$lt": 60}},
    "either": {"$or": [{"value.number": 4}, {"name": "no such name"}]},
}


def store_with(directory: Path, count: int) -> Path:
    """``count`` items; one in ten is somebody else's, and of these some are shared."""
    directory.mkdir()
    store = Store.at(directory)
    with store.write() as tx:
        for number in range(count):
            record = item(
                number,
                {
                    "kind": "common",
                    "number": number,
                    "tags": [f"tag-{number}", "every"],
                    "samples": [{"id": number}],
                },
                owner="testuser" if number % 10 else "ann",
                name=f"name-{number % 100}",
                association_ids=(f"{number % 100}-007",),
                schema_id=f"{number}-013",
            )
            tx.metadata.add(record)
            if number < 30 and number % 10 == 0:
                tx.metadata.set_grant(record, MetadataGrant(username="world", read=True))
    store.close()
    return directory


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return store_with(tmp_path_factory.mktemp("few") / "store", 400)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return store_with(tmp_path_factory.mktemp("many") / "store", 2500)


class Search:
    """One page, found as the service finds it: what was asked of the database, and what that took."""

    def __init__(self, directory: Path, query: dict[str, Any], readers: str, **changes: Any) -> None:
        self.statements: list[tuple[str, Any]] = []
        self._file = directory / "emulator.db"
        parsed = parse_query(query, type(START).fromisoformat)
        wanted = Wanted(
            world="default",
            kind=RecordKind.ITEM,
            readers=READERS[readers],
            lookups=lookups(parsed),
            **changes,
        )
        self.compared = 0
        store = Store.at(directory)
        with self._listening(), store.read() as tx:
            records = tx.metadata.records(tx.metadata.candidates(wanted), wanted.readers)
            self.found = list(islice((r for r in records if self._meets(parsed, r)), PAGE))
        store.close()

    def _meets(self, query: Any, record: Any) -> bool:
        self.compared += 1
        return matches(query, queried_document(record, ""))

    def _listening(self) -> Any:
        def keep(_c: Any, _cursor: Any, statement: str, parameters: Any, _x: Any, _many: bool) -> None:
            if statement.startswith("SELECT"):
                self.statements.append((statement, parameters))

        class Listening:
            def __enter__(self) -> None:
                event.listen(Engine, "before_cursor_execute", keep)

            def __exit__(self, *_: object) -> None:
                event.remove(Engine, "before_cursor_execute", keep)

        return Listening()

    def plans(self) -> Iterator[str]:
        with closing(sqlite3.connect(self._file)) as connection:
            for statement, parameters in self.statements:
                for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters):
                    yield row[3]


@pytest.mark.parametrize("readers", READERS)
@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_a_page_compares_no_more_items_among_many(
    few: Path, many: Path, query: dict[str, Any], readers: str
) -> None:
    small, large = Search(few, query, readers), Search(many, query, readers)
    assert large.compared <= max(small.compared, PAGE) + PAGE
    assert len(large.statements) <= len(small.statements) + 6


@pytest.mark.parametrize("readers", READERS)
@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_every_statement_searches_by_an_index(many: Path, query: dict[str, Any], readers: str) -> None:
    plans = list(Search(many, query, readers).plans())
    read = [line for line in plans if "metadata_" in line]
    assert read and all(line.startswith("SEARCH ") for line in read), plans


@pytest.mark.parametrize("order", ["last_updated", "created", "name", "tenant_id"])
@pytest.mark.parametrize("readers", READERS)
def test_a_listing_walks_an_index_in_its_order(many: Path, order: str, readers: str) -> None:
    plans = list(Search(many, {}, readers, order_by=order).plans())
    index = {"created": "created", "name": "name"}.get(order, "updated")
    assert any(f"COVERING INDEX ix_metadata_readers_{index} " in line for line in plans), plans
    assert not any("TEMP B-TREE" in line for line in plans), plans


def test_a_common_value_is_walked_in_the_order_of_the_listing(many: Path) -> None:
    search = Search(many, QUERIES["a common value"], "admin")
    plans = [line for line in search.plans() if "metadata_entries" in line]
    assert any(
        "USING PRIMARY KEY (world=? AND kind=? AND path=? AND term=? AND number=?)" in p for p in plans
    )
    assert not any("TEMP B-TREE" in line for line in search.plans())
    assert [record.uuid for record in search.found] == [item(2499 - n).uuid for n in range(PAGE)]
