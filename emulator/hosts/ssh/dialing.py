"""Opening a connection: the socket, perhaps through a jump host; the host key; logging in."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from emulator.domain.host_map import SSH_PORT, Identity, Machine
from emulator.hosts.ssh.errors import AuthenticationRefused, unconnected
from emulator.hosts.ssh.keys import private_key
from emulator.hosts.ssh.known_hosts import KnownHosts, pinned_key
from emulator.hosts.ssh.pulse import HeardSocket

if TYPE_CHECKING:
    import paramiko

CONNECT_SECONDS = 10.0
BANNER_SECONDS = 10.0
AUTH_SECONDS = 20.0
LOG_CHANNEL = "emulator.hosts.ssh.protocol"
"""Where paramiko reports what we report ourselves, as errors: silent unless somebody turns it on."""

Through = Callable[[Machine, str, int], "paramiko.Channel"]
"""Opens a stream through a jump host to an address and port."""


def where(machine: Machine, identity: Identity) -> str:
    """How messages call a machine: ``ssh tapis@login.example.org:22``."""
    user = f"{identity.user}@" if identity.user else ""
    return f"ssh {user}{machine.address}:{machine.port or SSH_PORT}"


def dial(
    machine: Machine, identity: Identity, known_hosts: KnownHosts, through: Through
) -> tuple[paramiko.Transport, HeardSocket]:
    """A transport that is logged in.

    Raises ConnectionError and TimeoutError, AuthenticationRefused, HostKeyChanged, UnusableKey; see errors.py.
    """
    named = where(machine, identity)
    key = private_key(identity, named)
    if not identity.user:
        raise AuthenticationRefused(f"{named}: no user name is known to log in with")
    if key is None and not identity.password:
        raise AuthenticationRefused(f"{named}: neither a password nor a private key is known to log in with")
    port = machine.port or SSH_PORT
    with _told_as(named):
        wire = HeardSocket(through(machine.jump, machine.address, port) if machine.jump else _socket(machine))
        try:
            transport = _transport(wire, machine, known_hosts)
        except BaseException:
            wire.close()
            raise
    try:
        with _told_as(named):
            transport.start_client(timeout=CONNECT_SECONDS + BANNER_SECONDS)
            if not transport.initial_kex_done:
                raise TimeoutError
            known_hosts.check(machine.address, port, transport.get_remote_server_key(), machine.host_key)
            _log_in(transport, identity, key, named)
    except BaseException:
        transport.close()
        raise
    return transport, wire


@contextmanager
def _told_as(named: str) -> Iterator[None]:
    import paramiko

    try:
        yield
    except (PermissionError, AuthenticationRefused):
        raise
    except (paramiko.SSHException, EOFError, OSError) as error:
        raise unconnected(named, error) from error


def _socket(machine: Machine) -> socket.socket:
    made = socket.create_connection((machine.address, machine.port or SSH_PORT), CONNECT_SECONDS)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


def _transport(wire: HeardSocket, machine: Machine, known_hosts: KnownHosts) -> paramiko.Transport:
    from emulator.hosts.ssh.protocol import SignallingTransport

    logging.getLogger(LOG_CHANNEL).setLevel(logging.CRITICAL + 1)
    transport = SignallingTransport(wire)
    transport.set_log_channel(LOG_CHANNEL)
    transport.daemon = True
    transport.banner_timeout = BANNER_SECONDS
    transport.handshake_timeout = BANNER_SECONDS
    transport.auth_timeout = AUTH_SECONDS
    transport.channel_timeout = CONNECT_SECONDS
    options = transport.get_security_options()
    # half the work of what paramiko prefers; servers without it take the next
    quick = [cipher for cipher in options.ciphers if "-gcm@" in cipher]
    options.ciphers = tuple(quick + [cipher for cipher in options.ciphers if cipher not in quick])
    _prefer_known_kinds(options, machine, known_hosts)
    return transport


def _prefer_known_kinds(
    options: paramiko.transport.SecurityOptions, machine: Machine, known_hosts: KnownHosts
) -> None:
    """A machine has keys of several kinds: it is asked for one that can be compared."""
    port = machine.port or SSH_PORT
    keys = known_hosts.keys(machine.address, port)
    if machine.host_key:
        keys = [pinned_key(machine.host_key, machine.address)]
    kinds = {key.kind for key in keys}
    if "ssh-rsa" in kinds:
        kinds |= {"rsa-sha2-512", "rsa-sha2-256"}
    known = [kind for kind in options.key_types if kind in kinds]
    options.key_types = tuple(known + [kind for kind in options.key_types if kind not in kinds])


def _log_in(transport: paramiko.Transport, identity: Identity, key: paramiko.PKey | None, named: str) -> None:
    import paramiko

    tried: list[str] = []
    try:
        if key is not None:
            tried.append(f"its {key.get_name()} key {key.fingerprint}")
            with suppress(paramiko.AuthenticationException) if identity.password else _nothing():
                if not transport.auth_publickey(identity.user, key):
                    return
        if identity.password:
            tried.append("its password")
            transport.auth_password(identity.user, identity.password)
        if not transport.is_authenticated():
            raise AuthenticationRefused(f"{named} asks for more than {' and '.join(tried)} to let in")
    except paramiko.AuthenticationException as error:
        if "timeout" in str(error).lower():
            raise TimeoutError from error
        if not transport.is_active():
            raise EOFError from error
        ways = getattr(error, "allowed_types", None)
        taken = f"; it takes {', '.join(ways)}" if ways else ""
        raise AuthenticationRefused(f"{named} refuses {' and '.join(tried)}{taken}") from error


@contextmanager
def _nothing() -> Iterator[None]:
    yield


class Backoff:
    """After a failure, the next attempts fail at once with its reason, for longer and longer."""

    FIRST_SECONDS = 0.5
    LONGEST_SECONDS = 30.0

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._failures = 0
        self._until = 0.0
        self._error: OSError | None = None

    def check(self) -> None:
        """Raise the last failure again while it is too early for another attempt."""
        with self._lock:
            if self._error is not None and self._now() < self._until:
                raise type(self._error)(*self._error.args) from self._error

    def failed(self, error: OSError) -> None:
        with self._lock:
            wait = min(self.FIRST_SECONDS * 2**self._failures, self.LONGEST_SECONDS)
            self._failures = min(self._failures + 1, 10)
            self._until = self._now() + wait
            self._error = error

    def succeeded(self) -> None:
        with self._lock:
            self._failures = 0
            self._error = None
