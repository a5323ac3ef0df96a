"""What jobs leave behind on a machine: how often they ran, and what should not be there any more."""

from __future__ import annotations

import subprocess
from abc import ABC, abstractmethod
from pathlib import Path

from emulator.domain.ports import UNFINISHED
from tests.real.box import Box, SchedulerBox
from tests.real.waiting import wait_until

_PROCESSES = """\
for process in /proc/[0-9]*; do
  place=$(readlink "$process/cwd" 2>/dev/null) || continue
  case $place in *job-{job}*) echo "process ${{process#/proc/}} $(tr '\\0' ' ' < "$process/cmdline")" ;; esac
done
"""


class Traces(ABC):
    """``runs_directory`` is as the jobs' scripts name it: outside their work directories."""

    runs_directory: str

    @abstractmethod
    def runs(self, job: str) -> int:
        """How often the app has started."""

    @abstractmethod
    def go(self, job: str) -> None:
        """Let a held app end."""

    @abstractmethod
    def left(self, job: str) -> list[str]:
        """What a job that has ended and is archived has still there: processes, directories, queue entries."""


class BoxTraces(Traces):
    """On a machine by ssh; it is looked at past sshd."""

    runs_directory = "/home/tapis/tapis-runs"

    def __init__(self, box: Box, data: Path) -> None:
        self._box = box
        self._data = data
        box.exec("mkdir", "-p", self.runs_directory, user="tapis")

    def runs(self, job: str) -> int:
        return len([line for line in self._told(f"cat {self.runs_directory}/{job} 2>/dev/null") if line])

    def _told(self, script: str) -> list[str]:
        """What a command prints, all of it: engines may lose the output of one that ends at once."""
        told: list[str] = []

        def whole() -> bool:
            _code, said = self._box.try_exec("sh", "-c", f"{script}\necho; echo whole")
            told[:] = said.splitlines()
            return bool(told) and told.pop() == "whole"

        wait_until(whole, what="all that a command prints")
        return told

    def go(self, job: str) -> None:
        self._box.exec("touch", f"{self.runs_directory}/{job}.go", user="tapis")

    def left(self, job: str) -> list[str]:
        places = "/scratch /work /home /dev/shm"
        find = f"find {places} -name 'job-{job}*' -o -name '{UNFINISHED}*' 2>/dev/null"
        left = [line for line in self._told(_PROCESSES.format(job=job) + find) if line]
        if isinstance(self._box, SchedulerBox):
            left += [f"queued {line}" for line in self._box.jobs().splitlines() if line.strip()]
        return left + _unfinished(self._data)


class SandboxTraces(Traces):
    """In the sandboxes of a data directory."""

    runs_directory = "$HOME/tapis-runs"

    def __init__(self, data: Path) -> None:
        self._data = data

    def runs(self, job: str) -> int:
        found = self._run_file(job)
        return 0 if found is None else len(found.read_text().splitlines())

    def go(self, job: str) -> None:
        found = self._run_file(job)
        assert found is not None, "it has not started"
        found.with_name(f"{job}.go").touch()

    def _run_file(self, job: str) -> Path | None:
        return next(self._data.glob(f"hosts/**/tapis-runs/{job}"), None)

    def left(self, job: str) -> list[str]:
        command = ["sh", "-c", _PROCESSES.format(job=job)]
        left = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
        hosts = self._data / "hosts"
        left += [str(path) for path in hosts.rglob(f"job-{job}*") if "archive" not in path.parts]
        left += [str(path) for path in (self._data / "spool").glob(job)]
        return left + _unfinished(self._data)


def _unfinished(data: Path) -> list[str]:
    """In the sandboxes of a data directory, where archives are, and what is on the way there."""
    left = [str(path) for path in (data / "hosts").rglob(f"{UNFINISHED}*")]
    return left + [str(path) for path in (data / "incoming").glob("*")]
