"""How far an import is, in the history of its file [files §9]."""

from __future__ import annotations

from collections.abc import Callable

from emulator.domain.file_staging import StagingTask
from emulator.domain.ports import Clock
from emulator.engine.meter import Meter
from emulator.engine.transfer import Extent
from emulator.store import Store, Transaction

MAX_NOTES = 20
"""Of what is left out, so much is named; the rest would drown the history."""


class Forgotten(Exception):
    """The file that the content was for has been deleted meanwhile."""


class FileProgress:
    """Watches one import and keeps its entry up to date; see transfer.Watch."""

    def __init__(
        self, store: Store, clock: Clock, task: StagingTask, source: str, checkpoint: Callable[[], None]
    ) -> None:
        """``source`` is the URL as it may be shown; ``checkpoint`` raises what is to end the import."""
        self.source = source
        self.left_out: list[str] = []
        """What could not be brought and why, the first of it."""
        self._store = store
        self._task = task
        self._checkpoint = checkpoint
        self._meter = Meter(clock, source)
        self._uuid = ""
        self._entry: int | None = task.entry

    def started(self, tx: Transaction, entry: int, uuid: str) -> None:
        """Its entry stands in the history; ``uuid`` names the transfer."""
        self._entry, self._uuid = entry, uuid
        self._meter.begin(uuid, Extent())
        self._save(tx)

    def begin(self, extent: Extent) -> None:
        self._meter.begin(self._uuid, extent)
        with self._store.write() as tx:
            self._save(tx)

    def moved(self, count: int) -> None:
        if self._meter.moved(count):
            with self._store.write() as tx:
                if tx.file_stagings.get(self._task.seq) is None:
                    raise Forgotten
                self._save(tx)

    def checkpoint(self) -> None:
        self._checkpoint()

    def note(self, text: str) -> None:
        if len(self.left_out) < MAX_NOTES:
            self.left_out.append(text)

    def attempt_failed(self, attempt: int, cause: str) -> None:
        """Single files are tried again at once; only the whole import's failures are told."""

    def end(self, tx: Transaction) -> None:
        """Nothing moves any more."""
        self._meter.end()
        if self._uuid:
            self._save(tx)

    def _save(self, tx: Transaction) -> None:
        if self._entry is not None:
            tx.events.update_progress(self._entry, self._meter.document())
