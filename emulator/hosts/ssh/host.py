"""Machines by SSH as hosts (ports.Host), sharing their connections."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from emulator.domain.host_map import Identity, Machine
from emulator.hosts.ssh.connection import Connections
from emulator.hosts.ssh.files import SshFiles
from emulator.hosts.ssh.known_hosts import KnownHosts
from emulator.hosts.ssh.login import Login
from emulator.hosts.ssh.shell import SshShell

if TYPE_CHECKING:
    import paramiko


@dataclass(frozen=True, slots=True)
class SshHost:
    """A machine, entered by one account; see ports.Host."""

    name: str
    files: SshFiles
    shell: SshShell


class SshMachines:
    """All machines by SSH of one emulator. Nothing is asked of them before their files or shells are used."""

    def __init__(self, known_hosts: Path) -> None:
        """``known_hosts`` is the file where host keys are recorded; it need not exist."""
        self._known_hosts = KnownHosts(known_hosts)
        self._lock = threading.RLock()
        self._logins: dict[tuple[Machine, Identity], Login] = {}

    def machine(self, machine: Machine, identity: Identity, label: str) -> SshHost:
        """The machine for an identity; ``label`` is the host name that systems know it by, for messages.

        The same machine and identity share their connections, whatever the label.
        """
        login = self._login(machine, identity, label)
        return SshHost(label, SshFiles(login), SshShell(login.connections, label))

    def close(self) -> None:
        """Close all connections; whoever uses one is told so. Machines can be used again afterwards."""
        with self._lock:
            logins, self._logins = list(self._logins.values()), {}
        for login in logins:
            login.close()

    def _login(self, machine: Machine, identity: Identity, label: str) -> Login:
        with self._lock:
            key = (machine, identity)
            if key not in self._logins:
                connections = Connections(machine, identity, self._known_hosts, self._through)
                self._logins[key] = Login(connections, label)
            return self._logins[key]

    def _through(self, jump: Machine, address: str, port: int) -> paramiko.Channel:
        """A stream through a jump host, on its shared connections; it ends when the channel is closed."""
        connections = self._login(jump, jump.identity, jump.address).connections
        with ExitStack() as stack:
            channel = stack.enter_context(connections.tunnel(address, port))
            kept = stack.pop_all()
        return _ending(channel, kept)


def _ending(channel: paramiko.Channel, stack: ExitStack) -> paramiko.Channel:
    """The channel, which gives back its place when it is closed."""
    close = channel.close

    def closed() -> None:
        close()
        stack.close()

    channel.close = closed  # type: ignore[method-assign]
    return channel
