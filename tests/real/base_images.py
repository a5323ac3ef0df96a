"""The two base images the tests build on: ``busybox:latest`` and ``python:3.11-slim``.

An image that the engine already has is taken; else it is pulled; else, where no registry can be reached, a
*stand-in* is made from Debian packages and imported under the upstream name. A stand-in says so in its labels
(``docker image inspect``) and is not the upstream image: it has the commands the tests need, and nothing is claimed
beyond that. Its tar file is kept in the cache directory.

    python -m tests.real.base_images [--only busybox:latest]
"""

import argparse
import hashlib
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import docker

from tests.real import apt
from tests.real.cache import cache_directory, locked
from tests.real.docker_engine import Engine, docker_engine

LABEL = "tapis-emulator.stand-in"
HOST_CERTIFICATES = Path("/usr/local/share/ca-certificates")
PYTHON_PACKAGES = ("usr-is-merged", "ca-certificates", "python3", "python3-pip", "python3-venv")


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
        certificates = b"".join(path.read_bytes() for path in _host_certificates())
        made_of = f"{self.recipe} {apt.mirror()}".encode() + certificates
        return hashlib.sha256(made_of).hexdigest()[:12]


def base_image(engine: Engine, name: str) -> str:
    """Make sure that the engine has the image and return its name. Raises :class:`ImageUnavailable`."""
    stand_in = STAND_INS[name]
    with closing(docker.DockerClient(base_url=engine.host)) as client:
        if _has(client, stand_in):
            return name
        with locked(cache_directory() / "images.lock"):
            if not _has(client, stand_in):
                _obtain(client, stand_in)
    return name


def _has(client: docker.DockerClient, stand_in: StandIn) -> bool:
    try:
        labels = client.images.get(stand_in.name).labels
    except docker.errors.ImageNotFound:
        return False
    return LABEL not in labels or labels[LABEL] == stand_in.mark


def _obtain(client: docker.DockerClient, stand_in: StandIn) -> None:
    repository, tag = stand_in.name.split(":")
    try:
        client.images.pull(repository, tag)
    except docker.errors.APIError as refusal:
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


def build_busybox(tar: Path) -> None:
    """Debian's static busybox, with a link for each command it can be, and the few files programs expect."""
    root = tar.with_name("root")
    apt.unpack("busybox-static", tar.with_name("package"))
    for directory in ("bin", "etc", "home", "root", "tmp", "usr", "var"):
        (root / directory).mkdir(parents=True)
    busybox = root / "bin" / "busybox"
    shutil.copy2(next(tar.with_name("package").glob("**/bin/busybox")), busybox)
    for applet in run(str(busybox), "--list").split():
        if applet != "busybox":
            (root / "bin" / applet).symlink_to("busybox")
    (root / "tmp").chmod(0o1777)
    (root / "usr" / "bin").symlink_to("../bin")
    (root / "etc" / "passwd").write_text(
        "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n"
    )
    (root / "etc" / "group").write_text("root:x:0:\nnogroup:x:65534:\n")
    (root / "etc" / "hosts").write_text("127.0.0.1\tlocalhost\n")
    run("tar", "--owner=0", "--group=0", "-cf", str(tar), "-C", str(root), ".")


def build_python(tar: Path) -> None:
    """Debian bookworm with its Python 3.11, pip and venv, found where upstream's image has them."""
    apt.install("mmdebstrap", "debian-archive-keyring")
    # pip installs system-wide, as it does upstream
    hooks = ['rm "$1"/usr/lib/python3.11/EXTERNALLY-MANAGED']
    hooks += [f'ln -s /usr/bin/{name} "$1"/usr/local/bin/{name}' for name in ("python3", "pip3")]
    hooks += [f'ln -s /usr/bin/{name}3 "$1"/usr/local/bin/{name}' for name in ("python", "pip")]
    # where the network re-signs TLS, pip inside a build fails unless the image trusts what this machine trusts
    hooks += [f'cp {shlex.quote(str(path))} "$1"{path.parent}' for path in _host_certificates()]
    hooks += ['chroot "$1" update-ca-certificates']
    slimness = [f"path-exclude=/usr/share/{waste}/*" for waste in ("doc", "man", "locale")]
    run(
        "mmdebstrap",
        "--format=tar",
        "--variant=minbase",
        f"--include={','.join(PYTHON_PACKAGES)}",
        *(f"--dpkgopt={option}" for option in ("force-unsafe-io", *slimness)),
        # the merged layout from the start; else a package that merges it later comes in, and the whole of Perl
        "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr",
        *(f"--customize-hook={hook}" for hook in hooks),
        "bookworm",
        str(tar),
        apt.mirror(),
    )


STAND_INS = {
    stand_in.name: stand_in
    for stand_in in (
        StandIn("busybox:latest", '["/bin/sh"]', "1", build_busybox),
        StandIn("python:3.11-slim", '["python3"]', "2", build_python),
    )
}


def run(*command: str) -> str:
    """Run a command to its end; ``CalledProcessError`` with its output when it fails."""
    done = subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return done.stdout


def _host_certificates() -> list[Path]:
    return sorted(HOST_CERTIFICATES.glob("*.crt"))


def _said(failure: Exception) -> str:
    if isinstance(failure, subprocess.CalledProcessError):
        return f"{failure}\n{failure.stdout[-2000:]}{failure.stderr[-2000:]}"
    return str(failure)


def main(arguments: Sequence[str] | None = None) -> int:
    """Make sure that an engine has the images, and say what each of them is."""
    parser = argparse.ArgumentParser(prog="python -m tests.real.base_images", description=main.__doc__)
    parser.add_argument("--only", choices=list(STAND_INS), help="one of the images instead of all")
    only = parser.parse_args(arguments).only
    with docker_engine() as engine, closing(docker.DockerClient(base_url=engine.host)) as client:
        for name in [only] if only else STAND_INS:
            image = client.images.get(base_image(engine, name))
            print(name, image.short_id, "stand-in" if LABEL in image.labels else "upstream or your own")
    return 0


if __name__ == "__main__":
    sys.exit(main())
