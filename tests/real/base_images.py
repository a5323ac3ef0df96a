"""The base images the tests build on: ``busybox:latest``, ``python:3.11-slim`` and ``debian:trixie-slim``.

An image that the engine already has is taken; else it is pulled; else, where no registry can be reached, a
stand-in is made from Debian packages: see :mod:`emulator.cluster.base_image`.

    python -m tests.real.base_images [--only busybox:latest]
"""

import argparse
import shutil
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import docker

from emulator.cluster import apt
from emulator.cluster import base_image as images
from emulator.cluster.base_image import LABEL, TRIXIE, ImageUnavailable, StandIn, debian, run
from tests.real.docker_engine import Engine, docker_engine

__all__ = ["LABEL", "STAND_INS", "ImageUnavailable", "StandIn", "base_image", "build_busybox", "trixie_base"]


def base_image(engine: Engine, name: str) -> str:
    """Make sure that the engine has the image and return its name. Raises :class:`ImageUnavailable`."""
    with closing(docker.DockerClient(base_url=engine.host)) as client:
        return images.base_image(client, STAND_INS[name])


def trixie_base(engine: Engine) -> str:
    """The name of a small Debian trixie, what clusters in containers are made from."""
    return base_image(engine, TRIXIE.name)


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
    # pip installs system-wide, as it does upstream
    hooks = ['rm "$1"/usr/lib/python3.11/EXTERNALLY-MANAGED']
    hooks += [f'ln -s /usr/bin/{name} "$1"/usr/local/bin/{name}' for name in ("python3", "pip3")]
    hooks += [f'ln -s /usr/bin/{name}3 "$1"/usr/local/bin/{name}' for name in ("python", "pip")]
    debian("bookworm", tar, ("python3", "python3-pip", "python3-venv"), hooks)


STAND_INS = {
    stand_in.name: stand_in
    for stand_in in (
        StandIn("busybox:latest", '["/bin/sh"]', "1", build_busybox),
        StandIn("python:3.11-slim", '["python3"]', "2", build_python),
        TRIXIE,
    )
}


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
