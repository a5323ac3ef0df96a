"""Host names and the machines behind them, by the host map."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from emulator.domain.host_map import SSH_PORT, Binding, HostKind, Identity
from emulator.domain.ports import Account, Clock, Host
from emulator.hosts.local import LocalHost, local_host
from emulator.hosts.map_file import MapFile
from emulator.hosts.sandbox import SandboxHosts

if TYPE_CHECKING:
    from emulator.hosts.ssh.host import SshMachines

Credentials = Callable[[Account], Identity]
"""What a system's own credentials say of who logs in; empty where there are none."""


class MappedHosts:
    """See ports.Hosts. Names that the map does not have are sandboxes."""

    def __init__(
        self,
        *,
        sandboxes: SandboxHosts,
        bindings: MapFile,
        credentials: Credentials,
        clock: Clock,
        known_hosts: Path,
        spool: Path,
    ) -> None:
        self._sandboxes = sandboxes
        self._bindings = bindings
        self._credentials = credentials
        self._clock = clock
        self._known_hosts = known_hosts
        self._spool = spool
        self._lock = threading.Lock()
        self._local: dict[str, LocalHost] = {}
        self._machines: SshMachines | None = None

    def host(self, world: str, name: str, account: Account | None = None) -> Host:
        """See ports.Hosts."""
        binding = self._bindings.find(name)
        if binding.kind is HostKind.SSH:
            return self._by_ssh(name, binding, account)
        if binding.kind is HostKind.LOCAL:
            with self._lock:
                if name not in self._local:
                    self._local[name] = local_host(name, self._clock, self._spool)
                return self._local[name]
        return self._sandboxes.host(world, name, account)

    def close(self) -> None:
        """Hang up everywhere."""
        with self._lock:
            machines, self._machines = self._machines, None
        if machines is not None:
            machines.close()

    def _by_ssh(self, name: str, binding: Binding, account: Account | None) -> Host:
        assert binding.machine is not None, "the map has checked that"
        identity = binding.identity(account.owner if account else "")
        if account is not None and not identity.complete:
            identity = identity.over(self._credentials(account))
        machine = binding.machine
        if not machine.port:
            machine = replace(machine, port=(account.port if account else None) or SSH_PORT)
        return self._ssh().machine(machine, identity, name)

    def _ssh(self) -> SshMachines:
        with self._lock:
            if self._machines is None:
                from emulator.hosts.ssh.host import SshMachines  # paramiko, which most never need

                self._machines = SshMachines(self._known_hosts)
            return self._machines
