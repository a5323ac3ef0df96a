"""A real Grid Engine (8.1.9) with two queues, ``all.q`` and ``normal``, of sixteen slots each on one machine.

``h_rt`` and ``h_vmem`` are enforced, ``qacct`` knows a job right after its end, and there is a parallel
environment ``smp``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.real.box import SchedulerBox
from tests.real.boxes import GRIDENGINE, shared_box
from tests.real.docker_engine import Engine
from tests.real.waiting import wait_until

QUEUES = ("all.q", "normal")


class GridEngine(SchedulerBox):
    """A machine that is qmaster, execution host and login host at once."""

    def stop_scheduler(self) -> None:
        """End the qmaster; the execution daemon and running jobs live on."""
        self.exec("box-gridengine", "stop-master")

    def start_scheduler(self) -> None:
        self.exec("box-gridengine", "start-master")
        # the execution daemon finds it again by itself, with its next load report
        wait_until(lambda: "-NA-" not in self.exec("qstat", "-f"), 60, "the execution host to report")

    def drain(self) -> None:
        """Disable the queues (``qmod -d``)."""
        self.exec("qmod", "-d", *QUEUES)

    def undrain(self) -> None:
        self.exec("qmod", "-e", *QUEUES)

    def jobs(self) -> str:
        """What ``qstat`` shows of everybody's jobs; empty when there are none."""
        return self.exec("qstat", "-u", "*")

    def end_all_jobs(self) -> None:
        self.try_exec("qdel", "-f", "-u", "*")  # complains when there is nothing to delete
        wait_until(lambda: not self.jobs(), what="Grid Engine to be empty")

    def accounting(self, job: str) -> dict[str, str]:
        """What ``qacct -j`` says about an ended job, by its own names; empty while it knows nothing."""
        code, said = self.try_exec("qacct", "-j", job)
        if code:
            return {}
        pairs = (line.split(None, 1) for line in said.splitlines()[1:])
        return {pair[0]: pair[1].strip() if len(pair) > 1 else "" for pair in pairs if pair}


@contextmanager
def gridengine(engine: Engine, purpose: str = "shared") -> Iterator[GridEngine]:
    """The cell, shared by all who name the same purpose; for errors see :func:`shared_box`."""
    with shared_box(engine, GRIDENGINE, GridEngine, purpose) as box:
        yield box
