"""The emulator's image under Testcontainers; wants ``tapis-emulator[testcontainers]``.

::

    with TapisEmulatorContainer() as container, container.server() as server, server.world("my-test") as world:
        world.wait(world.submit(appId="classifier-1.0.0", parameters={"imagefile": "pictures/night-sky.png"}))
"""

from __future__ import annotations

from typing import Any, Self
from urllib.parse import urlsplit

from testcontainers.core.container import DockerContainer

from emulator.testing.server import Server

PORT = 8000
_FIRST_LISTENER = 8001


class TapisEmulatorContainer(DockerContainer):
    """Answers when ``start`` returns. Nothing of it is kept unless a volume is mounted at ``/data``."""

    def __init__(
        self, image: str = "tapis-emulator", *, listeners: int = 16, seconds: float = 60, **options: Any
    ) -> None:
        """``listeners``: how many ports of their own worlds and users can have at the same time.

        ``seconds`` is how long ``start`` waits; ``options`` are those of DockerContainer.
        """
        super().__init__(image, **options)
        last = _FIRST_LISTENER + listeners - 1
        self._seconds = seconds
        self.with_exposed_ports(PORT, *range(_FIRST_LISTENER, last + 1))
        self.with_env("TAPIS_EMULATOR_SERVER_LISTENER_PORTS", f"{_FIRST_LISTENER}-{last}")
        self.with_env("TAPIS_EMULATOR_EPHEMERAL", "true")

    def start(self) -> Self:
        """Raises RuntimeError with the container's log when it does not come up."""
        super().start()
        came_up = self.exec(["tapis-emulator", "health", "--wait", f"{self._seconds:g}"])
        if came_up.exit_code != 0:
            said = b"".join(self.get_logs()) + came_up.output
            self.stop()
            raise RuntimeError(f"the emulator did not come up:\n{said.decode(errors='replace')}")
        return self

    def get_url(self) -> str:
        """Where it answers, from here."""
        return f"http://{self.get_container_host_ip()}:{self.get_exposed_port(PORT)}"

    def server(self) -> Server:
        """Its worlds, jobs and scenarios: all of :mod:`emulator.testing`."""
        return _Mapped(self)


class _Mapped(Server):
    """Docker publishes each port of the container as another one here."""

    def __init__(self, container: TapisEmulatorContainer) -> None:
        self._container = container
        super().__init__(container.get_url())

    def reached(self, url: str) -> str:
        port = self._container.get_exposed_port(urlsplit(url).port or 80)
        return f"http://{self._container.get_container_host_ip()}:{port}"
