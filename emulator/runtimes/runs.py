"""Scripts from their start to their end, whichever runtime they run in."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from emulator.domain.ports import Clock, Hosts, RemoteReport
from emulator.runtimes.commands import Commands
from emulator.runtimes.docker import DockerRuntime
from emulator.runtimes.process import ProcessRuntime
from emulator.runtimes.runtime import GRACE, Runtime
from emulator.runtimes.script import TIMEOUT, Phase, Script, ending
from emulator.runtimes.spool import Exit, Spool
from emulator.runtimes.watcher import watcher
from emulator.settings import Settings

log = logging.getLogger(__name__)

KILL_AGAIN = timedelta(seconds=1)

Post = Callable[..., None]
"""Run a function with arguments soon, on the launcher's own thread."""


class Runs:
    """Starts, finds, kills and drops scripts.

    ``changed`` guards the phases of all scripts and is notified when one ends. ``on_over`` and
    ``on_no_start`` (the supervisor could not even begin) are called with it held.
    """

    def __init__(
        self,
        *,
        hosts: Hosts,
        clock: Clock,
        spool: Spool,
        settings: Settings,
        post: Post,
        on_over: Callable[[Script], None],
        on_no_start: Callable[[Script], None],
        on_containers_back: Callable[[], None],
        on_progress: Callable[[str], None],
    ) -> None:
        self.changed = threading.Condition()
        self.table: dict[str, Script] = {}
        self.commands = Commands(hosts=hosts, spool=spool, settings=settings)
        self.containers = DockerRuntime(
            spool=spool,
            clock=clock,
            settings=settings,
            on_end=self._ended,
            on_back=on_containers_back,
            on_progress=on_progress,
        )
        self._processes = ProcessRuntime(spool=spool, clock=clock, watcher=watcher(clock), on_end=self._ended)
        self._clock = clock
        self._post = post
        self._on_over = on_over
        self._on_no_start = on_no_start

    def runtime(self, image: str) -> Runtime:
        return self.containers if image else self._processes

    def begin(self, script: Script) -> None:
        """Start it; ``script.begun`` is held.

        Raises OSError, and the script is as before; ConnectionError, and it is UNSEEN: it may run.
        """
        now = self._clock.now()
        with self.changed:
            before = script.phase
            if before not in (Phase.TAKEN, Phase.WAITING):
                return
            script.phase, script.started, script.failure = Phase.RUNNING, now, ""
        try:
            command = script.command or self.commands.command(script.job, script.intent)
            script.command = None
            script.job.stamp_start(now)
            script.process_id = self.runtime(script.intent.image).start(command)
        except ConnectionError:
            with self.changed:
                if script.phase is Phase.RUNNING:
                    script.phase = Phase.UNSEEN
            raise
        except OSError:
            with self.changed:
                if script.phase is Phase.RUNNING:
                    script.phase, script.started = before, None
                    if script.job.killed() is not None:
                        self.end(script, None, now)
            raise
        with self.changed:
            self._limit(script)

    def find(self, script: Script) -> bool:
        """Look for one that an earlier run has started; False when it was never begun, and may be now.

        Raises ConnectionError when its runtime does not answer.
        """
        alive = self.runtime(script.intent.image).adopt(script.job)
        with self.changed:
            if script.is_over:
                return True
            if alive:
                script.phase = Phase.RUNNING
                self._limit(script)
                if script.job.killed() is not None:
                    self._post(self._ask_to_end, script)
            elif script.job.exit() is None and not script.job.claimed():
                script.phase, script.started = Phase.TAKEN, None
                return False
            else:
                self.end(script, None, None)
            return True

    def kill(self, script: Script, word: str, reason: str) -> None:
        """End it for good, whether it runs or not; signals are sent on the launcher's thread."""
        with self.changed:
            if script.is_over:
                return
            now = self._clock.now()
            script.job.mark_killed(word, reason, now)
            never_runs = script.job.take_claim()
            if never_runs and script.phase is not Phase.RUNNING:
                self.end(script, None, now)
        if not never_runs:
            self._post(self._ask_to_end, script)

    def sweep(self) -> None:
        """Kill what is left of scripts that ended while no launcher was there."""
        with self.changed:
            over = [s.job for s in self.table.values() if s.is_over and not s.intent.image]
        if over:
            self._processes.sweep(over)

    def drop(self, script: Script) -> None:
        """Remove all traces of one that is over. Raises OSError; the next start will try again then."""
        with self.changed:
            self.table.pop(script.job.job_id, None)
        try:
            self.runtime(script.intent.image).discard(script.job)
            script.job.remove()
        except OSError:
            script.job.mark_forgotten()
            raise

    def end(self, script: Script, seen: Exit | None, now: datetime | None) -> None:
        """``changed`` is held. ``now`` when the end was witnessed."""
        self.end_as(script, ending(script.job, seen, script.started, now))

    def end_as(self, script: Script, report: RemoteReport) -> None:
        """``changed`` is held."""
        script.end(report)
        self.changed.notify_all()
        self._on_over(script)

    def stop(self) -> None:
        self._processes.stop()
        self.containers.stop()
        with self.changed:
            for script in self.table.values():
                script.take_timers_back()

    def _ended(self, job_id: str, seen: Exit | None) -> None:
        with self.changed:
            script = self.table.get(job_id)
            if script is None or script.is_over:
                return
            written = script.job.exit()
            if not script.job.is_kept():
                log.warning("job %s: its spool directory was removed while it ran", job_id)
                self.end(script, None, self._clock.now())
                return
            if written is None and not script.job.claimed():
                code = f" (exit code {seen.code})" if seen else ""
                script.failure = script.job.complaint() or f"the supervisor of the script did not start{code}"
                script.phase, script.started = Phase.TAKEN, None
                self.changed.notify_all()
                self._on_no_start(script)
                return
            if script.job.supervisor() is None:
                seen = None  # a cancel made the claim: what ended has run nothing
            if written is None and seen is not None:
                try:
                    script.job.record_exit(seen)
                except OSError as error:  # known for now; a restart will find it lost
                    log.warning("job %s: its exit code could not be kept: %s", job_id, error)
            self.end(script, seen, self._clock.now())

    def _limit(self, script: Script) -> None:
        deadline = script.deadline()
        if deadline is None or script.phase is not Phase.RUNNING:
            return
        reason = f"the run time limit of {script.intent.launch.max_run_seconds} s was reached"
        self._later(script, deadline, self._overdue, script, reason)

    def _overdue(self, script: Script, reason: str) -> None:
        try:
            self.kill(script, TIMEOUT, reason)
        except OSError as error:  # the kill could not be written down; it must be, before a signal is sent
            log.warning("job %s is beyond its time limit: %s", script.job.job_id, error)
            with self.changed:
                self._later(script, self._clock.now() + KILL_AGAIN, self._overdue, script, reason)

    def _later(self, script: Script, when: datetime, action: Callable[..., None], *arguments: Any) -> None:
        script.timers.append(self._clock.call_at(when, partial(self._post, action, *arguments)))

    def _ask_to_end(self, script: Script) -> None:
        self._signal(script, self.runtime(script.intent.image).terminate, GRACE)

    def make_end(self, script: Script) -> None:
        """Again and again: a process may be born between the look and the signal."""
        self._signal(script, self.runtime(script.intent.image).kill, KILL_AGAIN)

    def _signal(self, script: Script, send: Callable[..., None], then_kill_in: timedelta) -> None:
        if script.is_over:
            return
        try:
            send(script.job)
        except ConnectionError as error:
            log.warning("job %s cannot be killed yet: %s", script.job.job_id, error)
        with self.changed:
            if not script.is_over:
                self._later(script, self._clock.now() + then_kill_in, self.make_end, script)
