"""A sandbox whose scripts run in containers of a real engine."""

import uuid

import docker
import pytest

from tests.real.sandbox_machine import SandboxMachine


@pytest.fixture
def engine_api(docker_engine):
    client = docker.APIClient(base_url=docker_engine.host)
    yield client
    client.close()


@pytest.fixture
def prefix():
    """The engine is shared: names of containers must be nobody else's."""
    return f"{uuid.uuid4().hex[:12]}-"


@pytest.fixture
def settings(busybox_image):
    return {"images": {"cluster": busybox_image}, "docker_network": "none"}


@pytest.fixture
def machine(tmp_path, prefix, docker_engine, settings, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", docker_engine.host)
    machine = SandboxMachine(tmp_path, prefix, **settings)
    yield machine
    machine.stop(end_scripts=True)
