"""How far a transfer is, as an entry of the job's history that is brought up to date [job-lifecycle §3.1]."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from emulator.domain.document import to_document
from emulator.domain.event import Progress
from emulator.domain.search import Condition, Operator
from emulator.engine.step import Step
from emulator.engine.transfer import Extent
from emulator.store import Transaction

EVERY = timedelta(milliseconds=500)
"""How often the stored counts are brought up to date while a transfer goes on."""
MAX_NOTES = 20
"""Of what was left out, so many are named in the history; the rest would drown it."""


class TransferProgress:
    """Watches one transfer of a step and keeps its entry in the history.

    A step that is repeated after a crash goes on with the entry that it made before.
    """

    def __init__(self, step: Step, description: str, source: str, attempt_text: str) -> None:
        """``attempt_text`` words a failed attempt; it has places for ``attempt`` and ``cause``."""
        self._step = step
        self._description = description
        self._source = source
        self._attempt_text = attempt_text
        self._clock = step.tools.clock
        self._begun = self._saved = self._clock.now()
        self._seq = 0
        self._notes = 0
        self._now = Progress(uuid="", source=source, total_files=0, total_bytes=0, total_bytes_transferred=0)

    def begin(self, extent: Extent) -> None:
        """See transfer.Watch."""
        self._begun = self._saved = self._clock.now()
        self._now = replace(
            self._now,
            uuid=self._step.tools.ids.legacy("009"),
            total_files=extent.files,
            total_bytes=extent.bytes,
            total_active_transfers=1,
        )
        with self._step.tools.store.write() as tx:
            before = None if self._step.fresh else self._entry_of_an_earlier_try(tx)
            if before is None:
                self._seq = self._step.record(tx, self._description, to_document(self._now))
            else:
                self._seq = before
                tx.events.update_progress(self._seq, to_document(self._now))

    def _entry_of_an_earlier_try(self, tx: Transaction) -> int | None:
        job = self._step.job
        same = (
            Condition("status", Operator.EQ, job.status.value),
            Condition("description", Operator.EQ, self._description),
        )
        for event in tx.events.of(job.world, job.id, same):
            # the store compares in any case, names of files do not
            if event.progress and event.description == self._description:
                return event.seq
        return None

    def moved(self, count: int) -> None:
        """See transfer.Watch."""
        moved = self._now.total_bytes_transferred + count
        now = self._clock.now()
        elapsed = (now - self._begun).total_seconds()
        self._now = replace(
            self._now,
            total_bytes_transferred=moved,
            average_rate=round(moved / elapsed, 3) if elapsed > 0 else float(moved),
        )
        if now - self._saved >= EVERY:
            self._saved = now
            with self._step.tools.store.write() as tx:
                tx.events.update_progress(self._seq, to_document(self._now))

    def checkpoint(self) -> None:
        """See transfer.Watch."""
        self._step.checkpoint()

    def note(self, text: str) -> None:
        """See transfer.Watch."""
        self._notes += 1
        if self._notes <= MAX_NOTES:
            self._step.note(text)
        elif self._notes == MAX_NOTES + 1:
            self._step.note("More was left out, which is not listed here.")

    def attempt_failed(self, attempt: int, cause: str) -> None:
        """See transfer.Watch."""
        self._step.note(self._attempt_text.format(attempt=attempt, cause=cause))

    def end(self) -> None:
        """The transfer is complete: its last counts are saved together with the step's outcome."""
        self._now = replace(self._now, total_active_transfers=0)
        self._step.progress[self._seq] = to_document(self._now)
