"""What schedulers say when they refuse: the words that a user then reads in the job's record."""

from __future__ import annotations

from collections.abc import Mapping

from emulator.schedulers.simulated import family

_QSUB = "qsub: submit error (Job exceeds queue resource limits)"
_REJECTED: Mapping[str, str] = {
    "SLURM": "sbatch: error: Batch job submission failed: Requested node configuration is not available",
    "PBS": "qsub: Job rejected by all possible destinations",
    "TORQUE": _QSUB,
    "MOAB": _QSUB,
    "SGE": "Unable to run job: denied: job requests more than the queue allows. Exiting.",
    "LSF": "User cannot use the queue. Job not submitted.",
    "LOADLEVELER": "llsubmit: 2512-051 This job has not been submitted to LoadLeveler.",
    "CONDOR": "ERROR: Failed to commit job submission into the queue.",
    "COBALT": "qsub: error: the queue does not take the job",
    "FORK": "Job not submitted",
}
_KEPT: Mapping[str, str] = {
    "SLURM": "scancel: error: Kill job error on job id {id}: Access/permission denied",
    "PBS": "qdel: Unauthorized Request {id}",
    "TORQUE": "qdel: Unauthorized Request  MSG=operation not permitted {id}",
    "MOAB": "qdel: Unauthorized Request  MSG=operation not permitted {id}",
    "SGE": "denied: job {id} is not yours to delete",
    "LSF": "Job <{id}>: User permission denied",
    "LOADLEVELER": "llcancel: permission denied for {id}",
    "CONDOR": "Permission denied to remove job {id}",
    "COBALT": "qdel: error: not allowed to delete {id}",
    "FORK": "kill: ({id}) - Operation not permitted",
}


def rejected(scheduler: str) -> str:
    """Of a script that it does not take."""
    return _REJECTED.get(family(scheduler), _REJECTED["FORK"])


def kept(scheduler: str, remote_job_id: str) -> str:
    """Of a script that it does not end."""
    return _KEPT.get(family(scheduler), _KEPT["FORK"]).format(id=remote_job_id)
