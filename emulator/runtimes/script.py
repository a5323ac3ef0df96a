"""A script that was handed over, as the launcher sees it while it runs; the truth lies in its spool."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, auto

from emulator.domain.ports import RemoteReport, RemoteState
from emulator.runtimes.runtime import Command
from emulator.runtimes.spool import Exit, Intent, JobSpool

COMPLETED, FAILED = "COMPLETED", "FAILED"
CANCELLED, TIMEOUT, OUT_OF_MEMORY, NODE_FAIL = "CANCELLED", "TIMEOUT", "OUT_OF_MEMORY", "NODE_FAIL"


class Phase(Enum):
    TAKEN = auto()
    """The spool has it; nobody was told to start it yet."""
    WAITING = auto()
    """In its batch queue."""
    RUNNING = auto()
    """A supervisor was told to start, and its end has not been seen."""
    UNSEEN = auto()
    """Started, or about to be, in a runtime that has not answered since."""
    OVER = auto()


@dataclass(slots=True)
class Script:
    """``report`` once it is over. ``begun`` lets one thread at a time start or find the script.

    ``command`` is kept from the check at submission for the first start. ``process_id`` was announced by the
    runtime: a script may remove what is written down of it as its first act.
    """

    job: JobSpool
    intent: Intent
    phase: Phase = Phase.TAKEN
    started: datetime | None = None
    report: RemoteReport | None = None
    command: Command | None = None
    process_id: str = ""
    failed_starts: int = 0
    failure: str = ""
    timers: list[Callable[[], None]] = field(default_factory=list)
    begun: threading.Lock = field(default_factory=threading.Lock)

    @property
    def is_held(self) -> bool:
        """Handed over to be held in its queue, and not let go since."""
        return self.intent.launch.held and not self.job.released()

    @property
    def is_over(self) -> bool:
        return self.phase is Phase.OVER

    def end(self, report: RemoteReport) -> None:
        self.phase, self.report = Phase.OVER, report
        self.take_timers_back()

    def take_timers_back(self) -> None:
        for take_back in self.timers:
            take_back()
        self.timers.clear()

    def deadline(self) -> datetime | None:
        """When its run time is up; None for no limit, or before it has started."""
        limit = self.intent.launch.max_run_seconds
        if not limit or self.started is None:
            return None
        return self.started + timedelta(seconds=limit)

    def standing(self) -> RemoteReport:
        if self.report is not None:
            return self.report
        if self.phase in (Phase.RUNNING, Phase.UNSEEN):
            return RemoteReport(state=RemoteState.RUNNING, started=self.started)
        return RemoteReport(state=RemoteState.QUEUED)


def ending(job: JobSpool, seen: Exit | None, started: datetime | None, now: datetime | None) -> RemoteReport:
    """How a script ended, from its spool and what a runtime has ``seen`` of its supervisor.

    ``now`` when the end was witnessed; otherwise the time of the exit file counts. A kill that was ordered
    wins over the exit code: the script may well have answered TERM with an orderly exit.
    """
    left = job.exit() or seen
    killed = job.killed()
    if left is None and killed is None:
        return RemoteReport(
            state=RemoteState.LOST,
            started=started,
            reason="the script and its supervisor are gone without an exit code; was the machine restarted?",
        )
    ended = now or (left.ended if left else None) or (killed[2] if killed else None)
    if started and ended and ended < started:
        ended = started
    word, reason = "", ""
    if killed is not None:
        word, reason, _ = killed
    elif left is not None and left.out_of_memory:
        word, reason = OUT_OF_MEMORY, "the memory limit was reached"
    elif left is not None:
        word = FAILED if left.code else COMPLETED
        reason = job.complaint() if left.code and not left.signal else ""
    return RemoteReport(
        state=RemoteState.ENDED,
        scheduler_state=word,
        exit_code=left.code if left else None,
        signal=left.signal if left else 0,
        started=started,
        ended=ended,
        reason=reason,
    )
