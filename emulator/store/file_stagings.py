"""Rows of content that is still to come to files. They go with their file, and when it has come."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from emulator.domain.document import from_document, to_document
from emulator.domain.file_staging import StagingTask
from emulator.store.tables import file_stagings


class StagingRows:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, task: StagingTask) -> StagingTask:
        """Store it; the answer carries its sequence number."""
        key = self._connection.execute(insert(file_stagings).values(**_values(task))).inserted_primary_key
        assert key is not None
        return replace(task, seq=key[0])

    def get(self, seq: int) -> StagingTask | None:
        """None for one that has ended, or whose file is forgotten."""
        row = self._connection.execute(select(file_stagings).where(file_stagings.c.seq == seq)).first()
        return None if row is None else _task(row)

    def all(self) -> list[StagingTask]:
        """Of every world, in the order they were accepted."""
        rows = self._connection.execute(select(file_stagings).order_by(file_stagings.c.seq))
        return [_task(row) for row in rows]

    def save(self, task: StagingTask) -> None:
        query = update(file_stagings).where(file_stagings.c.seq == task.seq)
        self._connection.execute(query.values(**_values(task)))

    def remove(self, seq: int) -> None:
        self._connection.execute(delete(file_stagings).where(file_stagings.c.seq == seq))

    def has_waiting(self, file_uuid: str) -> bool:
        """Whether more content is to come to a file."""
        query = select(file_stagings.c.seq).where(file_stagings.c.file_uuid == file_uuid).limit(1)
        return self._connection.scalar(query) is not None


def _values(task: StagingTask) -> dict[str, Any]:
    return {
        "world": task.world,
        "file_uuid": task.file_uuid,
        "due": task.due,
        "document": to_document(task),
    }


def _task(row: Row[Any]) -> StagingTask:
    return replace(from_document(StagingTask, row.document), seq=row.seq)
