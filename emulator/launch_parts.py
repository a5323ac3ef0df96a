"""What runs and plays scripts, within reach of scenarios: a part of the composition root."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from emulator.data_directory import DataDirectory
from emulator.domain.acting import Linger
from emulator.domain.ports import Clocks, Gate, Hosts
from emulator.hosts.sandbox import SandboxHosts
from emulator.runtimes.abandoned import end_scripts
from emulator.runtimes.gated.launcher import GatedLauncher
from emulator.runtimes.launcher import SandboxLauncher
from emulator.runtimes.remote.launcher import RemoteLauncher
from emulator.runtimes.routed import RoutedLauncher
from emulator.runtimes.simulated.launcher import SimulatedLauncher
from emulator.settings import Settings


def launchers(
    data: Path,
    settings: Settings,
    clocks: Clocks,
    gate: Gate,
    *,
    sandboxes: SandboxHosts,
    machines: Hosts,
    hosts: Hosts,
    on_change: Callable[[str], None],
    linger: Linger,
) -> GatedLauncher:
    """``machines`` are all hosts as they are, ``hosts`` the same within reach of scenarios."""

    def changed(job_id: str) -> None:
        launcher.changed(job_id)

    run = SandboxLauncher(
        hosts=sandboxes, clock=clocks.machine, spool=data / "spool", settings=settings, on_change=changed
    )
    routed = RoutedLauncher(
        sandboxes=run,
        machines=RemoteLauncher(hosts=hosts, clock=clocks.machine, settings=settings, on_change=changed),
        simulated=SimulatedLauncher(
            hosts=hosts,
            clocks=clocks,
            directory=data / "simulated",
            next_number=run.next_number,
            on_change=changed,
        ),
    )
    launcher = GatedLauncher(
        launcher=routed,
        gate=gate,
        clocks=clocks,
        hosts=machines,
        directory=data / "interventions",
        on_change=on_change,
        linger=linger,
    )
    return launcher


def tidy_up_after_the_killed() -> None:
    """End the scripts and remove the data of emulators that were to keep nothing, and were killed."""
    DataDirectory.tidy_up(lambda left: end_scripts(left / "spool"))
