"""Processes under measurement: their memory and processor time as the kernel counts them (Linux)."""

from __future__ import annotations

import os
import socket
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_ESTABLISHED = "01"


def resident(pid: int) -> int:
    """Bytes of memory the process has now."""
    return _status(pid, "VmRSS")


def peak(pid: int) -> int:
    """Most bytes it had since :func:`reset_peak`, or since its start."""
    return _status(pid, "VmHWM")


def reset_peak(pid: int) -> None:
    """Let :func:`peak` begin anew."""
    Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")


def processor_seconds(pid: int) -> float:
    """Processor time of the process, without its children."""
    # behind the command's name, which may hold spaces, the fields begin with the third
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def children(pid: int) -> list[int]:
    """The process ids of its children."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()]


def connections(pid: int, port: int) -> int:
    """How many TCP connections (IPv4) the process has open to a port."""
    targets = set()
    for handle in Path(f"/proc/{pid}/fd").iterdir():
        try:
            targets.add(handle.readlink().name)
        except FileNotFoundError:  # closed meanwhile
            continue
    lines = Path(f"/proc/{pid}/net/tcp").read_text(encoding="ascii").splitlines()[1:]
    entries = [line.split() for line in lines]
    return sum(
        state == _ESTABLISHED
        and int(remote.rpartition(":")[2], 16) == port
        and f"socket:[{inode}]" in targets
        for _, _, remote, state, _, _, _, _, _, inode, *_ in entries
    )


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _status(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise KeyError(f"{name} of process {pid}")
