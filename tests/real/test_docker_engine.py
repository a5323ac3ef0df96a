"""The engine and the base images do what the tests need of them."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import docker
import pytest

from tests.real.docker_engine import Engine, EngineUnavailable, answers, find_engine


@pytest.fixture
def client(docker_engine: Engine) -> Iterator[docker.DockerClient]:
    with closing(docker.DockerClient(base_url=docker_engine.host)) as client:
        yield client


def test_busybox_runs_commands_on_a_mounted_directory(
    client: docker.DockerClient, busybox_image: str, tmp_path: Path
) -> None:
    (tmp_path / "in.txt").write_text("b\na\n")
    volumes = {str(tmp_path): {"bind": str(tmp_path), "mode": "rw"}}
    script = f"sort {tmp_path}/in.txt > {tmp_path}/out.txt && id -un"
    output = client.containers.run(busybox_image, ["sh", "-c", script], volumes=volumes, remove=True)
    assert output == b"root\n"
    assert (tmp_path / "out.txt").read_text() == "a\nb\n"


def test_the_exit_code_and_the_user_are_passed_on(client: docker.DockerClient, busybox_image: str) -> None:
    container = client.containers.run(busybox_image, ["sh", "-c", "id -u; exit 3"], user="2001", detach=True)
    try:
        assert container.wait(timeout=60)["StatusCode"] == 3
        assert container.logs() == b"2001\n"
    finally:
        container.remove(force=True)


def test_python_image_builds_an_unmodified_dockerfile(
    client: docker.DockerClient, python_image: str, tmp_path: Path
) -> None:
    (tmp_path / "Dockerfile").write_text(
        f"FROM {python_image}\n"
        "RUN apt-get update && apt-get install -y --no-install-recommends netbase && rm -rf /var/lib/apt/lists/*\n"
        "RUN pip install --no-cache-dir six==1.17.0\n"
        'CMD ["python", "-c", "import six, sys; print(six.__version__, sys.version_info[:2])"]\n'
    )
    image, _ = client.images.build(path=str(tmp_path), rm=True, nocache=True)
    try:
        assert client.containers.run(image, remove=True) == b"1.17.0 (3, 11)\n"
    finally:
        client.images.remove(str(image.id))


def test_a_docker_host_that_does_not_answer_is_not_replaced_by_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")
    with pytest.raises(EngineUnavailable, match="no engine answers there"):
        find_engine()


def test_a_docker_host_that_answers_is_taken(docker_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", docker_engine.host)
    assert find_engine() == docker_engine
    assert answers(Path(docker_engine.host.removeprefix("unix://")))
