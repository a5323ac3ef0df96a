"""Machines by the host map: the part of the composition root that names what stands behind a host."""

from __future__ import annotations

from pathlib import Path

from emulator.domain.credentials import identity_in
from emulator.domain.host_map import BadHostMap, Identity, parse_host_map
from emulator.domain.ports import Account, Clock
from emulator.hosts.map_file import MapFile
from emulator.hosts.mapped import MappedHosts
from emulator.hosts.sandbox import SandboxHosts
from emulator.settings import BadSetting, Settings, flag
from emulator.store import Store


def map_hosts(
    settings: Settings, data: Path, sandboxes: SandboxHosts, store: Store, clock: Clock
) -> MappedHosts:
    """Sandboxes, and real machines in their place; ``store`` knows the credentials. Raises BadSetting."""

    def identity(account: Account) -> Identity:
        with store.read() as tx:
            return identity_in(tx.credentials.own_of(account.system_uuid, account.part))

    try:
        bindings = MapFile(data / "hosts.yaml", parse_host_map(settings.hosts, flag("hosts")))
    except BadHostMap as error:
        raise BadSetting(str(error)) from error
    return MappedHosts(
        sandboxes=sandboxes,
        bindings=bindings,
        credentials=identity,
        clock=clock,
        known_hosts=data / "known_hosts",
        spool=data / "incoming",
    )
