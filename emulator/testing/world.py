"""A world from Python: everything that a test does not share with another, and what can be done with it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from emulator.testing.clock import Clock
from emulator.testing.desk import Desk
from emulator.testing.errors import Refused, speaks_for_itself
from emulator.testing.inbox import Mailbox, Webhooks
from emulator.testing.jobs import Job
from emulator.testing.requests import Requests
from emulator.testing.scenarios import Armed, JournalEntry, arm, entries
from emulator.testing.seeds import grow, unpacked
from emulator.testing.wire import segment

if TYPE_CHECKING:
    from emulator.testing.server import Server

__tracebackhide__ = speaks_for_itself

PASSWORD = "emulator"
"""Of every user of the built-in seed."""


class World(Desk):
    """Acts as the world's default user; :meth:`user` gives the places of others. Gone when its block ends."""

    def __init__(self, server: Server, document: Mapping[str, Any], beside: Path | None = None) -> None:
        """``document`` is the world as the control API shows it; ``beside`` as for :meth:`create`."""
        name, user = document["name"], document["user"]
        url = server.reached(document["url"] or server.url)
        super().__init__(server, name, url, user, PASSWORD, server.home(name, user))
        self.name: str = name
        self.seed: int | None = document["chance_seed"]
        self.clock = Clock(self)
        self.webhooks = Webhooks(server, name)
        self.mailbox = Mailbox(server, name)
        self.requests = Requests(self)
        self._beside = beside
        self._desks: dict[str, Desk] = {}

    @classmethod
    def of(cls, server: Server, name: str) -> World:
        """A world that is there already. Raises Refused."""
        return cls(server, server.control("GET", f"worlds/{segment(name)}"))

    @classmethod
    def create(
        cls,
        server: Server,
        name: str,
        *,
        seed: int | None = None,
        world: str | Path | None = None,
        clock: str | float | None = None,
        simulated: bool | Mapping[str, Any] | None = None,
        scenario: str | Path | Mapping[str, Any] | None = None,
        beside: Path | None = None,
    ) -> World:
        """A new world, in place of one that has the name.

        ``seed`` is that of its ids and chance; ``world`` a seed folder of this machine (a snapshot is one) or the
        name of one that comes with the emulator; ``clock`` "real", "frozen" or how many times as fast as real
        time; ``simulated`` True for all apps or a mapping of app ids to simulations; ``scenario`` as for
        :meth:`scenario`. Files with relative names are looked for in ``beside``. Raises Refused.
        """
        fields = {"name": name, "listener": True, "replace": True, "chance_seed": seed, "clock": clock}
        document = grow(server, "worlds", world, beside, fields | {"simulated": simulated})
        made = cls(server, document, beside=beside)
        try:
            if scenario is not None:
                made.scenario(scenario)
        except BaseException:
            made.close()
            raise
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

    def scenario(self, what: str | Path | Mapping[str, Any], *, again: bool = False) -> Armed:
        """Arm a scenario: YAML text, a mapping, the path of a file, or the name of one of the library.

        To be called as it is, or as ``with world.scenario(…):``, which disarms it at the end. ``again`` puts it in
        place of an armed one of its name. Raises Refused, which tells all mistakes; nothing is armed then.
        """
        return arm(self, what, self._beside, again)

    @property
    def scenarios(self) -> list[Armed]:
        """Those that are armed, in the order of arming; spent and expired ones stay until they are disarmed."""
        return [Armed(self, found["name"]) for found in self.control("GET", "scenarios")]

    @property
    def journal(self) -> list[JournalEntry]:
        """What the rules of scenarios did, oldest first."""
        found: list[JournalEntry] = []
        while page := entries(self.control("GET", "journal", query={"after": found[-1].seq if found else 0})):
            found += page
        return found

    def simulate(self, app: str = "*", **simulation: Any) -> None:
        """Have an app, or all that a pattern fits, simulated instead of run.

        ``simulate("classifier-*", duration="2h", exit_code=3, outputs={"a.txt": "text"})``: all of it in
        docs/failure-by-input.md. Raises Refused.
        """
        self.control("PUT", f"simulations/{segment(app)}", simulation)

    def user(self, name: str, password: str = PASSWORD) -> Desk:
        """Another user's place in this world, with a URL, an environment and clients of its own. Raises Refused."""
        if name not in self._desks:
            listener = self.server.control("POST", "listeners", {"world": self.name, "user": name})
            url = self.server.reached(listener["url"])
            home = self.server.home(self.name, name)
            self._desks[name] = Desk(self.server, self.name, url, listener["user"], password, home)
        return self._desks[name]

    def reset(self) -> None:
        """Back to what it was made from, in milliseconds: who was signed in signs in anew."""
        self.control("POST", "reset")
        self._signed_out()

    def snapshot(self, folder: str | Path) -> Path:
        """Write the world as a seed into a new folder of this machine: YAML to read and change, and files."""
        response = self.server.stream("POST", f"worlds/{segment(self.name)}/snapshot")
        return unpacked(response, Path(folder))

    def restore(self, folder: str | Path) -> None:
        """Put a seed, such as a snapshot, in the place of all there is; a reset goes back to that. Raises Refused."""
        grow(self.server, f"worlds/{segment(self.name)}/restore", folder, self._beside, {})
        self._signed_out()

    def close(self) -> None:
        """Remove the world, with everything in it; its URLs answer no more. Fine when it is gone already."""
        for desk in self._desks.values():
            desk.close()
        super().close()
        try:
            self.control("DELETE")
        except Refused as refused:
            if refused.status != 404:
                raise

    def _signed_out(self) -> None:
        for desk in (self, *self._desks.values()):
            desk.__dict__.pop("session", None)

    def __enter__(self) -> World:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
