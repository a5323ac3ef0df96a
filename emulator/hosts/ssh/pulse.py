"""Noticing that the other end of a connection has fallen silent, whatever TCP believes."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import paramiko

PULSE_SECONDS = 2.0
"""How often a connection in use is looked at; one that has been heard of since is asked nothing."""
IDLE_SECONDS = 20.0
"""The silence after which a connection that nobody uses is asked."""
SILENT_SECONDS = 6.0
"""How long an answer is waited for; any byte is one."""
_WAKE_SECONDS = 1.0


class HeardSocket:
    """A socket, or a channel through a jump host, that knows when something was last received."""

    def __init__(self, wire: socket.socket | paramiko.Channel) -> None:
        self._wire = wire
        self.heard = time.monotonic()
        self._closed = False  # paramiko asks for it by this name

    def recv(self, size: int) -> bytes:
        data = self._wire.recv(size)
        self.heard = time.monotonic()
        return data

    def send(self, data: bytes) -> int:
        return self._wire.send(data)

    def settimeout(self, seconds: float) -> None:
        """paramiko wants to wake ten times a second; a closed socket wakes it anyhow."""
        self._wire.settimeout(max(seconds, _WAKE_SECONDS))

    def getpeername(self) -> Any:
        return self._wire.getpeername()

    def close(self) -> None:
        self._closed = True
        if isinstance(self._wire, socket.socket):
            with suppress(OSError):  # it is gone already, which is what is asked for
                self._wire.shutdown(socket.SHUT_RDWR)
        self._wire.close()


class Pulse:
    """A thread that closes a transport which has been silent for too long after it was asked something."""

    def __init__(
        self, transport: paramiko.Transport, wire: HeardSocket, in_use: Callable[[], bool], name: str
    ) -> None:
        self._transport = transport
        self._wire = wire
        self._in_use = in_use
        self._stopped = threading.Event()
        self.reason = ""
        """Why the transport was closed, if it was closed here."""
        threading.Thread(target=self._watch, name=f"ssh-pulse-{name}", daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()

    def _watch(self) -> None:
        while not self._stopped.wait(PULSE_SECONDS) and self._transport.is_active():
            silence = time.monotonic() - self._wire.heard
            if silence >= (PULSE_SECONDS if self._in_use() else IDLE_SECONDS) and not self._answers():
                self.reason = f"it has been silent for {time.monotonic() - self._wire.heard:.0f} seconds"
                self._transport.close()
                return

    def _answers(self) -> bool:
        """Whether anything is heard after a question that every server answers, if only by a refusal."""
        asked = time.monotonic()
        # in a thread of its own, for it may not even get rid of the question
        threading.Thread(target=self._ask, daemon=True).start()
        while time.monotonic() - asked < SILENT_SECONDS:
            if self._stopped.wait(0.2) or not self._transport.is_active() or self._wire.heard > asked:
                return True
        return False

    def _ask(self) -> None:
        with suppress(Exception):  # a transport that breaks is heard of by whoever uses it
            self._transport.global_request("keepalive@openssh.com", wait=True)
