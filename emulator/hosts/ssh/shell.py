"""The shell of an account on a machine (ports.Shell)."""

from __future__ import annotations

import errno
import re
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from emulator.domain.ports import Completed
from emulator.hosts.ssh.connection import Connections
from emulator.hosts.ssh.execution import Execution, execution

LARGEST_OUTPUT = 8 * 1024 * 1024
"""Bytes of each output stream that are taken; no scheduler says more."""
_PIECE = 64 * 1024
_SURELY_TAKEN = 512 * 1024  # servers open their windows wider than this
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOMENT = re.compile(r"(\d+)(?:\.(\d{1,9}))?")


class SshShell:
    """Commands by the login shell of an account, each in a session of its own."""

    def __init__(self, connections: Connections, label: str) -> None:
        self._connections = connections
        self._label = label

    @property
    def address(self) -> str:
        return self._connections.named

    def run(self, command: str, *, stdin: bytes = b"", seconds: float = 60.0) -> Completed:
        """See ports.Shell. Raises OSError also when the command says more than LARGEST_OUTPUT bytes."""
        named = f"{self._label} ({self._connections.named})"
        with execution(self._connections, command.encode("utf-8", "surrogateescape"), named) as running:
            return _Conversation(running, named, stdin, seconds).completed()

    def now(self) -> datetime:
        done = self.run("date -u +%s.%N", seconds=30.0)
        found = _MOMENT.match(done.stdout.strip())
        if done.code or not found:
            raise OSError(
                f"{self._label} does not tell the time: {(done.stderr or done.stdout).strip()[:200]}"
            )
        fraction = int((found[2] or "0").ljust(9, "0")) // 1000
        return _EPOCH + timedelta(seconds=int(found[1]), microseconds=fraction)


class _Conversation:
    """Input and both outputs of one command at the same time, within one time limit."""

    def __init__(self, running: Execution, named: str, stdin: bytes, seconds: float) -> None:
        self._running = running
        self._channel = running.channel
        self._named = named
        self._stdin = stdin
        self._seconds = seconds
        self._until = time.monotonic() + seconds
        self._outputs = (bytearray(), bytearray())

    def completed(self) -> Completed:
        self._channel.settimeout(self._seconds)
        heard = threading.Event()
        self._channel.in_buffer.set_event(heard)
        self._channel.in_stderr_buffer.set_event(heard)
        try:
            self._feed()
            self._listen(heard)
            code = self._running.code(self._left())
        except TimeoutError:
            self._running.kill()
            raise TimeoutError(
                f"{self._named}: a command has not ended after {self._seconds:g} seconds"
            ) from None
        except OSError:
            self._running.kill()
            raise
        stdout, stderr = (bytes(kept).decode("utf-8", "surrogateescape") for kept in self._outputs)
        return Completed(code, stdout, stderr)

    def _left(self) -> float:
        return max(0.0, self._until - time.monotonic())

    def _feed(self) -> None:
        if len(self._stdin) <= _SURELY_TAKEN:
            self._write()
        else:
            threading.Thread(target=self._write, daemon=True).start()

    def _write(self) -> None:
        """What breaks here breaks the reading too; and a command may end without reading all."""
        with suppress(OSError):
            self._running.write(self._stdin)
            self._running.end_of_input()

    def _listen(self, heard: threading.Event) -> None:
        """Read both until the command writes no more.

        Reading may clear the event: it is waited for only after a round in which there was nothing to read.
        """
        while True:
            ended = self._channel.eof_received or self._channel.closed
            if self._drain():
                if not self._left():
                    raise TimeoutError
                continue
            if ended:
                return
            if not heard.wait(self._left()):
                raise TimeoutError

    def _drain(self) -> bool:
        some = False
        for kept, ready, receive in (
            (self._outputs[0], self._channel.recv_ready, self._channel.recv),
            (self._outputs[1], self._channel.recv_stderr_ready, self._channel.recv_stderr),
        ):
            if ready():
                kept += receive(_PIECE)
                some = True
                if len(kept) > LARGEST_OUTPUT:
                    raise OSError(
                        errno.EFBIG, f"{self._named}: a command says more than {LARGEST_OUTPUT} bytes"
                    )
        return some
