"""The project's image, made once by the worker that runs the tests of the group ``image``."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import docker
import pytest

from tests.real.docker_engine import Engine

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def client(docker_engine: Engine) -> Iterator[docker.DockerClient]:
    with closing(docker.DockerClient(base_url=docker_engine.host, timeout=600)) as client:
        yield client


@pytest.fixture(scope="session")
def image(client: docker.DockerClient, python_image: str) -> Iterator[Any]:
    """The project's image, from the Dockerfile as it stands, with a name of its own; gone again after the tests."""
    name = f"tapis-emulator-tests:{uuid.uuid4().hex[:12]}"
    assert python_image in (CHECKOUT / "Dockerfile").read_text(encoding="utf-8")
    try:
        built, _ = client.images.build(path=str(CHECKOUT), tag=name, rm=True, forcerm=True)
    except docker.errors.BuildError as failure:
        said = "".join(line.get("stream", line.get("error", "")) for line in failure.build_log)
        pytest.fail(f"{failure}\n{said}")
    yield built
    client.images.remove(name, force=True)
