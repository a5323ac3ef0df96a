"""Connections of one account to one machine: kept, shared, watched, and opened again when they break."""

from __future__ import annotations

import itertools
import os
import socket
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

from emulator.domain.host_map import Identity, Machine
from emulator.hosts.ssh.dialing import CONNECT_SECONDS, Backoff, Through, dial, where
from emulator.hosts.ssh.errors import unconnected
from emulator.hosts.ssh.known_hosts import KnownHosts
from emulator.hosts.ssh.pulse import HeardSocket, Pulse

if TYPE_CHECKING:
    import paramiko

CHANNELS = 8
"""On one connection: servers allow ten by default (MaxSessions)."""
CONNECTIONS = 4
"""Of one account."""
QUEUE_SECONDS = 120.0
"""How long a caller waits for a channel to become free."""
REFUSED_SECONDS = 30.0
"""How long a session is asked for again that the server refuses."""
REFUSED_WAIT_SECONDS = 0.2
SPARE_SECONDS = 60.0
"""How long a second or further connection is kept that nobody uses."""


class NoSession(ConnectionError):
    """The server allows no further session now."""


class Connection:
    """One transport and how many channels are open on it. Counted by the Connections it belongs to."""

    _numbers = itertools.count()

    def __init__(self, transport: paramiko.Transport, wire: HeardSocket, named: str) -> None:
        self.number = next(self._numbers)
        self.channels = 0
        self.unused_since = time.monotonic()
        self._transport = transport
        self._named = named
        self._pulse = Pulse(transport, wire, lambda: self.channels > 0, f"{named}-{self.number}")

    @property
    def alive(self) -> bool:
        return self._transport.is_active()

    def open(self, seconds: float = CONNECT_SECONDS) -> paramiko.Channel:
        """A new session channel; of the caller alone. Raises ConnectionError, TimeoutError."""
        return self._open("session", None, seconds)

    def tunnel(self, address: str, port: int) -> paramiko.Channel:
        """A stream from the machine on to another one."""
        return self._open("direct-tcpip", (address, port), CONNECT_SECONDS)

    def _open(self, kind: str, target: tuple[str, int] | None, seconds: float) -> paramiko.Channel:
        import paramiko

        source = ("127.0.0.1", 0) if target else None
        try:
            return self._transport.open_channel(kind, target, source, timeout=seconds)
        except paramiko.ChannelException as error:
            if target is None:
                raise NoSession(f"{self._named}: no further session is allowed: {error.text}") from error
            way = f"no way from there to {target[0]}:{target[1]}"
            raise ConnectionError(f"{self._named}: {way}: {error.text}") from error
        except (paramiko.SSHException, EOFError, OSError) as error:
            if "timeout" in str(error).lower():
                raise self.broken(TimeoutError()) from error
            if target is None and self.alive:  # of two that are refused at once, one is told no reason
                raise NoSession(f"{self._named}: no further session is allowed") from error
            raise self.broken(error) from error

    def broken(self, error: BaseException) -> ConnectionError | TimeoutError:
        """An error of this connection in words, with the reason where it was closed for one."""
        if self._pulse.reason:
            return ConnectionResetError(f"{self._named}: the connection was given up: {self._pulse.reason}")
        return unconnected(self._named, error)

    def close(self) -> None:
        self._pulse.stop()
        self._transport.close()

    def abandon(self) -> None:
        """Let go of it in a child process: the connection itself stays with the parent."""
        self._pulse.stop()
        self._transport.atfork()


