"""A thousand simulated jobs to FINISHED, by a clock that runs and by one that stands still: jobs per second."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from benchmarks.figures import Table, megabytes, ms
from benchmarks.processes import peak, processor_seconds
from benchmarks.workload import Workload, workload


def run(quick: bool = False) -> Table:
    count = 50 if quick else 1000
    with tempfile.TemporaryDirectory() as scratch, workload(Path(scratch)) as work:
        work.control("PUT", "simulations/*", json={"stdout": "done\n"})
        work.run_one()
        before = processor_seconds(work.server.pid)
        accepted, finished = work.run_many(count)
        spent = processor_seconds(work.server.pid) - before
        work.control("PUT", "simulations/*", json={"queue_wait": "47h", "duration": ["10m", "50m"]})
        work.control("PUT", "clock", json={"mode": "frozen"})
        waits = _leap(work, count)
        memory = peak(work.server.pid)
    return Table(
        f"{count} simulated jobs",
        ("run", "seconds", "jobs per second"),
        [
            ("all jobs accepted", f"{accepted:.2f}", f"{count / accepted:.0f}"),
            ("all jobs FINISHED, by the machine's clock", f"{finished:.2f}", f"{count / finished:.0f}"),
            (
                "the same with 47 hours in the queue, by a frozen clock",
                f"{waits:.2f}",
                f"{count / waits:.0f}",
            ),
        ],
        (
            "`archive: false`, submitted by 8 clients side by side, each job's end told by a webhook; in the last row "
            "by one client, without webhooks.",
            f"The server's own processor time: {ms(spent / count)} a job; its memory at most {megabytes(memory)}.",
        ),
    )


def _leap(work: Workload, count: int) -> float:
    """Seconds from the first submission until all jobs of two days have ended."""
    began = time.perf_counter()
    jobs = [work.api.call("POST", "jobs/v2", json=work.request(notifications=[]))["id"] for _ in range(count)]
    passed = work.control("POST", "clock", json={"run": "idle", "limit": "3d"})
    seconds = time.perf_counter() - began
    states = {work.api.call("GET", f"jobs/v2/{job}/status")["status"] for job in jobs[:: max(1, count // 50)]}
    if states != {"FINISHED"}:
        raise AssertionError(f"jobs ended as {states}: {passed}")
    return seconds
