"""Rows of metadata items and schemas, of the grants on them, and of what they are found by."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from emulator.domain.document import from_document, to_document
from emulator.domain.metadata import MetadataGrant, MetadataRecord, RecordKind, queried_document
from emulator.domain.metadata_index import entries
from emulator.domain.metadata_values import NUMBER, STRING, type_rank
from emulator.store.metadata_search import EVERYBODY, MetadataSearch
from emulator.store.tables import metadata_entries, metadata_grants, metadata_readers, metadata_records

_BATCH = 20
"""Records read at a time: each may be megabytes."""
_LONGEST_TEXT = 256
_HUGE = 1e300


class MetadataRows(MetadataSearch):
    """Finding (inherited) and changing. Grants of a record go with it."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)

    def get(self, world: str, kind: RecordKind, uuid: str) -> MetadataRecord | None:
        document = self._connection.scalar(
            select(metadata_records.c.document).where(
                metadata_records.c.uuid == uuid,
                metadata_records.c.world == world,
                metadata_records.c.kind == kind.value,
            )
        )
        return None if document is None else _record(document)

    def add(self, record: MetadataRecord) -> None:
        key = self._connection.execute(
            insert(metadata_records).values(**_values(record))
        ).inserted_primary_key
        assert key is not None
        self._index(key[0], record)

    def save(self, record: MetadataRecord) -> None:
        """Replace the record of this uuid."""
        seq = self._seq(record)
        self._connection.execute(
            update(metadata_records).where(metadata_records.c.seq == seq).values(**_values(record))
        )
        self._index(seq, record)

    def remove(self, record: MetadataRecord) -> None:
        self._connection.execute(delete(metadata_records).where(metadata_records.c.uuid == record.uuid))

    def records(self, seqs: Iterable[int], readers: Collection[str]) -> Iterator[MetadataRecord]:
        """The records of these numbers that one of the readers may read, in the order given."""
        batch: list[int] = []
        for seq in seqs:
            batch.append(seq)
            if len(batch) == _BATCH:
                yield from self._load(batch, readers)
                batch = []
        yield from self._load(batch, readers)

    def _load(self, seqs: list[int], readers: Collection[str]) -> Iterator[MetadataRecord]:
        allowed = select(metadata_readers.c.seq).where(
            metadata_readers.c.seq == metadata_records.c.seq, metadata_readers.c.reader.in_(readers)
        )
        query = select(metadata_records.c.seq, metadata_records.c.document).where(
            metadata_records.c.seq.in_(seqs), allowed.exists()
        )
        found = {row.seq: row.document for row in self._connection.execute(query)} if seqs else {}
        yield from (_record(found[seq]) for seq in seqs if seq in found)

    # grants

    def grants(self, record: MetadataRecord) -> list[MetadataGrant]:
        """In the order of the users' names."""
        query = (
            select(metadata_grants.c.username, metadata_grants.c.read, metadata_grants.c.write)
            .join(metadata_records)
            .where(metadata_records.c.uuid == record.uuid)
            .order_by(metadata_grants.c.username)
        )
        return [_grant(row) for row in self._connection.execute(query).mappings()]

    def grants_of(self, record: MetadataRecord, usernames: Collection[str]) -> list[MetadataGrant]:
        """What was given to some users."""
        return [grant for grant in self.grants(record) if grant.username in usernames]

    def set_grant(self, record: MetadataRecord, grant: MetadataGrant) -> None:
        """In place of what the user had."""
        seq = self._seq(record)
        self._drop(seq, grant.username)
        values = {"seq": seq, "username": grant.username, "read": grant.read, "write": grant.write}
        self._connection.execute(insert(metadata_grants).values(**values))
        self._write_readers(seq, record)

    def drop_grants(self, record: MetadataRecord, username: str | None = None) -> None:
        """One user's, or with None all."""
        seq = self._seq(record)
        self._drop(seq, username)
        self._write_readers(seq, record)

    def _drop(self, seq: int, username: str | None) -> None:
        query = delete(metadata_grants).where(metadata_grants.c.seq == seq)
        if username is not None:
            query = query.where(metadata_grants.c.username == username)
        self._connection.execute(query)

    def _seq(self, record: MetadataRecord) -> int:
        found = self._connection.scalar(
            select(metadata_records.c.seq).where(metadata_records.c.uuid == record.uuid)
        )
        if found is None:
            raise KeyError(record.uuid)
        return int(found)

    # what records are found by

    def _index(self, seq: int, record: MetadataRecord) -> None:
        self._write_readers(seq, record)
        self._connection.execute(delete(metadata_entries).where(metadata_entries.c.seq == seq))
        common = _common(record) | {"seq": seq}
        rows = [
            common | {"path": entry.path, "term": entry.term, "number": entry.number}
            for entry in entries(queried_document(record, tenant_id=""))
        ]
        self._connection.execute(insert(metadata_entries), rows)

    def _write_readers(self, seq: int, record: MetadataRecord) -> None:
        given = select(metadata_grants.c.username).where(
            metadata_grants.c.seq == seq, metadata_grants.c.read.is_(True)
        )
        readers = {EVERYBODY, record.owner, *self._connection.scalars(given)}
        self._connection.execute(delete(metadata_readers).where(metadata_readers.c.seq == seq))
        common = _common(record) | {"seq": seq, "name": record.name, "created": record.created}
        self._connection.execute(
            insert(metadata_readers), [common | {"reader": reader} for reader in sorted(readers)]
        )


def _common(record: MetadataRecord) -> dict[str, Any]:
    return {"world": record.world, "kind": record.kind.value, "last_updated": record.last_updated}


def _values(record: MetadataRecord) -> dict[str, Any]:
    content = record.content
    rank = type_rank(content)
    return {
        "world": record.world,
        "kind": record.kind.value,
        "uuid": record.uuid,
        "owner": record.owner,
        "name": record.name,
        "schema_id": record.schema_id or "",
        "created": record.created,
        "last_updated": record.last_updated,
        "content_rank": rank,
        "content_number": float(max(-_HUGE, min(_HUGE, content)))
        if rank == NUMBER
        else float(content is True),
        "content_text": content[:_LONGEST_TEXT] if rank == STRING else "",
        "document": to_document(record),
    }


def _record(document: dict[str, Any]) -> MetadataRecord:
    return from_document(MetadataRecord, document)


def _grant(row: RowMapping) -> MetadataGrant:
    return MetadataGrant(username=row["username"], read=row["read"], write=row["write"])
