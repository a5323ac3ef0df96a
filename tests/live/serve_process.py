"""``tapis-emulator serve`` as a process of its own, the way its users start it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

_ANNOUNCEMENT = re.compile(r"listens on (?P<url>\S+) .*; data in (?P<data>.+)$")

COMMAND = (sys.executable, "-m", "emulator")


@dataclass(frozen=True)
class Ended:
    """How a serving process ended: its exit code (negative for a signal) and all that it said."""

    code: int
    output: str
    complaints: str


class ServeProcess:
    """One process from construction to :meth:`stop` or :meth:`kill`; also a context manager.

    ``folder`` is an existing directory for its log and for HOME; ``command`` is what stands before ``serve``.
    Construction returns when the process has announced its URL; AssertionError with all it said when it ends
    before that.
    """

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        command: Sequence[str] = COMMAND,
        environment: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self._log = folder / "serve.log"
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "serve", *arguments],
                env=clean_environment(folder) | dict(environment or {}),
                cwd=cwd or folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self.process.stdout is not None
        # nothing but the announcement, or the end of the process, ends this line
        self._first = self.process.stdout.readline()
        found = _ANNOUNCEMENT.search(self._first)
        if found is None:
            ended = self.kill()
            raise AssertionError(f"serve did not come up:\n{ended.output}{ended.complaints}")
        self.url = found["url"]
        self.data = Path(found["data"])

    @property
    def pid(self) -> int:
        return self.process.pid

    def stop(self, number: signal.Signals = signal.SIGTERM, timeout: float = 60.0) -> Ended:
        """Send a signal and wait for the end; ``subprocess.TimeoutExpired`` after ``timeout`` seconds."""
        self.process.send_signal(number)
        return self._ended(timeout)

    def kill(self) -> Ended:
        """``kill -9``: nothing in the process can prepare for it."""
        self.process.kill()
        return self._ended(60)

    def complaints(self) -> str:
        """What stands in its log so far."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def _ended(self, timeout: float) -> Ended:
        # it prints a page at its start and then no more: the pipe holds that, nobody needs to read meanwhile
        code = self.process.wait(timeout)
        assert self.process.stdout is not None
        with self.process.stdout as output:
            return Ended(code, self._first + output.read(), self.complaints())

    def __enter__(self) -> ServeProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.kill()


def clean_environment(home: Path) -> dict[str, str]:
    """The surrounding environment without what would lead astray: settings of emulators, clients and Python.

    HOME is ``home``.
    """
    astray = ("TAPIS_", "AGAVE_", "XDG_", "PYTHON", "VIRTUAL_ENV")
    return {name: value for name, value in os.environ.items() if not name.startswith(astray)} | {
        "HOME": str(home)
    }


def run(
    *arguments: str,
    folder: Path,
    command: Sequence[str] = COMMAND,
    environment: Mapping[str, str] | None = None,
    timeout: float = 120.0,
) -> subprocess.CompletedProcess[str]:
    """Run another command of ``tapis-emulator`` to its end; never raises for its exit code."""
    return subprocess.run(
        [*command, *arguments],
        env=clean_environment(folder) | dict(environment or {}),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
