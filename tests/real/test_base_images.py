"""Where an image comes from: what the engine has, what a registry gives, or a stand-in made here."""

import hashlib
import io
import tarfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import docker
import pytest

from tests.real.base_images import LABEL, STAND_INS, StandIn, base_image, build_busybox
from tests.real.docker_engine import Engine


@pytest.fixture
def client(docker_engine: Engine) -> Iterator[docker.DockerClient]:
    with closing(docker.DockerClient(base_url=docker_engine.host)) as client:
        yield client


@pytest.fixture
def stand_in(
    client: docker.DockerClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[StandIn]:
    """One that no registry has and no other test uses, so it is always made here; with a cache of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    name = f"tapis-emulator-test/{hashlib.sha256(bytes(tmp_path)).hexdigest()[:16]}:latest"
    stand_in = StandIn(name, '["/bin/sh"]', "test", build_busybox)
    monkeypatch.setitem(STAND_INS, name, stand_in)
    yield stand_in
    client.images.remove(name, force=True)


def _import(client: docker.DockerClient, name: str, label: str) -> str | None:
    empty = io.BytesIO()
    tarfile.open(fileobj=empty, mode="w").close()
    repository, tag = name.split(":")
    client.api.import_image_from_data(empty.getvalue(), repository, tag, [label])
    return client.images.get(name).id


def test_a_stand_in_is_made_labelled_and_kept(
    docker_engine: Engine, client: docker.DockerClient, stand_in: StandIn, tmp_path: Path
) -> None:
    name = stand_in.name
    assert base_image(docker_engine, name) == name
    made = client.images.get(name)
    assert made.labels == {LABEL: stand_in.mark}
    assert client.containers.run(name, "echo runs", remove=True) == b"runs\n"
    (kept,) = (tmp_path / "tapis-emulator").glob("*.tar")
    made_at = kept.stat().st_mtime_ns
    assert base_image(docker_engine, name) == name
    assert client.images.get(name).id == made.id
    client.images.remove(name)
    base_image(docker_engine, name)
    assert client.containers.run(name, "echo runs", remove=True) == b"runs\n"
    assert kept.stat().st_mtime_ns == made_at


def test_an_outdated_stand_in_is_made_again(
    docker_engine: Engine, client: docker.DockerClient, stand_in: StandIn
) -> None:
    outdated = _import(client, stand_in.name, f"LABEL {LABEL}=of-an-earlier-recipe")
    base_image(docker_engine, stand_in.name)
    assert client.images.get(stand_in.name).id != outdated
    assert client.images.get(stand_in.name).labels == {LABEL: stand_in.mark}


def test_an_image_that_is_no_stand_in_is_left_alone(
    docker_engine: Engine, client: docker.DockerClient, stand_in: StandIn
) -> None:
    own = _import(client, stand_in.name, "LABEL somebody=else")
    base_image(docker_engine, stand_in.name)
    assert client.images.get(stand_in.name).id == own
