"""A world from Python: everything that a test does not share with another, and what can be done with it."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from emulator.testing.desk import Desk
from emulator.testing.inbox import Mailbox, Webhooks
from emulator.testing.jobs import Job
from emulator.testing.wire import segment

if TYPE_CHECKING:
    from emulator.testing.server import Server

PASSWORD = "emulator"
"""Of every user of the built-in seed."""


class World(Desk):
    """Acts as the world's default user; :meth:`user` gives the places of others. Gone when its block ends."""

    def __init__(
        self,
        server: Server,
        name: str,
        url: str,
        user: str,
        *,
        seed: int | None = None,
        password: str = PASSWORD,
    ) -> None:
        super().__init__(server, name, url, user, password, server.home(name, user))
        self.name = name
        self.seed = seed
        self.webhooks = Webhooks(server, name)
        self.mailbox = Mailbox(server, name)
        self._desks: dict[str, Desk] = {}

    @classmethod
    def create(
        cls,
        server: Server,
        name: str,
        *,
        seed: int | None = None,
        world: str | Path | None = None,
        clock: str | float | None = None,
        simulated: bool | dict[str, Any] | None = None,
        scenario: Any = None,
        beside: Path | None = None,
    ) -> World:
        """A new world, in place of one of that name. ``world`` is a seed folder or a snapshot (of this machine).

        ``clock`` is "real", "frozen" or a factor; ``beside`` is where files with relative names are looked for.
        """
        listener = server.control("POST", "listeners", {"world": name, "create": True})
        made = cls(server, name, server.reached(listener["url"]), listener["user"], seed=seed)
        made._listener = listener["name"]
        return made

    def control(self, method: str, path: str = "", document: Any = None, **options: Any) -> Any:
        """What ``/_emulator/worlds/<this>/<path>`` answers. Raises Refused."""
        return self.server.control(
            method, f"worlds/{segment(self.name)}/{path}".rstrip("/"), document, **options
        )

    @property
    def jobs(self) -> list[Job]:
        """All jobs of the world, in the order of submission, whoever has submitted them."""
        return [self.job(each["id"]) for each in self.control("GET", "jobs")]

    def user(self, name: str, password: str = PASSWORD) -> Desk:
        """Another user's place in this world, with a URL, an environment and clients of its own."""
        if name not in self._desks:
            listener = self.server.control("POST", "listeners", {"world": self.name, "user": name})
            url = self.server.reached(listener["url"])
            desk = Desk(
                self.server, self.name, url, listener["user"], password, self.server.home(self.name, name)
            )
            self._desks[name] = desk
        return self._desks[name]

    def close(self) -> None:
        """Remove the world, with everything in it; its URLs answer no more."""
        for desk in self._desks.values():
            desk.close()
        super().close()
        self.control("DELETE")

    def __enter__(self) -> World:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
