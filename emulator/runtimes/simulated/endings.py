"""How a simulated job stands, in the words that a real one's scheduler would have."""

from __future__ import annotations

from emulator.domain.ports import RemoteReport, RemoteState
from emulator.domain.simulation import LOST
from emulator.runtimes.script import CANCELLED, COMPLETED, FAILED, NODE_FAIL, OUT_OF_MEMORY, TIMEOUT
from emulator.runtimes.simulated.records import Record

PREEMPTED, BOOT_FAIL = "PREEMPTED", "BOOT_FAIL"
TERM, KILL = 15, 9
SIGNALS = 128
"""Shells add this to the number of the signal that has ended a command."""

_SIGNALLED = {TIMEOUT: TERM, CANCELLED: TERM, OUT_OF_MEMORY: KILL}
"""What a scheduler that ends a script so sends to it."""
_WITHOUT_CODE = (NODE_FAIL, PREEMPTED, BOOT_FAIL)
"""Ends of which no exit code comes back [wrapper-templates §8]."""


def standing(record: Record, over: bool) -> RemoteReport:
    """The report of a job; ``over``: its end has come."""
    if not over:
        if record.started is None:
            return RemoteReport(state=RemoteState.QUEUED, by_world=True)
        return RemoteReport(state=RemoteState.RUNNING, started=record.started, by_world=True)
    if record.killed is not None:
        return ended_as(CANCELLED, record)
    if record.limited:
        limit = record.launch.max_run_seconds
        return ended_as(TIMEOUT, record, f"the run time limit of {limit} s was reached")
    play = record.play
    if play.scheduler_state == LOST:
        return RemoteReport(
            state=RemoteState.LOST,
            started=record.started,
            by_world=True,
            reason="The scheduler does not know it, and it has left no exit code.",
        )
    code = SIGNALS + play.signal if play.signal else play.exit_code
    word = play.scheduler_state or (FAILED if code else COMPLETED)
    if not code and word != COMPLETED:
        return ended_as(word, record)
    return RemoteReport(
        state=RemoteState.ENDED,
        scheduler_state=word,
        exit_code=code,
        signal=play.signal,
        started=record.started,
        ended=record.due,
        by_world=True,
    )


def ended_as(word: str, record: Record, reason: str = "") -> RemoteReport:
    """Ended by the scheduler, with what it then says of code and signal."""
    code, signal = codes(word)
    return RemoteReport(
        state=RemoteState.ENDED,
        scheduler_state=word,
        exit_code=code if record.started else None,
        signal=signal if record.started else 0,
        started=record.started,
        ended=record.killed or record.due,
        reason=reason,
        by_world=True,
    )


def codes(word: str) -> tuple[int | None, int]:
    """Exit code and signal of a script that its scheduler has ended with this word."""
    if word in _WITHOUT_CODE:
        return None, 0
    signal = _SIGNALLED.get(word, 0)
    return (SIGNALS + signal if signal else 1), signal
