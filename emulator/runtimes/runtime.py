"""What runs a script for the launcher: as a process of this machine or in a container."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from emulator.runtimes.spool import Exit, JobSpool

GRACE = timedelta(seconds=2)
"""Between TERM and KILL, and for what a script leaves in the background when it ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A script ready to run; all paths are real ones of this machine.

    ``sandbox`` is the root of the machine that is played. ``environment`` holds all the script gets, but
    in a container PATH is the image's. ``memory`` in bytes and ``processors`` are limits, 0 for none; they and
    ``image`` only for containers.
    """

    job: JobSpool
    sandbox: Path
    script: Path
    work_dir: Path
    stdout: Path
    stderr: Path
    environment: dict[str, str]
    image: str = ""
    memory: int = 0
    processors: int = 0
    labels: dict[str, str]


OnEnd = Callable[[str, Exit | None], None]
"""Job id, and how its supervisor ended, where the runtime learnt that: good for when the spool says nothing."""


class Runtime(Protocol):
    """Runs supervisors (``shell/supervisor.sh``). What they write into the job's spool counts.

    When one has ended, a runtime calls the :data:`OnEnd` it was built with, once, from a thread of its own.
    """

    def check(self, image: str, job_id: str = "") -> None:
        """Raises ConnectionError when the runtime cannot be reached, OSError when ``image`` cannot be had.

        Raises Preparing while it is being brought; the job is told of its coming.
        """

    def start(self, command: Command) -> str:
        """Start a supervisor, or find the one that was started before; the claim lets only one run the script.

        Returns when the supervisor is on its way and ``on_end`` is certain to follow: the script's process id
        where it is known by then, else nothing. Raises OSError as ``check``.
        """

    def adopt(self, job: JobSpool) -> bool:
        """Wait for a supervisor of an earlier run; False when it is gone.

        Raises ConnectionError as ``check``.
        """

    def terminate(self, job: JobSpool) -> None:
        """Ask the script and all it started to end (TERM)."""

    def kill(self, job: JobSpool) -> None:
        """End them (KILL)."""

    def discard(self, job: JobSpool) -> None:
        """The job is over: leave nothing of it behind."""

    def stop(self) -> None:
        """``on_end`` is not called after this; scripts go on."""
