"""What a job's container may do, and who it is: limits, network, user."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emulator.runtimes.docker_engine import EngineNature
from emulator.runtimes.images import fitting
from emulator.runtimes.runtime import GRACE, Command
from emulator.settings import BadSetting, Settings

if TYPE_CHECKING:
    from docker import APIClient

LABEL = "tapis-emulator"
_LEAST_MEMORY = 6 * 1024**2  # the engine refuses less
_NANO = 1_000_000_000


@dataclass(frozen=True, slots=True)
class User:
    """Numbers of a user and a group; ``own`` are the emulator's."""

    uid: int
    gid: int

    @classmethod
    def own(cls) -> User:
        return cls(os.getuid(), os.getgid())

    @classmethod
    def configured(cls, text: str) -> User | None:
        """From ``engine.docker_user``; None where that is empty. Raises BadSetting."""
        if not text:
            return None
        numbers = re.fullmatch(r"([0-9]+)(?::([0-9]+))?", text)
        if numbers is None:
            raise BadSetting(f"engine.docker_user: {text!r} is not UID or UID:GID, in numbers")
        uid, gid = numbers.groups()
        user = cls(int(uid), int(gid or uid))
        if user != cls.own() and os.geteuid() != 0:
            raise BadSetting(
                "engine.docker_user: only an emulator that runs as root can run jobs as another user"
            )
        return user


class ContainerPlan:
    """Builds containers for commands. Raises BadSetting for a user that cannot be."""

    def __init__(self, settings: Settings, instance: str, tools: Path) -> None:
        self._settings = settings
        self._instance = instance
        self._tools = tools
        self._user = User.configured(settings.docker_user)

    def user(self, nature: EngineNature) -> User:
        """Who the script is inside: so that what it writes belongs to the emulator's user outside.

        A rootless engine shows its own user as root inside.
        """
        if nature.rootless:
            return User(0, 0)
        return self._user or User.own()

    def create(self, client: APIClient, name: str, command: Command, nature: EngineNature) -> str:
        """Create the container; the answer is its id. It is removed by the engine when it ends."""
        user = self.user(nature)
        if not nature.rootless and user != User.own():
            give(command, user)
        own = {f"{LABEL}.instance": self._instance}
        places = [command.job.path, command.work_dir, command.stdout, command.stderr, command.script]
        made = client.create_container(
            command.image,
            name=name,
            entrypoint=["/bin/sh", f"{self._tools}/supervisor.sh", *map(str, places), "container"],
            command=[],
            user=f"{user.uid}:{user.gid}",
            working_dir=str(command.work_dir),
            stop_timeout=int(GRACE.total_seconds()),  # for when the engine itself stops
            environment=command.environment,
            labels={f"{LABEL}.{name}": value for name, value in command.labels.items()} | own,
            host_config=self._host_config(client, command, nature),
        )
        return str(made["Id"])

    def _host_config(self, client: APIClient, command: Command, nature: EngineNature) -> dict[str, Any]:
        from docker.types import LogConfig, Mount

        memory = max(command.memory, _LEAST_MEMORY) if command.memory else None
        read_write = [command.sandbox, command.job.path]
        config: dict[str, Any] = client.create_host_config(
            auto_remove=True,
            network_mode=self._network(command.labels["app"], command.labels["system"]),
            log_config=LogConfig(type="none"),  # the script writes to its files
            mem_limit=memory,
            memswap_limit=memory,
            nano_cpus=self._processors(command, nature),
            # A job is nobody special on a cluster, and what it may write to lies on this machine.
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            userns_mode="host" if nature.remapped else None,
            mounts=[
                *(Mount(str(place), str(place), type="bind") for place in read_write),
                Mount(str(self._tools), str(self._tools), type="bind", read_only=True),
            ],
        )
        return config

    def _processors(self, command: Command, nature: EngineNature) -> int | None:
        """In billionths; the engine refuses more than its machine has."""
        wanted = min(command.processors, nature.processors or command.processors)
        return wanted * _NANO if wanted else None

    def _network(self, app_id: str, system_id: str) -> str:
        settings = self._settings
        return fitting(app_id, system_id, settings.docker_networks) or settings.docker_network


def give(command: Command, user: User) -> None:
    """Make what the job works in its user's: the work directory and the spool's, whole, and the home directory.

    Links are not followed, and what is being changed meanwhile leads nowhere else.
    """
    for top in (command.job.path, command.work_dir):
        for _, _, files, place in os.fwalk(top, follow_symlinks=False):
            _own_it(place, user)
            for name in files:
                _own_it(name, user, place)
    _own_it(Path(command.environment["HOME"]), user)


def _own_it(what: str | int | Path, user: User, within: int | None = None) -> None:
    try:
        if isinstance(what, int):
            os.fchown(what, user.uid, user.gid)
        else:
            os.chown(what, user.uid, user.gid, dir_fd=within, follow_symlinks=False)
    except FileNotFoundError:  # gone meanwhile
        return
