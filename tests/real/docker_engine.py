"""A real Docker engine: the one that runs on this machine, or one that is installed and started for the run.

Looked for in ``DOCKER_HOST``, else at the usual sockets. Where none answers and we are root on a Debian-like
machine, ``docker.io`` is installed with apt-get and a ``dockerd`` of our own is started, with all its data under
the cache directory, shared by everybody who asks and stopped when the last has gone. Standard library only.

    python -m tests.real.docker_engine check
    python -m tests.real.docker_engine run -- docker build .      holds the engine while the command runs
"""

import argparse
import http.client
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from emulator.cluster.apt import AptFailed, install
from tests.real.cache import cache_directory
from tests.real.shared_daemon import DaemonFailed, SharedDaemon

LONGEST_SOCKET_PATH = 107  # what sockaddr_un holds


class EngineUnavailable(Exception):
    """No engine answers and none can be started here; the message says why."""


@dataclass(frozen=True)
class Engine:
    """An engine that answers; ``host`` is its address in the form of ``DOCKER_HOST``."""

    host: str

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs in its environment, on top of its own, to reach this engine."""
        return {"DOCKER_HOST": self.host}


@contextmanager
def docker_engine() -> Iterator[Engine]:
    """An engine for the duration of the block. Raises :class:`EngineUnavailable`."""
    running = find_engine()
    if running is not None:
        yield running
        return
    _make_installed()
    running = find_engine()  # the package may have started the machine's own service
    if running is not None:
        yield running
        return
    place = cache_directory() / "docker"
    daemon = _our_daemon(place)
    try:
        daemon.acquire()
    except DaemonFailed as failure:
        raise EngineUnavailable(str(failure)) from failure
    try:
        yield Engine(f"unix://{place / 'docker.sock'}")
    finally:
        daemon.release()


def find_engine() -> Engine | None:
    """The engine that already runs here. Raises :class:`EngineUnavailable` when ``DOCKER_HOST`` is set in vain."""
    named = os.environ.get("DOCKER_HOST")
    if named:
        if not named.startswith("unix://") or answers(Path(named.removeprefix("unix://"))):
            return Engine(named)  # an address on the network is the caller's own affair
        raise EngineUnavailable(f"DOCKER_HOST is {named}, and no engine answers there")
    sockets = [Path("/var/run/docker.sock")]
    if runtime := os.environ.get("XDG_RUNTIME_DIR"):
        sockets.append(Path(runtime) / "docker.sock")
    return next((Engine(f"unix://{path}") for path in sockets if answers(path)), None)


def answers(path: Path, timeout: float = 10.0) -> bool:
    """Whether a Docker engine answers its ping on the Unix socket ``path``."""
    client = http.client.HTTPConnection("localhost", timeout=timeout)
    client.sock = socket.socket(socket.AF_UNIX)
    client.sock.settimeout(timeout)
    try:
        client.sock.connect(str(path))
        client.request("GET", "/_ping")
        return client.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        client.close()


def _make_installed() -> None:
    if shutil.which("dockerd") and shutil.which("iptables"):
        return
    try:
        install("docker.io", "iptables")
    except AptFailed as failure:
        raise EngineUnavailable(
            f"no Docker engine runs here, and none can be installed: {failure}"
        ) from failure


def _our_daemon(place: Path) -> SharedDaemon:
    if os.geteuid() != 0:
        raise EngineUnavailable("no Docker engine runs here, and only root can start one")
    dockerd = shutil.which("dockerd")
    if dockerd is None:
        raise EngineUnavailable("docker.io is installed, but there is no dockerd on the PATH")
    endpoint = place / "docker.sock"
    if len(os.fsencode(endpoint)) > LONGEST_SOCKET_PATH:
        raise EngineUnavailable(f"{endpoint} is too long for a socket; set XDG_CACHE_HOME to a shorter path")
    command = [
        dockerd,
        f"--host=unix://{endpoint}",
        f"--data-root={place / 'data'}",
        f"--exec-root={place / 'exec'}",
        f"--pidfile={place / 'docker.pid'}",
        "--log-level=warn",
    ]

    def prepare() -> None:
        _forget_dead(place / "docker.pid", "dockerd")
        _forget_dead(place / "exec" / "containerd" / "containerd.pid", "containerd")

    return SharedDaemon(place, command, lambda: answers(endpoint), prepare)


def _forget_dead(pid_file: Path, name: str) -> None:
    """Remove a pid file whose process is not ``name`` any more.

    After a crash its number may belong to somebody else by now, for whom dockerd would refuse to start.
    """
    try:
        alive = Path(f"/proc/{int(pid_file.read_text())}/comm").read_text().strip() == name
    except (FileNotFoundError, ProcessLookupError):
        alive = False
    if not alive:
        pid_file.unlink(missing_ok=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Say where an engine answers, or run a command with DOCKER_HOST pointing at one."""
    parser = argparse.ArgumentParser(prog="python -m tests.real.docker_engine", description=main.__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("check", help="print the engine's address; starts and stops one if need be")
    run = commands.add_parser("run", help="run a command, given after a --")
    run.add_argument("arguments", nargs="+")
    chosen = parser.parse_args(arguments)
    try:
        with docker_engine() as engine:
            if chosen.command == "check":
                print(engine.host)
                return 0
            environment = {**os.environ, **engine.environment}
            return subprocess.run(chosen.arguments, env=environment, check=False).returncode
    except EngineUnavailable as reason:
        print(reason, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
