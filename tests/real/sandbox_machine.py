"""A sandbox with a launcher on it: what tests and benchmarks of the launcher start scripts with."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from emulator.domain.ports import Launch, RemoteReport, RemoteState
from emulator.engine.clock import RealClock
from emulator.hosts.sandbox import SandboxHosts
from emulator.runtimes.launcher import SandboxLauncher
from emulator.settings import Settings

WORLD, HOST = "tacc.prod", "login.cluster.test"
OVER = (RemoteState.ENDED, RemoteState.LOST)


class SandboxMachine:
    """Directories for a host and a spool, and launchers that come and go over them.

    ``prefix`` comes before the names of all jobs, for tests that share something with others.
    """

    def __init__(self, directory: Path, prefix: str = "", **settings: Any) -> None:
        self.directory = directory
        self.prefix = prefix
        self.settings = Settings(data_dir=str(directory), **settings)
        self.hosts = SandboxHosts(directory / "hosts")
        self.files = self.hosts.host(WORLD, HOST).files
        self.spool = directory / "spool"
        self.changes: list[str] = []
        self._changed = threading.Condition()
        self.clock = RealClock()
        self.launcher = self._launcher()

    def _launcher(self) -> SandboxLauncher:
        return SandboxLauncher(
            hosts=self.hosts, clock=self.clock, spool=self.spool, settings=self.settings, on_change=self._note
        )

    def restart(self) -> None:
        """A new launcher over the same directories; the old one, if it still stands, is stopped first."""
        self.stop()
        self.clock = RealClock()
        self.launcher = self._launcher()
        self.launcher.start()

    def stop(self, *, end_scripts: bool = False) -> None:
        self.launcher.stop(end_scripts=end_scripts)
        self.clock.stop()

    @property
    def home(self) -> Path:
        return self._local("/home/testuser")

    def work_dir(self, name: str) -> Path:
        return self._local(f"/scratch/{self.prefix}{name}")

    def kept(self, name: str) -> Path:
        """The spool directory of a job."""
        return self.spool / f"{self.prefix}{name}"

    def _local(self, path: str) -> Path:
        local = self.files.local_path(path)
        assert local is not None
        return local

    def launch(self, name: str, text: str = "", **changes: Any) -> Launch:
        """A launch of a script with ``text``; its files are made."""
        job_id = f"{self.prefix}{name}"
        folder = f"/scratch/{job_id}"
        self.files.mkdir(folder)
        script = f"{folder}/job.ipcexe"
        with self.files.writer(script) as file:
            file.write(b"#!/bin/bash\n" + text.encode())
        launch = Launch(
            job_id=job_id,
            world=WORLD,
            host=HOST,
            system_id="cluster",
            app_id="app-1.0",
            owner="testuser",
            name="job",
            scheduler="FORK",
            script=script,
            work_dir=folder,
            stdout=f"{folder}/job.out",
            stderr=f"{folder}/job.err",
            home_dir="/home/testuser",
            max_run_seconds=0,
        )
        return replace(launch, **changes)

    def report(self, launch: Launch) -> RemoteReport:
        return self.launcher.report(launch, "")

    def wait(
        self, launch: Launch, until: Callable[[RemoteReport], bool] | None = None, timeout: float = 60
    ) -> RemoteReport:
        """Report once ``until`` holds (default: it is over), asked at the launcher's calls only."""
        wanted = until or (lambda report: report.state in OVER)
        with self._changed:
            if not self._changed.wait_for(lambda: wanted(self.report(launch)), timeout):
                raise AssertionError(f"{launch.job_id} still stands at {self.report(launch)}")
        return self.report(launch)

    def run(self, launch: Launch) -> RemoteReport:
        self.launcher.submit(launch)
        return self.wait(launch)

    def output(self, launch: Launch, name: str = "job.out") -> str:
        return self._local(f"/scratch/{launch.job_id}/{name}").read_text(encoding="utf-8")

    def variables(self, launch: Launch) -> Mapping[str, str]:
        """What a script that printed ``env -0`` saw."""
        pairs = (entry.split("=", 1) for entry in self.output(launch).split("\0") if "=" in entry)
        return {name: value for name, value in pairs}

    def _note(self, job_id: str) -> None:
        with self._changed:
            self.changes.append(job_id)
            self._changed.notify_all()
