"""Finding metadata by an index: choosing one, walking it in order, looking at as few records as can be."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import merge
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, literal, select

from emulator.domain.metadata import RecordKind
from emulator.domain.metadata_index import Lookup, Span
from emulator.store.tables import metadata_entries, metadata_readers, metadata_records

EVERYBODY = ""
"""The reader who stands for those that may read everything."""
FEW = 1000
"""So many candidates are sorted; more are walked in the order that is wanted."""
_READ_AHEAD = 50

_WALKED = {name: metadata_readers.c[name] for name in ("last_updated", "created", "name")}
# every record of a world has the same tenant and internal user
_SAME = ("tenant_id", "internal_username")
_SORTED: dict[str, tuple[ColumnElement[Any], ...]] = {
    "uuid": (metadata_records.c.uuid,),
    "owner": (metadata_records.c.owner,),
    "schema_id": (metadata_records.c.schema_id,),
    "content": (
        metadata_records.c.content_rank,
        metadata_records.c.content_number,
        metadata_records.c.content_text,
    ),
}
ORDERS = (*_WALKED, *_SORTED, *_SAME)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which records, for whom, and in which order. ``readers``: any of them may read the record."""

    world: str
    kind: RecordKind
    readers: tuple[str, ...]
    order_by: str = "last_updated"
    descending: bool = True
    lookups: Sequence[Lookup] = ()


class MetadataSearch:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def candidates(self, wanted: Wanted) -> Iterator[int]:
        """Numbers of records in the order wanted, each once: all that can be meant, maybe some more.

        Without lookups exactly the readers' records. They are found while they are asked for.
        """
        lookup, count = self._narrowest(wanted)
        if lookup is not None and count < FEW:
            return self._of_few(wanted, lookup)
        if lookup is not None and _in_listing_order(wanted) and all(span.exact for span in lookup):
            return self._merged([self._entries(wanted, span) for span in lookup], wanted.descending)
        return self._merged([self._readings(wanted, reader) for reader in wanted.readers], wanted.descending)

    def _narrowest(self, wanted: Wanted) -> tuple[Lookup | None, int]:
        """The lookup with the fewest candidates; among those with too many to count, one that can be walked.

        None where the readers themselves have fewer.
        """
        best: Lookup | None = None
        fewest = FEW
        for lookup in wanted.lookups:
            count = sum(self._count(self._in_span(wanted, span)) for span in lookup)
            walked = best is None and all(span.exact for span in lookup)
            if count < fewest or walked:
                best, fewest = lookup, min(count, fewest)
        if wanted.lookups and self._of_readers(wanted) < fewest:
            return None, fewest
        return best, fewest

    def _of_readers(self, wanted: Wanted) -> int:
        return sum(self._count(self._readings(wanted, reader, ordered=False)) for reader in wanted.readers)

    def _count(self, query: Select[Any]) -> int:
        """Counted no further than matters."""
        found = self._connection.scalar(select(func.count()).select_from(query.limit(FEW).subquery()))
        return int(found or 0)

    def _of_few(self, wanted: Wanted, lookup: Lookup) -> Iterator[int]:
        seqs: set[int] = set()
        for span in lookup:
            seqs.update(row[0] for row in self._connection.execute(self._in_span(wanted, span)))
        columns = _SORTED.get(wanted.order_by) or (_record_column(wanted.order_by),)
        records = metadata_records.c
        query = select(records.seq).where(records.seq.in_(seqs), _readable(records.seq, wanted.readers))
        return iter(self._connection.scalars(_ordered(query, columns, metadata_records.c.seq, wanted)).all())

    def _merged(self, queries: Iterable[Select[Any]], descending: bool) -> Iterator[int]:
        """One order made of several; what stands in more than one of them comes once."""
        ahead = {"yield_per": _READ_AHEAD}
        readings = [self._connection.execute(query, execution_options=ahead) for query in queries]
        last: int | None = None
        for row in merge(*readings, key=tuple, reverse=descending):
            if row.seq != last:
                yield row.seq
            last = row.seq

    def _readings(self, wanted: Wanted, reader: str, ordered: bool = True) -> Select[Any]:
        """What one reader may read, by an index in the order wanted; other orders are sorted."""
        readers = metadata_readers.c
        mine = (readers.world == wanted.world, readers.kind == wanted.kind.value, readers.reader == reader)
        if not ordered:
            return select(readers.seq).where(*mine)
        columns = _SORTED.get(wanted.order_by)
        if columns is None:
            walked = _WALKED.get(wanted.order_by, readers.last_updated)
            return _ordered(select(walked, readers.seq).where(*mine), (walked,), readers.seq, wanted)
        query = select(*columns, readers.seq).join(metadata_records).where(*mine)
        return _ordered(query, columns, readers.seq, wanted)

    def _entries(self, wanted: Wanted, span: Span) -> Select[Any]:
        entries = metadata_entries.c
        query = self._in_span(wanted, span).with_only_columns(entries.last_updated, entries.seq)
        if EVERYBODY not in wanted.readers:
            query = query.where(_readable(entries.seq, wanted.readers))
        return _ordered(query, (entries.last_updated,), entries.seq, wanted)

    def _in_span(self, wanted: Wanted, span: Span) -> Select[Any]:
        entries = metadata_entries.c
        query = select(entries.seq).where(
            entries.world == wanted.world, entries.kind == wanted.kind.value, entries.path == span.path
        )
        low, high = literal(span.low), literal(span.high)
        if isinstance(span.low, str):
            if span.exact:  # the number is always 0 then: what follows in the index is in order
                return query.where(entries.term == low, entries.number == 0.0)
            return query.where(entries.term >= low, entries.term <= high)
        query = query.where(entries.term == "")
        if span.exact:
            return query.where(entries.number == low)
        return query.where(entries.number >= low, entries.number <= high)


def _readable(seq: ColumnElement[Any], readers: Collection[str]) -> ColumnElement[bool]:
    row = metadata_readers.c
    return select(row.seq).where(row.seq == seq, row.reader.in_(readers)).exists()


def _in_listing_order(wanted: Wanted) -> bool:
    return wanted.order_by == "last_updated" or wanted.order_by in _SAME


def _record_column(order_by: str) -> ColumnElement[Any]:
    return metadata_records.c["last_updated" if order_by in _SAME else order_by]


def _ordered(
    query: Select[Any], columns: Sequence[ColumnElement[Any]], tie: ColumnElement[Any], wanted: Wanted
) -> Select[Any]:
    every: Collection[ColumnElement[Any]] = (*columns, tie)
    return query.order_by(*(column.desc() if wanted.descending else column.asc() for column in every))