class Connections:
    """All connections of one account on one machine.

    Opened when needed, up to CONNECTIONS; callers beyond that wait for each other, QUEUE_SECONDS at most.
    """

    _all: weakref.WeakSet[Connections] = weakref.WeakSet()

    def __init__(
        self, machine: Machine, identity: Identity, known_hosts: KnownHosts, through: Through
    ) -> None:
        self.named = where(machine, identity)
        self._machine = machine
        self._identity = identity
        self._known_hosts = known_hosts
        self._through = through
        self._reset()
        self._all.add(self)

    def _reset(self) -> None:
        self._open: list[Connection] = []
        self._changed = threading.Condition()
        self._dialing = False
        self._closed = False
        self._waiting = 0
        self._backoff = Backoff(time.monotonic)

    @contextmanager
    def channel(self) -> Iterator[tuple[paramiko.Channel, Connection]]:
        """A session of the caller's own; closed at the end. Raises ConnectionError, TimeoutError, PermissionError."""
        with ExitStack() as stack:
            channel, connection = self._session(stack)
            try:
                yield channel, connection
            finally:
                _close(channel)

    def _session(self, stack: ExitStack) -> tuple[paramiko.Channel, Connection]:
        """A session on a connection with room for it.

        A server goes on counting a session that was closed here until its command has ended there: one that is
        refused is asked for again, after others have been closed or a moment has passed.
        """
        until = time.monotonic() + REFUSED_SECONDS
        while True:
            with ExitStack() as attempt:
                connection = attempt.enter_context(self._slot())
                try:
                    channel = connection.open()
                except NoSession:
                    if time.monotonic() >= until:
                        raise
                else:
                    stack.push(attempt.pop_all())
                    return channel, connection
            with self._changed:
                self._changed.wait(REFUSED_WAIT_SECONDS)

    @contextmanager
    def tunnel(self, address: str, port: int) -> Iterator[paramiko.Channel]:
        """A stream through the machine to another one."""
        with self._slot() as connection:
            channel = connection.tunnel(address, port)
            try:
                yield channel
            finally:
                _close(channel)

    def close(self) -> None:
        """Close everything; whoever still reads or writes is told so."""
        with self._changed:
            self._closed = True
            gone, self._open = self._open, []
            self._changed.notify_all()
        for connection in gone:
            connection.close()

    @property
    def crowded(self) -> bool:
        """Whether somebody waits for a channel."""
        return self._waiting > 0

    @contextmanager
    def _slot(self) -> Iterator[Connection]:
        connection = self._take()
        try:
            yield connection
        finally:
            with self._changed:
                connection.channels -= 1
                connection.unused_since = time.monotonic()
                self._changed.notify()

    def _take(self) -> Connection:
        """A connection with room, one channel counted on it already."""
        until = time.monotonic() + QUEUE_SECONDS
        while True:
            with self._changed:
                found = self._free_or_none(until)
                if found is not None:
                    return found
                self._dialing = True
            self._dial()

    def _free_or_none(self, until: float) -> Connection | None:
        """One with room; None when the caller is to open another. Called with the lock held."""
        while not self._closed:
            self._drop_useless()
            free = min((c for c in self._open if c.channels < CHANNELS), key=_emptiness, default=None)
            if free is not None:
                free.channels += 1
                return free
            if not self._dialing and len(self._open) < CONNECTIONS:
                return None
            left = until - time.monotonic()
            if left <= 0:
                raise TimeoutError(
                    f"{self.named}: all {len(self._open)} connections have been busy for too long"
                )
            self._waiting += 1
            try:
                self._changed.wait(left)
            finally:
                self._waiting -= 1
        raise ConnectionAbortedError(f"{self.named}: the connections have been closed")

    def _drop_useless(self) -> None:
        """Without dead ones, and without those that were opened for a rush that is over."""
        now = time.monotonic()
        for connection in list(self._open):
            spare = connection is not self._open[0] and connection.channels == 0
            if not connection.alive or (spare and now - connection.unused_since > SPARE_SECONDS):
                self._open.remove(connection)
                connection.close()

    def _dial(self) -> None:
        try:
            self._backoff.check()
            made = self._dialed()
            with self._changed:
                self._open.append(made)
        finally:
            with self._changed:
                self._dialing = False
                self._changed.notify_all()

    def _dialed(self) -> Connection:
        try:
            dialed = dial(self._machine, self._identity, self._known_hosts, self._through)
        except (ConnectionError, TimeoutError) as error:
            self._backoff.failed(error)
            raise
        self._backoff.succeeded()
        return Connection(*dialed, self.named)


def _emptiness(connection: Connection) -> tuple[bool, int]:
    """Fill one connection before the next: fewer are needed then."""
    return (False, connection.number)


def _close(channel: paramiko.Channel) -> None:
    with suppress(EOFError, OSError):  # with the connection gone, it is closed
        channel.close()


@contextmanager
def limited(channel: paramiko.Channel, seconds: float) -> Iterator[None]:
    """Close the channel when the block takes longer; what waits in it ends then."""
    timer = threading.Timer(seconds, _close, [channel])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _forget_in_child() -> None:
    """A child process of a fork shares no connection with its parent: it opens its own."""
    for connections in list(Connections._all):
        for connection in connections._open:
            with suppress(OSError, socket.error):
                connection.abandon()
        connections._reset()


os.register_at_fork(after_in_child=_forget_in_child)
