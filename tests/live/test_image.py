"""The Dockerfile, built and run by a real engine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import docker
import pytest

from tests.real.waiting import wait_until
from tests.served import Api, course_document

PORT = "8000/tcp"
STOP_SECONDS = 60

# one worker builds and uses it (conftest.py)
pytestmark = pytest.mark.xdist_group("image")


@pytest.fixture(scope="module")
def container(client: docker.DockerClient, image: Any) -> Iterator[Any]:
    """The image as README runs it, but on a port that is free."""
    running: Any = client.containers.run(image, detach=True, ports={PORT: ("127.0.0.1", 0)})
    try:
        yield running
    finally:
        running.remove(force=True, v=True)


@pytest.fixture(scope="module")
def healthy(container: Any) -> Any:
    """The container once Docker's own health check, by the image's ``HEALTHCHECK``, has passed."""

    def settled() -> bool:
        container.reload()
        state: dict[str, Any] = container.attrs["State"]
        return bool(state["Status"] != "running" or state["Health"]["Status"] != "starting")

    wait_until(settled, 120, "the health check")
    state = container.attrs["State"]
    assert state["Health"]["Status"] == "healthy", f"{state}\n{container.logs().decode()}"
    return container


def _api(container: Any) -> Api:
    container.reload()
    return Api(f"http://127.0.0.1:{container.ports[PORT][0]['HostPort']}")


def test_the_health_check_is_the_program_itself(image: Any) -> None:
    assert image.attrs["Config"]["Healthcheck"]["Test"] == ["CMD", "tapis-emulator", "health"]


def test_nothing_in_it_runs_as_root(healthy: Any) -> None:
    users = [process[0] for process in healthy.top(ps_args="-eo uid,pid,args")["Processes"]]
    assert users and "0" not in users
    assert healthy.exec_run("id -un").output.decode().strip() == "emulator"


def test_it_answers_through_the_mapped_port_with_links_that_lead_there(healthy: Any) -> None:
    api = _api(healthy)
    assert [tenant["code"] for tenant in api.call("GET", "tenants")] == ["tacc.prod"]
    (system,) = [system for system in api.call("GET", "systems/v2") if system["id"] == "tacc.corral"]
    assert system["_links"]["self"]["href"].startswith(f"{api.url}/systems/v2/")


def test_it_runs_the_seeded_job_and_has_it_still_after_a_restart(healthy: Any) -> None:
    api = _api(healthy)
    job_id = api.call("POST", "jobs/v2", json=course_document("job-public.json"))["id"]
    assert api.wait_for_job(job_id) == "FINISHED", healthy.logs().decode()
    assert healthy.stop(timeout=STOP_SECONDS) is None
    assert healthy.wait()["StatusCode"] == 0, "stopped by the engine's SIGTERM, not killed"
    healthy.start()
    again = _api(healthy)
    wait_until(lambda: _serves(again), 60)
    predictions = again.request("GET", f"jobs/v2/{job_id}/outputs/media/predictions.txt")
    assert predictions.text.startswith("night sky"), predictions.text


def test_it_leaves_out_what_only_development_needs(healthy: Any) -> None:
    packages = healthy.exec_run("pip list --format=freeze").output.decode().lower()
    assert "tapis-emulator==" in packages
    assert not [name for name in ("pytest", "mypy", "ruff", "hypothesis") if f"{name}==" in packages]


def _serves(api: Api) -> bool:
    try:
        return bool(api.request("GET", "_emulator/health").ok)
    except OSError:
        return False
