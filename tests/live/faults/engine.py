"""A Docker engine of the tests' own, which they may stop."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

import docker

from tests.real.docker_engine import Engine, answers
from tests.real.waiting import wait_until


class OwnEngine:
    """A dockerd in a network of its own, with one image; from construction to :meth:`close`. Needs root."""

    def __init__(self, source: Engine, image: str) -> None:
        # a socket's path must be short
        self._directory = Path(tempfile.mkdtemp(prefix="tapis-faults-"))
        self._socket = self._directory / "s"
        self._process: subprocess.Popen[bytes] | None = None
        self.start()
        shared, own = docker.APIClient(source.host), docker.APIClient(self.host)
        for _ in own.load_image(b"".join(shared.get_image(image))):
            pass
        shared.close()
        own.close()

    @property
    def host(self) -> str:
        return f"unix://{self._socket}"

    def start(self) -> None:
        if self._process is not None:
            return
        command = [
            # without a bridge in a network of its own it would take the bridge away from the shared engine
            *(
                "unshare",
                "--net",
                "dockerd",
                f"--host={self.host}",
                f"--data-root={self._directory / 'data'}",
            ),
            *(f"--exec-root={self._directory / 'exec'}", f"--pidfile={self._directory / 'pid'}"),
            *("--bridge=none", "--iptables=false"),
        ]
        with (self._directory / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_until(lambda: answers(self._socket), what="dockerd")

    def stop(self) -> None:
        """Containers are ended by it."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None

    def containers(self) -> list[str]:
        """The names of all, ended ones too."""
        api = docker.APIClient(self.host)
        try:
            return [found["Names"][0] for found in api.containers(all=True)]
        finally:
            api.close()

    def version(self) -> str:
        api = docker.APIClient(self.host)
        try:
            return str(api.version()["Version"])
        finally:
            api.close()

    def close(self) -> None:
        self.start()
        api = docker.APIClient(self.host)
        for found in api.containers(all=True):
            api.remove_container(found["Id"], force=True)
        api.close()
        self.stop()
        shutil.rmtree(self._directory, ignore_errors=True)
