"""From a launch, in the paths of the machine that is played, to a command, in those of this one."""

from __future__ import annotations

from pathlib import Path

from emulator.domain.ports import Host, Hosts
from emulator.runtimes.environment import engine_address, machine_path, script_environment
from emulator.runtimes.runtime import Command
from emulator.runtimes.spool import Intent, JobSpool, Spool
from emulator.settings import Settings

GIGABYTE = 1024**3


class Commands:
    """Builds commands; the settings say whether containers get no more than the job asked for."""

    def __init__(self, *, hosts: Hosts, spool: Spool, settings: Settings) -> None:
        self._hosts = hosts
        self._spool = spool
        self._settings = settings

    def command(self, job: JobSpool, intent: Intent) -> Command:
        """Raises FileNotFoundError when the script or its work dir is not there."""
        launch = intent.launch
        place = _Place(self._hosts.host(launch.world, launch.host))
        work_dir, script = place.real(launch.work_dir), place.real(launch.script)
        if not work_dir.is_dir():
            raise FileNotFoundError(f"{launch.host}: there is no work directory {launch.work_dir}")
        if not script.is_file():
            raise FileNotFoundError(f"{launch.host}: there is no script {launch.script}")
        home = place.real(launch.home_dir)
        home.mkdir(parents=True, exist_ok=True)  # a login on a real machine always has one
        environment = script_environment(
            launch, intent.remote_job_id, job, self._spool, home=home, work_dir=work_dir
        )
        if not intent.image:
            environment = {"PATH": machine_path(), **engine_address(), **environment}
        return Command(
            job=job,
            sandbox=place.root,
            script=script,
            work_dir=work_dir,
            stdout=place.real(launch.stdout),
            stderr=place.real(launch.stderr),
            environment=environment,
            image=intent.image,
            memory=int(launch.memory_per_node * GIGABYTE) if self._settings.docker_limit_memory else 0,
            processors=launch.processors if self._settings.docker_limit_processors else 0,
            labels={
                "world": launch.world,
                "job": launch.job_id,
                "owner": launch.owner,
                "app": launch.app_id,
                "system": launch.system_id,
            },
        )


class _Place:
    """A host's directory on this machine. Raises FileNotFoundError for a host that is elsewhere."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self.root = self._local("/")

    def real(self, path: str) -> Path:
        """The real path of one on the host; one that is real already, and inside, stays as it is."""
        given = Path(path)
        return given if given.is_relative_to(self.root) else self._local(path)

    def _local(self, path: str) -> Path:
        local = self._host.files.local_path(path)
        if local is None:
            raise FileNotFoundError(f"{self._host.name}: {path} does not lie on this machine")
        return local
