"""Debian packages, by this machine's own apt. Standard library only."""

import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from emulator.cluster.cache import cache_directory, locked

# another apt-get on this machine is waited for, not fought with
_APT_GET = ["apt-get", "--quiet", "--option", "DPkg::Lock::Timeout=300", "--option", "Acquire::Retries=3"]


class AptFailed(Exception):
    """apt-get is absent, not allowed, or failed; the message holds the end of what it said."""


def install(*packages: str) -> None:
    """Install Debian packages without their recommendations; needs root. Raises :class:`AptFailed`.

    The package lists are fetched only when the installation fails without that.
    """
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        raise AptFailed(f"installing {' and '.join(packages)} needs root and apt-get")
    command = [*_APT_GET, "install", "--yes", "--no-install-recommends", *packages]
    with locked(cache_directory() / "apt.lock"):
        if _run(command).returncode:
            refreshed = _run([*_APT_GET, "update"])
            done = _run(command)
            if done.returncode:
                raise AptFailed(_end_of(refreshed) + _end_of(done))


def unpack(package: str, directory: Path) -> None:
    """Fetch one Debian package and unpack it into ``directory``, installing nothing. Raises :class:`AptFailed`."""
    if shutil.which("apt-get") is None:
        raise AptFailed(f"fetching {package} needs apt-get")
    with tempfile.TemporaryDirectory() as scratch:
        # apt fetches as its own user, who must be able to write here
        Path(scratch).chmod(0o777)
        done = _run([*_APT_GET, "download", package], scratch)
        if done.returncode:
            refreshed = _run([*_APT_GET, "update"])
            done = _run([*_APT_GET, "download", package], scratch)
            if done.returncode:
                raise AptFailed(_end_of(refreshed) + _end_of(done))
        (archive,) = Path(scratch).glob("*.deb")
        unpacked = _run(["dpkg-deb", "--extract", str(archive), str(directory)])
        if unpacked.returncode:
            raise AptFailed(_end_of(unpacked))


@cache
def mirror() -> str:
    """The Debian archive that this machine's own apt uses, e.g. ``http://deb.debian.org/debian``.

    Debian's own address where the machine is not a Debian.
    """
    asked = [
        "apt-get",
        "indextargets",
        "--format",
        "$(REPO_URI)",
        "Created-By: Packages",
        "Origin: Debian",
        "Component: main",
    ]
    found = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.split()
    plain = [uri for uri in found if not uri.rstrip("/").endswith("-security")]
    return (plain or ["http://deb.debian.org/debian"])[0].rstrip("/")


def _run(command: list[str], directory: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=directory,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def _end_of(done: subprocess.CompletedProcess[str]) -> str:
    return "\n".join((done.stdout + done.stderr).splitlines()[-15:]) + "\n"
