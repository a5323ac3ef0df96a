"""Processes of this machine: who they are, whether they still are, and ending them.

Reads ``/proc`` where there is one and asks ``ps`` elsewhere. A process id alone names nobody, as ids are
used again: an :class:`Identity` adds the start time and the machine's boot.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
MARKER = "TAPIS_EMULATOR_JOB"
"""The variable that every process of a job inherits; its value is the job's spool directory."""

_UNKNOWN = "-"


@dataclass(frozen=True, slots=True)
class Identity:
    """One process for all time. ``start`` in clock ticks since ``boot``; both ``-`` where not known."""

    pid: int
    start: str = _UNKNOWN
    boot: str = _UNKNOWN

    def is_alive(self, argument: str) -> bool:
        """Whether it still runs; an ended one that nobody has waited for does not.

        Where the start time is unknown, ``argument`` among its command line tells it from others.
        """
        if self.start == _UNKNOWN:
            command_line = _ps("-o", "args=", "-p", str(self.pid))
            return bool(command_line.strip()) and argument in command_line
        if self.boot != boot_id():
            return False
        fields = _stat(self.pid)
        return fields is not None and fields[_START] == self.start and fields[_STATE] not in ("Z", "X")


def identify(pid: int) -> Identity | None:
    """The process that has this id now; None when there is none."""
    fields = _stat(pid)
    if fields is not None:
        return Identity(pid, fields[_START], boot_id())
    return Identity(pid) if _ps("-o", "pid=", "-p", str(pid)).strip() else None


def boot_id() -> str:
    """What changes with each start of the machine; ``-`` where it does not say."""
    try:
        return (PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return _UNKNOWN


def members(leader: int, marker: str, *, by_group: bool = False) -> list[int]:
    """The living processes of a job other than ``leader`` and this program itself.

    They are those of the leader's session, and those that left it but carry ``marker`` as the value of
    :data:`MARKER`. One that left the session and emptied its environment is not found. ``by_group`` (the
    only way without ``/proc``): those of the leader's process group.
    """
    skip = {leader, os.getpid()}
    by_group = by_group or not PROC.joinpath("self/stat").exists()
    found = _group_by_ps(leader) if by_group else _by_proc(leader, marker)
    return [pid for pid in found if pid not in skip]


def signal_all(pids: list[int], number: signal.Signals) -> None:
    """Send a signal; processes that are gone by then are fine. Raises PermissionError for those of others."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def group_exists(leader: int) -> bool:
    """Whether the process group of a leader that has ended still has members.

    While it has, the system gives the leader's id to nobody else.
    """
    try:
        os.killpg(leader, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


# positions in /proc/<pid>/stat, counted behind the name of the command
_STATE, _SESSION, _START = 0, 3, 19


def _stat(pid: int) -> list[str] | None:
    try:
        text = (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return text.rpartition(") ")[2].split()


def _by_proc(leader: int, marker: str) -> Iterator[int]:
    wanted = f"{MARKER}={marker}".encode()
    for pid in map(int, filter(str.isdigit, os.listdir(PROC))):  # noqa: PTH208 - quicker than paths
        fields = _stat(pid)
        if fields is None or fields[_STATE] in ("Z", "X"):
            continue
        if fields[_SESSION] == str(leader) or wanted in _environment(pid):
            yield pid


def _environment(pid: int) -> list[bytes]:
    try:
        return (PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:  # gone, or of another user
        return []


def _group_by_ps(leader: int) -> Iterator[int]:
    for line in _ps("-A", "-o", "pid=,pgid=,stat=").splitlines():
        pid, group, state = line.split()
        if group == str(leader) and not state.startswith("Z"):
            yield int(pid)


def _ps(*arguments: str) -> str:
    answer = subprocess.run(
        ["ps", *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    return answer.stdout
