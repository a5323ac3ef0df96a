"""Takes scripts for all sandboxes and plays their schedulers. The package's docstring says what survives."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from emulator.domain.ports import Clock, Hosts, Launch, RemoteReport, RemoteState
from emulator.runtimes.images import DOCKER, image_for
from emulator.runtimes.queues import BatchQueues, QueueKey, key_of
from emulator.runtimes.runs import KILL_AGAIN, Runs
from emulator.runtimes.runtime import GRACE
from emulator.runtimes.script import CANCELLED, NODE_FAIL, Phase, Script
from emulator.runtimes.spool import Intent, JobSpool, Spool
from emulator.schedulers.batch_variables import node_lines
from emulator.schedulers.simulated import is_batch, local_job_id
from emulator.settings import Settings

log = logging.getLogger(__name__)

START_ATTEMPTS = 3
_START_PAUSE = timedelta(seconds=5)
_CONTAINER_STARTS = 4
_PID_LOOKS, _PID_PAUSE = 500, 0.02


class SandboxLauncher:
    """See ``ports.Launcher``. ``on_change`` is called when a script starts and when it has ended.

    Scripts run as processes, or in the container image that the settings name for their app or system. They
    outlive this object and this program; the next one with the same ``spool`` finds them.
    """

    def __init__(
        self, *, hosts: Hosts, clock: Clock, spool: Path, settings: Settings, on_change: Callable[[str], None]
    ) -> None:
        """Nothing is read or started before the first call, or :meth:`start`."""
        self._clock = clock
        self._settings = settings
        self._on_change = on_change
        self._spool = Spool(spool)
        self._queues = BatchQueues()
        self._turns = ThreadPoolExecutor(1, "launcher")
        self._container_starts = ThreadPoolExecutor(_CONTAINER_STARTS, "container-start")
        self._taking = threading.Lock()
        self._started = self._stopped = False
        self._runs = Runs(
            hosts=hosts,
            clock=clock,
            spool=self._spool,
            settings=settings,
            post=self._soon,
            on_over=self._over,
            on_no_start=self._no_start,
            on_containers_back=lambda: self._soon(self._containers_are_back),
        )

    # the port

    def submit(self, launch: Launch) -> str:
        """See ``ports.Launcher``."""
        self.start()
        script = self._runs.table.get(launch.job_id) or self._take(launch)
        if is_batch(launch.scheduler):
            self._line_up(script)
            return script.intent.remote_job_id
        with script.begun:
            if script.phase is Phase.TAKEN:
                self._runs.begin(script)
                self._tell(script)
        return script.intent.remote_job_id or self._process_id(script)

    def report(self, launch: Launch, remote_job_id: str) -> RemoteReport:
        """See ``ports.Launcher``."""
        self.start()
        script = self._runs.table.get(launch.job_id)
        if script is None:
            return RemoteReport(state=RemoteState.LOST, reason="The execution system does not know the job.")
        if script.phase is Phase.TAKEN:
            self._start_again(script)
        if script.phase is Phase.UNSEEN:
            self._find(script)
        if script.phase is Phase.RUNNING and script.intent.image and script.job.exit() is None:
            self._runs.containers.check("")
        with self._runs.changed:
            return script.standing()

    def cancel(self, launch: Launch, remote_job_id: str) -> None:
        """See ``ports.Launcher``. The signals follow soon, and ``on_change`` when it is over."""
        self.start()
        script = self._runs.table.get(launch.job_id)
        if script is not None:
            self._runs.kill(script, CANCELLED, "")

    def forget(self, launch: Launch) -> None:
        """See ``ports.Launcher``. One that still runs is killed first; its records go when it has ended."""
        self.start()
        script = self._runs.table.get(launch.job_id)
        if script is None:
            return
        self._runs.kill(script, CANCELLED, "")
        with self._runs.changed:
            over = script.is_over
            if not over:
                script.job.mark_forgotten()
        if over:
            self._runs.drop(script)

    # starting and stopping

    def start(self) -> None:
        """Take up what an earlier run left: running scripts, waiting ones, time limits. Again: nothing."""
        if self._started:
            return
        with self._runs.changed:
            if self._started:
                return
            self._spool.prepare()
            for job in self._spool.jobs():
                self._recover(job)
            self._started = True
        self._soon(self._runs.sweep)
        for key in self._queues.with_waiting():
            self._soon(self._dispatch, key)
        images = any(script.intent.image for script in self._runs.table.values())
        if images or self._settings.images or self._settings.runtime == DOCKER:
            self._soon(self._runs.containers.connect)

    def stop(self, *, end_scripts: bool = False) -> None:
        """Wait for nothing any more. Scripts go on and are found by the next start, unless ``end_scripts``."""
        if end_scripts and not self._stopped:
            self._end_all()
        self._stopped = True
        self._runs.stop()
        self._turns.shutdown(cancel_futures=True)
        self._container_starts.shutdown(cancel_futures=True)

    def _end_all(self) -> None:
        scripts = list(self._runs.table.values())
        for script in scripts:
            self._runs.kill(script, CANCELLED, "The emulator has ended.")
        longest = 2 * GRACE + KILL_AGAIN
        with self._runs.changed:
            self._runs.changed.wait_for(lambda: all(s.is_over for s in scripts), longest.total_seconds())

    def _recover(self, job: JobSpool) -> None:
        try:
            intent = job.intent()
        except (ValueError, KeyError, TypeError):
            log.exception("%s cannot be read: what it stands for is left alone", job.path)
            return
        if intent is None:
            job.remove()
            return
        script = self._runs.table[job.job_id] = Script(job, intent, started=job.started())
        if job.exit() is not None:
            self._runs.end(script, None, None)
        elif intent.image and script.started:
            script.phase = Phase.UNSEEN
            self._queues.occupy(intent.launch)
            self._soon(self._find, script)
        elif job.claimed():
            self._queues.occupy(intent.launch)
            self._runs.find(script)
        elif job.killed() is None and is_batch(intent.launch.scheduler):
            self._line_up(script)
        if job.killed() is not None and not script.is_over:
            self._runs.kill(script, CANCELLED, "")
        if job.forgotten():
            self._runs.kill(script, CANCELLED, "")
            if script.is_over:
                self._soon(self._runs.drop, script)

    # taking and starting

    def _take(self, launch: Launch) -> Script:
        settings = self._settings
        image = image_for(
            launch.app_id, launch.system_id, settings.images, settings.runtime, settings.docker_image
        )
        self._runs.runtime(image).check(image)
        batch = is_batch(launch.scheduler)
        with self._taking:
            known = self._runs.table.get(launch.job_id)
            if known is not None:
                return known
            job = self._spool.job(launch.job_id)
            # inside a container a script's process id says nothing to anybody outside
            number = self._spool.next_number(launch.world, launch.host) if batch or image else 0
            intent = Intent(
                launch=launch,
                number=number,
                remote_job_id=local_job_id(launch.scheduler, number, launch.host) if number else "",
                image=image,
                submitted=self._clock.now(),
            )
            command = self._runs.commands.command(job, intent)  # what cannot start is refused here
            job.create(intent, node_lines(launch) if batch else [])
            script = Script(job, intent, command=command)
            with self._runs.changed:
                self._runs.table[launch.job_id] = script
            return script

    def _process_id(self, script: Script) -> str:
        """The script's; known as soon as it was started, unless by a supervisor of an earlier run."""
        for _ in range(_PID_LOOKS):
            pid = script.job.script_pid()
            if pid:
                return pid
            with self._runs.changed:
                if script.phase is not Phase.RUNNING:
                    break
                self._runs.changed.wait(_PID_PAUSE)
        if script.phase is Phase.RUNNING:
            raise TimeoutError("the script's process id did not become known")
        raise OSError(script.failure or script.job.complaint() or "the script was killed before it ran")

    def _start_again(self, script: Script) -> None:
        """A script whose id is known to the engine, but which never ran. Raises ConnectionError."""
        try:
            self.submit(script.intent.launch)
        except ConnectionError:
            raise
        except OSError as error:
            self._start_failed(script, str(error))

    def _find(self, script: Script) -> None:
        """Raises ConnectionError when the Docker engine does not answer."""
        with script.begun:
            if script.phase is not Phase.UNSEEN:
                return
            if not self._runs.find(script):
                with self._runs.changed:
                    self._queues.leave(script.intent.launch, script.intent.number)
                if is_batch(script.intent.launch.scheduler):
                    self._line_up(script)
                    return
        self._tell(script)

    def _containers_are_back(self) -> None:
        for script in [s for s in self._runs.table.values() if s.phase is Phase.UNSEEN]:
            self._find(script)
        for key in self._queues.with_waiting():
            self._dispatch(key)

    # the played scheduler

    def _line_up(self, script: Script) -> None:
        launch = script.intent.launch
        with self._runs.changed:
            if script.phase is not Phase.TAKEN:
                return
            script.phase = Phase.WAITING
            self._queues.enter(launch, script.intent.number)
        self._soon(self._dispatch, key_of(launch))

    def _dispatch(self, key: QueueKey) -> None:
        with self._runs.changed:
            chosen = [self._runs.table[job_id] for job_id in self._queues.take_startable(key)]
        for script in chosen:
            if script.intent.image:
                self._run_on(self._container_starts, self._start_batch, script)
            else:
                self._start_batch(script)

    def _start_batch(self, script: Script) -> None:
        with script.begun:
            try:
                self._runs.begin(script)
            except ConnectionError as error:
                log.warning("job %s stays queued: %s", script.job.job_id, error)
                self._back_in_line(script)
            except OSError as error:
                self._start_failed(script, str(error))
            else:
                self._tell(script)

    def _start_failed(self, script: Script, reason: str) -> None:
        script.failed_starts += 1
        log.warning("job %s could not be started: %s", script.job.job_id, reason)
        with self._runs.changed:
            if script.is_over:
                return
            if script.failed_starts >= START_ATTEMPTS and script.job.take_claim():
                script.end(RemoteReport(state=RemoteState.ENDED, scheduler_state=NODE_FAIL, reason=reason))
                self._over(script)
                return
        if is_batch(script.intent.launch.scheduler):
            self._back_in_line(script)
        else:
            self._tell(script)  # to be started when the engine asks for it

    def _back_in_line(self, script: Script) -> None:
        launch, number = script.intent.launch, script.intent.number
        with self._runs.changed:
            self._queues.leave(launch, number)
            if script.is_over:
                return
            script.phase = Phase.WAITING
            self._queues.enter(launch, number)
        again = partial(self._soon, self._dispatch, key_of(launch))
        self._clock.call_at(self._clock.now() + _START_PAUSE, again)

    def _over(self, script: Script) -> None:
        launch = script.intent.launch
        self._queues.leave(launch, script.intent.number)
        if not self._started:
            return  # the engine asks about all its jobs when it starts
        if is_batch(launch.scheduler):
            self._soon(self._dispatch, key_of(launch))
        if script.job.forgotten():
            self._soon(self._runs.drop, script)
        else:
            self._tell(script)

    def _no_start(self, script: Script) -> None:
        if is_batch(script.intent.launch.scheduler):
            script.phase = Phase.WAITING
        if script.intent.remote_job_id:  # else whoever submits it is waiting for an answer
            self._soon(self._start_failed, script, script.failure)

    # the launcher's own threads

    def _tell(self, script: Script) -> None:
        self._soon(self._on_change, script.job.job_id)

    def _soon(self, action: Callable[..., None], *arguments: Any) -> None:
        self._run_on(self._turns, action, *arguments)

    def _run_on(self, pool: Executor, action: Callable[..., None], *arguments: Any) -> None:
        if self._stopped:
            return
        try:
            pool.submit(_guarded, action, *arguments)
        except RuntimeError:  # the pool was shut down this very moment
            if not self._stopped:
                raise


def _guarded(action: Callable[..., None], *arguments: Any) -> None:
    try:
        action(*arguments)
    except ConnectionError as error:
        log.warning("%s", error)
    except Exception:
        log.exception("%s failed", action.__qualname__)
