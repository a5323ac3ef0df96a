"""Catching a job in a state that lasts milliseconds: whoever holds the store's write lock stops all transitions.

The emulator's own work of the state goes on meanwhile, like anywhere between two commits.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

ORDER = (
    *("ACCEPTED", "PENDING", "PROCESSING_INPUTS", "STAGING_INPUTS", "STAGED", "STAGING_JOB", "SUBMITTING"),
    *("QUEUED", "RUNNING", "CLEANING_UP", "ARCHIVING", "FINISHED", "FAILED", "STOPPED"),
)
PATIENCE = 60.0


class Freeze:
    """The database of a data directory, beside the emulator that serves it."""

    def __init__(self, data: Path) -> None:
        self._path = data / "emulator.db"

    @contextmanager
    def caught(self, state: str, trigger: Callable[[], object], job: str = "") -> Iterator[str | None]:
        """Call ``trigger`` aside and hold the job when it comes into ``state``; its id, held during the block.

        ``job`` is that of an existing job, else the next new one is meant. None when it was faster than we.
        """
        with closing(sqlite3.connect(self._path, isolation_level=None, timeout=10)) as database:
            (newest,) = database.execute("SELECT coalesce(max(rowid), 0) FROM jobs").fetchone()
            thread = threading.Thread(target=trigger, daemon=True)
            thread.start()
            which = ("id = ?", job) if job else ("rowid > ?", newest)
            found = _catch(database, state, *which)
            try:
                yield found
            finally:
                if found is not None:
                    database.execute("ROLLBACK")
                thread.join(PATIENCE)


def _catch(database: sqlite3.Connection, state: str, condition: str, value: str | int) -> str | None:
    query = f"SELECT id, status FROM jobs WHERE {condition} ORDER BY rowid LIMIT 1"
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        seen = database.execute(query, (value,)).fetchone()
        if seen is not None and seen[1] == state:
            database.execute("BEGIN IMMEDIATE")
            if database.execute(query, (value,)).fetchone() == seen:
                return str(seen[0])
            database.execute("ROLLBACK")
            return None
        if seen is not None and _rank(seen[1]) > _rank(state):
            return None
        os.sched_yield()  # a state may last a millisecond: there is no time to sleep
    raise AssertionError(f"no job came into {state}")


def _rank(status: str) -> int:
    return ORDER.index(status) if status in ORDER else -1
