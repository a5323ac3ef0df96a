"""What an emulator costs while many jobs wait in the queue of a real cluster: processor time, memory, connections."""

from __future__ import annotations

import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.figures import Table, megabytes
from benchmarks.processes import connections, processor_seconds, resident
from benchmarks.slurm import box, slurm_workload
from benchmarks.workload import Workload
from tests.real.cluster import SlurmCluster
from tests.real.waiting import wait_until

_CLIENTS = 8
_LIMIT_SECONDS = 600


def run(quick: bool = False) -> Table:
    count, seconds, minutes = (4, 3.0, 1) if quick else (200, 60.0, 3)
    with (
        box() as cluster,
        tempfile.TemporaryDirectory() as scratch,
        slurm_workload(Path(scratch), cluster, "--begin=now+1hour") as work,
    ):
        port = cluster.access.port
        rows = [_row("nothing", work, port, seconds)]
        before = processor_seconds(work.server.pid)
        began = time.perf_counter()
        _submit(work, count)
        wait_until(
            lambda: len(cluster.jobs().splitlines()) >= count, _LIMIT_SECONDS, f"{count} jobs in the queue"
        )
        queued = time.perf_counter() - began
        most = connections(work.server.pid, port)
        spent = processor_seconds(work.server.pid) - before
        for minute in range(minutes):
            rows.append(_row(f"{count} jobs, interval {minute + 1}", work, port, seconds))
        _end(cluster, work)
    return Table(
        f"While {count} jobs wait in the queue of a cluster",
        ("waiting", "processor time in a minute", "of one core", "memory then", "ssh connections"),
        rows,
        (
            f"Each interval is {seconds:g} s; they follow each other at once. The jobs wait for an hour to pass "
            f"(`#SBATCH --begin=now+1hour` by the queue's customDirectives), {count} lines in `squeue`.",
            f"Before that: submitted by {_CLIENTS} clients, all in the queue after {queued:.1f} s, with "
            f"{spent:.1f} s of the server's processor time and {most} ssh connections at that moment.",
        ),
    )


def _row(name: str, work: Workload, port: int, seconds: float) -> tuple[str, ...]:
    """What is spent from now on for some seconds; as a row."""
    pid = work.server.pid
    before, began = processor_seconds(pid), time.perf_counter()
    time.sleep(seconds)  # the amount of time is what is measured here: nothing is awaited
    spent, passed = processor_seconds(pid) - before, time.perf_counter() - began
    return (
        name,
        f"{spent * 60 / passed:.2f} s",
        f"{spent / passed:.1%}",
        megabytes(resident(pid)),
        str(connections(pid, port)),
    )


def _submit(work: Workload, count: int) -> None:
    def submit(_: int) -> None:
        work.api.call("POST", "jobs/v2", json=work.request(notifications=[]))

    with ThreadPoolExecutor(_CLIENTS) as pool:
        list(pool.map(submit, range(count)))


def _end(cluster: SlurmCluster, work: Workload) -> None:
    """Cancel them all on the cluster; the emulator learns of it by its next look."""
    cluster.end_all_jobs()
    wait_until(
        lambda: work.api.request("GET", "_emulator/health").json()["activeJobs"] == 0,
        _LIMIT_SECONDS,
        "the emulator to know of the end of all",
    )
