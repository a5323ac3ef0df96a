"""The launcher of real machines; see the package's docstring for what keeps a script single."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import timedelta

from emulator.domain.ports import Clock, Hosts, Launch, RemoteReport, RemoteState
from emulator.runtimes.remote import submission
from emulator.runtimes.remote.login import login_of
from emulator.runtimes.remote.watching import Watching
from emulator.schedulers import held
from emulator.settings import Settings

log = logging.getLogger(__name__)

_SAME_TIME = 2.0
"""Seconds: clocks that differ by less are the same, given whole seconds and the time an answer takes."""


class RemoteLauncher:
    """See ``ports.Launcher``. It keeps nothing that a restart would miss."""

    def __init__(
        self, *, hosts: Hosts, clock: Clock, settings: Settings, on_change: Callable[[str], None]
    ) -> None:
        self._hosts = hosts
        self._clock = clock
        self._watching = Watching(
            clock=clock,
            on_change=on_change,
            shortest=timedelta(milliseconds=settings.poll_min_ms),
            longest=timedelta(milliseconds=max(settings.poll_min_ms, settings.poll_max_ms)),
        )

    def submit(self, launch: Launch) -> str:
        """See ``ports.Launcher``. Raises OSError with the scheduler's own words when it refuses."""
        login = login_of(self._hosts, launch)
        done = submission.submit(login.shell(), login.dialect, launch)
        ahead = (done.when - self._clock.now()).total_seconds() if done.when else 0.0
        report = RemoteReport(
            state=RemoteState.QUEUED,
            submitted=done.when,
            ahead=ahead if abs(ahead) >= _SAME_TIME else 0.0,
        )
        self._watching.add(login, launch, done.remote_job_id, report)
        return done.remote_job_id

    def report(self, launch: Launch, remote_job_id: str) -> RemoteReport:
        """See ``ports.Launcher``. Of a script that was handed over before a restart nothing is known at first."""
        known = self._watching.report(launch.job_id)
        if known is not None:
            return known
        before = RemoteReport(state=RemoteState.QUEUED, checks=0)
        self._watching.add(login_of(self._hosts, launch), launch, remote_job_id, before)
        return before

    def cancel(self, launch: Launch, remote_job_id: str) -> None:
        """See ``ports.Launcher``. Raises OSError when the scheduler does not do it."""
        login = login_of(self._hosts, launch)
        shell, dialect = login.shell(), login.dialect
        remote_job_id = remote_job_id or submission.known(shell, dialect, launch) or ""
        if not remote_job_id:
            return
        reply = submission.run(shell, launch, dialect.cancel(remote_job_id))
        if not dialect.cancelled(reply):
            said = (reply.stderr.strip() or reply.stdout.strip() or f"exit code {reply.code}")[-500:]
            raise OSError(f"{shell.address}: {remote_job_id} could not be cancelled: {said}")

    def release(self, launch: Launch, remote_job_id: str) -> None:
        """See ``ports.Launcher``. Raises OSError with the scheduler's words when it does not do it."""
        shell = login_of(self._hosts, launch).shell()
        reply = submission.run(shell, launch, held.release(launch.scheduler, remote_job_id))
        if reply.code:
            said = (reply.stderr.strip() or reply.stdout.strip() or f"exit code {reply.code}")[-500:]
            raise OSError(f"{shell.address}: {remote_job_id} could not be released: {said}")

    def forget(self, launch: Launch) -> None:
        """See ``ports.Launcher``."""
        self._watching.drop(launch.job_id)

    def forget_world(self, world: str) -> None:
        """See RoutedLauncher: nobody asks for the world's scripts any more; they are cancelled, without haste."""
        ours = self._watching.of_world(world)
        for launch, _, _ in ours:
            self._watching.drop(launch.job_id)
        running = [(launch, remote_job_id) for launch, remote_job_id, is_open in ours if is_open]
        if running:
            threading.Thread(target=self._cancel_all, args=[running], name="cancel", daemon=True).start()

    def _cancel_all(self, running: list[tuple[Launch, str]]) -> None:
        for launch, remote_job_id in running:
            try:
                self.cancel(launch, remote_job_id)
            except OSError as error:
                log.warning("job %s goes on as %s: %s", launch.job_id, remote_job_id, error)

    def stop(self, *, end_scripts: bool = False) -> None:
        """Ask no more. Scripts go on, unless ``end_scripts``."""
        running = self._watching.launches() if end_scripts else []
        self._watching.stop()
        self._cancel_all(running)
