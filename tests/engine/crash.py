"""A process that runs the jobs of a directory and is killed (SIGKILL, by itself) at a given point.

``python -m tests.engine.crash <directory> <point>``; see :func:`arm` for the points.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from emulator.domain.event import Event
from emulator.domain.ports import Launch
from emulator.domain.states import JobState
from emulator.engine.clock import RealClock
from emulator.hosts.sandbox import SandboxHosts
from emulator.runtimes.launcher import SandboxLauncher
from emulator.store import Transaction
from tests.engine.bench import QUICK, Bench
from tests.engine.doubles import ActingJournal, InterposedHosts


def die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("still alive")


def real_launcher(directory: Path) -> Callable[[Callable[[str], None]], SandboxLauncher]:
    """The launcher of the product, on the sandboxes of a directory."""

    def make(on_change: Callable[[str], None]) -> SandboxLauncher:
        return SandboxLauncher(
            hosts=SandboxHosts(directory / "hosts"),
            clock=RealClock(),
            spool=directory / "spool",
            settings=QUICK,
            on_change=on_change,
        )

    return make


def arm(directory: Path, point: str) -> Bench:
    """A bench that dies at a point.

    ``inside:<STATE>`` when the state's entry is written, before the commit; ``after:<STATE>`` right after it;
    ``files:<operation>:<end of a path>`` before that is done to a file or directory;
    ``before:<verb>`` and ``behind:<verb>`` around a call of the launcher.
    """
    when, _, what = point.partition(":")

    def before_files(operation: str, path: str) -> None:
        wanted, _, end = what.partition(":")
        if when == "files" and operation == wanted and path.endswith(end):
            die()

    bench = Bench(
        directory,
        real_launcher(directory),
        journal=ActingJournal,
        hosts=InterposedHosts(SandboxHosts(directory / "hosts"), before_files),
    )
    if when in ("inside", "after"):
        _arm_journal(bench, when, JobState(what))
    if when in ("before", "behind"):
        _arm_launcher(bench, when, what)
    return bench


def _arm_journal(bench: Bench, when: str, state: JobState) -> None:
    def inside(_tx: Transaction, event: Event) -> None:
        if when == "inside" and event.description == state.description:
            die()

    def after(event: Event) -> None:
        if when == "after" and event.description == state.description:
            die()

    bench.journal.inside = inside  # type: ignore[attr-defined]
    bench.journal.after = after  # type: ignore[attr-defined]


def _arm_launcher(bench: Bench, when: str, verb: str) -> None:
    real = getattr(bench.launcher, verb)

    def call(launch: Launch, *arguments: Any) -> Any:
        if when == "before":
            die()
        answer = real(launch, *arguments)
        if verb != "report" or answer.state == "ENDED":
            die()
        return answer

    setattr(bench.launcher, verb, call)


if __name__ == "__main__":
    armed = arm(Path(sys.argv[1]), sys.argv[2])
    armed.engine.start()
    armed.engine.wait_idle(60)
