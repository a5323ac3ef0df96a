"""Apps that are simulated instead of run: what is declared for them, and what is played for one job."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

LOST = "LOST"
"""The scheduler state of a script that its scheduler forgets."""

Content = str | int
"""What a file holds: this text, or so many bytes of filling."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """What is played for one job: everything drawn, everything written out. Times in seconds.

    ``duration`` None: until it is killed. ``outputs`` by path, relative to the work directory.
    """

    queue_wait: float = 0.0
    duration: float | None = 0.0
    exit_code: int = 0
    signal: int = 0
    scheduler_state: str = ""
    stdout: Content = ""
    stderr: Content = ""
    outputs: dict[str, Content] = field(default_factory=dict)
    reject: str = ""
    archiving: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """A declaration: which apps of a world, and what stands in for them. ``app`` is an id or a pattern of ids."""

    world: str
    app: str
    document: dict[str, Any]

    @property
    def runs(self) -> bool:
        """Whether it only says that these apps are run."""
        return bool(self.document.get("run"))


def chosen(declared: Iterable[Simulation], app_id: str) -> Simulation | None:
    """The one that speaks for an app: its own id, else the longest pattern that fits; None where it is run."""
    fits = [one for one in declared if one.app == app_id or fnmatchcase(app_id, one.app)]
    if not fits:
        return None
    best = max(fits, key=lambda one: (one.app == app_id, len(one.app), one.app))
    return None if best.runs else best
