"""The variables that each batch scheduler puts into a script's environment.

Names and meanings are those of the schedulers' own manuals; wrapper templates of real apps read them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from emulator.domain.ports import Launch
from emulator.schedulers.simulated import family


def batch_variables(launch: Launch, remote_job_id: str, work_dir: str, node_file: str) -> dict[str, str]:
    """Variables for ``launch``; none for FORK.

    ``work_dir`` and ``node_file`` are the paths that the script sees. The node file, which PBS and its
    kin and SGE name, holds what :func:`node_lines` gives.
    """
    describe = _FAMILIES.get(family(launch.scheduler))
    return describe(launch, remote_job_id, work_dir, node_file) if describe else {}


def node_lines(launch: Launch) -> list[str]:
    """One line for each processor, as in ``$PBS_NODEFILE``; all nodes of a sandbox have its host's name."""
    return [launch.host] * max(launch.processors, launch.nodes, 1)


def _per_node(launch: Launch) -> str:
    return str(-(-launch.processors // max(launch.nodes, 1)))


def _slurm(launch: Launch, job_id: str, work_dir: str, node_file: str) -> dict[str, str]:  # noqa: ARG001
    nodes = str(launch.nodes)
    return {
        "SLURM_JOB_ID": job_id,
        "SLURM_JOBID": job_id,
        "SLURM_JOB_NAME": launch.name,
        "SLURM_JOB_USER": launch.owner,
        "SLURM_JOB_PARTITION": launch.queue,
        "SLURM_JOB_NUM_NODES": nodes,
        "SLURM_NNODES": nodes,
        "SLURM_JOB_NODELIST": launch.host,
        "SLURM_NODELIST": launch.host,
        "SLURM_NTASKS": str(launch.processors),
        "SLURM_NPROCS": str(launch.processors),
        "SLURM_CPUS_ON_NODE": _per_node(launch),
        "SLURM_NODEID": "0",
        "SLURM_PROCID": "0",
        "SLURM_LOCALID": "0",
        "SLURM_SUBMIT_DIR": work_dir,
        "SLURM_SUBMIT_HOST": launch.host,
        "SLURMD_NODENAME": launch.host,
    }


def _pbs(launch: Launch, job_id: str, work_dir: str, node_file: str) -> dict[str, str]:
    return {
        "PBS_ENVIRONMENT": "PBS_BATCH",
        "PBS_JOBID": job_id,
        "PBS_JOBNAME": launch.name,
        "PBS_QUEUE": launch.queue,
        "PBS_NODEFILE": node_file,
        "PBS_NUM_NODES": str(launch.nodes),
        "PBS_NUM_PPN": _per_node(launch),
        "PBS_NP": str(launch.processors),
        "NCPUS": _per_node(launch),
        "PBS_O_WORKDIR": work_dir,
        "PBS_O_HOST": launch.host,
        "PBS_O_QUEUE": launch.queue,
        "PBS_O_LOGNAME": launch.owner,
    }


def _sge(launch: Launch, job_id: str, work_dir: str, node_file: str) -> dict[str, str]:
    return {
        "ENVIRONMENT": "BATCH",
        "JOB_ID": job_id,
        "JOB_NAME": launch.name,
        "QUEUE": launch.queue,
        "NSLOTS": str(launch.processors),
        "NHOSTS": str(launch.nodes),
        "PE_HOSTFILE": node_file,
        "SGE_TASK_ID": "undefined",
        "SGE_O_WORKDIR": work_dir,
        "SGE_O_HOST": launch.host,
        "SGE_O_LOGNAME": launch.owner,
    }


def _lsf(launch: Launch, job_id: str, work_dir: str, node_file: str) -> dict[str, str]:  # noqa: ARG001
    return {
        "LSB_JOBID": job_id,
        "LSB_JOBNAME": launch.name,
        "LSB_QUEUE": launch.queue,
        "LSB_HOSTS": " ".join(node_lines(launch)),
        "LSB_DJOB_NUMPROC": str(launch.processors),
        "LSB_SUB_HOST": launch.host,
        "LS_SUBCWD": work_dir,
    }


def _loadleveler(launch: Launch, job_id: str, work_dir: str, node_file: str) -> dict[str, str]:  # noqa: ARG001
    return {
        "LOADLBATCH": "yes",
        "LOADL_STEP_ID": f"{launch.host}.{job_id}.0",
        "LOADL_JOB_NAME": launch.name,
        "LOADL_STEP_CLASS": launch.queue,
        "LOADL_STEP_INITDIR": work_dir,
        "LOADL_STEP_OWNER": launch.owner,
        "LOADL_TOTAL_TASKS": str(launch.processors),
    }


def _cobalt(launch: Launch, job_id: str, work_dir: str, node_file: str) -> dict[str, str]:  # noqa: ARG001
    return {
        "COBALT_JOBID": job_id,
        "COBALT_NODEFILE": node_file,
        "COBALT_PARTNAME": launch.host,
        "COBALT_JOBSIZE": str(launch.nodes),
    }


def _condor(launch: Launch, job_id: str, work_dir: str, node_file: str) -> dict[str, str]:  # noqa: ARG001
    return {"_CONDOR_JOB_IWD": work_dir, "_CONDOR_SLOT": f"slot1@{launch.host}", "CONDOR_ID": f"{job_id}.0"}


_FAMILIES: Mapping[str, Callable[[Launch, str, str, str], dict[str, str]]] = {
    "SLURM": _slurm,
    "PBS": _pbs,
    "TORQUE": _pbs,
    "MOAB": _pbs,
    "SGE": _sge,
    "LSF": _lsf,
    "LOADLEVELER": _loadleveler,
    "COBALT": _cobalt,
    "CONDOR": _condor,
}
