"""One row of the coverage table: an operation of a v2 service and how far it is there."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How far an operation is there."""

    IMPLEMENTED = "implemented"
    PARTIAL = "partial"
    NOT_IMPLEMENTED = "not implemented"


IMPLEMENTED = State.IMPLEMENTED
PARTIAL = State.PARTIAL
NOT_IMPLEMENTED = State.NOT_IMPLEMENTED

# The families of clients that call an operation, by reading or running them [clients §3, §4].
TAPIS_CLI = "tapis-cli"
AGAVEPY = "agavepy"
AGAVE_CLI = "agave-cli"  # the shell scripts
COURSE = "course"  # the commands of agave-cli 3.0 that the course's page uses


@dataclass(frozen=True, slots=True)
class Difference:
    """A known difference from the service, and why it is so; one sentence each."""

    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Operation:
    """A row of the table.

    ``name`` is agavepy's (``jobs.submit``), or one of its kind for what agavepy does not list; ``verbs`` are
    separated by spaces; ``path`` has its variables in braces; ``also`` are further paths of the same operation.
    """

    name: str
    verbs: str
    path: str
    summary: str
    state: State
    clients: tuple[str, ...] = ()
    differences: tuple[Difference, ...] = ()
    also: tuple[str, ...] = ()

    @property
    def service(self) -> str:
        """``jobs`` of ``jobs.submit``."""
        return self.name.partition(".")[0]

    @property
    def paths(self) -> tuple[str, ...]:
        return (self.path, *self.also)
