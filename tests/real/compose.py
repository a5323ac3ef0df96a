"""Docker Compose v2: this machine's own, or the one of Debian trixie, unpacked into the cache.

python -m tests.real.compose      prints where it lies
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from emulator.cluster import apt
from tests.real.cache import cache_directory, locked

_PLUGIN = Path("usr/libexec/docker/cli-plugins/docker-compose")
_PLACES = (
    Path.home() / ".docker/cli-plugins/docker-compose",
    *(
        Path(root) / "docker/cli-plugins/docker-compose"
        for root in ("/usr/local/lib", "/usr/local/libexec", "/usr/lib", "/usr/libexec")
    ),
)
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


class ComposeUnavailable(Exception):
    """There is none here, and none can be had; the message says why."""


def compose() -> Path:
    """The program: to be called with what stands behind ``docker compose``. Raises ComposeUnavailable."""
    for place in _PLACES:
        if _is_v2(place):
            return place
    unpacked = cache_directory() / "compose"
    unpacked.mkdir(exist_ok=True)
    with locked(unpacked):
        if not _is_v2(unpacked / _PLUGIN):
            _fetch(unpacked)
    return unpacked / _PLUGIN


def _is_v2(program: Path) -> bool:
    if not program.is_file():
        return False
    done = subprocess.run([program, "version", "--short"], capture_output=True, text=True, check=False)
    found = re.match(r"v?(\d+)\.", done.stdout.strip())
    return done.returncode == 0 and found is not None and int(found[1]) >= 2


def _fetch(target: Path) -> None:
    """Bookworm has version 1 only; a package list of trixie beside the machine's own does not touch that."""
    if shutil.which("apt-get") is None or not _KEYRING.is_file():
        raise ComposeUnavailable("there is no Docker Compose v2 here, and fetching Debian's needs apt-get")
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        place.chmod(0o777)  # apt fetches as its own user
        (place / "sources.list").write_text(f"deb [signed-by={_KEYRING}] {apt.mirror()} trixie main\n")
        for folder in ("lists/partial", "cache/archives/partial"):
            (place / folder).mkdir(parents=True)
            (place / folder).chmod(0o777)
        settings = {
            "Dir::Etc::sourcelist": place / "sources.list",
            "Dir::Etc::sourceparts": "-",
            "Dir::State::lists": place / "lists",
            "Dir::Cache": place / "cache",
            "Acquire::Languages": "none",
            "Acquire::Retries": 3,
        }
        options = [part for name, value in settings.items() for part in ("--option", f"{name}={value}")]
        for command in ("update", "download docker-compose"):
            _run(["apt-get", "--quiet", *options, *command.split()], place)
        (package,) = place.glob("docker-compose_*.deb")
        _run(["dpkg-deb", "--extract", str(package), str(target)], place)


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ComposeUnavailable(f"{' '.join(command[:2])} failed: {(done.stdout + done.stderr)[-1500:]}")


if __name__ == "__main__":
    print(compose())
