"""The image that every box is started from: Debian trixie with sshd, Grid Engine and HTCondor.

Made on this machine from Debian packages and the files of ``images/box``, never pulled. Its tar file is kept in the
cache directory: an engine that does not have the image imports it from there.

    python -m tests.real.box_image
"""

from __future__ import annotations

import hashlib
import shlex
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import docker

from emulator.cluster import apt
from emulator.cluster.base_image import ImageUnavailable, debian
from tests.real.cache import cache_directory, locked
from tests.real.docker_engine import Engine, docker_engine

REPOSITORY = "tapis-emulator-box"
FILES = Path(__file__).parent / "images" / "box"
PACKAGES = (
    "openssh-server",
    "procps",
    "curl",
    "tzdata",
    "htcondor",
    "gridengine-exec",
    "gridengine-client",
)
# later than the others: its installation would found a cell, under the name of the machine that builds the image
GRIDENGINE_MASTER = (
    'echo "gridengine-master shared/gridengineconfig boolean false" | chroot "$1" debconf-set-selections; '
    'chroot "$1" env DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends gridengine-master'
)
ACCOUNTS = (
    'chroot "$1" useradd --create-home --uid 2001 --shell /bin/bash tapis; '
    'chroot "$1" useradd --create-home --uid 2002 --shell /bin/bash testuser; '
    'mkdir "$1/scratch" "$1/work"; chmod 1777 "$1/scratch" "$1/work"'
)
# every container makes its own
NO_HOST_KEYS = 'rm -f "$1"/etc/ssh/ssh_host_*'
# as clusters are: not in UTC, and without what a client might take for granted
ZONE = (
    'ln -sf /usr/share/zoneinfo/America/Chicago "$1/etc/localtime"; echo America/Chicago > "$1/etc/timezone"'
)
NO_PYTHON = 'rm -rf "$1"/usr/bin/python3* "$1"/usr/lib/python3*'
HOOKS = (
    GRIDENGINE_MASTER,
    ACCOUNTS,
    NO_HOST_KEYS,
    ZONE,
    NO_PYTHON,
    f'cp -r {shlex.quote(str(FILES))}/. "$1"/',
)


def box_image(engine: Engine) -> str:
    """Make sure that the engine has the image and return its name. Raises :class:`ImageUnavailable`."""
    name = f"{REPOSITORY}:{_mark()}"
    with closing(docker.DockerClient(base_url=engine.host)) as client:
        if not _has(client, name):
            with locked(cache_directory() / "box-image.lock"):
                if not _has(client, name):
                    _import(client, name)
    return name


def _has(client: docker.DockerClient, name: str) -> bool:
    try:
        client.images.get(name)
    except docker.errors.ImageNotFound:
        return False
    return True


def _import(client: docker.DockerClient, name: str) -> None:
    try:
        tar = _tar()
    except apt.AptFailed as failure:
        raise ImageUnavailable(f"{name} cannot be made: {failure}") from failure
    except subprocess.CalledProcessError as failure:
        said = f"{failure.stdout}{failure.stderr}"[-2000:]
        raise ImageUnavailable(f"{name} cannot be made: {failure}\n{said}") from failure
    repository, tag = name.split(":")
    client.api.import_image_from_file(str(tar), repository, tag)
    for image in client.images.list(REPOSITORY):
        for outdated in set(image.tags) - {name}:
            _forget(client, outdated)


def _forget(client: docker.DockerClient, outdated: str) -> None:
    try:
        client.images.remove(outdated)
    except docker.errors.APIError as refusal:
        if refusal.status_code != 409:  # a container of another checkout still uses it
            raise


def _tar() -> Path:
    """The file system as a tar file: from the cache, or made now."""
    tar = cache_directory() / f"{REPOSITORY}-{_mark()}.tar"
    if tar.exists():
        return tar
    for outdated in cache_directory().glob(f"{REPOSITORY}-*.tar"):
        outdated.unlink()
    with tempfile.TemporaryDirectory(dir=cache_directory(), prefix=f"{REPOSITORY}-") as scratch:
        unfinished = Path(scratch) / "image.tar"
        debian("trixie", unfinished, PACKAGES, HOOKS)
        unfinished.rename(tar)
    return tar


def _mark() -> str:
    """What identifies this make of the image."""
    made_of = hashlib.sha256(repr((PACKAGES, HOOKS[:-1], apt.mirror())).encode())
    for path in sorted(FILES.rglob("*")):
        if path.is_file():
            made_of.update(f"{path.relative_to(FILES)} {path.stat().st_mode & 0o111:o}\n".encode())
            made_of.update(path.read_bytes())
    return made_of.hexdigest()[:12]


def main() -> int:
    """Make sure that an engine has the image, and print its name."""
    try:
        with docker_engine() as engine:
            print(box_image(engine))
    except ImageUnavailable as reason:
        print(reason, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
