"""The files of a transfer, one after the other, and what scenarios do to each on its way."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Protocol

from emulator.domain import paths
from emulator.domain.fault import Occasion
from emulator.domain.ports import HostFiles, Incoming
from emulator.domain.system import System
from emulator.engine.striking import DELAY, HOLD, Pause, Strikes, after
from emulator.engine.struck_files import CLEAR, Refusal, StruckIncoming, Way, source_of, way_of

POINT = "transfer.file"
FAMILY = "transfer"


class Passage(Protocol):
    """What a transfer asks about its files."""

    @property
    def clear(self) -> bool:
        """Whether nothing can happen to any of them just now: then they may go many at once."""

    def begin(self, files: int) -> None:
        """So many there will be."""

    def late(self, relative: str) -> bool:
        """Whether a file is to go behind all that are not late."""

    def way(self, source: str, target: str, relative: str) -> Way:
        """How one attempt to bring a file ends, by its paths on both machines.

        May wait in this thread; raises what ends the wait.
        """


class Free:
    """See Passage: nothing ever happens."""

    clear = True

    def begin(self, files: int) -> None: ...

    def late(self, relative: str) -> bool:
        return False

    def way(self, source: str, target: str, relative: str) -> Way:
        return CLEAR


FREE = Free()


@dataclass(frozen=True, slots=True)
class Side:
    """The end of a transfer that its files are known by: the system, and whether they are read or written there."""

    system: str
    host: str
    root: str
    written: bool

    @classmethod
    def of(cls, system: System, *, written: bool) -> Side:
        return cls(system.id, system.storage.host, paths.root_path(system.storage), written)

    def path(self, host_path: str) -> str:
        """The path on the system of one on its machine."""
        return "/" + paths.shown(host_path.removeprefix(self.root).lstrip("/"))


class Watched:
    """See Passage: the gate is asked at every attempt to bring a file.

    ``about`` says whose transfer it is; what it says of system, host and path is that of ``side``.
    """

    def __init__(self, strikes: Strikes, about: Occasion, transfer: str, side: Side, pause: Pause) -> None:
        """``transfer`` is one of fault.TRANSFERS."""
        self._strikes = strikes
        self._about = replace(about, point=POINT, transfer=transfer, system=side.system, host=side.host)
        self._side = side
        self._pause = pause

    @property
    def clear(self) -> bool:
        return not self._strikes.armed(self._about.world, FAMILY)

    def begin(self, files: int) -> None: ...

    def late(self, relative: str) -> bool:
        return False

    def way(self, source: str, target: str, relative: str) -> Way:
        return self.at(target if self._side.written else source)

    def at(self, host_path: str) -> Way:
        """As :meth:`way`, where only one end is a machine of ours."""
        if self.clear:
            return CLEAR
        strike = self._strikes.strike(replace(self._about, path=self._side.path(host_path)))
        if strike is None:
            return CLEAR
        if strike.action.kind in (DELAY, HOLD):
            self._strikes.wait_out(strike, self._pause)
            return CLEAR
        world = self._about.world
        begun = self._strikes.now(world)

        def pace(passed: int, rate: float) -> None:
            due = after(passed / rate, begun)
            if self._strikes.now(world) < due:
                self._pause(due)

        return way_of(strike.action, pace)

    def reading(self, files: HostFiles, host_path: str) -> HostFiles:
        """The files of a machine, for somebody who downloads this one."""
        return source_of(files, self.at(host_path))

    def receiving(self, incoming: Incoming, host_path: str) -> Incoming:
        """A file that somebody sends, to be put there. Raises OSError."""
        way = self.at(host_path)
        return incoming if way is CLEAR else StruckIncoming(incoming, way)


class Partial:
    """See Passage: a share of the files arrives, or those that fit a glob; each other one is refused.

    What ``other`` does to the files that arrive happens besides.
    """

    clear = False

    def __init__(self, other: Passage, share: float, arrive: str, refusal: Refusal) -> None:
        self._other = other
        self._share = share
        self._arrive = arrive
        self._refusal = refusal
        self._left = 0
        self._last: str | None = None

    def begin(self, files: int) -> None:
        self._left = min(int(files * self._share), max(0, files - 1))
        self._other.begin(files)

    def late(self, relative: str) -> bool:
        return bool(self._arrive) and not self._fits(relative)

    def way(self, source: str, target: str, relative: str) -> Way:
        if self._arrives(relative):
            return self._other.way(source, target, relative)
        return Way(unread=self._refusal)

    def _arrives(self, relative: str) -> bool:
        if self._arrive:
            return self._fits(relative)
        if relative != self._last:  # else it is another attempt at the same file
            self._last = relative
            self._left -= 1
        return self._left >= 0

    def _fits(self, relative: str) -> bool:
        return fnmatchcase(relative, self._arrive) or fnmatchcase(relative, f"*/{self._arrive}")
