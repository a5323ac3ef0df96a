"""Docker and podman by their commands: which images they hold."""

from __future__ import annotations

import re
import shutil
import subprocess

from emulator.runtimes.singularity.failure import Fatal

PROGRAMS = ("docker", "podman")
_SECONDS = 60


def holding(reference: str) -> tuple[str, str] | None:
    """The engine's program and the image's digest; None when none that answers holds it."""
    for program in PROGRAMS:
        if shutil.which(program) is None:
            continue
        command = [program, "image", "inspect", "--format", "{{.Id}}", "--", reference]
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS)
        except (subprocess.TimeoutExpired, OSError):
            continue  # it does not answer: as good as not there
        digest = done.stdout.decode("ascii", "replace").strip()
        if done.returncode == 0 and re.fullmatch("(sha256:)?[0-9a-f]{64}", digest):
            return program, digest if ":" in digest else f"sha256:{digest}"
    return None


def save(program: str, reference: str, path: str) -> None:
    """Write the image to a docker-archive. Raises Fatal."""
    done = subprocess.run(
        [program, "save", "-o", path, "--", reference], stdin=subprocess.DEVNULL, capture_output=True
    )
    if done.returncode:
        raise Fatal(f"{program} cannot save {reference}: {done.stderr.decode('utf-8', 'replace').strip()}")
