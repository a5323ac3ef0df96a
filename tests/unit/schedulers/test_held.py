"""How real schedulers are told to hold a script, beside how their dialects submit one."""

from __future__ import annotations

import pytest

from emulator.domain.ports import Launch
from emulator.schedulers.dialects import dialect_for
from emulator.schedulers.held import can_hold, held_submission, release

LAUNCH = Launch(
    job_id="j-007",
    world="default",
    host="h",
    system_id="s",
    app_id="a-1.0",
    owner="o",
    name="my job",
    scheduler="SLURM",
    script="/w/my job.ipcexe",
    work_dir="/w",
    stdout="/w/o",
    stderr="/w/e",
    home_dir="/h",
    max_run_seconds=60,
)


@pytest.mark.parametrize(
    ("scheduler", "submission", "letting_go"),
    [
        ("SLURM", "sbatch --hold 'my job.ipcexe'", "scontrol release 17"),
        ("CUSTOM_SLURM", "sbatch --hold 'my job.ipcexe'", "scontrol release 17"),
        ("PBS", "qsub -h 'my job.ipcexe'", "qrls 17"),
        ("TORQUE", "qsub -h 'my job.ipcexe'", "qrls 17"),
        ("MOAB", "qsub -h 'my job.ipcexe'", "qrls 17"),
        ("SGE", "qsub -h 'my job.ipcexe'", "qrls 17"),
        ("LSF", "bsub -H < 'my job.ipcexe'", "bresume 17"),
    ],
)
def test_the_dialects_submission_with_the_order_to_hold(
    scheduler: str, submission: str, letting_go: str
) -> None:
    assert can_hold(scheduler)
    assert held_submission(scheduler, dialect_for(scheduler).submit(LAUNCH)) == submission
    assert release(scheduler, "17") == letting_go


@pytest.mark.parametrize("scheduler", ["FORK", "CONDOR", "LOADLEVELER", "COBALT", "UNKNOWN"])
def test_others_cannot_keep_a_script_for_us(scheduler: str) -> None:
    assert not can_hold(scheduler)
