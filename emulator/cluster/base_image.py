"""Base images: the one that the engine has, else pulled, else a *stand-in* made on this machine.

A stand-in is made from Debian packages where no registry can be reached, and imported under the upstream name.
It says so in its labels (``docker image inspect``) and is not the upstream image: it has the commands that are
needed here, and nothing is claimed beyond that. Its tar file is kept in the cache directory.
"""

from __future__ import annotations

import hashlib
import shlex
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from emulator.cluster import apt
from emulator.cluster.cache import cache_directory, locked

if TYPE_CHECKING:
    from docker import DockerClient

LABEL = "tapis-emulator.stand-in"
HOST_CERTIFICATES = Path("/usr/local/share/ca-certificates")


class ImageUnavailable(Exception):
    """The image is neither there nor to be had; the message says what was tried."""


@dataclass(frozen=True)
class StandIn:
    """How an image is made where it cannot be pulled: ``build`` writes its file system to a tar file.

    A change of ``recipe`` makes an older stand-in, and its tar file, out of date.
    """

    name: str
    command: str
    recipe: str
    build: Callable[[Path], None]

    @property
    def mark(self) -> str:
        """What identifies this make of the stand-in, on this machine."""
        certificates = b"".join(path.read_bytes() for path in host_certificates())
        made_of = f"{self.recipe} {apt.mirror()}".encode() + certificates
        return hashlib.sha256(made_of).hexdigest()[:12]


def base_image(client: DockerClient, stand_in: StandIn) -> str:
    """Make sure that the engine has the image and return its name. Raises :class:`ImageUnavailable`."""
    if not _has(client, stand_in):
        with locked(cache_directory() / "images.lock"):
            if not _has(client, stand_in):
                _obtain(client, stand_in)
    return stand_in.name


def _has(client: DockerClient, stand_in: StandIn) -> bool:
    from docker.errors import ImageNotFound

    try:
        labels = client.images.get(stand_in.name).labels
    except ImageNotFound:
        return False
    return LABEL not in labels or labels[LABEL] == stand_in.mark


def _obtain(client: DockerClient, stand_in: StandIn) -> None:
    from docker.errors import APIError

    repository, tag = stand_in.name.split(":")
    try:
        client.images.pull(repository, tag)
    except APIError as refusal:
        try:
            tar = _tar_of(stand_in)
        except (apt.AptFailed, subprocess.CalledProcessError) as failure:
            reason = f"{stand_in.name} cannot be pulled ({refusal.explanation}) nor made: {_said(failure)}"
            raise ImageUnavailable(reason) from failure
        changes = [f"CMD {stand_in.command}", f'LABEL {LABEL}="{stand_in.mark}"']
        client.api.import_image_from_file(str(tar), repository, tag, changes)


def _tar_of(stand_in: StandIn) -> Path:
    """The stand-in's file system as a tar file: from the cache, or made now."""
    stem = stand_in.name.replace("/", "-").replace(":", "-")
    tar = cache_directory() / f"{stem}-{stand_in.mark}.tar"
    if tar.exists():
        return tar
    for outdated in cache_directory().glob(f"{stem}-*.tar"):
        outdated.unlink()
    # beside its final place: /tmp may be small, or mounted without devices
    with tempfile.TemporaryDirectory(dir=cache_directory(), prefix=f"{stem}-") as scratch:
        unfinished = Path(scratch) / "image.tar"
        stand_in.build(unfinished)
        unfinished.rename(tar)
    return tar


def debian(suite: str, tar: Path, packages: Sequence[str] = (), hooks: Sequence[str] = ()) -> None:
    """A small Debian's file system as a tar file, with the certificates that this machine trusts besides Debian's.

    ``hooks`` are shell commands that get the unpacked root as ``$1``. Raises AptFailed, CalledProcessError.
    """
    apt.install("mmdebstrap", "debian-archive-keyring")
    # where the network re-signs TLS, pip inside a build fails unless the image trusts what this machine trusts
    trust = [f'cp {shlex.quote(str(path))} "$1"{path.parent}' for path in host_certificates()]
    slimness = [f"path-exclude=/usr/share/{waste}/*" for waste in ("doc", "man", "locale")]
    run(
        "mmdebstrap",
        "--format=tar",
        "--variant=minbase",
        f"--include={','.join(('usr-is-merged', 'ca-certificates', *packages))}",
        *(f"--dpkgopt={option}" for option in ("force-unsafe-io", *slimness)),
        # the merged layout from the start; else a package that merges it later comes in, and the whole of Perl
        "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr",
        *(f"--customize-hook={hook}" for hook in (*hooks, *trust, 'chroot "$1" update-ca-certificates')),
        suite,
        str(tar),
        apt.mirror(),
    )


def _trixie(tar: Path) -> None:
    debian("trixie", tar)


TRIXIE = StandIn("debian:trixie-slim", '["bash"]', "1", _trixie)


def run(*command: str) -> str:
    """Run a command to its end; ``CalledProcessError`` with its output when it fails."""
    done = subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return done.stdout


def host_certificates() -> list[Path]:
    """What this machine trusts besides the distribution's own certificates."""
    return sorted(HOST_CERTIFICATES.glob("*.crt"))


def _said(failure: Exception) -> str:
    if isinstance(failure, subprocess.CalledProcessError):
        return f"{failure}\n{failure.stdout[-2000:]}{failure.stderr[-2000:]}"
    return str(failure)
