"""Charliecloud's ``ch-run``: user namespaces too, where those of the kernel are only allowed to it."""

from __future__ import annotations

import os
import shutil
import subprocess

from emulator.runtimes.singularity.backends.mount_points import make_mount_points
from emulator.runtimes.singularity.container import Container, without_command
from emulator.runtimes.singularity.failure import Fatal
from emulator.runtimes.singularity.places import find_program, inside, resolve

_OWN = ("/proc", "/sys", "/dev", "/tmp", "/etc/hosts", "/etc/resolv.conf")
"""Which it binds by itself."""


def available() -> bool:
    if shutil.which("ch-run") is None:
        return False
    done = subprocess.run(
        ["unshare", "--user", "--map-current-user", "true"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return done.returncode == 0


def run(container: Container) -> int:
    """Becomes ch-run. Raises Fatal."""
    if container.writable:
        raise Fatal("--writable-tmpfs is not possible with ch-run")
    if not find_program(container.root, container.command[0], container.environment["PATH"]):
        raise without_command(container.command[0])
    binds = [bind for bind in container.binds if bind.target not in _OWN]
    make_mount_points(container.root, [*binds, *(b for b in container.binds if b.target in _OWN)])
    command = ["ch-run", f"--cd={container.directory}"]
    for bind in binds:
        if not bind.source or (bind.read_only and not bind.target.startswith("/etc/")):
            raise Fatal(f"{bind.target}: ch-run can bind neither read-only nor a directory in memory")
        target = inside(container.root, resolve(container.root, bind.target))  # it follows links outside
        command.append(f"--bind={bind.source}:{target}")
    os.environ.setdefault("USER", str(os.getuid()))
    environment = {"USER": os.environ["USER"], **container.environment}
    program = shutil.which("ch-run") or "ch-run"
    os.execve(program, [*command, container.root, "--", *container.command], environment)
    raise AssertionError("not reached")
