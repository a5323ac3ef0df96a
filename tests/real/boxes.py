"""Boxes for tests: one container for each kind and purpose, shared by all workers, gone with the last of them.

A *keeper* process owns each container, see :mod:`tests.real.shared_daemon`. It writes down how the box is reached
when the box is ready, and holds that file locked for as long as it serves it.

    python -m tests.real.boxes KIND DIRECTORY       is the keeper's own command
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
import signal
import socket
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TypeVar

import docker
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.real.box import Access, Box
from tests.real.box_image import box_image
from tests.real.cache import CHECKOUT, cache_directory
from tests.real.docker_engine import Engine, EngineUnavailable, docker_engine
from tests.real.shared_daemon import DaemonFailed, SharedDaemon
from tests.real.waiting import wait_until

ANY_BOX = TypeVar("ANY_BOX", bound=Box)
START_SECONDS = 60.0
LABEL = "tapis-emulator.box"


@dataclass(frozen=True)
class Kind:
    """What is started in the container, and the shell command, run by ``tapis``, that succeeds when it is ready."""

    name: str
    probe: str
    memory: str = "4g"


SSH = Kind("ssh", "true")
# a job of each queue, waited for
GRIDENGINE = Kind(
    "gridengine", "for q in all.q normal; do qsub -q $q -b y -sync y -o /dev/null -j y true; done"
)
# the schedd has an idle machine to send jobs to
HTCONDOR = Kind("htcondor", "condor_q > /dev/null && condor_status -af Name | grep -q .")
KINDS = {kind.name: kind for kind in (SSH, GRIDENGINE, HTCONDOR)}


@contextmanager
def shared_box(
    engine: Engine, kind: Kind, make: Callable[[Engine, Access], ANY_BOX], purpose: str = "shared"
) -> Iterator[ANY_BOX]:
    """The checkout's box of this kind and purpose for the duration of the block.

    Tests that take a box's daemons away choose a purpose of their own, to be alone with it. Raises
    ImageUnavailable and EngineUnavailable.
    """
    image = box_image(engine)
    place = _place(kind, purpose)
    command = [sys.executable, "-m", "tests.real.boxes", kind.name, image, str(place), engine.host]
    with served_box(engine, place, command, make) as box:
        yield box


@contextmanager
def served_box(
    engine: Engine, place: Path, command: Sequence[str], make: Callable[[Engine, Access], ANY_BOX]
) -> Iterator[ANY_BOX]:
    """The box that a keeper, started by ``command`` if need be, serves in ``place``. Raises EngineUnavailable."""
    serving = place / "access.json"
    daemon = SharedDaemon(
        place, command, lambda: _is_served(serving), lambda: serving.unlink(missing_ok=True)
    )
    try:
        daemon.acquire(START_SECONDS)
    except DaemonFailed as failure:
        raise EngineUnavailable(f"{place.name} does not start: {failure}") from failure
    try:
        with closing(make(engine, Access(**json.loads(serving.read_text())))) as box:
            yield box
    finally:
        daemon.release()


def container_name(kind: Kind, purpose: str = "shared") -> str:
    """What the engine knows the box by: one for each checkout, cache directory, kind and purpose."""
    whose = hashlib.sha256(f"{CHECKOUT} {cache_directory()}".encode()).hexdigest()[:8]
    return f"tapis-box-{kind.name}-{purpose}-{whose}"


def _place(kind: Kind, purpose: str) -> Path:
    return cache_directory() / "boxes" / container_name(kind, purpose)


def _is_served(serving: Path) -> bool:
    """Whether a living keeper has written the file to its end: it holds it locked from then on."""
    try:
        descriptor = os.open(serving, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)


def keep(kind: Kind, image: str, place: Path, engine: Engine) -> None:
    """Run the box until SIGTERM comes; then nothing of it is left."""
    awaited = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, awaited)
    with closing(docker.DockerClient(base_url=engine.host)) as client:
        _remove(client, place.name)  # left by a keeper that was killed
        try:
            access = _start(client, kind, image, place)
            with closing(Box(engine, access)) as box:
                wait_until(lambda: _is_ready(box, kind), START_SECONDS, f"the {kind.name} box")
                host_key = box.exec("cat", "/etc/ssh/ssh_host_ed25519_key.pub").split()[:2]
            serve(place, replace(access, host_key=" ".join(host_key)), awaited)
        except AssertionError:
            sys.stdout.buffer.write(client.api.logs(place.name, tail=40))
            raise
        finally:
            _remove(client, place.name)


def serve(place: Path, access: Access, until: Iterable[signal.Signals]) -> None:
    """Tell who asks how the box is reached, until one of the signals (which are blocked) comes."""
    with (place / "access.json").open("w") as serving:
        json.dump(asdict(access), serving)
        serving.flush()
        fcntl.flock(serving, fcntl.LOCK_EX)
        signal.sigwait(until)


def _start(client: docker.DockerClient, kind: Kind, image: str, place: Path) -> Access:
    key = Ed25519PrivateKey.generate()
    key_file = place / "id_ed25519"
    key_file.touch(mode=0o600)
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
        )
    )
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    password = secrets.token_urlsafe(12)
    port = free_port()
    client.containers.run(
        image,
        ["box-init", kind.name],
        name=place.name,
        hostname=kind.name,
        environment={"BOX_PASSWORD": password, "BOX_KEY": public.decode()},
        # a number of our own: one that the engine draws is another one after a restart
        ports={"22/tcp": ("127.0.0.1", port)},
        mem_limit=kind.memory,
        labels={LABEL: str(CHECKOUT)},
        detach=True,
    )
    return Access(
        container=place.name,
        host="127.0.0.1",
        port=port,
        user="tapis",
        password=password,
        key_file=str(key_file),
        host_key="",
    )


def _is_ready(box: Box, kind: Kind) -> bool:
    return box.greets() and box.try_exec("bash", "-c", kind.probe, user="tapis")[0] == 0


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on at this moment."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


def _remove(client: docker.DockerClient, name: str) -> None:
    try:
        client.containers.get(name).remove(force=True, v=True)
    except docker.errors.NotFound:
        return


def main() -> None:
    """Be the keeper of one box."""
    kind, image, place, host = sys.argv[1:]
    with held_engine(host) as engine:
        keep(KINDS[kind], image, Path(place), engine)


@contextmanager
def held_engine(host: str) -> Iterator[Engine]:
    """The engine at an address; the one that the tests start is kept running for the duration of the block."""
    if host == f"unix://{cache_directory() / 'docker' / 'docker.sock'}":
        os.environ.pop("DOCKER_HOST", None)  # ours: to be held, not merely found
    else:
        os.environ["DOCKER_HOST"] = host
    with docker_engine() as engine:
        yield engine


if __name__ == "__main__":
    main()
