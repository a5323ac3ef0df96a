"""This machine itself as the machine behind a host name: its own files, its own schedulers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime
from getpass import getuser
from pathlib import Path

from emulator.domain.ports import Clock, Completed
from emulator.hosts.confined import ConfinedFiles
from emulator.hosts.descent import Tree
from emulator.hosts.incoming import Spool

_OURS = ("TAPIS_EMULATOR_", "VIRTUAL_ENV", "PYTHON")


class LocalShell:
    """See ports.Shell: commands as the user who runs the emulator, without the emulator's own environment."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    @property
    def address(self) -> str:
        return f"{getuser()}@this machine"

    def run(self, command: str, *, stdin: bytes = b"", seconds: float = 60.0) -> Completed:
        """See ports.Shell. What the command has left in the background goes on."""
        child = subprocess.Popen(
            ["/bin/sh", "-c", command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=Path.home(),
            env=_environment(),
            start_new_session=True,
        )
        try:
            out, err = child.communicate(stdin, timeout=seconds)
        except subprocess.TimeoutExpired as error:
            os.killpg(child.pid, signal.SIGKILL)
            child.communicate()
            raise TimeoutError(f"a command on this machine did not end within {seconds:g} s") from error
        code = child.returncode if child.returncode >= 0 else 128 - child.returncode
        return Completed(code, out.decode("utf-8", "surrogateescape"), err.decode("utf-8", "surrogateescape"))

    def now(self) -> datetime:
        return self._clock.now()


@dataclass(frozen=True, slots=True)
class LocalHost:
    """See ports.Host."""

    name: str
    files: ConfinedFiles
    shell: LocalShell


def local_host(name: str, clock: Clock, spool: Path) -> LocalHost:
    """This machine under a name; unfinished files lie in ``spool`` where that is on the same file system."""
    return LocalHost(name, ConfinedFiles(Tree(Path("/")), Spool(spool)), LocalShell(clock))


def _environment() -> dict[str, str]:
    own = {f"{sys.prefix}/bin"} if sys.prefix != sys.base_prefix else set()
    path = os.pathsep.join(entry for entry in os.get_exec_path() if entry and entry not in own)
    kept = {key: value for key, value in os.environ.items() if not key.startswith(_OURS)}
    return {**kept, "PATH": path}
