"""The Docker engine that the cluster lives on: it has to be on this machine."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from emulator.runtimes.docker_engine import usual_socket

if TYPE_CHECKING:
    from docker import DockerClient

# a build says nothing for as long as one of its steps takes
_TIMEOUT_SECONDS = 600
_HERE = ("localhost", "127.0.0.1", "::1")


class NoEngine(Exception):
    """No Docker engine that could be used answers; the message says where one was looked for."""


def connect(address: str = "") -> DockerClient:
    """The engine at ``address`` (in the form of ``DOCKER_HOST``), else the one that ``DOCKER_HOST`` names, else one
    at a usual socket. It has answered. Raises :class:`NoEngine`.
    """
    import docker
    from docker.errors import DockerException

    named = address or os.environ.get("DOCKER_HOST", "")
    if named:
        _check_is_here(named)
        where = named
    else:
        found = usual_socket()
        if found is None:
            raise NoEngine(
                "no Docker engine was found: DOCKER_HOST is not set, and nobody listens at the usual sockets, such "
                "as /var/run/docker.sock; install and start Docker (or podman with its socket), or set DOCKER_HOST"
            )
        where = f"unix://{found}"
    try:
        # the environment may bring certificates for TLS; the address is ours
        options: dict[str, Any] = {**docker.utils.kwargs_from_env(), "base_url": where}
        client = docker.DockerClient(timeout=_TIMEOUT_SECONDS, **options)
        client.ping()
    except (DockerException, OSError) as error:
        raise NoEngine(f"no Docker engine answers at {where}: {error}") from error
    return client


def _check_is_here(address: str) -> None:
    """The cluster's passwords are public: it is not to listen on another machine."""
    parts = urlsplit(address)
    if parts.scheme not in ("unix", "npipe") and parts.hostname not in _HERE:
        raise NoEngine(
            f"DOCKER_HOST is {address}: the cluster can only be started by an engine on this machine, for its port is "
            "published on 127.0.0.1 there"
        )
