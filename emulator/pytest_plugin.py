"""The pytest plugin: a server per session, a world per test. The doing is in :mod:`emulator.testing`.

    def test_a_job(tapis_world):
        job = tapis_world.submit(appId="classifier-1.0.0", parameters={"imagefile": "pictures/night-sky.png"})
        tapis_world.wait(job, "FINISHED")

Nothing of the emulator is loaded before the first test that asks for a fixture. `-p no:tapis_emulator` leaves it out.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, ExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from emulator.testing import Server, World

    WorldFactory = Callable[..., AbstractContextManager[World]]

_URL = "TAPIS_EMULATOR_URL"
_MARK = ("seed", "scenario", "clock", "simulated", "world")
_LIVE: pytest.StashKey[list[World]] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("tapis-emulator")
    group.addoption(
        "--tapis-url",
        metavar="URL",
        help=f"of a running emulator, which all workers share (or {_URL}); default: one of their own for each",
    )
    group.addoption(
        "--tapis-seed",
        metavar="NUMBER",
        type=int,
        default=0,
        help="seed of ids and chance in worlds (default 0)",
    )
    group.addoption(
        "--tapis-prefix",
        metavar="TEXT",
        default="",
        help="begin the names of worlds so: for sessions that share a server at the same time",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "tapis(seed=NUMBER, scenario=TEXT|PATH|NAME|MAPPING, clock='frozen'|FACTOR, simulated=True, world=FOLDER): "
        "how the world of a test begins",
    )


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, None]:
    """A test that has failed tells what happened in its worlds."""
    outcome = yield
    worlds = item.config.stash.get(_LIVE, None)
    if not worlds:
        return
    report = outcome.get_result()
    if report.failed:
        from emulator.testing.report import sections

        for world in worlds:
            report.sections.extend(sections(world, report.longreprtext))


@pytest.fixture(scope="session")
def tapis_emulator_settings() -> dict[str, Any]:
    """Options of the server, by the names of their fields; override it: ``return {"token_lifetime": 60}``."""
    return {}


@pytest.fixture(scope="session")
def tapis_emulator(pytestconfig: pytest.Config, tapis_emulator_settings: dict[str, Any]) -> Iterator[Server]:
    """A server: that of ``--tapis-url``, else one in this process, for the session (of each xdist worker)."""
    from emulator.settings import surroundings
    from emulator.testing import OwnServer, Server

    url = pytestconfig.getoption("--tapis-url") or surroundings().get(_URL)
    with Server(url) if url else OwnServer(**tapis_emulator_settings) as server:
        yield server


@pytest.fixture(scope="session")
def tapis_world_factory(pytestconfig: pytest.Config, tapis_emulator: Server) -> Iterator[WorldFactory]:
    """Worlds for fixtures of any scope: ``with tapis_world_factory(request) as world: yield world``.

    Name, and what markers say, come from the request's node; keywords are those of the marker and win. A text
    instead of the request is the name itself.
    """
    live = pytestconfig.stash.setdefault(_LIVE, [])

    def make(asker: pytest.FixtureRequest | str, **how: Any) -> AbstractContextManager[World]:
        name, chosen = _named(pytestconfig, asker), _marked(asker) | _known(how)
        chosen.setdefault("seed", pytestconfig.getoption("--tapis-seed"))
        opened = ExitStack()
        tapis_emulator.revive()
        world = opened.enter_context(tapis_emulator.world(name, **chosen))
        live.append(world)
        opened.callback(live.remove, world)
        # a test that has it stopped may leave that to us
        opened.callback(tapis_emulator.revive)
        return _Opened(world, left.enter_context(opened))

    with ExitStack() as left:
        yield make


@pytest.fixture
def tapis_world(request: pytest.FixtureRequest, tapis_world_factory: WorldFactory) -> Iterator[World]:
    """A fresh world of this test alone; gone after it."""
    with tapis_world_factory(request) as world:
        yield world


class _Opened(AbstractContextManager["World"]):
    """A world that is closed with its fixture, or else with the session."""

    def __init__(self, world: World, opened: ExitStack) -> None:
        self._world = world
        self._opened = opened

    def __enter__(self) -> World:
        return self._world

    def __exit__(self, *_: object) -> None:
        self._opened.close()


def _named(config: pytest.Config, asker: pytest.FixtureRequest | str) -> str:
    """Always the same for the same test, never that of another world in use.

    Worlds of classes and modules are made by every worker that runs a part of them: there the worker is in it.
    """
    from emulator.testing import world_name

    node_id = asker if isinstance(asker, str) else asker.node.nodeid
    wide = not isinstance(asker, str) and asker.scope != "function"
    worker = getattr(config, "workerinput", {}).get("workerid", "")
    apart = worker if wide or config.getoption("dist", "no") == "each" else ""
    prefix = config.getoption("--tapis-prefix")
    return world_name(" ".join(filter(None, (prefix, node_id or "session", apart))))


def _marked(asker: pytest.FixtureRequest | str) -> dict[str, Any]:
    """What the markers of the node say, the closest first; files are looked for beside the test."""
    if isinstance(asker, str):
        return {}
    found: dict[str, Any] = {}
    for mark in asker.node.iter_markers("tapis"):
        if mark.args:
            raise pytest.UsageError(f"the marker tapis takes keywords only: {', '.join(_MARK)}")
        found = _known(mark.kwargs) | found
    return found | {"beside": asker.path.parent}


def _known(how: dict[str, Any]) -> dict[str, Any]:
    for name in how:
        if name not in _MARK:
            raise pytest.UsageError(f"tapis knows no {name!r}; it knows {', '.join(_MARK)}")
    return how
