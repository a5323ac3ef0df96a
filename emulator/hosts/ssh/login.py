"""What an account on a machine offers: SFTP sessions, and commands where it has a shell."""

from __future__ import annotations

import os
import shlex
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from emulator.hosts.ssh.connection import Connections
from emulator.hosts.ssh.execution import Execution, execution

if TYPE_CHECKING:
    from emulator.hosts.ssh.sftp import Session

IDLE_SESSIONS = 3
"""SFTP sessions that are kept for the next caller: starting one costs as much as ten requests."""
PROBE_SECONDS = 30.0
_MARK = "a-shell-is-here"
_LITTER = 1000


class Login:
    """One account on one machine; of all threads."""

    def __init__(self, connections: Connections, label: str) -> None:
        self.connections = connections
        self.label = label
        self._lock = threading.Lock()
        self._process = os.getpid()
        self._idle: list[tuple[Session, ExitStack]] = []
        self._litter: list[bytes] = []
        self._commands: frozenset[str] | None = None

    @property
    def named(self) -> str:
        return f"{self.label} ({self.connections.named})"

    @contextmanager
    def sftp(self) -> Iterator[Session]:
        """An SFTP session of the caller's own. Raises ConnectionError, TimeoutError, PermissionError."""
        session, stack = self._idle_session() or self._new_session()
        try:
            self._sweep(session)
            yield session
        finally:
            self._give_back(session, stack)

    @contextmanager
    def running(self, command: str | bytes) -> Iterator[Execution]:
        """A command, with its streams; see execution."""
        raw = command if isinstance(command, bytes) else os.fsencode(command)
        with execution(self.connections, raw, self.named) as started:
            yield started

    def offers(self, command: str) -> bool:
        """Whether the account has a shell, and this command (``tar``, ``dd``, ``rm``) in it. Asked once.

        Raises ConnectionError and TimeoutError while that cannot be known.
        """
        if self._commands is None:
            self._commands = self._probe()
        return command in self._commands

    def leave_behind(self, path: bytes) -> None:
        """An unfinished file that could not be removed, for the connection is broken: it is, by the next session."""
        with self._lock:
            self._litter = [*self._litter, path][-_LITTER:]

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for _, stack in idle:
            stack.close()
        self.connections.close()

    def _probe(self) -> frozenset[str]:
        wanted = ("dd", "tail", "rm", "mv", "tar", "mkdir", "sha256sum")
        looking = "; ".join(f"command -v {name} >/dev/null && echo {_MARK} {name}" for name in wanted)
        try:
            with self.running(in_posix_shell(looking)) as asked:
                asked.channel.settimeout(PROBE_SECONDS)
                asked.end_of_input()  # an account for SFTP alone waits for requests here, and ends
                said = bytearray()
                while piece := asked.read(4096):
                    said += piece[: 65536 - len(said)]
        except PermissionError:
            return frozenset()
        lines = said.decode("utf-8", "replace").splitlines()
        return frozenset(line.removeprefix(_MARK).strip() for line in lines if line.startswith(_MARK))

    def _idle_session(self) -> tuple[Session, ExitStack] | None:
        while True:
            with self._lock:
                if self._process != os.getpid():  # those of a forked parent stay with the parent
                    self._idle, self._process = [], os.getpid()
                if not self._idle:
                    return None
                found = self._idle.pop()
            if found[0].usable:
                return found
            found[1].close()

    def _new_session(self) -> tuple[Session, ExitStack]:
        from emulator.hosts.ssh.sftp import Session

        with ExitStack() as stack:
            channel, connection = stack.enter_context(self.connections.channel())
            return Session(channel, connection), stack.pop_all()

    def _give_back(self, session: Session, stack: ExitStack) -> None:
        with self._lock:
            if session.usable and len(self._idle) < IDLE_SESSIONS and not self.connections.crowded:
                self._idle.append((session, stack))
                return
        stack.close()

    def _sweep(self, session: Session) -> None:
        with self._lock:
            litter, self._litter = self._litter, []
        for path in litter:
            try:
                session.remove_file(path)
            except (ConnectionError, TimeoutError):
                self.leave_behind(path)
                raise
            except OSError:
                continue  # it never came into being, or is gone


def in_posix_shell(script: str) -> bytes:
    """A command line that every login shell, csh too, hands over to a POSIX shell. Names are surrogate-escaped."""
    quoted = shlex.quote(script)
    return b"exec /bin/sh -c " + os.fsencode(quoted)
