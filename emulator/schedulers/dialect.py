"""How a real scheduler is spoken to: command lines out, replies in. Pure; one module for each scheduler.

The commands are POSIX shell, run on the login host in the job's work directory, after the system's startupScript.
Times come back in UTC: commands that print local time are run with ``TZ=UTC``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from emulator.domain.ports import Completed, Launch, RemoteReport


class Rejected(Exception):
    """The scheduler does not take the script, in its own words."""


class NoAnswer(ConnectionError):
    """The scheduler itself cannot be reached (its daemon is down, it times out): to be asked again later."""


class Unclear(Exception):
    """A reply that cannot be understood: it says nothing of any job, and is counted as a failed check."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How one script stands with its scheduler.

    ``hopeless``: the scheduler will never end it by itself (Grid Engine's ``Eqw``, a held HTCondor job): it is to
    be cancelled, and the report holds as how it has ended.
    """

    report: RemoteReport
    hopeless: bool = False


class Dialect(Protocol):
    """One scheduler [wrapper-templates §7, §8]."""

    def submit(self, launch: Launch) -> str:
        """The command that hands the script over; run in the work directory."""

    def submitted(self, reply: Completed) -> str:
        """The remote job id. Raises Rejected, NoAnswer, Unclear (nothing was said at all)."""

    def find(self, launch: Launch) -> str:
        """The command that lists the account's jobs of this script's name, ended ones too where that is known."""

    def found(self, reply: Completed, launch: Launch) -> str | None:
        """The id of the one that was submitted from the launch's work directory. Raises NoAnswer, Unclear."""

    def status(self, ids: Iterable[str]) -> str:
        """One command that asks about all of them."""

    def standings(self, reply: Completed, ids: Iterable[str]) -> Mapping[str, Standing]:
        """Those of ``ids`` that the scheduler knows; one that is missing is gone. Raises NoAnswer, Unclear."""

    def cancel(self, remote_job_id: str) -> str: ...

    def cancelled(self, reply: Completed) -> bool:
        """Whether it is being ended, or was gone already. Raises NoAnswer."""
