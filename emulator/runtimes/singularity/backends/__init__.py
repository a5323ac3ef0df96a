"""Ways of running a container: the first that this machine allows is taken.

Each is a module with ``available() -> bool`` and ``run(container) -> int``; ``run`` returns an exit code, or never
when it becomes the command.
"""

from __future__ import annotations

import os
from types import ModuleType

from emulator.runtimes.singularity.backends import charliecloud, docker, namespaces, podman, proot
from emulator.runtimes.singularity.failure import Fatal

CHOICE = "TAPIS_EMULATOR_SINGULARITY"
"""The environment variable that names one of them."""

BACKENDS: dict[str, ModuleType] = {
    "namespaces": namespaces,
    "ch-run": charliecloud,
    "proot": proot,
    "docker": docker,
    "podman": podman,
}


def chosen() -> ModuleType:
    """Raises Fatal where the machine allows none, saying what would help."""
    name = os.environ.get(CHOICE, "")
    if name:
        if name not in BACKENDS:
            raise Fatal(f"{CHOICE}: {name!r} is none of {', '.join(BACKENDS)}")
        if not BACKENDS[name].available():
            raise Fatal(f"{CHOICE}: {name} cannot be used on this machine")
        return BACKENDS[name]
    for backend in BACKENDS.values():
        if backend.available():
            return backend
    raise Fatal(
        "this machine has nothing to run a container with: neither user namespaces (nor root's rights to mount), "
        "nor proot, nor a Docker or podman that answers"
    )
