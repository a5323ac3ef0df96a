"""A real sshd on a free port, as whoever runs the tests, with faults on demand. Needs root for passwords and jails."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from emulator.cluster import apt
from emulator.domain.host_map import Identity, Machine
from tests.real.waiting import wait_until

ADDRESS = "127.0.0.1"
_CONFIG = """
Port {port}
ListenAddress {address}
HostKey {directory}/host_key
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication {passwords}
PermitRootLogin yes
AuthorizedKeysFile {directory}/authorized_keys
Subsystem sftp internal-sftp
LogLevel VERBOSE
MaxStartups 100
"""


def install() -> None:
    """Raises apt.AptFailed where there is no OpenSSH and it cannot be installed."""
    if shutil.which("sshd", path=_PATH) is None:
        apt.install("openssh-server")
    if shutil.which("ssh-keygen") is None:
        apt.install("openssh-client")


_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


@dataclass
class Sshd:
    """A running sshd. ``key`` is a private key that it lets in, ``user`` the account."""

    directory: Path
    port: int
    user: str = field(default_factory=getpass.getuser)
    extra: str = ""
    passwords: bool = False
    _process: subprocess.Popen[bytes] | None = None
    _log: Path | None = None

    @property
    def key(self) -> Path:
        return self.directory / "user_key"

    @property
    def host_key(self) -> str:
        """As in a known_hosts line."""
        return " ".join((self.directory / "host_key.pub").read_text().split()[:2])

    @property
    def machine(self) -> Machine:
        return Machine(address=ADDRESS, port=self.port)

    @property
    def identity(self) -> Identity:
        return Identity(user=self.user, key_file=str(self.key))

    @property
    def log(self) -> str:
        return (self.directory / "log").read_text(errors="replace")

    @property
    def sessions(self) -> list[int]:
        """The processes that serve connections, and everything below them."""
        return [pid for pid in _below(self.pid) if pid != self.pid]

    @property
    def pid(self) -> int:
        assert self._process is not None, "sshd is not running"
        return self._process.pid

    def authorize(self, public_key: str) -> None:
        """Let in whoever has the private half, too."""
        with (self.directory / "authorized_keys").open("a") as keys:
            keys.write(public_key.strip() + "\n")

    def change_host_key(self, kind: str = "ed25519") -> None:
        """Be another machine, from the next start on."""
        for path in self.directory.glob("host_key*"):
            path.unlink()
        make_key(self.directory / "host_key", kind)

    def start(self) -> None:
        """Return when it takes connections."""
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
        config = self.directory / "config"
        config.write_text(
            _CONFIG.format(
                port=self.port,
                address=ADDRESS,
                directory=self.directory,
                passwords="yes" if self.passwords else "no",
            )
            + self.extra
        )
        command = [str(shutil.which("sshd", path=_PATH)), "-D", "-e", "-f", str(config)]
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        try:
            wait_until(self._answers, what="sshd to answer")
        except AssertionError:
            raise AssertionError(f"sshd did not start:\n{self.log[-2000:]}") from None

    def stop(self, sessions: bool = True) -> None:
        """End it; with ``sessions`` the open connections are cut too, at once."""
        if self._process is None:
            return
        served = self.sessions if sessions else []
        self.signal(signal.SIGCONT)
        self._process.terminate()
        self._process.wait()
        self._process = None
        for pid in served:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def cut(self) -> None:
        """Kill the processes of all connections; new ones are taken."""
        for pid in self.sessions:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def pause(self) -> None:
        """Stop it, and all it has started, in the middle of whatever they do: TCP goes on answering."""
        self.signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.signal(signal.SIGCONT)

    def signal(self, number: signal.Signals) -> None:
        for pid in _below(self.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def _answers(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise AssertionError("sshd ended")
        try:
            with socket.create_connection((ADDRESS, self.port), 1) as asked:
                return asked.recv(4) == b"SSH-"
        except OSError:
            return False


@contextmanager
def sshd(
    *,
    extra: str = "",
    passwords: bool = False,
    user: str | None = None,
    host_key: str = "ed25519",
) -> Iterator[Sshd]:
    """An sshd with a host key and a user key of its own; ``extra`` is added to its configuration."""
    install()
    with tempfile.TemporaryDirectory(prefix="tapis-sshd-") as scratch:
        directory = Path(scratch)
        directory.chmod(0o755)
        make_key(directory / "host_key", host_key)
        make_key(directory / "user_key", "ed25519")
        made = Sshd(directory, free_port(), user or getpass.getuser(), extra, passwords)
        made.authorize((directory / "user_key.pub").read_text())
        made.start()
        try:
            yield made
        finally:
            made.stop()


def sftp_only(**options: object) -> str:
    """Configuration for an account that has SFTP and nothing else."""
    return "ForceCommand internal-sftp\n"


def make_key(path: Path, kind: str, passphrase: str = "", form: Sequence[str] = ()) -> None:
    """A key pair by ssh-keygen; ``form`` for instance ``-m PEM``."""
    command = ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", "test", "-f", str(path), *form]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True)


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind((ADDRESS, 0))
        port: int = taken.getsockname()[1]
        return port


def _below(pid: int) -> list[int]:
    """A process and all its descendants, parents first."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found = [pid]
    for one in found:
        found.extend(children.get(one, []))
    return found
