"""The cluster in a box as an execution system of a workload's emulator, entered by ssh."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.figures import Unavailable
from benchmarks.workload import SYSTEM, Workload, workload
from tests.live.own_app import register_cluster
from tests.real.base_images import ImageUnavailable
from tests.real.cluster import ACCOUNT, SlurmCluster, slurm_cluster
from tests.real.docker_engine import EngineUnavailable, docker_engine
from tests.served import Api

_HOST = f"{SYSTEM}.example.org"
_QUEUE = "normal"


@contextmanager
def box() -> Iterator[SlurmCluster]:
    """A cluster of two nodes, nobody else's. Raises Unavailable where there is no engine or image."""
    if shutil.which("docker") is None:
        raise Unavailable("there is no docker command to build the cluster with")
    try:
        with (
            docker_engine() as engine,
            slurm_cluster(engine, f"benchmarks-{os.getpid()}", nodes=2) as cluster,
        ):
            yield cluster
    except (EngineUnavailable, ImageUnavailable) as reason:
        raise Unavailable(str(reason)) from reason


@contextmanager
def slurm_workload(folder: Path, cluster: SlurmCluster, directives: str = "") -> Iterator[Workload]:
    """The trivial app on the cluster; ``directives`` are the queue's customDirectives."""
    access = cluster.access
    hosts = f"{_HOST}=ssh://{access.host}:{access.port}"
    with workload(
        folder,
        "--hosts",
        hosts,
        register=_register(Path(access.key_file), directives),
        executionType="HPC",
        defaultQueue=_QUEUE,
    ) as work:
        yield work


def _register(key: Path, directives: str) -> Callable[[Api], None]:
    def register(api: Api) -> None:
        auth = {
            "type": "SSHKEYS",
            "username": ACCOUNT,
            "publicKey": key.with_suffix(".pub").read_text(encoding="utf-8"),
            "privateKey": key.read_text(encoding="utf-8"),
        }
        place = {"host": _HOST, "port": 22, "auth": auth}
        queue: dict[str, Any] = {"name": _QUEUE, "default": True, "maxJobs": 1000, "maxUserJobs": 1000}
        queue |= {"maxNodes": 2, "maxProcessorsPerNode": 2, "maxMemoryPerNode": "2GB"}
        queue |= {"maxRequestedTime": "01:00:00", "customDirectives": directives or None}
        register_cluster(
            api,
            SYSTEM,
            executionType="HPC",
            scheduler="SLURM",
            maxSystemJobs=1000,
            maxSystemJobsPerUser=1000,
            scratchDir="/scratch/tapis",
            workDir="/scratch/tapis",
            queues=[queue],
            login={**place, "protocol": "SSH"},
            storage={**place, "protocol": "SFTP", "rootDir": "/", "homeDir": f"/home/{ACCOUNT}"},
        )

    return register
