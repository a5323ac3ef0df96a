"""One command on a machine: its three streams and how it ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from emulator.hosts.ssh.connection import Connection, Connections, limited

if TYPE_CHECKING:
    import paramiko

START_SECONDS = 30.0
"""For the machine to start a command: a busy login node may take its time."""
STALLED_SECONDS = 120.0
"""How long a stream may stand still while the machine itself answers."""
STDERR_BYTES = 64 * 1024
"""How much of what a streaming command complains of is kept."""


class Execution:
    """A running command; of one thread, but for its complaints."""

    def __init__(self, channel: paramiko.Channel, connection: Connection, named: str) -> None:
        self.channel = channel
        self._connection = connection
        self._named = named

    def read(self, size: int) -> bytes:
        """What the command has written, at least one byte; empty when it writes no more."""
        with self._told():
            return self.channel.recv(size)

    def write(self, data: bytes | memoryview) -> None:
        """Raises BrokenPipeError when the command takes no more."""
        with self._told():
            try:
                self.channel.sendall(data)  # type: ignore[arg-type]  # views too
            except TimeoutError:
                raise
            except OSError as error:
                if not self._connection.alive:
                    raise
                raise BrokenPipeError("the command takes no more") from error

    def end_of_input(self) -> None:
        with self._told():
            self.channel.shutdown_write()

    def code(self, seconds: float = STALLED_SECONDS) -> int:
        """The exit code, 128 and the signal's number where a signal ended it. Waits for it, ``seconds`` at most.

        Raises ConnectionError when the connection broke before it was told.
        """
        if not self.channel.status_event.wait(seconds):
            raise TimeoutError(f"{self._named}: a command has not ended after {seconds:g} seconds")
        code = self.channel.recv_exit_status()
        if code == -1 and not self._connection.alive:
            raise self._connection.broken(EOFError())
        return code

    def kill(self) -> None:
        """End it, and what it has started in its process group, as far as the machine lets us."""
        from emulator.hosts.ssh.protocol import send_signal

        if self._connection.alive and not self.channel.closed:
            with suppress(OSError, EOFError):
                send_signal(self.channel, "KILL")

    def complaints(self) -> str:
        """What stands on the error stream, when the command has ended."""
        kept = bytearray()
        with self._told():
            while piece := self.channel.recv_stderr(STDERR_BYTES):
                kept += piece[: STDERR_BYTES - len(kept)]
        return kept.decode("utf-8", "replace")

    @contextmanager
    def _told(self) -> Iterator[None]:
        import paramiko

        try:
            yield
        except BrokenPipeError:
            raise
        except TimeoutError as error:
            raise TimeoutError(f"{self._named}: a stream has stood still for too long") from error
        except (paramiko.SSHException, EOFError, OSError) as error:
            raise self._connection.broken(error) from error


@contextmanager
def execution(connections: Connections, command: bytes, named: str) -> Iterator[Execution]:
    """Start a command. At the end of the block its channel is closed, which ends most commands."""
    import paramiko

    with connections.channel() as (channel, connection):
        channel.settimeout(STALLED_SECONDS)
        try:
            with limited(channel, START_SECONDS):
                channel.exec_command(command)
        except (paramiko.SSHException, EOFError, OSError) as error:
            if connection.alive:
                raise PermissionError(f"{named} does not run commands for this account") from error
            raise connection.broken(error) from error
        yield Execution(channel, connection, named)
