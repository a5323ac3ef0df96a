"""proot: needs no rights at all, and is slower. What it cannot do: keep root from writing to the image."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from contextlib import suppress

from emulator.runtimes.singularity.container import Container, without_command
from emulator.runtimes.singularity.failure import Fatal
from emulator.runtimes.singularity.places import find_program


def available() -> bool:
    return shutil.which("proot") is not None


def run(container: Container) -> int:
    """Run it and wait; proot takes no signal for the command, hence they are handed on here. Raises Fatal."""
    if container.writable:
        raise Fatal("--writable-tmpfs is not possible with proot")
    if not find_program(container.root, container.command[0], container.environment["PATH"]):
        raise without_command(container.command[0])
    command = ["proot", "-r", container.root, "-w", container.directory]
    for bind in container.binds:
        if not bind.source:
            raise Fatal(f"{bind.target}: proot knows no directories in memory; use --workdir")
        command += ["-b", f"{bind.source}:{bind.target}"]
    environment = {"PROOT_NO_SECCOMP": os.environ.get("PROOT_NO_SECCOMP", "1"), **container.environment}
    program = shutil.which("proot") or "proot"
    child = subprocess.Popen([*command, *container.command], executable=program, env=environment)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda got, _frame: _hand_on(child.pid, got))
    code = child.wait()
    return code if code >= 0 else 128 - code


def _hand_on(proot: int, number: int) -> None:
    """To the command, which is proot's only child."""
    with open(f"/proc/{proot}/task/{proot}/children", encoding="ascii") as file:
        for pid in file.read().split():
            with suppress(ProcessLookupError):
                os.kill(int(pid), number)
