"""A real HTCondor (23.9) pool of one machine with a partitionable slot: 32 cores, 64 GiB by its own account.

A job that uses more memory than it asked for is held.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.real.box import SchedulerBox
from tests.real.boxes import HTCONDOR, shared_box
from tests.real.docker_engine import Engine
from tests.real.waiting import wait_until


class HTCondor(SchedulerBox):
    """A machine with all of HTCondor's daemons, submitted to from itself."""

    def stop_scheduler(self) -> None:
        """End the schedd; running jobs live on for the time of their lease."""
        self.exec("condor_off", "-schedd", "-fast")
        wait_until(lambda: self.try_exec("pgrep", "-x", "condor_schedd")[0], what="the schedd to end")

    def start_scheduler(self) -> None:
        self.exec("condor_on", "-schedd")
        wait_until(lambda: not self.try_exec("condor_q")[0], 60, "the schedd to answer")

    def drain(self) -> None:
        """``START = FALSE`` in the startd's running configuration."""
        self._start_jobs(False)

    def undrain(self) -> None:
        self._start_jobs(True)

    def _start_jobs(self, allowed: bool) -> None:
        self.exec("sh", "-c", f"echo START = {allowed} > /etc/condor/config.d/99-start.config")
        self.exec("condor_reconfig", "-startd")
        wanted = str(allowed).lower()
        wait_until(lambda: self._starts() == {wanted}, what=f"START to be {wanted}")

    def _starts(self) -> set[str]:
        """What the slots, as the collector knows them, think of starting jobs."""
        return set(self.exec("condor_status", "-af", "START").split())

    def jobs(self) -> str:
        """Everybody's jobs, one ``CLUSTER.PROC STATUS`` on each line; empty when there are none."""
        return self.exec("condor_q", "-allusers", "-af:j", "JobStatus")

    def end_all_jobs(self) -> None:
        self.try_exec("condor_rm", "-all")
        self.try_exec("condor_rm", "-forcex", "-all")
        wait_until(lambda: not self.jobs().strip(), what="HTCondor to be empty")

    def history(self, job: str, *attributes: str) -> list[str]:
        """Attributes of an ended job, as ``condor_history`` has them; empty while it knows nothing."""
        return self.exec("condor_history", job, "-limit", "1", "-af", *attributes).split()


@contextmanager
def htcondor(engine: Engine, purpose: str = "shared") -> Iterator[HTCondor]:
    """The pool, shared by all who name the same purpose; for errors see :func:`shared_box`."""
    with shared_box(engine, HTCONDOR, HTCondor, purpose) as box:
        yield box
