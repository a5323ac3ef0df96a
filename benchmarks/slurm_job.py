"""A trivial job from its submission to FINISHED by ssh on Slurm, beside ``sbatch`` by hand on the same cluster."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.figures import Table, median, ms, paired, ratio, spread
from benchmarks.processes import processor_seconds
from benchmarks.slurm import box, slurm_workload
from tests.real.cluster import ACCOUNT, SlurmCluster

# the clock is read inside the box: entering it is no part of what is measured
_TIMED = 'cd "$(dirname "$1")"; began=$EPOCHREALTIME; {commands}; echo "took $began $EPOCHREALTIME"'
_WAIT = 'sbatch --wait "$1" > /dev/null'
_WATCH = (
    'id=$(sbatch --parsable "$1"); '
    'while [ -n "$(squeue --noheader --jobs="$id" --states=PENDING,CONFIGURING,RUNNING --format=%i)" ]; do :; done; '
    '[ "$(squeue --noheader --jobs="$id" --states=all --format=%T)" != FAILED ]'
)
_MANY = (
    'for n in $(seq {count}); do sbatch --parsable "$1" > /dev/null; done; '
    'while [ -n "$(squeue --noheader --me --states=PENDING,CONFIGURING,RUNNING --format=%i)" ]; do sleep 0.1; done'
)


def run(quick: bool = False) -> Table:
    rounds, count = (3, 6) if quick else (20, 60)
    with (
        box() as cluster,
        tempfile.TemporaryDirectory() as scratch,
        slurm_workload(Path(scratch), cluster) as work,
    ):
        work.run_one()
        script = _rendered_script(cluster)
        _by_hand(cluster, _WAIT, script)
        wait, watch, jobs = [], [], []
        spent = 0.0
        for _ in range(rounds):
            wait.append(_by_hand(cluster, _WAIT, script))
            watch.append(_by_hand(cluster, _WATCH, script))
            before = processor_seconds(work.server.pid)
            jobs.append(work.run_one())
            spent += processor_seconds(work.server.pid) - before
        many_by_hand = _by_hand(cluster, _MANY.format(count=count), script)
        before = processor_seconds(work.server.pid)
        _, many_jobs = work.run_many(count)
        many_spent = processor_seconds(work.server.pid) - before
        version = cluster.exec("sbatch", "--version").strip()
    return Table(
        "A trivial job by ssh on Slurm",
        ("run", "median", "least – most", "beside `sbatch --wait`", "beside the close watch"),
        [
            ("`sbatch --wait` of its script", ms(median(wait)), spread(wait), "", ""),
            (
                "`sbatch`, then `squeue` again and again",
                ms(median(watch)),
                spread(watch),
                paired(watch, wait),
                "",
            ),
            ("the job", ms(median(jobs)), spread(jobs), paired(jobs, wait), paired(jobs, watch)),
            (f"{count} × `sbatch`, then `squeue` every 0.1 s", ms(many_by_hand), "", "", ""),
            (f"{count} jobs at once", ms(many_jobs), "", "", ratio(many_jobs, many_by_hand)),
        ],
        (
            f"{rounds} rounds of one after the other; {version}, two compute nodes, in a container on the same "
            "machine. By hand: on the login host itself, without ssh, the script as it was rendered for a job, in "
            "that job's work directory. `sbatch --wait` asks at intervals of its own.",
            "The job, from its submission until a webhook told of its end: staging the app over SFTP, `sbatch` and "
            "`squeue` by ssh, `archive: false`.",
            f"The server's own processor time: {ms(spent / rounds)} a job; {ms(many_spent / count)} when many run.",
        ),
    )


def _by_hand(cluster: SlurmCluster, commands: str, script: str) -> float:
    """Seconds that commands take on the login host. Raises CommandFailed."""
    timed = f"set -e; {_TIMED.format(commands=commands)}"
    said = cluster.exec("bash", "-c", timed, "by-hand", script, user=ACCOUNT)
    began, ended = said.splitlines()[-1].removeprefix("took ").split()
    return float(ended) - float(began)


def _rendered_script(cluster: SlurmCluster) -> str:
    """The path in the box of the script that was rendered last."""
    found = cluster.exec("sh", "-c", "find /scratch/tapis -name '*.ipcexe' -printf '%T@ %p\\n' | sort -n")
    return found.splitlines()[-1].partition(" ")[2]
