"""Ends that a scheduler, or what is below it, brings to a script: really killed, and told in the scheduler's words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from emulator.domain.ports import RemoteReport, RemoteState
from emulator.runtimes.script import NODE_FAIL, OUT_OF_MEMORY, TIMEOUT
from emulator.runtimes.simulated.endings import PREEMPTED, codes

LOST = RemoteReport(
    state=RemoteState.LOST, reason="The scheduler does not know it, and it has left no exit code."
)
OLD_NEWS = RemoteReport(state=RemoteState.QUEUED, by_world=True)
"""What is told while the scheduler lags: for a running job no news, for a waiting one none either."""


@dataclass(frozen=True, slots=True)
class Ending:
    """The scheduler's word, and the reason that goes with it."""

    word: str
    reason: str


ENDINGS: Mapping[str, Ending] = {
    "node-fail": Ending(NODE_FAIL, "the node has failed"),
    "preempt": Ending(PREEMPTED, "another job has taken the node"),
    "time-limit": Ending(TIMEOUT, "the run time limit was reached"),
    "out-of-memory": Ending(OUT_OF_MEMORY, "the memory limit was reached"),
}
"""By the kind of the action."""


def told(report: RemoteReport, ending: Ending) -> RemoteReport:
    """The report of a script that has been killed, as the scheduler tells it [wrapper-templates §8]."""
    code, signal = codes(ending.word)
    return replace(
        report,
        state=RemoteState.ENDED,
        scheduler_state=ending.word,
        exit_code=code,
        signal=signal,
        started=report.started or report.ended,
        reason=ending.reason,
    )
