"""Each backend once for each worker; tests ask for ``backend`` and are run over all of them."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.live.backends.backend import DOCKER, KINDS, Backend, Kind, host_map
from tests.real.box import Box
from tests.served import served

BOXES = {"fork": "ssh_host", "slurm": "slurm", "sge": "gridengine", "condor": "htcondor"}


@pytest.fixture(scope="session", params=[pytest.param(kind, id=kind.name) for kind in KINDS])
def backend(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    kind: Kind = request.param
    box: Box | None = request.getfixturevalue(BOXES[kind.name]) if kind.name in BOXES else None
    settings = dict(kind.settings)
    with ExitStack() as stack:
        if kind is DOCKER:
            patch = stack.enter_context(pytest.MonkeyPatch.context())
            patch.setenv("DOCKER_HOST", request.getfixturevalue("docker_engine").host)
            settings |= {"runtime": "docker", "docker_image": request.getfixturevalue("busybox_image")}
            settings |= {"docker_network": "none"}
        data = tmp_path_factory.mktemp(kind.name)
        emulator = stack.enter_context(served(data, hosts=host_map(box), poll_max_ms=2000, **settings))
        yield Backend(kind, emulator, box)


SLOW = {
    "docker": ("TestMuch", "test_as_a_state_is_reached", "test_without_archiving"),
    "sge": (
        "TestMuch",
        "test_as_a_state_is_reached",
        "test_a_program",
        "test_without",
        "test_right_after",
        "test_history",
    ),
    "condor": (
        "TestMuch",
        "test_as_a_state_is_reached",
        "test_a_program",
        "test_without",
        "test_right_after",
        "test_history",
    ),
}
"""By backend, the cells that take several seconds there: `make campaign` runs them."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        call = getattr(item, "callspec", None)
        kind = getattr(call.params.get("backend"), "name", "") if call else ""
        if any(part in item.nodeid for part in SLOW.get(kind, ())):
            item.add_marker(pytest.mark.campaign)
