"""A served emulator and an agavepy per worker; for each test a world of its own and the scenario it is named after.

Modules go to two workers at most, however many there are: a server for each would cost more than it saves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from emulator.testing import OwnServer, World
from tests.real.clients import Clients
from tests.scenario.agavepy_desk import Desk, desk
from tests.scenario.lesson import Lesson

SIMULATED = {
    "*": {
        "queue_wait": "5m",
        "duration": "10m",
        "stdout": "${imagefile}\n",
        "outputs": {"predictions.txt": "night sky 0.97\n", "log/steps.txt": "1 2 3\n"},
    }
}


@pytest.fixture(scope="session")
def server() -> Iterator[OwnServer]:
    """Blocked jobs are looked at as often as the service does it: the clocks of worlds pay for it, not we."""
    running = OwnServer(recovery_time_scale=1.0)
    with running:
        yield running


@pytest.fixture(scope="session")
def agavepy(clients: Clients, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    home = tmp_path_factory.mktemp("agavepy")
    environment = clients.environment("http://localhost", home)
    with desk(str(clients.python), environment) as running:
        yield running


@pytest.fixture
def begin(
    request: pytest.FixtureRequest,
    server: OwnServer,
    agavepy: Desk,
    clients: Clients,
    tmp_path: Path,
) -> Iterator[Callable[[World], Lesson]]:
    """Makes a world into the lesson that the test is named after: somebody is signed in, with a picture to bring."""
    name = request.function.__name__.removeprefix("test_").replace("_", "-")

    def make(world: World) -> Lesson:
        agave = agavepy.client(world.url, world.username, world.password, str(tmp_path))
        world.files.put("testuser/pictures/mine.png", b"\x89PNG\r\n\x1a\n of mine", "tacc.corral")
        return Lesson(world, agave, clients, name)

    yield make


@pytest.fixture
def lesson(server: OwnServer, begin: Callable[[World], Lesson]) -> Iterator[Lesson]:
    """Apps are simulated and the clock stands still: what takes days takes milliseconds."""
    with server.world("lesson", seed=7, clock="frozen", simulated=SIMULATED) as world:
        yield begin(world)


@pytest.fixture
def real_lesson(server: OwnServer, begin: Callable[[World], Lesson]) -> Iterator[Lesson]:
    """Apps are run, in the machine's own time."""
    with server.world("real-lesson", seed=7) as world:
        yield begin(world)
