"""Machines that scenarios reach into: at ``host.connect`` and ``host.exec``, around whatever stands behind a name."""

from __future__ import annotations

import errno
import os
import threading
from dataclasses import dataclass
from datetime import datetime

from emulator.domain.acting import Linger, lingered, occasion_here
from emulator.domain.fault import Strike
from emulator.domain.ports import Account, Completed, Gate, Host, HostFiles, Hosts, Shell
from emulator.hosts.gated_files import GatedFiles

FAMILY = "host"


class GatedHosts:
    """See ports.Hosts. Where no rule listens, the machines are handed out as they are."""

    def __init__(self, hosts: Hosts, gate: Gate, linger: Linger) -> None:
        """``linger`` waits for a delay or a hold where no job's step does."""
        self._hosts = hosts
        self._gate = gate
        self._linger = linger

    def host(self, world: str, name: str, account: Account | None = None) -> Host:
        """See ports.Hosts. Whoever got it connects when they first use its files or its shell."""
        host = self._hosts.host(world, name, account)
        if not self._gate.armed(world, FAMILY):
            return host
        return GatedHost(host, Visit(self._gate, self._linger, world, name, account.owner if account else ""))


class Visit:
    """One use of a machine: the first thing done there connects, and a connection that was refused is tried again."""

    def __init__(self, gate: Gate, linger: Linger, world: str, name: str, user: str) -> None:
        self._gate = gate
        self._linger = linger
        self._world = world
        self._name = name
        self._user = user
        self._connecting = threading.Lock()
        self._connected = False

    def connect(self) -> None:
        """Raises ConnectionError where a scenario says so."""
        with self._connecting:
            if self._connected:
                return
            strike = self.ask("host.connect")
            if strike is not None:
                raise self._refusal(strike)
            self._connected = True

    def ask(self, point: str) -> Strike | None:
        """What is to be done here."""
        here = occasion_here(self._world, point, host=self._name, user=self._user)
        return lingered(self._gate.strike(here), self._linger)

    def _refusal(self, strike: Strike) -> OSError:
        said = strike.action.args["message"]
        if strike.action.kind == "refuse-login":  # may pass, as at a real machine: accounts are unlocked
            return ConnectionError(errno.EACCES, f"{self._name}: {said or 'Authentication failed.'}")
        return ConnectionError(errno.EHOSTUNREACH, f"{self._name}: {said or os.strerror(errno.EHOSTUNREACH)}")


class GatedHost:
    """See ports.Host."""

    def __init__(self, host: Host, visit: Visit) -> None:
        self._host = host
        self._files = GatedFiles(host.files, visit.connect)
        self._shell = GatedShell(host.shell, visit) if host.shell is not None else None

    @property
    def name(self) -> str:
        return self._host.name

    @property
    def files(self) -> HostFiles:
        return self._files

    @property
    def shell(self) -> Shell | None:
        return self._shell


@dataclass(frozen=True, slots=True)
class GatedShell:
    """See ports.Shell."""

    inner: Shell
    visit: Visit

    @property
    def address(self) -> str:
        return self.inner.address

    def run(self, command: str, *, stdin: bytes = b"", seconds: float = 60.0) -> Completed:
        """See ports.Shell. A command whose connection is dropped has run; one that times out or exits has not."""
        self.visit.connect()
        strike = self.visit.ask("host.exec")
        if strike is not None and strike.action.kind == "timeout":
            raise TimeoutError(f"{self.address}: a command has not ended after {seconds:g} seconds")
        if strike is not None and strike.action.kind == "exit":
            return Completed(strike.action.args["code"], "", f"{strike.action.args['message']}\n")
        done = self.inner.run(command, stdin=stdin, seconds=seconds)
        if strike is not None:
            raise ConnectionResetError(
                errno.ECONNRESET, f"{self.address}: the connection broke while a command was running"
            )
        return done

    def now(self) -> datetime:
        self.visit.connect()
        return self.inner.now()
