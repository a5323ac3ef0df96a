"""Docker, as the last resort: the unpacked image is imported, and the container ended with the call."""

from __future__ import annotations

from emulator.runtimes.singularity.backends.engine_run import answers, run_in
from emulator.runtimes.singularity.container import Container

_PROGRAM = "docker"


def available() -> bool:
    return answers(_PROGRAM)


def run(container: Container) -> int:
    return run_in(_PROGRAM, container)
