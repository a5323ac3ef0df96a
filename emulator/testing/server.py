"""A server to test against: one started in this process, or one that runs somewhere already."""

from __future__ import annotations

import re
import shutil
import tempfile
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from emulator.testing.errors import NoEmulator, Refused, WaitedInVain, speaks_for_itself
from emulator.testing.wire import PATIENCE, Wire
from emulator.testing.world import World

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

__tracebackhide__ = speaks_for_itself

_NAME_LENGTH = 63
_NOT_IN_NAMES = re.compile(r"[^a-z0-9_-]+")


class Server:
    """An emulator that answers at ``url``. All that is asked of it goes over HTTP."""

    def __init__(self, url: str) -> None:
        """Raises NoEmulator when nobody answers there."""
        self._wire = Wire(url)
        self.url = self._wire.url
        try:
            self.version: str = self.control("GET", "health")["version"]
        except (Refused, KeyError) as error:
            raise NoEmulator(f"{url} is no emulator: {error}") from error

    def control(self, method: str, path: str, document: Any = None, **options: Any) -> Any:
        """What ``/_emulator/<path>`` answers. Raises Refused, NoEmulator."""
        return self._wire.control(method, path, document, **options)

    def stream(self, method: str, path: str) -> BaseHTTPResponse:
        """The same for answers that are no JSON: to be read by whoever asked."""
        return self._wire.stream(method, path)

    def world(self, name: str, **how: Any) -> World:
        """A new world of that name, in place of one that may be there; see :meth:`World.create`."""
        return World.create(self, name, **how)

    def default_world(self) -> World:
        """The world of the ordinary port, as it is."""
        return World.of(self, "default")

    def home(self, *names: str) -> Path:
        """A directory of this machine that lasts as long as this object."""
        return self._homes.joinpath(*names)

    @cached_property
    def _homes(self) -> Path:
        return Path(tempfile.mkdtemp(prefix="tapis-emulator-homes-"))

    def reached(self, url: str) -> str:
        """One of the server's URLs as it is reached from here: by the name that it was given to us under."""
        port = urlsplit(url).port or 80
        own = urlsplit(self.url)
        host = f"[{own.hostname}]" if ":" in (own.hostname or "") else own.hostname
        return f"{own.scheme}://{host}:{port}"

    def revive(self) -> None:
        """Start it again where a scenario has stopped it. One that runs elsewhere is its owner's affair."""

    def close(self) -> None:
        """Forget it; what runs elsewhere goes on."""
        self._wire.close()
        if "_homes" in self.__dict__:
            shutil.rmtree(self._homes, ignore_errors=True)

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class OwnServer(Server):
    """A server in this process, on a free port, whose data go with it."""

    def __init__(self, **settings: Any) -> None:
        """``settings`` by the names of their fields; the rest come from the environment, as for ``serve``."""
        from emulator.app import Emulator
        from emulator.data_directory import DataDirectory
        from emulator.settings import load

        self._settings = load({"port": 0, "ephemeral": True, **settings})
        self._emulator = Emulator(self._settings, DataDirectory.temporary())
        self._emulator.start()
        try:
            super().__init__(self._emulator.url)
        except BaseException:
            self._emulator.stop()
            raise

    @cached_property
    def _homes(self) -> Path:
        """Gone with the data, also where this process is killed."""
        return self._emulator.directory.path / "homes"

    def restart(self, timeout: float = PATIENCE) -> None:
        """Start again, on the same data and at the same addresses, what a scenario's ``stop-emulator`` has stopped.

        Raises WaitedInVain when nothing has stopped it within ``timeout`` seconds.
        """
        from emulator.app import Emulator
        from emulator.data_directory import DataDirectory

        if not self._emulator.abandoned.wait(timeout):
            raise WaitedInVain(f"waited {timeout:g} s in vain for a scenario to stop the emulator")
        settings = replace(self._settings, port=urlsplit(self.url).port or 0)
        again = Emulator(settings, DataDirectory(self._emulator.directory.path, ephemeral=True))
        again.start()
        self._emulator = again

    def revive(self) -> None:
        """The same, if it was stopped."""
        if self._emulator.halted:
            self.restart()

    def close(self) -> None:
        """Stop it: running jobs are ended, their data removed."""
        super().close()
        self._emulator.stop()


def world_name(text: str) -> str:
    """The name of a world for any text: readable, always the same, and another for another text."""
    from hashlib import sha256

    mark = sha256(text.encode()).hexdigest()[:8]
    words = _NOT_IN_NAMES.sub("-", text.lower()).strip("-_")
    # the end of a test's id says the most
    return f"{words[-(_NAME_LENGTH - len(mark) - 3) :].strip('-_') or 'world'}-{mark}"
