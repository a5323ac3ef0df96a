"""``tapis-emulator hpc`` as its users call it: a process, with a data directory and a container of its own."""

from __future__ import annotations

import os
import subprocess
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import docker
import pytest

from tests.live.serve_process import COMMAND, clean_environment
from tests.real.cluster import slurm_image
from tests.real.docker_engine import Engine

LONGEST_SECONDS = 120


@dataclass
class Hpc:
    """The command, for one container name and one data directory."""

    folder: Path
    environment: Mapping[str, str]
    name: str = field(default_factory=lambda: f"hpc-test-{uuid.uuid4().hex[:10]}")

    @property
    def data(self) -> Path:
        return self.folder / "data of mine"

    @property
    def hosts(self) -> Path:
        return self.data / "hosts.yaml"

    def try_run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, "hpc", *arguments, "--name", self.name, "--data-dir", str(self.data)],
            # the cache is the machine's, HOME is not: the image was made before
            env=clean_environment(self.folder)
            | {"XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")}
            | dict(self.environment)
            | environment,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LONGEST_SECONDS,
            check=False,
        )

    def run(self, *arguments: str) -> str:
        """What it prints; AssertionError with all it said when it does not end with 0."""
        done = self.try_run(*arguments)
        assert done.returncode == 0, (
            f"hpc {arguments} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
        )
        return done.stdout

    def ssh(self, command: str) -> str:
        """A command on the cluster by the real ssh, with what ``up`` has left for it."""
        config = self.data / "hpc" / self.name / "ssh_config"
        done = subprocess.run(
            ["ssh", "-F", str(config), "hpc", command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LONGEST_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"{command}:\n{done.stdout}{done.stderr}"
        return done.stdout


@pytest.fixture
def hpc(tmp_path: Path, docker_engine: Engine, slurm_image_name: str) -> Iterator[Hpc]:
    """The command, with an engine; whatever it has started is gone after the test."""
    hpc = Hpc(tmp_path, docker_engine.environment)
    yield hpc
    hpc.run("down")


@pytest.fixture(scope="session")
def slurm_image_name(docker_engine: Engine) -> str:
    return slurm_image(docker_engine)


@pytest.fixture
def engine_client(docker_engine: Engine) -> Iterator[docker.DockerClient]:
    client = docker.DockerClient(base_url=docker_engine.host)
    yield client
    client.close()
