"""Takes scripts for all sandboxes and plays their schedulers. The package's docstring says what survives."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from emulator.domain.ports import Clock, Hosts, Launch, RemoteReport, RemoteState
from emulator.runtimes.images import DOCKER, image_for
from emulator.runtimes.runs import KILL_AGAIN, Runs
from emulator.runtimes.runtime import GRACE
from emulator.runtimes.scheduler import PlayedScheduler
from emulator.runtimes.script import CANCELLED, Phase, Script
from emulator.runtimes.spool import Intent, JobSpool, Spool
from emulator.runtimes.turns import Turns
from emulator.schedulers.batch_variables import node_lines
from emulator.schedulers.simulated import is_batch, local_job_id
from emulator.settings import Settings

log = logging.getLogger(__name__)

_WORLD_SECONDS = 10.0
"""How long the end of a world's scripts is waited for: a Docker engine takes its time."""
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
        self._turns = Turns(clock)
        self._taking = threading.Lock()
        self._started = self._stopped = False
        self._runs = Runs(
            hosts=hosts,
            clock=clock,
            spool=self._spool,
            settings=settings,
            post=self._turns.soon,
            on_over=self._over,
            on_no_start=self._no_start,
            on_containers_back=lambda: self._turns.soon(self._containers_are_back),
            on_progress=lambda job_id: self._turns.soon(self._on_change, job_id),
        )
        self._scheduler = PlayedScheduler(self._runs, self._turns, self._tell, self._find)

    # the port

    def submit(self, launch: Launch) -> str:
        """See ``ports.Launcher``."""
        self.start()
        script = self._runs.table.get(launch.job_id) or self._take(launch)
        if script.is_held:
            return script.intent.remote_job_id
        return self._let_go(script)

    def _let_go(self, script: Script) -> str:
        """Into its queue, or to its start where there is none; the answer is the remote job id."""
        if is_batch(script.intent.launch.scheduler):
            self._scheduler.line_up(script)
            return script.intent.remote_job_id
        with script.begun:
            if script.phase is Phase.TAKEN:
                self._runs.begin(script)
                self._tell(script)
        return script.intent.remote_job_id or self._process_id(script)

    def release(self, launch: Launch, remote_job_id: str) -> None:
        """See ``ports.Launcher``."""
        self.start()
        script = self._runs.table.get(launch.job_id)
        if script is not None and script.is_held and not script.is_over:
            script.job.mark_released()
            self._let_go(script)

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
        self._runs.containers.leave(launch.job_id)
        script = self._runs.table.get(launch.job_id)
        if script is not None:
            self._runs.kill(script, CANCELLED, "")

    def forget(self, launch: Launch) -> None:
        """See ``ports.Launcher``. One that still runs is killed first; its records go when it has ended."""
        self.start()
        self._runs.containers.leave(launch.job_id)
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

    def next_number(self, world: str, host: str) -> int:
        """The next local job id of a host, for scripts that are run elsewhere. Raises OSError."""
        return self._spool.next_number(world, host)

    def forget_world(self, world: str) -> None:
        """See RoutedLauncher: killed at once, without the time that scripts have to end in order."""
        self.start()
        with self._runs.changed:
            ours = [script for script in self._runs.table.values() if script.intent.launch.world == world]
        for script in ours:
            self._runs.containers.leave(script.job.job_id)
            self._runs.kill(script, CANCELLED, "The world has begun anew.")
            self._turns.soon(self._runs.make_end, script)
        with self._runs.changed:
            if not self._runs.changed.wait_for(
                lambda: all(script.is_over for script in ours), _WORLD_SECONDS
            ):
                raise TimeoutError(f"scripts of the world {world} cannot be ended")
        for script in ours:
            self._runs.drop(script)
        self._spool.forget_numbers(world)

    # starting and stopping

    def start(self) -> None:
        """Take up what an earlier run left: running scripts, waiting ones, time limits. Again: nothing."""
        if self._started:
            return
        with self._runs.changed:
            if self._started or self._stopped:
                return
            self._spool.prepare()
            for job in self._spool.jobs():
                self._recover(job)
            self._started = True
            images = any(script.intent.image for script in self._runs.table.values())
        self._turns.soon(self._runs.sweep)
        if images or self._settings.images or self._settings.runtime == DOCKER:
            self._turns.soon(self._runs.containers.connect)

    def stop(self, *, end_scripts: bool = False) -> None:
        """Wait for nothing any more. Scripts go on and are found by the next start, unless ``end_scripts``."""
        if end_scripts and not self._stopped:
            self._end_all()
        self._stopped = True
        self._runs.stop()
        self._turns.stop()

    def _end_all(self) -> None:
        with self._runs.changed:
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
            try:
                job.remove()
            except OSError as error:
                log.warning("%s cannot be removed: %s", job.path, error)
            return
        script = self._runs.table[job.job_id] = Script(job, intent, started=job.started())
        if job.exit() is not None:
            self._runs.end(script, None, None)
        elif intent.image and script.started:
            script.phase = Phase.UNSEEN
            self._scheduler.occupy(script)
            self._turns.soon(self._find, script)
        elif job.claimed():
            self._scheduler.occupy(script)
            self._runs.find(script)
        elif job.killed() is None and is_batch(intent.launch.scheduler) and not script.is_held:
            self._scheduler.line_up(script)
        if job.killed() is not None and not script.is_over:
            self._runs.kill(script, CANCELLED, "")
        if job.forgotten():
            self._runs.kill(script, CANCELLED, "")
            if script.is_over:
                self._turns.soon(self._runs.drop, script)

    # taking and starting

    def _take(self, launch: Launch) -> Script:
        settings = self._settings
        image = image_for(
            launch.app_id, launch.system_id, settings.images, settings.runtime, settings.docker_image
        )
        self._runs.runtime(image).check(image, launch.job_id)
        batch = is_batch(launch.scheduler)
        with self._taking:
            known = self._runs.table.get(launch.job_id)
            if known is not None:
                return known
            job = self._spool.job(launch.job_id)
            # inside a container a script's process id says nothing to anybody outside
            numbered = batch or image or launch.held
            number = self._spool.next_number(launch.world, launch.host) if numbered else 0
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
            pid = script.process_id or script.job.script_pid()
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
            self._scheduler.start_failed(script, str(error))

    def _find(self, script: Script) -> None:
        """Raises ConnectionError when the Docker engine does not answer."""
        with script.begun:
            if script.phase is not Phase.UNSEEN:
                return
            if not self._runs.find(script):
                self._scheduler.leave(script)
                if is_batch(script.intent.launch.scheduler):
                    self._scheduler.line_up(script)
                    return
        self._tell(script)

    def _containers_are_back(self) -> None:
        with self._runs.changed:
            unseen = [script for script in self._runs.table.values() if script.phase is Phase.UNSEEN]
        for script in unseen:
            self._find(script)
        self._scheduler.dispatch_all()

    # changes

    def _over(self, script: Script) -> None:
        self._scheduler.leave(script)
        if not self._started:
            return  # the engine asks about all its jobs when it starts
        if script.job.forgotten():
            self._turns.soon(self._runs.drop, script)
        else:
            self._tell(script)

    def _no_start(self, script: Script) -> None:
        if is_batch(script.intent.launch.scheduler):
            script.phase = Phase.WAITING
        if script.intent.remote_job_id:  # else whoever submits it is waiting for an answer
            self._turns.soon(self._scheduler.start_failed, script, script.failure)

    def _tell(self, script: Script) -> None:
        self._turns.soon(self._on_change, script.job.job_id)
