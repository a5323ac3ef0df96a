"""Processes of this machine: who they are, whether they still are, and ending them.

Reads ``/proc`` where there is one and asks ``ps`` elsewhere. A process id alone names nobody, as ids are
used again: an :class:`Identity` adds the start time and the machine's boot.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
MARKER = "TAPIS_EMULATOR_JOB"
"""The variable that every process of a job inherits; its value is the job's spool directory."""

_MARK = f"\0{MARKER}=".encode()
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


class Survey:
    """One look at all processes of this machine."""

    def __init__(self, *, by_ps: bool = not (PROC / "self/stat").exists()) -> None:
        """``by_ps``: by process groups and command lines, which the portable ``ps`` shows."""
        self._sessions: defaultdict[int, set[int]] = defaultdict(set)
        self._marks: dict[int, str] = {}
        for pid, session, mark in _by_ps() if by_ps else _by_proc():
            self._sessions[session].add(pid)
            if mark:
                self._marks[pid] = mark
        self._by_ps = by_ps

    def members(self, leader: int, marker: str) -> list[int]:
        """The living processes of a job other than ``leader`` and this program itself.

        They are those that carry ``marker`` as the value of :data:`MARKER`, and those of the leader's session
        as long as one of it carries the marker: else the leader's id may be somebody else's by now. A
        process that leaves the session and empties its environment is not found; by ``ps``, none that
        leaves the leader's process group, or outlives the leader.
        """
        session = self._sessions.get(leader, set())
        if self._by_ps:
            ours = any(marker in self._marks.get(pid, "") for pid in session)
            found = session if ours else set()
        else:
            found = {pid for pid, mark in self._marks.items() if mark == marker}
            found |= session if session & found else set()
        return sorted(found - {leader, os.getpid()})


def members(leader: int, marker: str) -> list[int]:
    """See :meth:`Survey.members`."""
    return Survey().members(leader, marker)


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


def _by_proc() -> Iterator[tuple[int, int, str]]:
    """Process id, session and mark of everything that lives."""
    for pid in map(int, filter(str.isdigit, os.listdir(PROC))):  # noqa: PTH208 - quicker than paths
        fields = _stat(pid)
        if fields is not None and fields[_STATE] not in ("Z", "X"):
            yield pid, int(fields[_SESSION]), _mark(pid)


def _mark(pid: int) -> str:
    try:
        environment = (PROC / str(pid) / "environ").read_bytes()
    except OSError:  # gone, or of another user
        return ""
    _, found, after = (b"\0" + environment).partition(_MARK)
    return os.fsdecode(after.partition(b"\0")[0]) if found else ""


def _by_ps() -> Iterator[tuple[int, int, str]]:
    """Process id, group and command line."""
    for line in _ps("-A", "-ww", "-o", "pid=,pgid=,stat=,args=").splitlines():
        pid, group, state, command = [*line.split(None, 3), ""][:4]
        if not state.startswith("Z"):
            yield int(pid), int(group), command


def _ps(*arguments: str) -> str:
    answer = subprocess.run(
        ["ps", *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    return answer.stdout
