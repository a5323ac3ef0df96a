"""One fault in one step on one backend, and what must come of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """``step`` is the state that the fault strikes in.

    ``ends`` is the job's last state and ``reason`` what its lastStatusMessage must fit then. ``blocked``: what the
    message must fit while the job is BLOCKED; empty where it may pass the fault by. ``runs``: how often the app
    starts. ``quick``: part of ``make test``. ``fails``: a known defect, with what happens instead.
    """

    backend: str
    step: str
    fault: str
    ends: str = "FINISHED"
    reason: str = ""
    blocked: str = ""
    runs: tuple[int, ...] = (1,)
    quick: bool = False
    fails: str = ""

    @property
    def name(self) -> str:
        return f"{self.backend}: {self.fault} in {self.step}"

    @property
    def id(self) -> str:
        return self.name.replace(": ", "-").replace(" in ", "-").replace(" ", "_")
