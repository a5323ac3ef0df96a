"""A database that does not work, said in words."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from emulator.domain.errors import Unavailable
from emulator.store import SchemaMismatch, Store
from tests.job_samples import sample_job


def test_a_full_disk_is_unavailable_and_nothing_is_saved(tmp_path: Path) -> None:
    store = Store.at(tmp_path)
    job = sample_job(name="x" * 100_000)
    with pytest.raises(Unavailable, match="database or disk is full"), store.write() as tx:
        # as large as it is, and no larger: what a full disk means to the database
        tx.jobs._connection.execute(text("PRAGMA max_page_count = 1"))
        tx.jobs.add(job)
    store.close()
    store = Store.at(tmp_path)
    with store.write() as tx:
        assert tx.jobs.by_id(job.id) is None
        tx.jobs.add(job)
    store.close()


@pytest.mark.parametrize("content", [b"not a database " * 100, None])
def test_what_is_no_database_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "emulator.db"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    with pytest.raises(SchemaMismatch, match=r"emulator\.db cannot be used: "):
        Store.at(tmp_path)


def test_older_tables_get_what_they_lack(tmp_path: Path) -> None:
    store = Store.at(tmp_path)
    job = sample_job()
    with store.write() as tx:
        tx.jobs.add(job)
        connection = tx.jobs._connection
        connection.execute(text("UPDATE schema_info SET version = 1"))
        connection.execute(text("ALTER TABLE jobs DROP COLUMN failure_reason"))
        connection.execute(text("DROP INDEX ix_jobs_app"))
    store.close()
    store = Store.at(tmp_path)
    with store.write() as tx:
        assert tx.jobs.by_id(job.id) == job
        indexes = tx.jobs._connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'index'"))
        assert "ix_jobs_app" in {name for (name,) in indexes}
    store.close()


def test_newer_tables_are_refused(tmp_path: Path) -> None:
    store = Store.at(tmp_path)
    with store.write() as tx:
        tx.jobs._connection.execute(text("UPDATE schema_info SET version = 1000"))
    store.close()
    with pytest.raises(SchemaMismatch, match="table version 1000"):
        Store.at(tmp_path)
