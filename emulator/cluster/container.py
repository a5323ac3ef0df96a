"""The cluster's container: made, started, asked and removed."""

from __future__ import annotations

import io
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from emulator.cluster.cache import cache_directory, locked

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

NAME = "tapis-emulator-hpc"
PORT = 2222
ADDRESS = "127.0.0.1"
ACCOUNT = "tapis"
LABEL = "tapis-emulator.hpc"
_SSH = "22/tcp"
_READY_SECONDS = 120
_COMMANDS = "/usr/local/bin"
_KEYS = "/var/lib/cluster/authorized_keys"
_HOST_KEY = "/var/lib/cluster/ssh_host_ed25519_key.pub"


class ClusterFailed(Exception):
    """The cluster cannot be had as asked; the message says why, and what to do where that is known."""


@dataclass(frozen=True, slots=True)
class Reached:
    """Where the cluster's ssh server listens, and its own public key (``ssh-ed25519 AAAA…``)."""

    address: str
    port: int
    host_key: str


class Cluster:
    """The container ``name`` on an engine, whether it exists or not."""

    def __init__(self, client: DockerClient, name: str = NAME) -> None:
        self.client = client
        self.name = name

    def up(self, image: str, nodes: int | None = None, port: int | None = None) -> bool:
        """Return when the cluster takes jobs; whether this has started it.

        ``port`` is of 127.0.0.1, 0 for a free one. One that exists is taken as it is. Raises
        :class:`ClusterFailed`: it does not come up, the port is taken, or one with another number of nodes or on
        another port is there.
        """
        with locked(self._turns):
            started = self._make_run(image, nodes, port)
            code, said = self.run("cluster", "wait", str(_READY_SECONDS))
            if code:
                raise ClusterFailed(f"{self.name} has been started, but it is of no use:\n{said}")
            if started:
                self._equip()
        return started

    def down(self) -> bool:
        """Stop and remove it with all that is in it; whether there was one. Raises :class:`ClusterFailed`."""
        from docker.errors import APIError, NotFound

        with locked(self._turns):
            container = self._find()
            if container is None:
                return False
            try:
                container.remove(force=True, v=True)
            except NotFound:
                return False
            except APIError as refusal:
                raise ClusterFailed(f"{self.name} stays: {refusal.explanation or refusal}") from refusal
        return True

    def run(self, *command: str, environment: dict[str, str] | None = None) -> tuple[int, str]:
        """Run a command inside as root, to its end: exit code and all it printed. Raises :class:`ClusterFailed`."""
        from docker.errors import APIError

        try:
            done = self._there().exec_run(list(command), environment=environment)
        except APIError as refusal:
            raise ClusterFailed(f"{self.name}: {refusal.explanation or refusal}") from refusal
        return done.exit_code or 0, cast(bytes, done.output).decode(errors="replace")

    def authorize(self, public_key: str) -> None:
        """Let the holder of a key in, to every account. Again: nothing."""
        add = f'touch {_KEYS} && {{ grep -qxF "$KEY" {_KEYS} || echo "$KEY" >> {_KEYS}; }}'
        self._check(*self.run("sh", "-c", add, environment={"KEY": public_key.strip()}))

    def reached(self) -> Reached:
        """Where it listens. Raises :class:`ClusterFailed` when it does not run."""
        container = self._there()
        published = (container.ports or {}).get(_SSH)
        if not published:
            raise ClusterFailed(f"{self.name} does not run")
        kind, key = self._file(_HOST_KEY).split()[:2]
        return Reached(ADDRESS, int(published[0]["HostPort"]), f"{kind} {key}")

    def _file(self, path: str) -> str:
        """The content of a small file inside; engines may lose the output of a command that ends at once."""
        from docker.errors import APIError

        try:
            pieces, _ = self._there().get_archive(path)
            with tarfile.open(fileobj=io.BytesIO(b"".join(pieces))) as packed:
                (entry,) = packed.getmembers()
                content = packed.extractfile(entry)
                return content.read().decode() if content else ""
        except APIError as refusal:
            raise ClusterFailed(f"{self.name}: {refusal.explanation or refusal}") from refusal

    def state(self) -> str:
        """The engine's word: running, exited, paused, …; empty when there is none."""
        container = self._find()
        return container.status if container else ""

    def nodes(self) -> int:
        """How many compute nodes it has."""
        return int(self._there().labels[LABEL])

    @property
    def _turns(self) -> Path:
        """Who starts or removes it holds this file."""
        return cache_directory() / f"hpc-{self.name}.lock"

    def _make_run(self, image: str, nodes: int | None, port: int | None) -> bool:
        """Whether it did not run before."""
        container = self._find()
        if container is None:
            made = self._create(image, nodes or 1, PORT if port is None else port)
            self._start(made, made_now=True)
            return True
        self._check_fits(container, nodes, port)
        if container.status == "running":
            return False
        if container.status == "paused":
            container.unpause()
        else:
            self._start(container, made_now=False)
        return True

    def _equip(self) -> None:
        """Put the emulator's own ``singularity`` and ``apptainer`` where job scripts find them."""
        from docker.errors import APIError

        from emulator.runtimes.singularity_file import NAMES, singularity_file

        content = singularity_file()
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as tar:
            for name in NAMES:
                entry = tarfile.TarInfo(name)
                entry.size, entry.mode = len(content), 0o755
                tar.addfile(entry, io.BytesIO(content))
        try:
            self._there().put_archive(_COMMANDS, packed.getvalue())
        except APIError as refusal:
            raise ClusterFailed(f"{self.name}: {refusal.explanation or refusal}") from refusal

    def _find(self) -> Container | None:
        from docker.errors import APIError, NotFound

        try:
            container = self.client.containers.get(self.name)
        except NotFound:
            return None
        except APIError as refusal:
            raise ClusterFailed(f"{self.name}: {refusal.explanation or refusal}") from refusal
        if container.name != self.name:
            return None  # the engine also finds by the beginning of an id
        if LABEL not in container.labels:
            raise ClusterFailed(f"there is a container {self.name} that is no cluster; choose another --name")
        return container

    def _there(self) -> Container:
        container = self._find()
        if container is None:
            raise ClusterFailed(f"there is no cluster {self.name}")
        return container

    def _create(self, image: str, nodes: int, port: int) -> Container:
        from docker.errors import APIError

        try:
            return self.client.containers.create(
                image,
                name=self.name,
                hostname="login1",
                environment={"NODES": str(nodes)},
                labels={LABEL: str(nodes)},
                ports={_SSH: (ADDRESS, port)},
                # the jobs' memory is read from /proc; without it Slurm cannot hold them to their limits
                cap_add=["SYS_PTRACE"],
                # user namespaces, for containers inside jobs
                security_opt=["seccomp=unconfined"],
            )
        except APIError as refusal:
            raise ClusterFailed(f"{self.name} cannot be made: {refusal.explanation or refusal}") from refusal

    def _start(self, container: Container, made_now: bool) -> None:
        from docker.errors import APIError

        try:
            container.start()
        except APIError as refusal:
            if made_now:
                container.remove(force=True, v=True)
            raise ClusterFailed(self._refused(str(refusal.explanation or refusal), container)) from refusal

    def _refused(self, reason: str, container: Container) -> str:
        if "address already in use" in reason or "port is already allocated" in reason:
            return (
                f"port {_wanted(container)} of {ADDRESS} is taken; "
                "choose another with --port, or --port 0 for a free one"
            )
        return f"{self.name} cannot be started: {reason}"

    def _check_fits(self, container: Container, nodes: int | None, port: int | None) -> None:
        has = int(container.labels[LABEL])
        if nodes not in (None, has):
            raise ClusterFailed(
                f"{self.name} has {has} compute nodes; to have {nodes}: tapis-emulator hpc down"
            )
        wanted = _wanted(container)
        if port and port != wanted:
            raise ClusterFailed(
                f"{self.name} is on port {wanted or 'any'}; to move it: tapis-emulator hpc down"
            )

    def _check(self, code: int, said: str) -> str:
        if code:
            raise ClusterFailed(f"{self.name}: {said}")
        return said


def _wanted(container: Container) -> int:
    """The port it was made for; 0 for any."""
    bindings: dict[str, list[dict[str, Any]]] = container.attrs["HostConfig"]["PortBindings"]
    return int(bindings[_SSH][0]["HostPort"] or 0)
