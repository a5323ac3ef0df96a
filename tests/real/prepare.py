"""Brings everything that the tests need onto this machine, before the clock of any test runs.

    python -m tests.real.prepare

What cannot be had is named; with ``CI=true`` that ends the run.
"""

import os
import shutil
import sys
from collections.abc import Callable

from emulator.cluster import apt
from tests.real.base_images import ImageUnavailable, base_image
from tests.real.box_image import box_image
from tests.real.clients import ClientsUnavailable, clients
from tests.real.cluster import slurm_image
from tests.real.docker_engine import EngineUnavailable, docker_engine

COMMANDS = {
    "curl": "curl",
    "jq": "jq",
    "sshd": "openssh-server",
    "ssh": "openssh-client",
    "mksquashfs": "squashfs-tools",
}
"""What is called, and the package that brings it."""
IMAGES = ("busybox:latest", "python:3.11-slim", "debian:trixie-slim")


def commands() -> None:
    """The command line tools that tests and README use."""
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin"
    missing = [package for command, package in COMMANDS.items() if shutil.which(command, path=path) is None]
    if missing:
        apt.install(*missing)


def images() -> None:
    """A Docker engine for as long as it takes to have the base images."""
    with docker_engine() as engine:
        for image in IMAGES:
            base_image(engine, image)


def boxes() -> None:
    """The machines with Grid Engine and with HTCondor."""
    with docker_engine() as engine:
        box_image(engine)


def cluster() -> None:
    """The image of the cluster in a box."""
    with docker_engine() as engine:
        slurm_image(engine)


def main() -> int:
    """Prepare part after part; the exit code is 1 when CI lacks something."""
    parts: list[tuple[str, Callable[[], object]]] = [
        ("commands", commands),
        ("clients", clients),
        ("Docker engine and base images", images),
        ("the cluster in a box", cluster),
        ("machines with Grid Engine and HTCondor", boxes),
    ]
    lacking = False
    for name, prepare in parts:
        print(f"preparing {name} …", flush=True)
        try:
            prepare()
        except (apt.AptFailed, ClientsUnavailable, EngineUnavailable, ImageUnavailable) as reason:
            lacking = True
            print(f"  not to be had, tests that need it will be skipped: {reason}", file=sys.stderr)
    return 1 if lacking and os.environ.get("CI") == "true" else 0


if __name__ == "__main__":
    sys.exit(main())
