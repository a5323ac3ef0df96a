"""How far a transfer is, as an entry of the job's history that is brought up to date [job-lifecycle §3.1]."""

from __future__ import annotations

from emulator.domain.search import Condition, Operator
from emulator.engine.meter import Meter
from emulator.engine.step import Entry, Step
from emulator.engine.transfer import Extent
from emulator.store import Transaction

AT_ONCE = 1024 * 1024
"""Bytes that are brought before anybody could look how far they are."""
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
        self._attempt_text = attempt_text
        self._meter = Meter(step.clock, source)
        self._entry: Entry | None = None
        self._notes = 0

    def begin(self, extent: Extent) -> None:
        """See transfer.Watch; again when the extent becomes known only later.

        Of what is small the entry is saved when its end is, or when somebody has to wait before that.
        """
        step, document = self._step, self._meter.document
        self._meter.begin(step.ids.legacy("009", subject=step.job.id), extent)
        known, self._entry = self._entry, self._entry or Entry(self._description, step.clock.now(), document)
        if known is None and step.fresh and 0 < extent.bytes <= AT_ONCE:
            step.record_later(self._entry)
            return
        with step.tools.store.write() as tx:
            step.save_entries(tx)
            self._save(tx, self._entry)

    def _save(self, tx: Transaction, entry: Entry) -> None:
        if not entry.seq and not self._step.fresh:
            entry.seq = self._entry_of_an_earlier_try(tx) or 0
        if entry.seq:
            tx.events.update_progress(entry.seq, entry.document())
        else:
            entry.seq = self._step.record(tx, entry.description, entry.document())

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
        if self._meter.moved(count) and self._entry is not None:
            with self._step.tools.store.write() as tx:
                self._step.save_entries(tx)
                tx.events.update_progress(self._entry.seq, self._meter.document())

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
        self._meter.end()
        if self._entry is not None and self._entry.seq:
            self._step.progress[self._entry.seq] = self._meter.document()
