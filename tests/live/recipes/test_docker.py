"""docs/ci.md: the recipes for Docker, each with the project's own image on a real engine."""

from __future__ import annotations

import contextlib
import io
import os
import shlex
import subprocess
import uuid
from pathlib import Path
from typing import Any

import docker
import pytest
import yaml

from emulator.testing import Server
from tests.live.recipes import recipe
from tests.real.compose import ComposeUnavailable, compose
from tests.real.docker_engine import Engine
from tests.real.free_ports import free_ports
from tests.real.waiting import wait_until

pytestmark = pytest.mark.xdist_group("image")
PASSED = "3 passed"


@pytest.fixture(scope="module")
def tag(image: Any) -> str:
    """The name of the image."""
    return str(image.tags[0])


@pytest.fixture
def first_port() -> int:
    return free_ports(recipe.PUBLISHED)


def settings(first: int) -> dict[str, str]:
    """The ports of the test instead of the usual ones, by environment variables as everything is."""
    return {
        "TAPIS_EMULATOR_SERVER_PORT": str(first),
        "TAPIS_EMULATOR_SERVER_LISTENER_PORTS": f"{first + 1}-{first + recipe.PUBLISHED - 1}",
    }


def ports(first: int) -> str:
    last = first + recipe.PUBLISHED - 1
    return f"127.0.0.1:{first}-{last}:{first}-{last}"


def test_docker_run(docker_engine: Engine, tag: str, first_port: int, tmp_path: Path) -> None:
    name = f"tapis-{uuid.uuid4().hex[:8]}"
    commands = recipe.block("docker")
    variables = " ".join(f"--env {key}={value}" for key, value in settings(first_port).items())
    for shown, tried in (
        ("--name tapis ", f"--name {name} {variables} "),
        ("127.0.0.1:8000-8020:8000-8020", ports(first_port)),
        ("\n  tapis-emulator\n", f"\n  {tag}\n"),
        ("docker exec tapis ", f"docker exec {name} "),
        ("http://localhost:8000", f"http://localhost:{first_port}"),
        ("--volumes tapis\n", f"--volumes {name}\n"),
    ):
        assert commands.count(shown) == 1, shown
        commands = commands.replace(shown, tried)
    try:
        said = recipe.bash(commands, recipe.project(tmp_path), docker_engine.environment)
    finally:
        _remove(docker_engine, name)
    assert PASSED in said, said


def test_compose(docker_engine: Engine, tag: str, first_port: int, tmp_path: Path) -> None:
    try:
        program = compose()
    except ComposeUnavailable as reason:
        if os.environ.get("CI"):
            pytest.fail(str(reason))
        pytest.skip(str(reason))
    plugins = tmp_path / "docker" / "cli-plugins"
    plugins.mkdir(parents=True)
    (plugins / "docker-compose").symlink_to(program)
    override = f"""
services:
  tapis:
    environment: {settings(first_port)!r}
    ports: !override ["{ports(first_port)}"]
"""
    (tmp_path / "ports.yaml").write_text(override, encoding="utf-8")
    file = "--file docs/ci/compose.yaml"
    commands = recipe.block("compose").replace("http://localhost:8000", f"http://localhost:{first_port}")
    assert commands.count(file) == 2
    environment = docker_engine.environment | {
        "DOCKER_CONFIG": str(tmp_path / "docker"),
        "COMPOSE_PROJECT_NAME": f"tapis-{uuid.uuid4().hex[:8]}",
        "TAPIS_EMULATOR_IMAGE": tag,
    }
    commands = commands.replace(file, f"{file} --file ports.yaml")
    down = commands.splitlines()[-1]
    said = recipe.bash(f"trap {shlex.quote(down)} EXIT\n{commands}", recipe.project(tmp_path), environment)
    assert "Healthy" in said and PASSED in said, said


@pytest.mark.campaign
def test_services_of_github_actions(
    client: docker.DockerClient, docker_engine: Engine, tag: str, first_port: int, tmp_path: Path
) -> None:
    """As the runner does it: ``docker create`` with ports, options and variables, and a poll of the health check."""
    page = (recipe.CHECKOUT / "docs" / "ci" / "github-services.yml").read_text(encoding="utf-8")
    job = yaml.safe_load(page)["jobs"]["tests"]
    service = job["services"]["tapis"]
    last = first_port + recipe.PUBLISHED - 1
    mapped = {"8000:8000": f"{first_port}:{first_port}", "8001-8020:8001-8020": f"{first_port + 1}-{last}"}
    assert set(service["ports"]) == set(mapped)
    name = f"tapis-{uuid.uuid4().hex[:8]}"
    command = ["docker", "create", "--name", name]
    for port in mapped.values():
        command += ["-p", port if ":" in port else f"{port}:{port}"]
    command += shlex.split(service["options"])
    for key, value in (service["env"] | settings(first_port)).items():
        command += ["-e", f"{key}={value}"]
    environment = os.environ | docker_engine.environment
    try:
        subprocess.run([*command, tag], env=environment, check=True, capture_output=True)
        container = client.containers.get(name)
        container.start()

        def settled() -> bool:
            container.reload()
            return bool(container.health != "starting")

        wait_until(settled, 120, "the health check")
        assert container.health == "healthy", container.logs().decode()
        url = job["env"]["TAPIS_EMULATOR_URL"].replace("8000", str(first_port))
        said = recipe.bash("pytest", recipe.project(tmp_path), {"TAPIS_EMULATOR_URL": url})
    finally:
        _remove(docker_engine, name)
    assert PASSED in said, said


def test_testcontainers(docker_engine: Engine, tag: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", docker_engine.host)
    monkeypatch.setattr("testcontainers.core.config.testcontainers_config.ryuk_disabled", True)
    program = recipe.block("testcontainers").replace('"tapis-emulator"', repr(tag))
    with contextlib.redirect_stdout(io.StringIO()) as said:
        exec(compile(program, "docs/ci.md", "exec"), {})
    assert "predictions.txt" in said.getvalue()


def test_a_container_that_cannot_start_says_why(
    client: docker.DockerClient, docker_engine: Engine, tag: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from emulator.testing.containers import TapisEmulatorContainer

    monkeypatch.setenv("DOCKER_HOST", docker_engine.host)
    monkeypatch.setattr("testcontainers.core.config.testcontainers_config.ryuk_disabled", True)
    wrong = TapisEmulatorContainer(tag, seconds=5).with_env("TAPIS_EMULATOR_PAGE_MAX", "many")
    with pytest.raises(RuntimeError, match=r"page\.max cannot be 'many'"):
        wrong.start()
    assert not client.containers.list(all=True, ignore_removed=True, filters={"ancestor": tag})


@pytest.mark.campaign
def test_ports_that_are_all_taken_are_told_of(
    docker_engine: Engine, tag: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from emulator.testing import Refused
    from emulator.testing.containers import TapisEmulatorContainer

    monkeypatch.setenv("DOCKER_HOST", docker_engine.host)
    monkeypatch.setattr("testcontainers.core.config.testcontainers_config.ryuk_disabled", True)
    with TapisEmulatorContainer(tag, listeners=1) as container, container.server() as server:
        with server.world("only"), pytest.raises(Refused, match="The ports 8001-8001 are all in use"):
            server.world("another")
        assert isinstance(server, Server)
        with server.world("another") as world:
            assert world.call("GET", "tenants")


def _remove(engine: Engine, name: str) -> None:
    command = ["docker", "rm", "--force", "--volumes", name]
    subprocess.run(command, env=os.environ | engine.environment, capture_output=True, check=False)
