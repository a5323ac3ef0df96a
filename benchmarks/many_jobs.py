"""Many trivial jobs at once on the process runtime: jobs per second."""

from __future__ import annotations

import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks.figures import Table, megabytes, ms
from benchmarks.processes import peak, processor_seconds
from benchmarks.workload import workload


def run(quick: bool = False) -> Table:
    count = 20 if quick else 200
    with tempfile.TemporaryDirectory() as scratch, workload(Path(scratch)) as work:
        work.run_one()
        before = processor_seconds(work.server.pid)
        accepted, finished = work.run_many(count)
        spent = processor_seconds(work.server.pid) - before
        memory = peak(work.server.pid)
        script = work.rendered_script()
        began = time.perf_counter()
        for _ in range(count):
            subprocess.run(["bash", script.name], cwd=script.parent, check=True, capture_output=True)
        by_hand = time.perf_counter() - began
    return Table(
        f"{count} trivial jobs at once, process runtime",
        ("run", "seconds", "jobs per second"),
        [
            ("the script by hand, one after the other", f"{by_hand:.2f}", f"{count / by_hand:.0f}"),
            ("all jobs accepted", f"{accepted:.2f}", f"{count / accepted:.0f}"),
            ("all jobs FINISHED", f"{finished:.2f}", f"{count / finished:.0f}"),
        ],
        (
            "Submitted by 8 clients side by side, `archive: false`; each job's end is told by a webhook.",
            f"The server's own processor time: {ms(spent / count)} a job; its memory at most {megabytes(memory)}.",
        ),
    )
