"""The schedulers of all sandboxes at work: scripts wait in line, and start when their queue lets them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta

from emulator.domain.ports import RemoteReport, RemoteState
from emulator.runtimes.queues import BatchQueues, QueueKey, key_of
from emulator.runtimes.runs import Runs
from emulator.runtimes.script import NODE_FAIL, Phase, Script
from emulator.runtimes.turns import Turns
from emulator.schedulers.simulated import is_batch

log = logging.getLogger(__name__)

START_ATTEMPTS = 3
START_PAUSE = timedelta(seconds=5)


class PlayedScheduler:
    """``tell`` is called with scripts whose state has changed; ``find`` looks for one that may run."""

    def __init__(
        self, runs: Runs, turns: Turns, tell: Callable[[Script], None], find: Callable[[Script], None]
    ) -> None:
        self._runs = runs
        self._turns = turns
        self._tell = tell
        self._find = find
        self._queues = BatchQueues()

    def line_up(self, script: Script) -> None:
        """Into its queue. Again: nothing."""
        launch = script.intent.launch
        with self._runs.changed:
            if script.phase is not Phase.TAKEN:
                return
            script.phase = Phase.WAITING
            self._queues.enter(launch, script.intent.number)
        self._turns.soon(self._dispatch, key_of(launch))

    def occupy(self, script: Script) -> None:
        """It runs already, or may."""
        with self._runs.changed:
            self._queues.occupy(script.intent.launch)

    def leave(self, script: Script) -> None:
        """It neither runs nor waits; others may start."""
        launch = script.intent.launch
        with self._runs.changed:
            self._queues.leave(launch, script.intent.number)
        if is_batch(launch.scheduler):
            self._turns.soon(self._dispatch, key_of(launch))

    def dispatch_all(self) -> None:
        with self._runs.changed:
            keys = self._queues.with_waiting()
        for key in keys:
            self._dispatch(key)

    def start_failed(self, script: Script, reason: str) -> None:
        """Try again, a few times; then it has ended as on a node that fails."""
        script.failed_starts += 1
        log.warning("job %s could not be started: %s", script.job.job_id, reason)
        with self._runs.changed:
            if script.is_over:
                return
            if script.failed_starts >= START_ATTEMPTS and script.job.take_claim():
                report = RemoteReport(state=RemoteState.ENDED, scheduler_state=NODE_FAIL, reason=reason)
                self._runs.end_as(script, report)
                return
        if is_batch(script.intent.launch.scheduler):
            self._back_in_line(script)
        else:
            self._tell(script)  # to be started when the engine asks for it

    def _dispatch(self, key: QueueKey) -> None:
        with self._runs.changed:
            chosen = [self._runs.table[job_id] for job_id in self._queues.take_startable(key)]
        for script in chosen:
            if script.intent.image:
                self._turns.aside(self._start, script)
            else:
                self._start(script)

    def _start(self, script: Script) -> None:
        with script.begun:
            try:
                self._runs.begin(script)
            except ConnectionError as error:
                log.warning("job %s cannot be started yet: %s", script.job.job_id, error)
                self._turns.later(START_PAUSE, self._find, script)
            except OSError as error:
                self.start_failed(script, str(error))
            else:
                self._tell(script)

    def _back_in_line(self, script: Script) -> None:
        launch, number = script.intent.launch, script.intent.number
        with self._runs.changed:
            self._queues.leave(launch, number)
            if script.is_over:
                return
            script.phase = Phase.WAITING
            self._queues.enter(launch, number)
        self._turns.later(START_PAUSE, self._dispatch, key_of(launch))
