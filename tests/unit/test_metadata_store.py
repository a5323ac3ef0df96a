"""Metadata in the store: what an index finds is all that there is, in order, for those who may read it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emulator.domain.metadata import MetadataGrant, RecordKind, queried_document
from emulator.domain.metadata_index import MOST_ENTRIES, entries, lookups
from emulator.domain.metadata_match import matches
from emulator.domain.metadata_query import EVERYTHING, Query, parse_query
from emulator.store import Store, metadata_search
from emulator.store.metadata_search import EVERYBODY, ORDERS, Wanted
from tests.metadata_documents import item, queries_of, scalars, values_of

MANY = list(range(MOST_ENTRIES + 10))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.at(tmp_path)
    yield opened
    opened.close()


def found(store: Store, query: Query, readers: tuple[str, ...] = (EVERYBODY,), **changes: Any) -> list[str]:
    """Uuids of what meets a query, found as the service finds it."""
    wanted = Wanted(world="default", kind=RecordKind.ITEM, readers=readers, lookups=lookups(query), **changes)
    with store.read() as tx:
        candidates = list(tx.metadata.candidates(wanted))
        assert len(candidates) == len(set(candidates))
        records = tx.metadata.records(candidates, readers)
        return [record.uuid for record in records if matches(query, queried_document(record, ""))]


@pytest.mark.parametrize("few", [1000, 1], ids=["sorted", "walked"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    contents=st.lists(st.one_of(values_of(scalars), st.just({"a": MANY})), min_size=1, max_size=6),
    query=queries_of(scalars),
)
def test_no_index_hides_anything(
    store: Store, monkeypatch: pytest.MonkeyPatch, few: int, contents: list[Any], query: dict[str, Any]
) -> None:
    monkeypatch.setattr(metadata_search, "FEW", few)
    parsed = parse_query(query, lambda _: None)
    records = [item(number, content) for number, content in enumerate(contents)]
    with store.write() as tx:
        for record in records:
            tx.metadata.add(record)
    expected = [r.uuid for r in reversed(records) if matches(parsed, queried_document(r, ""))]
    assert found(store, parsed) == expected
    with store.write() as tx:
        for record in records:
            tx.metadata.remove(record)


def test_fields_of_its_own_find_a_record(store: Store) -> None:
    with store.write() as tx:
        for number in range(20):
            tx.metadata.add(item(number, association_ids=(f"{number % 3}-007", "9-002"), schema_id="1-013"))
    younger = item(7).created.isoformat()
    for query, count in (
        ({"uuid": item(4).uuid}, 1),
        ({"name": "name-3"}, 2),
        ({"owner": "testuser"}, 20),
        ({"schemaId": "1-013"}, 20),
        ({"associationIds": "2-007"}, 6),
        ({"created": {"$gt": younger}}, 12),
        ({"lastUpdated": {"$in": [younger]}}, 1),
        ({"lastUpdated": {"$gte": younger, "$lte": younger}}, 1),
    ):
        parsed = parse_query(query, type(item(0).created).fromisoformat)
        assert lookups(parsed), query
        assert len(found(store, parsed)) == count, query


def test_a_record_of_many_values_is_looked_at_by_every_search() -> None:
    document = queried_document(item(1, {"a": MANY}), "")
    own = [entry for entry in entries(document) if entry.path.startswith("value")]
    assert own == []
    assert len(entries(document)) < 10


def test_readers_find_what_they_own_and_were_given(store: Store) -> None:
    mine, shared, open_to_all, hidden = (
        item(1),
        item(2, owner="ann"),
        item(3, owner="ann"),
        item(4, owner="ann"),
    )
    with store.write() as tx:
        for record in (mine, shared, open_to_all, hidden):
            tx.metadata.add(record)
        tx.metadata.set_grant(shared, MetadataGrant(username="testuser", read=True))
        tx.metadata.set_grant(open_to_all, MetadataGrant(username="world", read=True, write=True))
        tx.metadata.set_grant(open_to_all, MetadataGrant(username="testuser", read=True))
        tx.metadata.set_grant(hidden, MetadataGrant(username="testuser", write=True))
    readers = ("testuser", "public", "world")
    expected = [record.uuid for record in (open_to_all, shared, mine)]
    assert found(store, EVERYTHING, readers) == expected
    assert found(store, parse_query({"name": {"$gte": ""}}, lambda _: None), readers) == expected
    assert len(found(store, EVERYTHING)) == 4
    with store.write() as tx:
        tx.metadata.drop_grants(shared)
        tx.metadata.drop_grants(open_to_all, "testuser")
    assert found(store, EVERYTHING, readers) == [open_to_all.uuid, mine.uuid]
    with store.write() as tx:
        tx.metadata.remove(open_to_all)
    assert found(store, EVERYTHING, readers) == [mine.uuid]


def test_what_changed_is_found_as_it_is_now(store: Store) -> None:
    with store.write() as tx:
        tx.metadata.add(item(1, {"a": "old"}))
        tx.metadata.save(item(1, {"a": "new"}, name="renamed"))
    for query, count in (({"value.a": "old"}, 0), ({"value.a": "new"}, 1), ({"name": "renamed"}, 1)):
        assert len(found(store, parse_query(query, lambda _: None))) == count


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("order", ORDERS)
def test_every_order_is_kept_across_pages(store: Store, order: str, descending: bool) -> None:
    contents: list[Any] = [None, 5, 1.5, "b", "a", {"x": 1}, [1], True, False, 10**30, -(10**30)]
    records = [
        item(
            number,
            content,
            owner="ann" if number % 2 else "testuser",
            schema_id="1-013" if number % 3 else None,
        )
        for number, content in enumerate(contents)
    ]
    with store.write() as tx:
        for record in records:
            tx.metadata.add(record)
            tx.metadata.set_grant(record, MetadataGrant(username="world", read=True))
    readers = ("testuser", "public", "world")
    wanted = Wanted(
        world="default", kind=RecordKind.ITEM, readers=readers, order_by=order, descending=descending
    )
    with store.read() as tx:
        pages = [list(islice(tx.metadata.candidates(wanted), start, start + 4)) for start in range(0, 12, 4)]
    everything = [seq for page in pages for seq in page]
    assert sorted(everything) == list(range(1, 12))
    by_index = parse_query({"name": {"$gte": ""}}, lambda _: None)
    uuids = [records[seq - 1].uuid for seq in everything]
    assert found(store, by_index, readers, order_by=order, descending=descending) == uuids
    if order == "content":
        shown = [records[seq - 1].content for seq in everything]
        expected = [None, -(10**30), 1.5, 5, 10**30, "a", "b", {"x": 1}, [1], False, True]
        assert shown == (expected[::-1] if descending else expected)
