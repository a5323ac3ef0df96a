"""Catching a job in a state that lasts milliseconds: whoever holds the store's write lock stops all transitions.

The emulator's own work of the state goes on meanwhile, like anywhere between two commits.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tests.real.waiting import wait_until

ORDER = (
    *("ACCEPTED", "PENDING", "PROCESSING_INPUTS", "STAGING_INPUTS", "STAGED", "STAGING_JOB", "SUBMITTING"),
    *("QUEUED", "RUNNING", "CLEANING_UP", "ARCHIVING", "FINISHED", "FAILED", "STOPPED"),
)
PATIENCE = 60.0
LOOK_EVERY = 0.0002
"""Seconds: a state may last a millisecond."""


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
    caught: list[str] = []

    def looked() -> bool:
        """Whether it is caught, or has gone by."""
        seen = database.execute(query, (value,)).fetchone()
        if seen is None or _rank(seen[1]) < _rank(state):
            return False
        if seen[1] == state:
            database.execute("BEGIN IMMEDIATE")
            if database.execute(query, (value,)).fetchone() == seen:
                caught.append(seen[0])
            else:
                database.execute("ROLLBACK")
        return True

    wait_until(looked, PATIENCE, f"a job to come into {state}", every=LOOK_EVERY)
    return caught[0] if caught else None


def _rank(status: str) -> int:
    return ORDER.index(status) if status in ORDER else -1
