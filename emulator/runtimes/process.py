"""Scripts as processes of this machine, each in a session of its own below a supervisor.

Killing reaches every process of the session, and those that left it, by a variable in their environment
(``processes.members``). A process that leaves the session *and* empties its environment gets away: only a
container would hold it.
"""

from __future__ import annotations

import logging
import signal
import subprocess
import threading
from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial

from emulator.domain.ports import Clock
from emulator.runtimes import processes
from emulator.runtimes.runtime import GRACE, Command, OnEnd
from emulator.runtimes.spool import Exit, JobSpool, Spool
from emulator.runtimes.watcher import Watcher

log = logging.getLogger(__name__)

_CLAIM_LOOKS = 100
_CLAIM_PAUSE = timedelta(seconds=0.02)


class ProcessRuntime:
    """See ``runtime.Runtime``."""

    def __init__(self, *, spool: Spool, clock: Clock, watcher: Watcher, on_end: OnEnd) -> None:
        self._spool = spool
        self._clock = clock
        self._watcher = watcher
        self._on_end = on_end

    def check(self, image: str, job_id: str = "") -> None:
        """A process needs nothing but this machine."""

    def start(self, command: Command) -> str:
        """See ``Runtime``. Returns when the script's process id is known, or its supervisor has given up."""
        job = command.job
        places = [job.path, command.work_dir, command.stdout, command.stderr, command.script]
        with job.log.open("ab") as complaints:
            child = subprocess.Popen(
                ["/bin/sh", self._spool.tools / "supervisor.sh", *places, "process"],
                env=command.environment,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=complaints,
                start_new_session=True,
            )
        self._watcher.watch_child(child, partial(self._child_ended, job, child))
        assert child.stdout is not None
        with child.stdout as announcement:
            return announcement.readline().decode("ascii", "replace").strip()

    def adopt(self, job: JobSpool) -> bool:
        """See ``Runtime``."""
        if job.being_claimed():
            self._look_at_claim(job, _CLAIM_LOOKS)
            return True
        return self._take_over(job)

    def terminate(self, job: JobSpool) -> None:
        self._signal(job, signal.SIGTERM)

    def kill(self, job: JobSpool) -> None:
        self._signal(job, signal.SIGKILL)

    def sweep(self, jobs: Iterable[JobSpool]) -> None:
        """Kill what still runs of jobs that ended while nobody watched."""
        survey = processes.Survey()
        for job in jobs:
            supervisor = job.supervisor()
            if supervisor is not None:
                processes.signal_all(survey.members(supervisor.pid, str(job.path)), signal.SIGKILL)

    def discard(self, job: JobSpool) -> None:
        """Nothing outside the spool is kept of a process."""

    def stop(self) -> None:
        self._watcher.stop()

    def _take_over(self, job: JobSpool) -> bool:
        supervisor = job.supervisor()
        if supervisor is None:
            return False
        ended = partial(self._settle, job, supervisor.pid, None)
        return self._watcher.watch(supervisor, str(job.path), ended)

    def _look_at_claim(self, job: JobSpool, looks: int) -> None:
        """A claim is a file made and then written; between the two there is nothing to wait on but time."""
        if job.being_claimed() and looks:
            self._clock.call_at(
                self._clock.now() + _CLAIM_PAUSE, partial(self._look_at_claim, job, looks - 1)
            )
        elif not self._take_over(job):
            self._on_end(job.job_id, None)

    def _child_ended(self, job: JobSpool, child: subprocess.Popen[bytes]) -> None:
        returned = child.wait()
        ending = Exit(returned if returned >= 0 else 128 - returned)
        supervisor = job.supervisor()
        if supervisor is not None and supervisor.pid == child.pid:
            self._settle(job, child.pid, ending)
        elif job.claimed() and job.exit() is None:
            # another one was quicker: it was started just before an earlier run of this program was killed
            if not self.adopt(job):
                self._on_end(job.job_id, None)
        else:
            self._on_end(job.job_id, ending)

    def _settle(self, job: JobSpool, leader: int, ending: Exit | None) -> None:
        """The supervisor has ended. What still runs in the background may finish its output first."""
        if processes.group_exists(leader) or job.killed() is not None:
            _Leftovers(self._clock, self._watcher, job, leader, partial(self._on_end, job.job_id, ending))
        else:
            self._on_end(job.job_id, ending)

    def _signal(self, job: JobSpool, number: signal.Signals) -> None:
        supervisor = job.supervisor()
        if supervisor is None:
            return
        try:
            processes.signal_all(processes.members(supervisor.pid, str(job.path)), number)
        except PermissionError:
            log.warning("job %s runs processes of another user: they cannot be killed", job.job_id)


class _Leftovers:
    """Processes that a script left behind: gone by themselves within the grace period, or killed."""

    def __init__(
        self, clock: Clock, watcher: Watcher, job: JobSpool, leader: int, done: Callable[[], None]
    ) -> None:
        self._watcher = watcher
        self._job = job
        self._leader = leader
        self._done = done
        self._lock = threading.Lock()
        self._waiting = 0
        self._over = False
        self._take_back = clock.call_at(clock.now() + GRACE, self._expire)
        if job.killed() is not None:  # born after the look around that came before TERM was sent
            processes.signal_all(self._members(), signal.SIGTERM)
        self._look()

    def _look(self) -> None:
        found = self._members()
        with self._lock:
            self._waiting = 1  # for this look itself, so that early ends do not finish it
        for pid in found:
            process = processes.identify(pid)
            with self._lock:
                self._waiting += 1
            if process is None or not self._watcher.watch(process, "", self._one_ended):
                self._count_down()
        if not found:
            self._finish()
        else:
            self._one_ended()

    def _one_ended(self) -> None:
        if self._count_down():
            self._look()  # they may have started others

    def _count_down(self) -> bool:
        with self._lock:
            self._waiting -= 1
            return self._waiting == 0 and not self._over

    def _expire(self) -> None:
        for _ in range(100):  # a process may start another while it is being killed
            found = self._members()
            if not found:
                break
            processes.signal_all(found, signal.SIGKILL)
        self._finish()

    def _finish(self) -> None:
        with self._lock:
            if self._over:
                return
            self._over = True
        self._take_back()
        self._done()

    def _members(self) -> list[int]:
        return processes.members(self._leader, str(self._job.path))
