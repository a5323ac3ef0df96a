"""While an execution system gets ready for a job: how far that is, as an entry of the job's history.

The job stays SUBMITTING and holds no thread; it is woken as things go on. The entry has the form of a
transfer's [job-lifecycle §3.1]; the service has none such, as its images are brought by the wrapper.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from emulator.domain.document import from_document, to_document
from emulator.domain.event import Event, Progress
from emulator.domain.preparing import Preparing
from emulator.domain.search import Condition, Operator
from emulator.engine.outcome import Wait
from emulator.engine.step import Step
from emulator.store import Transaction


def wait(step: Step, pending: Preparing) -> Wait:
    """Write down how far it is; the job waits until it is woken: what it waits for is real."""
    tools = step.tools
    with tools.store.write() as tx:
        entry = _entry(tx, step, pending.doing)
        if entry is None:
            step.record(tx, pending.doing, _document(_begun(step, pending), pending, 0.0))
        else:
            elapsed = (step.clock.now() - entry.created).total_seconds()
            tx.events.update_progress(entry.seq, _document(_progress(entry), pending, elapsed))
    return Wait(outside=True)


def under_way(step: Step) -> list[Event]:
    """The entries of what an earlier run of this step waited for; none in a state never worked at before."""
    if step.fresh:
        return []
    with step.tools.store.read() as tx:
        events = tx.events.of(step.job.world, step.job.id, _same_status(step))
    return [event for event in events if event.progress and _progress(event).total_active_transfers]


def end(step: Step, entries: list[Event], *, came: bool) -> None:
    """What was waited for came, or it did not; the counts are saved together with the step's outcome."""
    for entry in entries:
        now = replace(_progress(entry), total_active_transfers=0)
        if came:
            now = replace(now, total_bytes_transferred=now.total_bytes)
        step.progress[entry.seq] = to_document(now)


def _begun(step: Step, pending: Preparing) -> Progress:
    return Progress(
        uuid=step.ids.legacy("009", subject=step.job.id),
        source=pending.source,
        total_files=0,
        total_bytes=0,
        total_bytes_transferred=0,
    )


def _document(progress: Progress, pending: Preparing, elapsed: float) -> dict[str, Any]:
    now = replace(
        progress,
        total_files=pending.files,
        total_bytes=pending.total,
        total_bytes_transferred=pending.done,
        total_active_transfers=1,
        average_rate=round(pending.done / elapsed, 3) if elapsed > 0 else 0.0,
    )
    document: dict[str, Any] = to_document(now)
    return document


def _progress(event: Event) -> Progress:
    return from_document(Progress, event.progress or {})


def _entry(tx: Transaction, step: Step, description: str) -> Event | None:
    same = (*_same_status(step), Condition("description", Operator.EQ, description))
    return next((e for e in tx.events.of(step.job.world, step.job.id, same) if e.progress), None)


def _same_status(step: Step) -> tuple[Condition, ...]:
    return (Condition("status", Operator.EQ, step.job.status.value),)
