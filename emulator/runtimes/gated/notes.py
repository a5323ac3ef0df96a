"""What has been done to a job's script by scenarios, and has to be known again after a restart: one file a job."""

from __future__ import annotations

import json
import logging
import threading
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from emulator.domain.document import from_document, to_document
from emulator.domain.fault import Strike
from emulator.domain.ports import Launch

log = logging.getLogger(__name__)

_SUFFIX = ".json"


@dataclass(slots=True, kw_only=True)
class Note:
    """``launch`` as it was handed over, ``taken`` once it was.

    ``hold`` keeps it in its queue; ``lagging`` is until when old news are told of it; ``ending`` the kind of end
    that it gets, ``lost`` that its scheduler knows nothing of it; ``spared``: a cancel was accepted and ignored, and
    ``forgotten``: nobody will ask for it again.
    """

    launch: Launch
    remote_job_id: str = ""
    taken: bool = False
    hold: Strike | None = None
    lagging: datetime | None = None
    ending: str = ""
    lost: bool = False
    spared: bool = False
    forgotten: bool = False


class Notes:
    """All notes of one emulator, in memory and on disk."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = threading.Lock()
        self._notes: dict[str, Note] | None = None

    def all(self) -> list[Note]:
        with self._lock:
            return list(self._read().values())

    def of(self, job_id: str) -> Note | None:
        with self._lock:
            return self._read().get(job_id)

    def save(self, note: Note) -> None:
        """Raises OSError: then nothing may be done that hangs on it."""
        with self._lock:
            notes = self._read()
            self._directory.mkdir(parents=True, exist_ok=True)
            path = self._path(note.launch.job_id)
            part = path.with_name(f".{path.name}")
            part.write_text(json.dumps(to_document(note)), encoding="utf-8")
            part.replace(path)
            notes[note.launch.job_id] = note

    def drop(self, job_id: str) -> None:
        with self._lock:
            if self._read().pop(job_id, None) is not None:
                self._path(job_id).unlink(missing_ok=True)

    def _read(self) -> dict[str, Note]:
        """The lock is held. One that cannot be read is left alone."""
        if self._notes is None:
            self._notes = {}
            for path in self._directory.glob(f"*{_SUFFIX}") if self._directory.is_dir() else ():
                try:
                    note = from_document(Note, json.loads(path.read_text(encoding="utf-8")))
                except (OSError, ValueError, KeyError, TypeError):
                    log.exception("%s cannot be read: what it says is not done", path)
                else:
                    self._notes[note.launch.job_id] = note
        return self._notes

    def _path(self, job_id: str) -> Path:
        return self._directory / f"{job_id}{_SUFFIX}"
