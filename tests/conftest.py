"""Fixtures for all tests; the real components behind them live in ``tests/real``."""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import NoReturn, TypeVar

import pytest

from tests.client.page import Recorder
from tests.real.base_images import ImageUnavailable, base_image
from tests.real.box import Box
from tests.real.clients import Clients
from tests.real.clients import clients as installed_clients
from tests.real.cluster import SlurmCluster, slurm_cluster
from tests.real.docker_engine import Engine, EngineUnavailable
from tests.real.docker_engine import docker_engine as running_engine
from tests.real.gridengine import GridEngine
from tests.real.gridengine import gridengine as running_gridengine
from tests.real.htcondor import HTCondor
from tests.real.htcondor import htcondor as running_htcondor
from tests.real.smtp_sink import SmtpSink
from tests.real.ssh_host import ssh_host as running_ssh_host
from tests.real.webhook_sink import WebhookSink

# runs of pytest inside its own tests: for the plugin that users get
pytest_plugins = ["pytester"]

PART = TypeVar("PART")
MARKED_BY_FIXTURE = {"docker_engine": "docker", "clients": "clients"}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--clients-page",
        action="store_true",
        help="write docs/clients.md from what the tests of tests/client run",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Recorder(config), "clients-page")


FIRST_CASES = 4
_seen: Counter[str] = Counter()


def pytest_itemcollected(item: pytest.Item) -> None:
    """See to it that ``make test`` is quick: samples of what there are many of, and one worker for a module's own."""
    _sample(item)
    _keep_together(item)


def _sample(item: pytest.Item) -> None:
    """Of cases of the same kind ``make test`` runs one in ``n``, the campaign the others.

    Of what the contract says of many cases alike: the first few, then one in five.
    """
    mark = item.get_closest_marker("sample")
    if mark is None and not item.nodeid.startswith("tests/contract/"):
        return
    whole = mark is not None and mark.kwargs.get("of") == "module"
    kind = item.nodeid.partition("::" if whole else "[")[0]
    number, one_in = _seen[kind], mark.args[0] if mark else 5
    _seen[kind] += 1
    if number % one_in and (mark or number >= FIRST_CASES):
        item.add_marker("campaign")


def _keep_together(item: pytest.Item) -> None:
    """Tests that share something of their module run in one worker: else each worker would make it for itself."""
    definitions = item._fixtureinfo.name2fixturedefs if isinstance(item, pytest.Function) else {}
    shared = any(found[-1].scope in ("class", "module", "package") for found in definitions.values() if found)
    if shared and item.get_closest_marker("xdist_group") is None:
        item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test by the real components it asks for, so that ``-m "not docker"`` needs no care."""
    for item in items:
        for fixture, marker in MARKED_BY_FIXTURE.items():
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(marker)


@pytest.fixture(scope="session")
def clients() -> Clients:
    """tapis-cli and agavepy from PyPI; installed by the first test run that asks."""
    return installed_clients()


@pytest.fixture(scope="session")
def docker_engine() -> Iterator[Engine]:
    """A real Docker engine, shared by all workers; DOCKER_HOST for it is ``docker_engine.host``."""
    try:
        with running_engine() as engine:
            yield engine
    except EngineUnavailable as reason:
        _do_without(reason)


@pytest.fixture(scope="session")
def busybox_image(docker_engine: Engine) -> str:
    """The name of a small image with a shell and the usual commands."""
    return _image(docker_engine, "busybox:latest")


@pytest.fixture(scope="session")
def python_image(docker_engine: Engine) -> str:
    """The name of an image with Python 3.11, pip and venv."""
    return _image(docker_engine, "python:3.11-slim")


@pytest.fixture(scope="session")
def ssh_host(docker_engine: Engine) -> Iterator[Box]:
    """A machine to enter by ssh, shared by all workers: leave its sshd alone."""
    with _available(running_ssh_host(docker_engine)) as box:
        yield box


@pytest.fixture(scope="session")
def gridengine(docker_engine: Engine) -> Iterator[GridEngine]:
    """A machine with Grid Engine, shared by all workers: leave its daemons, queues and others' jobs alone."""
    with _available(running_gridengine(docker_engine)) as box:
        yield box


@pytest.fixture(scope="session")
def htcondor(docker_engine: Engine) -> Iterator[HTCondor]:
    """A machine with HTCondor, shared by all workers: leave its daemons and others' jobs alone."""
    with _available(running_htcondor(docker_engine)) as box:
        yield box


@pytest.fixture(scope="session")
def slurm(docker_engine: Engine) -> Iterator[SlurmCluster]:
    """The cluster in a box, with two compute nodes, shared by all workers: for tests that leave its daemons alone."""
    try:
        with slurm_cluster(docker_engine) as cluster:
            yield cluster
    except (EngineUnavailable, ImageUnavailable) as reason:
        _do_without(reason)


@pytest.fixture
def smtp_sink() -> Iterator[SmtpSink]:
    """A listening mail server that keeps what it is sent."""
    with SmtpSink() as sink:
        yield sink


@pytest.fixture
def webhook_sink() -> Iterator[WebhookSink]:
    """A listening HTTP receiver that keeps what it is sent."""
    with WebhookSink() as sink:
        yield sink


def _image(engine: Engine, name: str) -> str:
    try:
        return base_image(engine, name)
    except ImageUnavailable as reason:
        _do_without(reason)


@contextmanager
def _available(part: AbstractContextManager[PART]) -> Iterator[PART]:
    with ExitStack() as stack:
        try:
            entered = stack.enter_context(part)
        except (EngineUnavailable, ImageUnavailable) as reason:
            _do_without(reason)
        yield entered


def _do_without(reason: Exception) -> NoReturn:
    """Skip on a developer's machine; fail where CI promises that nothing is left out."""
    if os.environ.get("CI", "").lower() in ("1", "true"):
        pytest.fail(f"CI may leave nothing out: {reason}")
    pytest.skip(str(reason))
