"""A trivial job from its submission to FINISHED on the process runtime, beside its script run by hand."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.figures import Table, median, ms, spread
from benchmarks.processes import processor_seconds
from benchmarks.workload import timed, workload


def run(quick: bool = False) -> Table:
    rounds = 5 if quick else 50
    with tempfile.TemporaryDirectory() as scratch, workload(Path(scratch)) as work:
        work.run_one()
        by_hand, scratch_only, archived = [], [], []
        before = processor_seconds(work.server.pid)
        for _ in range(rounds):
            scratch_only.append(work.run_one())
        spent = processor_seconds(work.server.pid) - before
        script = work.rendered_script()
        for _ in range(rounds):
            by_hand.append(timed(["bash", script.name], cwd=script.parent))
            archived.append(work.run_one(archive=True, archiveSystem="tacc.corral"))
    rows = []
    floor = median(by_hand)
    for name, samples in (
        ("its script by hand", by_hand),
        ("the job, `archive: false`", scratch_only),
        ("the job, archived", archived),
    ):
        on_top = "" if samples is by_hand else ms(median(samples) - floor)
        rows.append((name, ms(median(samples)), spread(samples), on_top))
    return Table(
        "A trivial job, process runtime",
        ("run", "median", "least – most", "on top of the script"),
        rows,
        (
            f"{rounds} jobs one after the other, each from its submission until a webhook told of its end; by hand: "
            "`bash` on the script as it was rendered for a job, in that job's work directory.",
            f"The server's own processor time: {ms(spent / rounds)} a job.",
        ),
    )
