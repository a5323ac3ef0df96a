"""A job that takes two days of its world's time beside the same job that takes none, by a clock that stands still."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from benchmarks.figures import Table, median, ms, ratio, spread
from benchmarks.workload import SYSTEM, Workload, elapsed, workload
from tests.live.own_app import register_cluster
from tests.served import Api

SCENARIO = Path(__file__).resolve().parents[1] / "scenarios" / "queue-of-48-hours.yaml"
BLOCKED = """
name: two-days
rules:
  - at: job.submitting
    do: block
    until: +48h
"""
_QUEUE = {
    "name": "normal",
    "default": True,
    "maxJobs": 1000,
    "maxUserJobs": 1000,
    "maxRequestedTime": "24:00:00",
}


def run(quick: bool = False) -> Table:
    rounds, of_blocked = (3, 1) if quick else (40, 10)
    plain: list[float] = []
    queued: list[float] = []
    blocked: list[float] = []
    with tempfile.TemporaryDirectory() as scratch, workload(Path(scratch), register=_slurm) as work:
        work.control("PUT", "simulations/*", json={"stdout": "done\n"})
        work.control("PUT", "clock", json={"mode": "frozen"})
        for number in range(rounds + 1):
            plain.append(elapsed(lambda: _lived(work, hours=0)))
            with _armed(work, SCENARIO.read_text(encoding="utf-8")):
                queued.append(elapsed(lambda: _lived(work, hours=48)))
            if number <= of_blocked:
                with _armed(work, BLOCKED):
                    blocked.append(elapsed(lambda: _lived(work, hours=48)))
    floor = median(plain[1:])
    rows = [("the job, nothing in its way", ms(floor), spread(plain[1:]), "")]
    for name, samples in (
        ("48 hours in the queue, by `queue-of-48-hours`", queued[1:]),
        ("BLOCKED for 48 hours, each test for its recovery struck", blocked[1:]),
    ):
        rows.append((name, ms(median(samples)), spread(samples), ratio(median(samples), floor)))
    return Table(
        "48 hours of a world's time",
        ("from the submission to FINISHED", "median", "least – most", "beside the job"),
        rows,
        (
            f"{rounds} rounds of the first two in turn ({of_blocked} of the last) after one that is not counted: a "
            "request that submits, one that lets time pass until the job has ended, and two that look at the job; "
            "simulated, `archive: false`. Arming and disarming are not counted.",
        ),
    )


def _slurm(api: Api) -> None:
    register_cluster(api, SYSTEM, executionType="HPC", scheduler="SLURM", queues=[_QUEUE])


def _lived(work: Workload, hours: int) -> None:
    """One job's life; AssertionError where it has not taken so many hours, or failed."""
    job = work.api.call("POST", "jobs/v2", json=work.request(notifications=[]))["id"]
    before = datetime.fromisoformat(work.control("GET", "clock")["now"])
    after = datetime.fromisoformat(work.control("POST", "clock", json={"run": "job", "job": job})["now"])
    status = work.api.call("GET", f"jobs/v2/{job}/status")["status"]
    if status != "FINISHED" or not timedelta(0) <= after - before - timedelta(hours=hours) < timedelta(
        hours=1
    ):
        raise AssertionError(f"a job of {hours} hours: {status}, from {before} to {after}")


@contextmanager
def _armed(work: Workload, text: str) -> Iterator[None]:
    work.control("POST", "scenarios", data=text)
    try:
        yield
    finally:
        work.control("DELETE", "scenarios")
