"""What is kept on disk of each simulated job, so that a restart goes on with it: one file, written by renaming."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from emulator.domain.document import from_document, to_document
from emulator.domain.ports import Launch
from emulator.domain.simulation import Play

log = logging.getLogger(__name__)

_SUFFIX = ".json"


@dataclass(slots=True, kw_only=True)
class Record:
    """A simulated job. ``eligible``: when its wait in the queue is over, should the queue have room for it; None
    while it is held.

    ``killed`` is when it was ended from outside; everything else follows from ``started`` and the launch. Times by
    the world's clock.
    """

    launch: Launch
    number: int
    remote_job_id: str
    eligible: datetime | None
    started: datetime | None = None
    killed: datetime | None = None

    @property
    def play(self) -> Play:
        assert self.launch.play is not None, "only simulated jobs come here"
        return self.launch.play

    @property
    def limited(self) -> bool:
        """Whether the run time limit comes before the script's own end."""
        limit, duration = self.launch.max_run_seconds, self.play.duration
        return bool(limit) and (duration is None or duration > limit)

    @property
    def due(self) -> datetime | None:
        """When it ends unless it is killed; None before it has started, and for one that never does."""
        if self.started is None:
            return None
        run = float(self.launch.max_run_seconds) if self.limited else self.play.duration
        return None if run is None else self.started + timedelta(seconds=run)


class Records:
    """The files of one emulator's simulated jobs."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._made = False

    def all(self) -> Iterator[Record]:
        """In the order in which their hosts took them. One that cannot be read is left alone."""
        found = []
        for path in self._directory.glob(f"*{_SUFFIX}") if self._directory.is_dir() else ():
            try:
                found.append(from_document(Record, json.loads(path.read_text(encoding="utf-8"))))
            except (OSError, ValueError, KeyError, TypeError):
                log.exception("%s cannot be read: what it stands for is left alone", path)
        yield from sorted(found, key=lambda record: record.number)

    def save(self, record: Record) -> None:
        """Raises OSError, and the older state stays."""
        if not self._made:
            self._directory.mkdir(parents=True, exist_ok=True)
            self._made = True
        path = self._path(record.launch.job_id)
        part = path.with_name(f".{path.name}.{threading.get_ident()}")
        part.write_text(json.dumps(to_document(record)), encoding="utf-8")
        part.replace(path)

    def remove(self, job_id: str) -> None:
        self._path(job_id).unlink(missing_ok=True)

    def _path(self, job_id: str) -> Path:
        return self._directory / f"{job_id}{_SUFFIX}"
