"""The launcher of all scripts: those of sandboxes are run here, those of real machines are handed over there."""

from __future__ import annotations

from emulator.domain.ports import Launch, Launcher, RemoteReport
from emulator.runtimes.launcher import SandboxLauncher
from emulator.runtimes.remote.launcher import RemoteLauncher


class RoutedLauncher:
    """See ports.Launcher. What was decided when a launch was written down holds, whatever the host map says now."""

    def __init__(self, *, sandboxes: SandboxLauncher, machines: RemoteLauncher) -> None:
        self._sandboxes = sandboxes
        self._machines = machines

    def submit(self, launch: Launch) -> str:
        return self._for(launch).submit(launch)

    def report(self, launch: Launch, remote_job_id: str) -> RemoteReport:
        return self._for(launch).report(launch, remote_job_id)

    def cancel(self, launch: Launch, remote_job_id: str) -> None:
        self._for(launch).cancel(launch, remote_job_id)

    def forget(self, launch: Launch) -> None:
        self._for(launch).forget(launch)

    def start(self) -> None:
        """Take up the scripts of sandboxes; those of real machines are taken up as the engine asks for them."""
        self._sandboxes.start()

    def stop(self, *, end_scripts: bool = False) -> None:
        """``end_scripts``: those of sandboxes end now, those of real machines are cancelled there."""
        self._machines.stop(end_scripts=end_scripts)
        self._sandboxes.stop(end_scripts=end_scripts)

    def _for(self, launch: Launch) -> Launcher:
        return self._sandboxes if launch.account is None else self._machines
