"""Sandboxes: directories under the data directory that stand for the machines systems name."""

from __future__ import annotations

import hashlib
import re
import threading
from dataclasses import dataclass
from pathlib import Path

from emulator.domain.ports import Account
from emulator.hosts.confined import ConfinedFiles
from emulator.hosts.descent import Tree
from emulator.hosts.incoming import Spool

_UNUSUAL = re.compile(r"[^a-z0-9.-]|^[.-]|\.$")
_SPOOL = ".incoming"
_LONGEST_NAME = 120


@dataclass(frozen=True, slots=True)
class SandboxHost:
    """A machine that is a directory; see ports.Host."""

    name: str
    files: ConfinedFiles
    directory: Path
    shell: None = None


class SandboxHosts:
    """Every host name is a sandbox: ``<directory>/<world>/<host name>/``, made on first use.

    A world that was reset has its sandboxes elsewhere (see ``home``): whatever still works in the old ones, a job
    that is being killed or a request, cannot reach the new.
    """

    def __init__(self, directory: Path) -> None:
        """Uploads that a crash has cut off under ``directory`` are dropped now."""
        self._directory = directory
        self._homes: dict[str, str] = {}
        self._hosts: dict[tuple[str, str], SandboxHost] = {}
        self._lock = threading.Lock()
        for spool in directory.glob(f"*/{_SPOOL}"):
            Spool(spool).clear()

    def host(self, world: str, name: str, account: Account | None = None) -> SandboxHost:
        """The machine of a name, in any case, as host names go; its name may be any text at all.

        Whoever asks: nobody logs in to a directory.
        """
        with self._lock:
            key = (world, name.lower())
            if key not in self._hosts:
                self._hosts[key] = self._make(*key)
            return self._hosts[key]

    def home(self, world: str, generation: int | None = None) -> Path:
        """The directory of a world's machines: as it is now, or in a generation of the world."""
        if generation is None:
            return self._directory / self._homes.get(world, directory_name(world))
        # no name of a world holds a dot
        return self._directory / (directory_name(world) + (f".{generation}" if generation > 1 else ""))

    def move(self, world: str, generation: int) -> None:
        """From now on the world's machines are those of a generation; who holds one of the old, keeps that."""
        with self._lock:
            self._homes[world] = self.home(world, generation).name
            for key in [key for key in self._hosts if key[0] == world]:
                del self._hosts[key]

    def _make(self, world: str, name: str) -> SandboxHost:
        home = self.home(world)
        directory = home / directory_name(name)
        directory.mkdir(parents=True, exist_ok=True)
        directory = directory.resolve()
        return SandboxHost(name, ConfinedFiles(Tree(directory), Spool(home / _SPOOL)), directory)


def directory_name(name: str) -> str:
    """A name as that of one directory: never a path, never hidden, different names staying different."""
    plain = _UNUSUAL.sub(_escaped, name)
    if len(plain) > _LONGEST_NAME:
        plain = plain[:_LONGEST_NAME] + "_" + hashlib.sha256(plain.encode()).hexdigest()[:16]
    return plain or "_"


def _escaped(match: re.Match[str]) -> str:
    return "".join(f"_{byte:02x}" for byte in match[0].encode("utf-8", "surrogatepass"))
