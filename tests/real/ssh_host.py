"""A plain machine to enter by ssh: no scheduler, no Python, a home and ``/scratch`` and ``/work`` to write to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.real.box import Box
from tests.real.boxes import SSH, shared_box
from tests.real.docker_engine import Engine


@contextmanager
def ssh_host(engine: Engine, purpose: str = "shared") -> Iterator[Box]:
    """The machine, shared by all who name the same purpose; for errors see :func:`shared_box`."""
    with shared_box(engine, SSH, Box, purpose) as box:
        yield box
