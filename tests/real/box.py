"""A machine in a container that is entered by ssh: what tests see of it, and how they break it.

``Box`` is the plain machine; ``SchedulerBox`` one with a batch system, whose daemons can be taken away as well.
"""

from __future__ import annotations

import io
import socket
import tarfile
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

import docker

from tests.real.docker_engine import Engine
from tests.real.waiting import wait_until

# the listening process and those that serve each connection, as OpenSSH 9.8 and later name them
SSHD_PROCESSES = "^sshd"
START_SSHD = ("/usr/sbin/sshd",)


class CommandFailed(Exception):
    """A command in the box ended with another code than 0; the message holds what it printed."""


@dataclass(frozen=True)
class Access:
    """How a box is reached: address, the key pair and the password that open it, and its own public key.

    ``host_key`` is in the form of an authorized_keys line (``ssh-ed25519 AAAA…``); ``container`` names it for the
    engine.
    """

    container: str
    host: str
    port: int
    user: str
    password: str
    key_file: str
    host_key: str


class Box:
    """One container with an ssh server; reached as ``access`` says."""

    def __init__(self, engine: Engine, access: Access) -> None:
        self.access = access
        self._api = docker.APIClient(base_url=engine.host)

    def close(self) -> None:
        """Let go of the engine; the container stays."""
        self._api.close()

    def exec(self, *argv: str, user: str = "root", stdin: str = "") -> str:
        """Run a command inside to its end, past sshd; what it printed. Raises :class:`CommandFailed`."""
        code, output = self.try_exec(*argv, user=user, stdin=stdin)
        if code:
            raise CommandFailed(f"{argv} in {self.access.container} ended with {code}:\n{output}")
        return output

    def try_exec(self, *argv: str, user: str = "root", stdin: str = "") -> tuple[int, str]:
        """Run a command inside to its end; its exit code and what it printed, both streams together."""
        command = list(argv)
        if stdin:
            # an argument, not a stream: exec's own stdin cannot be closed through the SDK
            command = ["sh", "-c", 'input=$1; shift; printf %s "$input" | "$@"', "stdin", stdin, *argv]
        container = self.access.container
        home = "/root" if user == "root" else f"/home/{user}"
        created = self._api.exec_create(
            container, command, user=user, environment={"HOME": home, "USER": user}
        )
        output: bytes = self._api.exec_start(created["Id"])
        code: int = self._api.exec_inspect(created["Id"])["ExitCode"]
        return code, output.decode(errors="replace")

    def write(self, path: str, content: str, mode: int = 0o755) -> None:
        """Put a file into the box, owned by the account ``tapis``; its directory must exist."""
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as tar:
            entry = tarfile.TarInfo(Path(path).name)
            data = content.encode()
            entry.size, entry.mode, entry.uid, entry.gid = len(data), mode, 2001, 2001
            tar.addfile(entry, io.BytesIO(data))
        self._api.put_archive(self.access.container, str(Path(path).parent), packed.getvalue())

    def stop_sshd(self) -> None:
        """End the ssh server and cut every connection; commands that run there may live on."""
        self.try_exec("pkill", "-KILL", SSHD_PROCESSES)
        wait_until(lambda: not self.greets(), what="sshd to be gone")

    def start_sshd(self) -> None:
        """Start it again, with the same host key; returns when it greets."""
        if not self.greets():
            self.exec(*START_SSHD)
        wait_until(self.greets, what="sshd to answer")

    def pause(self) -> None:
        """Stop the ssh server and its sessions in their tracks: connections stay open and nothing answers."""
        self.exec("pkill", "-STOP", SSHD_PROCESSES)

    def resume(self) -> None:
        """Let them go on where they were."""
        self.exec("pkill", "-CONT", SSHD_PROCESSES)

    def greets(self) -> bool:
        """Whether an ssh server introduces itself on the port within a second."""
        try:
            with socket.create_connection((self.access.host, self.access.port), 1) as connection:
                connection.settimeout(1)
                return connection.recv(4) == b"SSH-"
        except OSError:
            return False


class SchedulerBox(Box, ABC):
    """A box whose batch system can be stopped, and whose compute node can be closed to new jobs."""

    @abstractmethod
    def stop_scheduler(self) -> None:
        """End the daemon that takes and starts jobs; running ones live on. Returns when it is gone."""

    @abstractmethod
    def start_scheduler(self) -> None:
        """Start it again; returns when it answers."""

    @abstractmethod
    def drain(self) -> None:
        """Let no job start any more; running ones are left alone."""

    @abstractmethod
    def undrain(self) -> None:
        """Take jobs again; returns when the node is open."""

    @abstractmethod
    def end_all_jobs(self) -> None:
        """Cancel whatever any account has there; returns when nothing is left."""
