"""The launcher of all scripts: those of sandboxes are run here, those of real machines handed over there, and what is
simulated is played."""

from __future__ import annotations

from emulator.domain.ports import Launch, Launcher, RemoteReport
from emulator.runtimes.launcher import SandboxLauncher
from emulator.runtimes.remote.launcher import RemoteLauncher
from emulator.runtimes.simulated.launcher import SimulatedLauncher


class RoutedLauncher:
    """See ports.Launcher. What was decided when a launch was written down holds, whatever the host map says now."""

    def __init__(
        self, *, sandboxes: SandboxLauncher, machines: RemoteLauncher, simulated: SimulatedLauncher
    ) -> None:
        self._sandboxes = sandboxes
        self._machines = machines
        self._simulated = simulated

    def submit(self, launch: Launch) -> str:
        return self._for(launch).submit(launch)

    def report(self, launch: Launch, remote_job_id: str) -> RemoteReport:
        return self._for(launch).report(launch, remote_job_id)

    def cancel(self, launch: Launch, remote_job_id: str) -> None:
        self._for(launch).cancel(launch, remote_job_id)

    def forget(self, launch: Launch) -> None:
        self._for(launch).forget(launch)

    def release(self, launch: Launch, remote_job_id: str) -> None:
        self._for(launch).release(launch, remote_job_id)

    def forget_world(self, world: str) -> None:
        """The world is gone, or begins anew: nothing is played or runs in it any more when this returns.

        Scripts on real machines are cancelled there; nobody waits for that. Raises OSError, TimeoutError.
        """
        self._simulated.forget_world(world)
        self._machines.forget_world(world)
        self._sandboxes.forget_world(world)

    def start(self) -> None:
        """Take up the scripts of sandboxes and what is played.

        Those of real machines are taken up as the engine asks for them.
        """
        self._sandboxes.start()
        self._simulated.start()

    def stop(self, *, end_scripts: bool = False) -> None:
        """``end_scripts``: those of sandboxes end now, those of real machines are cancelled there."""
        self._simulated.stop(end_scripts=end_scripts)
        self._machines.stop(end_scripts=end_scripts)
        self._sandboxes.stop(end_scripts=end_scripts)

    def _for(self, launch: Launch) -> Launcher:
        if launch.play is not None:
            return self._simulated
        return self._sandboxes if launch.account is None else self._machines
