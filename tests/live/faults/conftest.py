"""A site of each kind for each worker; the cases of one kind stay on one worker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.live.faults.site import Site


@pytest.fixture(scope="session")
def sites(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Site]]:
    """Sites by kind, made when first asked for; an engine only where one is needed."""
    made: dict[str, Site] = {}
    with ExitStack() as stack:

        def site(name: str) -> Site:
            if name not in made:
                engine = None if name == "process" else request.getfixturevalue("docker_engine")
                image = request.getfixturevalue("busybox_image") if name == "docker" else ""
                made[name] = Site(name, tmp_path_factory.mktemp(f"faults-{name}"), engine, image)
                stack.callback(made[name].close)
            return made[name]

        yield site
